//! The keys that a run uses. A file in its folder names them, its lock tells that the run lives, and the file stays until
//! the report names them: of a run that was killed it is all that tells what it had finished.

use fs_err::File;

use super::RunFolder;
use crate::content::Key;
use crate::filesystem::{FileError, Locking, read_to_end};
use crate::store::{Store, StoreError, lock_file};

/// Between two attempts to get the lock, which others only try for a moment.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// On a disk without locks, a run that has not said anything for so long is dead, in nanoseconds.
const SILENCE: i128 = 86_400_000_000_000;

/// The keys that a run uses, and whether it still lives.
#[derive(Debug, Default)]
pub(crate) struct KeysInUse {
    pub(crate) keys: Vec<Key>,
    pub(crate) lives: bool,
}

/// The keys that a run uses, told to others as those of a live one until this is dropped.
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

    /// Returns the keys that this run uses, or used when it ended without a report; `now` is the time of the store's disk.
    pub(crate) fn keys_in_use(&self, store: &Store, now: i128) -> Result<KeysInUse, FileError> {
        let filesystem = store.filesystem();
        let Some(mut file) = filesystem.open_lock_if_there(&self.in_use_path())? else {
            return Ok(KeysInUse::default());
        };
        let lives = match filesystem.try_lock(&file)? {
            Locking::Busy => true,
            Locking::Acquired => false,
            Locking::Unsupported => filesystem.stat_open(&file)?.stamp.modified > now - SILENCE,
        };
        let bytes = read_to_end(filesystem, &mut file)?;
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok());
        Ok(KeysInUse { keys: lines.filter_map(|line| line.parse().ok()).collect(), lives })
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
