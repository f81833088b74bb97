//! The handle on a store: opening, warnings, durability, small whole files. What can be done with
//! objects, records and so on is in the files named after those.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::StoreError;
use super::scratch::{Occupancy, process_mark};
use crate::content::{Digest, Manifest};
use crate::filesystem::{FileError, FileKind, Filesystem, Placement, RealFilesystem, Stamp};
use crate::layout::{Bucket, Layout};
use crate::lease::Leases;
use crate::process::Process;
use crate::record::RecordIndex;
use crate::source::SourceMemo;

/// How the names of small files begin while they are written.
pub(super) const DRAFT: &str = ".draft-";

/// More files than this are made durable by one call for the whole disk.
pub(super) const MANY: usize = 8;

/// A store on disk. Clones are handles on the same one; all of it may be used from many threads.
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) filesystem: Arc<dyn Filesystem>,
    /// Objects found good by this process, by the stamps they had then.
    pub(super) verified: Mutex<BTreeMap<Digest, Stamp>>,
    /// Manifests read by this process, with the sizes of their objects.
    pub(super) manifests: Mutex<BTreeMap<Digest, (Arc<Manifest>, u64)>>,
    pub(super) index: OnceLock<Mutex<RecordIndex>>,
    /// Folders of buckets that are known to be durable.
    pub(super) settled: Mutex<BTreeSet<PathBuf>>,
    pub(super) occupancy: Mutex<Option<Arc<Occupancy>>>,
    sources: OnceLock<SourceMemo>,
    leases: Leases,
    warnings: Mutex<Vec<String>>,
    unsynced: Mutex<BTreeSet<PathBuf>>,
    counter: AtomicU64,
}

/// Locks; a panic of another thread leaves nothing half-changed behind these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens a store, making what is missing of its folders.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_on(root, Arc::new(RealFilesystem))
    }

    /// Opens a store on another file system than that of the operating system.
    pub fn open_on(root: impl AsRef<Path>, filesystem: Arc<dyn Filesystem>) -> Result<Self, StoreError> {
        let root = root.as_ref();
        let root = std::path::absolute(root).map_err(|error| FileError::new("make absolute the path", root, error))?;
        let store = Self {
            shared: Arc::new(Shared {
                layout: Layout::new(root),
                filesystem,
                verified: Mutex::default(),
                manifests: Mutex::default(),
                index: OnceLock::new(),
                settled: Mutex::default(),
                occupancy: Mutex::default(),
                sources: OnceLock::new(),
                leases: Leases::default(),
                warnings: Mutex::default(),
                unsynced: Mutex::default(),
                counter: AtomicU64::new(0),
            }),
        };
        store.lay_out()?;
        Ok(store)
    }

    /// Returns the folder of the store.
    pub fn root(&self) -> &Path {
        self.shared.layout.root()
    }

    /// Returns the free bytes and inodes of the disk of the store, zero where that is not known.
    pub fn free(&self) -> (u64, u64) {
        self.filesystem().free(self.root())
    }

    /// Returns the memory of digests of source files. All clones share one.
    pub fn source_memo(&self) -> SourceMemo {
        let open = || {
            let path = self.layout().source_memo(&Process::current().host);
            SourceMemo::new(self.shared.filesystem.clone(), Some(path))
        };
        self.shared.sources.get_or_init(open).clone()
    }

    /// Takes what should be told to the user, such as what was put into quarantine.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.warnings))
    }

    /// Makes durable what was left to be so. Call it before telling the user that all is done.
    ///
    /// Artifacts and records are durable already when [`Store::commit`] returns.
    pub fn sync(&self) -> Result<(), StoreError> {
        let paths = std::mem::take(&mut *lock(&self.shared.unsynced));
        let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
        for path in &paths {
            match self.filesystem().stat(path)?.map(|stat| stat.kind) {
                // What was removed since needs no durability.
                None => {}
                Some(FileKind::Folder) => drop(folders.insert(path.clone())),
                Some(_) => drop(files.insert(path.clone())),
            }
        }
        let synced = self.make_durable(&files, &folders);
        if synced.is_err() {
            lock(&self.shared.unsynced).extend(paths);
        }
        synced
    }

    fn lay_out(&self) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        let mut folder = Some(self.root());
        while let Some(path) = folder.filter(|path| !path.as_os_str().is_empty()) {
            if self.filesystem().stat_target(path)?.is_some() {
                break;
            }
            missing.push(path.to_owned());
            folder = path.parent();
        }
        for path in missing.into_iter().rev() {
            let _ = self.filesystem().create_folder(&path, Layout::FOLDER_MODE)?;
            self.sync_later(path.parent().unwrap_or(&path));
        }
        for bucket in Bucket::ALL {
            let path = self.layout().bucket(bucket);
            if self.filesystem().stat(&path)?.is_none() {
                self.make_folder(&path)?;
            }
        }
        for (name, text) in [Layout::CACHE_TAG, Layout::IGNORE] {
            let path = self.root().join(name);
            if self.filesystem().stat(&path)?.is_none() {
                self.write_whole(&path, text.as_bytes())?;
            }
        }
        // Whatever is committed into a new store is only as durable as its folders.
        self.sync()
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.shared.layout
    }

    pub(crate) fn filesystem(&self) -> &dyn Filesystem {
        &*self.shared.filesystem
    }

    pub(crate) fn filesystem_handle(&self) -> Arc<dyn Filesystem> {
        self.shared.filesystem.clone()
    }

    pub(crate) fn leases(&self) -> &Leases {
        &self.shared.leases
    }

    /// Has something told to the user: it is given out by [`Store::take_warnings`], once.
    pub fn warn(&self, warning: String) {
        let mut warnings = lock(&self.shared.warnings);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Returns a number that this store never gave out before.
    pub(crate) fn number(&self) -> u64 {
        self.shared.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Has a file or folder made durable by the next [`Store::sync`].
    pub(crate) fn sync_later(&self, path: &Path) {
        lock(&self.shared.unsynced).insert(path.to_owned());
    }

    /// Makes files and folders durable: one by one, or where there are many all at once.
    pub(crate) fn make_durable(
        &self,
        files: &BTreeSet<PathBuf>,
        folders: &BTreeSet<PathBuf>,
    ) -> Result<(), StoreError> {
        self.make_durable_on(self.filesystem(), self.root(), files, folders)
    }

    /// Makes files and folders of the disk durable that a path is on.
    pub(crate) fn make_durable_on(
        &self,
        filesystem: &dyn Filesystem,
        disk: &Path,
        files: &BTreeSet<PathBuf>,
        folders: &BTreeSet<PathBuf>,
    ) -> Result<(), StoreError> {
        let synced = if files.len() + folders.len() > MANY {
            filesystem.sync_all(disk)
        } else {
            let mut files = files.iter().map(|path| filesystem.sync_file(path));
            let mut folders = folders.iter().map(|path| filesystem.sync_folder(path));
            files.try_for_each(|synced| synced).and_then(|()| folders.try_for_each(|synced| synced))
        };
        synced.map_err(|error| self.explain(error))
    }

    /// Makes a folder of the store and those above it.
    pub(crate) fn make_folder(&self, path: &Path) -> Result<(), StoreError> {
        match self.filesystem().create_folder(path, Layout::FOLDER_MODE) {
            Ok(Placement::Taken) => Ok(()),
            Ok(Placement::Placed) => {
                self.sync_later(path.parent().unwrap_or(path));
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NotFound && path != self.root() => {
                self.make_folder(path.parent().unwrap_or(path))?;
                self.make_folder(path)
            }
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Writes a small file so that there is always the old or the new one, whole.
    pub(crate) fn write_whole(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_beside(path, bytes, |draft| self.filesystem().sync_file(draft))?;
        self.sync_later(path.parent().unwrap_or(path));
        Ok(())
    }

    /// Writes a small file under another name, has something done to it, and gives it its own.
    pub(crate) fn write_beside(
        &self,
        path: &Path,
        bytes: &[u8],
        ready: impl FnOnce(&Path) -> Result<(), FileError>,
    ) -> Result<(), StoreError> {
        let folder = path.parent().unwrap_or(path);
        let (draft, written) = loop {
            let draft = folder.join(format!("{DRAFT}{}-{}", process_mark(), self.number()));
            match self.write_draft(&draft, bytes, Layout::FILE_MODE) {
                // Process numbers come again, most of all in containers.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                written => break (draft, written),
            }
        };
        let placed = written.and_then(|()| ready(&draft)).and_then(|()| self.filesystem().rename(&draft, path));
        placed.map_err(|error| {
            // The first error is the one to tell.
            drop(self.filesystem().remove_file(&draft));
            self.explain(error)
        })
    }

    /// Writes a new file that is not durable yet.
    pub(crate) fn write_draft(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
        let mut file = self.filesystem().create(path, mode)?;
        self.filesystem().write(&mut file, bytes)?;
        self.filesystem().close(file)
    }

    /// Moves something damaged out of the way, for a person to look at.
    pub(crate) fn quarantine(&self, path: &Path, name: &str, reason: &str) {
        let aside = loop {
            let name = format!("{name}-{}-{}", std::process::id(), self.number());
            let aside = self.layout().quarantine(&name);
            match self.filesystem().rename_new(path, &aside) {
                Ok(Placement::Placed) => break Ok(aside),
                Ok(Placement::Taken) => {}
                Err(error) => break Err(error),
            }
        };
        let path = path.display();
        match aside {
            Ok(aside) => {
                let aside = aside.display();
                self.warn(format!("`{path}` is damaged: {reason}; it was moved to `{aside}`"));
            }
            // Another thread was faster, which has told about it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.warn(format!(
                "`{path}` is damaged: {reason}; it could not be moved to the quarantine: {}",
                error.source
            )),
        }
    }

    /// Says how full the disk is, where that is why something failed.
    pub(crate) fn explain(&self, error: FileError) -> StoreError {
        if !error.is_disk_full() {
            return StoreError::File(error);
        }
        let folder = error.path.parent().unwrap_or(self.root());
        let (bytes, inodes) = self.filesystem().free(folder);
        StoreError::Full { path: error.path.clone(), bytes, inodes, source: error }
    }
}
