//! Remembers the outputs of records by the stamps of their files, so that a run in which nothing
//! changed opens no record. It holds only while the stamp does; the record is the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Output, Outputs};
use crate::content::{Artifact, Digest, Form, Key};
use crate::filesystem::Stamp;
use crate::packed::{PackedReader, PackedWriter};

/// Title of the file; raised with its format.
const TITLE: &str = "dgpipe records 1\n";

/// Room is made for so many outputs before they are read: the number may be damaged.
const MOST_EXPECTED: u64 = 16;

/// What is remembered of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Indexed {
    pub(crate) stamp: Stamp,
    pub(crate) seconds: f64,
    pub(crate) outputs: Arc<Outputs>,
}

/// The objects, with their sizes on disk, that a folder consists of.
pub(crate) type Objects = Arc<Vec<(Digest, u64)>>;

/// Outputs of records by key, and objects of folders by digest.
#[derive(Debug, Default)]
pub(crate) struct RecordIndex {
    records: BTreeMap<Key, Indexed>,
    folders: BTreeMap<Digest, Objects>,
    changed: bool,
}

impl RecordIndex {
    /// Reads the index; anything not right is an empty one.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut index = Self::default();
        if index.fill(bytes).is_none() {
            index = Self::default();
        }
        index
    }

    fn fill(&mut self, bytes: &[u8]) -> Option<()> {
        let mut reader = PackedReader::open(bytes, TITLE)?;
        for _ in 0..reader.u64()? {
            let key = Key::from_bytes(reader.hash()?);
            let stamp = reader.stamp()?;
            let seconds = f64::from_bits(reader.u64()?);
            let count = reader.u64()?;
            let mut outputs = Outputs::with_capacity(count.min(MOST_EXPECTED) as usize);
            for _ in 0..count {
                let port = reader.text()?.to_owned();
                let kind = reader.text()?.to_owned();
                let artifact = Artifact {
                    form: match reader.u64()? {
                        0 => Form::File,
                        1 => Form::Folder,
                        _ => return None,
                    },
                    digest: Digest::from_bytes(reader.hash()?),
                    size: reader.u64()?,
                };
                outputs.insert(port, Output { kind, artifact });
            }
            let outputs = Arc::new(outputs);
            let indexed = Indexed { stamp, seconds, outputs };
            self.records.insert(key, indexed);
        }
        for _ in 0..reader.u64()? {
            let folder = Digest::from_bytes(reader.hash()?);
            let mut objects = Vec::new();
            for _ in 0..reader.u64()? {
                objects.push((Digest::from_bytes(reader.hash()?), reader.u64()?));
            }
            self.folders.insert(folder, Arc::new(objects));
        }
        reader.is_empty().then_some(())
    }

    /// Writes the index where it changed since it was read. Folders that no record needs any more
    /// are left out.
    pub(crate) fn encode_changed(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let mut writer = PackedWriter::new(TITLE);
        let mut needed = BTreeSet::new();
        writer.u64(self.records.len() as u64);
        for (key, indexed) in &self.records {
            writer.hash(key.as_bytes());
            writer.stamp(&indexed.stamp);
            writer.u64(indexed.seconds.to_bits());
            writer.u64(indexed.outputs.len() as u64);
            for (port, output) in &*indexed.outputs {
                writer.text(port);
                writer.text(&output.kind);
                writer.u64(u64::from(output.artifact.is_folder()));
                writer.hash(output.artifact.digest.as_bytes());
                writer.u64(output.artifact.size);
                if output.artifact.is_folder() {
                    needed.insert(output.artifact.digest);
                }
            }
        }
        let kept = || self.folders.iter().filter(|(folder, _)| needed.contains(folder));
        writer.u64(kept().count() as u64);
        for (folder, objects) in kept() {
            writer.hash(folder.as_bytes());
            writer.u64(objects.len() as u64);
            for (digest, size) in &**objects {
                writer.hash(digest.as_bytes());
                writer.u64(*size);
            }
        }
        Some(writer.finish())
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Indexed> {
        self.records.get(key)
    }

    pub(crate) fn insert(&mut self, key: Key, indexed: Indexed) {
        self.changed = true;
        self.records.insert(key, indexed);
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.changed |= self.records.remove(key).is_some();
    }

    pub(crate) fn folder(&self, digest: &Digest) -> Option<Objects> {
        self.folders.get(digest).cloned()
    }

    pub(crate) fn insert_folder(&mut self, digest: Digest, objects: Objects) {
        self.changed = true;
        self.folders.insert(digest, objects);
    }
}
