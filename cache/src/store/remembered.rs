//! What only saves work: checkpoints, states at the end, rows of items. All of it can be forgotten at any time, also while
//! executions read and write it: they do the work again.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Store, StoreError};
use crate::content::Key;
use crate::filesystem::{FileError, FileKind};
use crate::layout::{Bucket, FINAL};

/// What is remembered, in the order in which it is best forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryKind {
    /// States at the end of executions, for those that go further.
    FinalStates,
    /// Rows made of single items.
    Items,
    /// How far unfinished executions came. Those of a key with a record are of no use, and those of a key with a live
    /// lease are being written.
    Checkpoints,
}

/// Something that only saves work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remembered {
    /// What.
    pub kind: MemoryKind,
    /// Of checkpoints the key of the execution; of the rest the family, which is no key of a record.
    pub of: Key,
    /// Bytes in files.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i128,
}

impl Store {
    /// Lists what only saves work, what is best forgotten first.
    pub fn remembered(&self) -> Result<Vec<Remembered>, StoreError> {
        let mut found = Vec::new();
        for bucket in [Bucket::Resume, Bucket::Items] {
            let folder = self.layout().bucket(bucket);
            for name in self.filesystem().list(&folder)? {
                let Some((kind, of)) = name.to_str().and_then(|name| kind(bucket, name)) else { continue };
                let (mut size, mut modified) = (0, 0);
                self.measure(&folder.join(&name), &mut size, &mut modified)?;
                found.push(Remembered { kind, of, size, modified });
            }
        }
        found.sort();
        Ok(found)
    }

    /// Removes what only saves work.
    pub fn discard(&self, what: &Remembered) -> Result<(), StoreError> {
        Ok(self.filesystem().remove_tree(&self.memory_path(what))?)
    }

    fn memory_path(&self, what: &Remembered) -> PathBuf {
        match what.kind {
            MemoryKind::FinalStates => self.layout().final_states(&what.of),
            MemoryKind::Items => self.layout().items(&what.of),
            MemoryKind::Checkpoints => self.layout().checkpoints(&what.of),
        }
    }

    /// Adds up the files below a folder. What vanishes meanwhile counts nothing.
    fn measure(&self, path: &Path, size: &mut u64, modified: &mut i128) -> Result<(), FileError> {
        let Some(stat) = self.filesystem().stat(path)? else { return Ok(()) };
        *modified = (*modified).max(stat.stamp.modified);
        if stat.kind != FileKind::Folder {
            *size += stat.stamp.size;
            return Ok(());
        }
        match self.filesystem().list(path) {
            Ok(names) => names.iter().try_for_each(|name| self.measure(&path.join(name), size, modified)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What a name in a bucket stands for; nothing that we wrote has another name.
fn kind(bucket: Bucket, name: &str) -> Option<(MemoryKind, Key)> {
    let (kind, key) = match (bucket, name.strip_prefix(FINAL)) {
        (Bucket::Items, _) => (MemoryKind::Items, name),
        (_, Some(family)) => (MemoryKind::FinalStates, family),
        (_, None) => (MemoryKind::Checkpoints, name),
    };
    Some((kind, key.parse().ok()?))
}
