//! Private folders on the disk of the store. Their names start with an id whose lock file is held
//! by the process that made them; when that is dead, the next process removes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fs_err::File;

use super::store::lock;
use super::{Store, StoreError};
use crate::content::Digest;
use crate::filesystem::{FileError, Filesystem, Locking, Placement};
use crate::layout::{Bucket, Layout};
use crate::process::Process;

const LOCK: &str = ".lock";
const KEPT: &str = "kept-";

/// Longer labels are cut: they are only for people who look.
const LONGEST_LABEL: usize = 60;

/// A private folder. It is removed when this is dropped.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    removed: bool,
    filesystem: Arc<dyn Filesystem>,
    // Holds the lock that tells others to leave the folder alone.
    occupancy: Arc<Occupancy>,
}

/// The right of one store handle of one process to its folders in scratch.
#[derive(Debug)]
pub(super) struct Occupancy {
    id: String,
    lock_path: PathBuf,
    /// Where transactions keep their drafts: one folder for all, since file systems are slow to make and remove many.
    staging: PathBuf,
    /// Folders that are removed when the process is done with the store.
    discarded: Mutex<Vec<PathBuf>>,
    filesystem: Arc<dyn Filesystem>,
    _lock: File,
}

impl Drop for Occupancy {
    fn drop(&mut self) {
        // What stays behind is removed by the next process.
        for path in lock(&self.discarded).iter().chain([&self.staging]) {
            drop(self.filesystem.remove_tree(path));
        }
        drop(self.filesystem.remove_file(&self.lock_path));
    }
}

impl Store {
    /// Makes a private folder; the label is for people who look at it.
    pub fn scratch(&self, label: &str) -> Result<Scratch, StoreError> {
        let occupancy = self.occupancy()?;
        loop {
            let path = self.scratch_path(&occupancy, label);
            let made = self.filesystem().create_folder(&path, Layout::FOLDER_MODE);
            if made.map_err(|error| self.explain(error))? == Placement::Placed {
                return Ok(Scratch { path, removed: false, filesystem: self.shared.filesystem.clone(), occupancy });
            }
        }
    }

    /// Gives a private folder with all that is in it another label.
    pub fn relabel(&self, mut scratch: Scratch, label: &str) -> Result<Scratch, StoreError> {
        let path = self.scratch_path(&scratch.occupancy, label);
        self.filesystem().rename(&scratch.path, &path)?;
        scratch.path = path;
        Ok(scratch)
    }

    fn scratch_path(&self, occupancy: &Occupancy, label: &str) -> PathBuf {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.=".contains(letter);
        let label = label.chars().take(LONGEST_LABEL);
        let label: String = label.map(|letter| if plain(letter) { letter } else { '-' }).collect();
        let name = format!("{}-{}-{label}", occupancy.id, self.number());
        self.layout().bucket(Bucket::Scratch).join(name)
    }

    /// Returns the folder for drafts.
    pub(super) fn staging(&self) -> Result<PathBuf, StoreError> {
        Ok(self.occupancy()?.staging.clone())
    }

    fn occupancy(&self) -> Result<Arc<Occupancy>, StoreError> {
        let mut occupancy = lock(&self.shared.occupancy);
        if let Some(occupancy) = &*occupancy {
            return Ok(occupancy.clone());
        }
        let taken = Arc::new(self.occupy()?);
        *occupancy = Some(taken.clone());
        // What cannot be removed now can be later.
        drop(self.remove_abandoned());
        Ok(taken)
    }

    fn occupy(&self) -> Result<Occupancy, StoreError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            let id = format!("{}-{number}", process_mark());
            let lock_path = self.layout().bucket(Bucket::Scratch).join(id.clone() + LOCK);
            if let Some(lock) = lock_file(self.filesystem(), &lock_path)? {
                let staging = self.layout().bucket(Bucket::Scratch).join(format!("{id}-staging"));
                // The id is ours alone, so a folder of that name is ours too.
                self.make_folder(&staging)?;
                let (filesystem, discarded) = (self.shared.filesystem.clone(), Mutex::default());
                return Ok(Occupancy { id, lock_path, staging, discarded, filesystem, _lock: lock });
            }
        }
    }

    /// Returns an unused path in scratch for one thing that is looked at before it is removed. What a crash leaves there
    /// is removed by the next process. Nothing is written for it: it is needed most when the disk is full.
    pub(crate) fn aside(&self) -> PathBuf {
        // Counted for the process: it may have several handles on one store, and each collects.
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let Process { pid, started, .. } = Process::current();
        self.layout().bucket(Bucket::Scratch).join(format!("{}-{pid}-{started}-aside-{number}", host_mark()))
    }

    /// Removes what dead processes of this machine left.
    pub(crate) fn remove_abandoned(&self) -> Result<(), StoreError> {
        self.each_abandoned(&mut |path| Ok(self.filesystem().remove_tree(path)?))
    }

    /// Lists what dead processes of this machine left.
    pub(crate) fn abandoned(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut found = Vec::new();
        self.each_abandoned(&mut |path| {
            found.push(path.to_owned());
            Ok(())
        })?;
        Ok(found)
    }

    /// Lists the folders that were kept for a person to look at.
    pub(crate) fn kept_scratch(&self) -> Result<Vec<PathBuf>, FileError> {
        let mut paths = self.paths_in(&self.layout().bucket(Bucket::Scratch))?;
        paths.retain(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(KEPT)));
        Ok(paths)
    }

    /// Does something with each thing that a dead process of this machine left, its lock file last. A process counts as
    /// dead only where both it is gone and its lock is free: one alone is wrong in containers and on disks without locks.
    fn each_abandoned(&self, act: &mut dyn FnMut(&Path) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let scratch = self.layout().bucket(Bucket::Scratch);
        let names = self.filesystem().list(&scratch)?;
        let names: Vec<&str> = names.iter().filter_map(|name| name.to_str()).collect();
        let ids: BTreeSet<&str> = names.iter().copied().filter_map(id_of).collect();
        for id in ids.into_iter().filter(|id| is_dead(id)) {
            let lock_name = id.to_owned() + LOCK;
            // A power cut may have taken the lock file but not the folders; a live process has both.
            let mut held = None;
            if names.contains(&lock_name.as_str()) {
                let Some(file) = self.filesystem().open_lock_if_there(&scratch.join(&lock_name))? else { continue };
                if self.filesystem().try_lock(&file)? != Locking::Acquired {
                    continue;
                }
                held = Some(file);
            }
            let prefix = format!("{id}-");
            for name in names.iter().filter(|name| name.starts_with(&prefix)) {
                act(&scratch.join(name))?;
            }
            if held.is_some() {
                act(&scratch.join(&lock_name))?;
            }
        }
        Ok(())
    }
}

impl Scratch {
    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has the folder removed at the end, when the last handle of the store is dropped.
    ///
    /// For folders with little in them: some file systems are slow to make files for seconds after many were removed
    /// (ext4 without a journal looks at every one of them), which a run of many small cells would feel.
    pub fn discard_at_the_end(mut self) {
        self.removed = true;
        lock(&self.occupancy.discarded).push(self.path.clone());
    }

    /// Leaves the folder for a person to look at, under a new name, and returns that.
    pub fn keep(mut self) -> PathBuf {
        self.removed = true;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let kept = self.path.with_file_name(format!("{KEPT}{name}"));
        match self.filesystem.rename(&self.path, &kept) {
            Ok(()) => kept,
            // It can still be looked at until the next process clears up.
            Err(_) => self.path.clone(),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.removed {
            // What stays behind is removed by the next process.
            drop(self.filesystem.remove_tree(&self.path));
        }
    }
}

/// Opens and locks a file; `None` where another holds it, or removed it meanwhile.
pub(crate) fn lock_file(filesystem: &dyn Filesystem, path: &Path) -> Result<Option<File>, StoreError> {
    let file = filesystem.open_lock(path)?;
    if filesystem.try_lock(&file)? == Locking::Busy {
        return Ok(None);
    }
    let held = filesystem.stat_open(&file)?.stamp.inode;
    let named = filesystem.stat(path)?.map(|stat| stat.stamp.inode);
    Ok((named == Some(held)).then_some(file))
}

/// Marks the names of this machine in folders that several may share.
pub(super) fn host_mark() -> String {
    Digest::of(Process::current().host.as_bytes()).short()[..8].to_owned()
}

/// Tells the names that this process gives from those of others, dead ones with the same number among them.
pub(crate) fn process_mark() -> String {
    let process = Process::current();
    format!("{}-{}-{}", host_mark(), process.pid, process.started)
}

/// Returns the id that a name in scratch starts with, of four parts.
fn id_of(name: &str) -> Option<&str> {
    let name = name.strip_suffix(LOCK).unwrap_or(name);
    let end = name.match_indices('-').nth(3);
    let id = end.map_or(name, |(end, _)| &name[..end]);
    (id.split('-').count() == 4).then_some(id)
}

/// Tells whether an id `<host mark>-<pid>-<start>…` is that of a dead process of this machine.
pub(super) fn is_dead(id: &str) -> bool {
    let Some(rest) = id.strip_prefix(&format!("{}-", host_mark())) else {
        return false;
    };
    let mut parts = rest.split('-');
    let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
    let (Some(pid), Some(started)) = (number(), number()) else {
        return false;
    };
    u32::try_from(pid).is_ok_and(|pid| !Process::is_alive(pid, started))
}
