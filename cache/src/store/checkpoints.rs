//! How far an unfinished execution came, so that the next one of its key goes on from there. Each holder of a key writes
//! in a folder of its own; whoever goes on reads what is there and writes in its own, since a former holder may wake up.
//!
//! What an execution was at its end can be kept too, for executions that differ from it only in going further.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::scratch::host_mark;
use super::{Store, StoreError};
use crate::content::{Digest, Key};
use crate::filesystem::{FileError, read_if_there};
use crate::layout::{Bucket, Layout, escape};
use crate::packed::PackedWriter;
use crate::process::Process;

/// Title of a file; raised with its format.
const TITLE: &str = "dgpipe checkpoint 2\n";

/// The state of an execution that stopped on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// How far it was, in the units of its stage type.
    pub done: u64,
    /// What only the stage type understands.
    pub bytes: Vec<u8>,
}

/// The checkpoints of one key, for the holder of its lease.
#[derive(Debug)]
pub struct Checkpoints {
    store: Store,
    key: Key,
    /// Where this holder writes.
    folder: PathBuf,
    /// Bytes of another device would not give what this one gives.
    device: String,
    /// The executions that differ only in how far they go, and how far this one goes.
    family: Option<(Key, u64)>,
    /// What this holder wrote last.
    last: Option<PathBuf>,
}

/// A file that may be a checkpoint: how far it says it is, and of whom.
struct Candidate {
    done: u64,
    of: Key,
    path: PathBuf,
}

impl Store {
    /// Returns the checkpoints of a key that were computed on this kind of device. Ask for it under the key's lease.
    pub fn checkpoints(&self, key: Key, device: &str) -> Checkpoints {
        let process = Process::current();
        let holder = format!("{}-{}-{}-{}", host_mark(), process.pid, process.started, self.number());
        let folder = self.layout().checkpoints(&key).join(holder);
        Checkpoints { store: self.clone(), key, folder, device: device.to_owned(), family: None, last: None }
    }

    /// Removes what unfinished executions of a key left: it is done.
    pub fn remove_checkpoints(&self, key: &Key) -> Result<(), StoreError> {
        Ok(self.filesystem().remove_tree(&self.layout().checkpoints(key))?)
    }
}

impl Checkpoints {
    /// Lets this execution go on from the end of others of its family that did not go further than `limit`.
    #[must_use]
    pub fn continuing(mut self, family: Key, limit: u64) -> Self {
        self.family = Some((family, limit));
        self
    }

    /// Returns what `decode` makes of the furthest checkpoint that is whole and that it takes.
    pub fn newest<T>(&self, mut decode: impl FnMut(Checkpoint) -> Option<T>) -> Result<Option<T>, StoreError> {
        let mut candidates = Vec::new();
        for holder in self.names(&self.layout().checkpoints(&self.key))? {
            let folder = self.layout().checkpoints(&self.key).join(holder);
            self.collect(&folder, self.key, &mut candidates)?;
        }
        if let Some((family, limit)) = self.family {
            self.collect(&self.layout().final_states(&family), family, &mut candidates)?;
            candidates.retain(|candidate| candidate.of != family || candidate.done <= limit);
        }
        candidates.sort_by(|one, other| other.done.cmp(&one.done).then_with(|| one.path.cmp(&other.path)));
        Ok(candidates.iter().find_map(|candidate| decode(self.read(candidate)?)))
    }

    /// Keeps a state, durably, in place of all earlier ones of this key.
    pub fn save(&mut self, done: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.folder.join(self.name(done));
        self.store.make_folder(&self.folder)?;
        self.place(self.key, done, bytes, &path, true)?;
        self.store.filesystem().sync_folder(&self.folder)?;
        match self.last.replace(path.clone()) {
            None => self.remove_others(),
            Some(former) if former == path => Ok(()),
            Some(former) => Ok(self.store.filesystem().remove_file(&former)?),
        }
    }

    /// Keeps the state at the end for executions of the family that go further. It is only a help, so it is not made
    /// durable: whoever reads it checks it.
    pub fn keep_final(&self, done: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let Some((family, _)) = self.family else { return Ok(()) };
        let folder = self.layout().final_states(&family);
        self.store.make_folder(&folder)?;
        self.place(family, done, bytes, &folder.join(self.name(done)), false)
    }

    fn layout(&self) -> &Layout {
        self.store.layout()
    }

    /// Sorts by how far it is; checkpoints of other devices stand beside it.
    fn name(&self, done: u64) -> String {
        format!("{done:020}-{}", escape(&self.device))
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, StoreError> {
        let names = match self.store.filesystem().list(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn collect(&self, folder: &Path, of: Key, candidates: &mut Vec<Candidate>) -> Result<(), StoreError> {
        for name in self.names(folder)? {
            let done = name.strip_suffix(&format!("-{}", escape(&self.device)));
            if let Some(done) = done.and_then(|done| done.parse().ok()) {
                candidates.push(Candidate { done, of, path: folder.join(name) });
            }
        }
        Ok(())
    }

    /// Reads a checkpoint; one that is not whole is told about and passed over.
    fn read(&self, candidate: &Candidate) -> Option<Checkpoint> {
        let Candidate { done, of, path } = candidate;
        let found = match read_if_there(self.store.filesystem(), path) {
            Ok(bytes) => decode(bytes?, *of, &self.device, *done),
            Err(_) => None,
        };
        if found.is_none() {
            self.store.warn(format!("the checkpoint `{}` is damaged and was passed over", path.display()));
        }
        found
    }

    fn place(&self, of: Key, done: u64, bytes: &[u8], path: &Path, durable: bool) -> Result<(), StoreError> {
        let filesystem = self.store.filesystem();
        let draft = self.store.staging()?.join(self.store.number().to_string());
        let written = self.write(&draft, of, done, bytes);
        let synced = written.and_then(|()| if durable { filesystem.sync_file(&draft) } else { Ok(()) });
        synced.and_then(|()| filesystem.rename(&draft, path)).map_err(|error| {
            // The first error is the one to tell.
            drop(filesystem.remove_file(&draft));
            self.store.explain(error)
        })
    }

    fn write(&self, draft: &Path, of: Key, done: u64, bytes: &[u8]) -> Result<(), FileError> {
        let mut file = self.store.filesystem().create(draft, Layout::FILE_MODE)?;
        self.store.filesystem().write(&mut file, &head(of, &self.device, done, bytes))?;
        self.store.filesystem().write(&mut file, bytes)?;
        self.store.filesystem().close(file)
    }

    /// Removes what former holders left: the first checkpoint of this one is further.
    fn remove_others(&self) -> Result<(), StoreError> {
        let key = self.layout().checkpoints(&self.key);
        // First the names of the new folders have to be durable.
        for folder in [&key, &self.layout().bucket(Bucket::Resume)] {
            self.store.filesystem().sync_folder(folder)?;
        }
        for holder in self.names(&key)? {
            let folder = key.join(holder);
            if folder != self.folder {
                self.store.filesystem().remove_tree(&folder)?;
            }
        }
        Ok(())
    }
}

/// What stands before the bytes: whose they are, how far, and their digest, with a checksum over that.
fn head(of: Key, device: &str, done: u64, bytes: &[u8]) -> Vec<u8> {
    let mut head = PackedWriter::new(TITLE);
    head.hash(of.as_bytes());
    head.text(device);
    head.u64(done);
    head.u64(bytes.len() as u64);
    head.hash(Digest::of(bytes).as_bytes());
    head.finish()
}

/// Reads a file of which all is known but the bytes; `None` where anything else stands in it.
fn decode(mut file: Vec<u8>, of: Key, device: &str, done: u64) -> Option<Checkpoint> {
    let (found, bytes) = file.split_at_checked(head(of, device, done, &[]).len())?;
    let expected = head(of, device, done, bytes);
    if found != expected {
        return None;
    }
    file.drain(..expected.len());
    Some(Checkpoint { done, bytes: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_and_every_flip_is_noticed() {
        let (key, bytes) = (Key::of(b"key"), b"weights".to_vec());
        let file = [head(key, "cpu", 3, &bytes), bytes.clone()].concat();
        assert_eq!(decode(file.clone(), key, "cpu", 3), Some(Checkpoint { done: 3, bytes }));
        for place in 0..file.len() {
            assert_eq!(decode(file[..place].to_vec(), key, "cpu", 3), None);
            let mut flipped = file.clone();
            flipped[place] ^= 1;
            assert_eq!(decode(flipped, key, "cpu", 3), None);
        }
    }

    #[test]
    fn a_checkpoint_under_the_name_of_another_is_none() {
        let (key, file) = (Key::of(b"key"), head(Key::of(b"key"), "cpu", 3, b""));
        assert_eq!(decode(file.clone(), Key::of(b"other"), "cpu", 3), None);
        assert_eq!(decode(file.clone(), key, "gpu", 3), None);
        assert_eq!(decode(file, key, "cpu", 4), None);
    }
}
