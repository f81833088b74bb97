//! Listing buckets whose names fan out.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Store;
use crate::filesystem::{FileError, FileKind};
use crate::layout::Bucket;

/// What lies in a bucket whose names fan out.
#[derive(Debug)]
pub(crate) struct Inventory<T> {
    /// What has a name as it should, in the order of the names.
    pub(crate) named: Vec<(T, PathBuf)>,
    /// What has no such name, and why.
    pub(crate) strange: Vec<(PathBuf, String)>,
    /// Folders that cannot be looked into, and why.
    pub(crate) closed: Vec<(PathBuf, String)>,
}

impl Store {
    /// Lists a bucket; `ending` follows the hash in each name. Failures are part of the answer, so that one bad folder
    /// does not hide the others.
    pub(crate) fn inventory<T: FromStr + Ord>(&self, bucket: Bucket, ending: &str) -> Inventory<T> {
        let mut inventory = Inventory { named: Vec::new(), strange: Vec::new(), closed: Vec::new() };
        let root = self.layout().bucket(bucket);
        for fan in inventory.list(self, &root) {
            let folder = root.join(&fan);
            match self.filesystem().stat(&folder) {
                Ok(None) => continue,
                // Where it cannot be told what it is, there may be good things in it.
                Err(error) => {
                    inventory.closed.push((folder, format!("it cannot be looked at ({})", error.source)));
                    continue;
                }
                Ok(Some(stat)) if fan.len() != 2 || stat.kind != FileKind::Folder => {
                    inventory.strange.push((folder, "nothing of that name belongs there".to_owned()));
                    continue;
                }
                Ok(Some(_)) => {}
            }
            for name in inventory.list(self, &folder) {
                let hash = name.strip_suffix(ending).map(|rest| format!("{fan}{rest}"));
                match hash.and_then(|hash| hash.parse().ok()) {
                    Some(hash) => inventory.named.push((hash, folder.join(&name))),
                    None => inventory.strange.push((folder.join(&name), "its name is not a hash".to_owned())),
                }
            }
        }
        inventory.named.sort();
        inventory
    }
}

impl<T> Inventory<T> {
    fn list(&mut self, store: &Store, folder: &Path) -> Vec<String> {
        match store.filesystem().list(folder) {
            Ok(names) => names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect(),
            // Folders come and go with what is in them.
            Err(FileError { source, .. }) if source.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.closed.push((folder.to_owned(), format!("it cannot be listed ({})", error.source)));
                Vec::new()
            }
        }
    }
}
