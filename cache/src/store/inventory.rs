//! Listing buckets whose names fan out.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::Store;
use super::scratch::is_dead;
use super::store::DRAFT;
use crate::filesystem::{FileError, FileKind};
use crate::gc::What;
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
                Ok(Some(stat)) if stat.kind == FileKind::Folder && fan.len() == 2 => {}
                Ok(Some(_)) => {
                    inventory.strange.push((folder, "nothing of that name belongs there".to_owned()));
                    continue;
                }
                Err(error) => {
                    inventory.closed.push((folder, format!("it cannot be looked at ({})", error.source)));
                    continue;
                }
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

    /// Returns the folders in a folder; none where that is not there.
    pub(crate) fn folders_in(&self, folder: &Path) -> Result<Vec<PathBuf>, FileError> {
        let mut folders = Vec::new();
        for path in self.paths_in(folder)? {
            if self.filesystem().stat(&path)?.is_some_and(|stat| stat.kind == FileKind::Folder) {
                folders.push(path);
            }
        }
        Ok(folders)
    }

    /// Lists what was left for people to look at, with what kind of thing each is: damaged things, scratch folders that
    /// were kept, folders that were laid out.
    pub(crate) fn left_for_people(&self) -> Result<Vec<(What, PathBuf)>, FileError> {
        let quarantine = self.paths_in(&self.layout().bucket(Bucket::Quarantine))?.into_iter();
        let views = self.paths_in(&self.layout().views())?.into_iter();
        let kept = self.kept_scratch()?.into_iter();
        let quarantine = quarantine.map(|path| (What::Quarantined, path));
        Ok(quarantine
            .chain(views.map(|path| (What::View, path)))
            .chain(kept.map(|path| (What::Scratch, path)))
            .collect())
    }

    /// Lists the small files that processes of this machine were writing beside their places when they died.
    pub(crate) fn drafts(&self) -> Result<Vec<PathBuf>, FileError> {
        let mut drafts = Vec::new();
        let mut folders = vec![self.root().to_owned()];
        let views = self.layout().views();
        let deep = [Bucket::Projects, Bucket::Memo].map(|bucket| self.layout().bucket(bucket));
        while let Some(folder) = folders.pop() {
            for path in self.paths_in(&folder)? {
                let Some(stat) = self.filesystem().stat(&path)? else { continue };
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_left = name.strip_prefix(DRAFT).is_some_and(is_dead);
                let is_deep = path != views && deep.iter().any(|deep| path.starts_with(deep));
                if stat.kind == FileKind::File && is_left {
                    drafts.push(path);
                } else if stat.kind == FileKind::Folder && is_deep {
                    folders.push(path);
                }
            }
        }
        Ok(drafts)
    }

    /// Adds up the files below a path. What vanishes meanwhile counts nothing.
    pub(crate) fn bytes_below(&self, path: &Path) -> Result<u64, FileError> {
        match self.filesystem().stat(path)? {
            None => Ok(0),
            Some(stat) if stat.kind != FileKind::Folder => Ok(stat.stamp.size),
            Some(_) => self.paths_in(path)?.iter().map(|path| self.bytes_below(path)).sum(),
        }
    }

    /// Returns what lies in a folder, in the order of the names; nothing where that is not there.
    pub(crate) fn paths_in(&self, folder: &Path) -> Result<Vec<PathBuf>, FileError> {
        let names = match self.filesystem().list(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            names => names?,
        };
        let mut paths: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        paths.sort();
        Ok(paths)
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
