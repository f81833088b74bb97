//! Folders laid out for a person to look at: in the store itself their files lie apart.

use std::path::PathBuf;

use super::{Store, StoreError};
use crate::content::Artifact;
use crate::source::{HashOptions, hash_path};

impl Store {
    /// Lays a folder out where a person can look at it, and returns where that is. What was changed there is put right.
    pub fn view(&self, folder: &Artifact) -> Result<PathBuf, StoreError> {
        let path = self.layout().views().join(folder.digest.to_string());
        let options = HashOptions { hidden: true, links: true };
        let there = hash_path(&path, options, &self.source_memo());
        if !there.is_ok_and(|found| found.artifact() == *folder) {
            self.restore(folder, &path)?;
        }
        Ok(path)
    }
}
