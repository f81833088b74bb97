//! What executions wrote to stdout and stderr, by key.

use super::{Store, StoreError};
use crate::content::Key;
use crate::filesystem::read_if_there;

impl Store {
    /// Returns what the execution of a key wrote, where that was kept.
    pub fn log(&self, key: &Key) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.layout().log(key);
        Ok(read_if_there(self.filesystem(), &path)?)
    }

    /// Keeps what an execution wrote that is not cached, because it failed.
    pub fn save_log(&self, key: &Key, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.layout().log(key);
        self.make_folder(path.parent().unwrap_or(&path))?;
        self.write_whole(&path, bytes)
    }
}
