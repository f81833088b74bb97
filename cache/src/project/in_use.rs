//! The keys that a run uses while it lives. A file in its folder names them, and its lock tells that it lives.

use fs_err::File;

use super::RunFolder;
use crate::content::Key;
use crate::filesystem::{FileError, Locking, read_to_end};
use crate::store::{Store, StoreError, lock_file};

/// Between two attempts to get the lock, which others only try for a moment.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// On a disk without locks, a run that has not said anything for so long is dead, in nanoseconds.
const SILENCE: i128 = 86_400_000_000_000;

/// The keys that a run uses, told to others until this is dropped.
#[derive(Debug)]
pub struct InUse {
    folder: RunFolder,
    file: Option<File>,
}

impl RunFolder {
    /// Starts to tell which keys this run uses. Until there is one, this costs nothing.
    pub fn in_use(&self) -> InUse {
        InUse { folder: self.clone(), file: None }
    }

    /// Returns the keys that this run uses, where it still lives; `now` is the time of the store's disk.
    pub(crate) fn keys_in_use(&self, store: &Store, now: i128) -> Result<Vec<Key>, FileError> {
        let filesystem = store.filesystem();
        let Some(mut file) = filesystem.open_lock_if_there(&self.in_use_path())? else { return Ok(Vec::new()) };
        let lives = match filesystem.try_lock(&file)? {
            Locking::Busy => true,
            Locking::Acquired => false,
            Locking::Unsupported => filesystem.stat_open(&file)?.stamp.modified > now - SILENCE,
        };
        if !lives {
            return Ok(Vec::new());
        }
        let bytes = read_to_end(filesystem, &mut file)?;
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        Ok(lines.filter_map(|line| line.parse().ok()).collect())
    }
}

impl InUse {
    /// Tells that the run uses a key from now on.
    pub fn add(&mut self, key: &Key) -> Result<(), StoreError> {
        let filesystem = self.folder.store().filesystem_handle();
        while self.file.is_none() {
            self.file = lock_file(&*filesystem, &self.folder.in_use_path())?;
            if self.file.is_none() {
                std::thread::sleep(PAUSE);
            }
        }
        match &mut self.file {
            Some(file) => Ok(filesystem.write(file, format!("{key}\n").as_bytes())?),
            None => Ok(()),
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if self.file.is_some() {
            // What stays behind is not locked any more, so it says nothing.
            drop(self.folder.store().filesystem().remove_file(&self.folder.in_use_path()));
        }
    }
}
