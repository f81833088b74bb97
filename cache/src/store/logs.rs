//! What executions wrote to stdout and stderr, by key.

use super::{Store, StoreError};
use crate::content::Key;

impl Store {
    /// Returns what the execution of a key wrote, where that was kept.
    pub fn log(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.layout().log(key);
        match fs_err::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(crate::FileError::new("read", &path, error).into()),
        }
    }

    /// Keeps what an execution wrote that is not cached, because it failed.
    pub fn save_log(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.layout().log(key);
        self.make_folder(path.parent().unwrap_or(&path))?;
        self.write_whole(&path, bytes)
    }
}
