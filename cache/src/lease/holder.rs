//! The file of one process by which it holds leases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use fs_err::File;

use super::signature::{Line, Signature};
use crate::content::Key;
use crate::filesystem::{FileError, Filesystem, Locking, Placement};
use crate::layout::Layout;
use crate::store::lock;

/// Between two beats. Only the pace is by the clock of this process; how long another was silent is measured by the
/// times of files, so that a process that was suspended does not take its own time for that of the world.
const BEAT: Duration = Duration::from_secs(10);

/// Longer errors are cut when others are told.
const LONGEST_ERROR: usize = 4000;

/// The file of one process by which it holds leases. It goes with the last of them and the store's handle.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) signature: Signature,
    path: PathBuf,
    file: Mutex<File>,
    inode: u64,
    /// What is held; with a file of its own where there are no hard links.
    held: Mutex<BTreeMap<Key, Option<File>>>,
    filesystem: Arc<dyn Filesystem>,
    /// Ends the heartbeat when it is dropped.
    _heart: Sender<()>,
}

/// How claiming a key ended.
pub(super) enum Claim {
    Ours,
    Taken,
    /// The holder's file, or the folder, was removed by somebody.
    Lost,
}

impl Holder {
    /// Makes the file of a holder; `None` where it has to be tried again under another name.
    pub(super) fn new(
        filesystem: Arc<dyn Filesystem>,
        folder: &Path,
        signature: Signature,
    ) -> Result<Option<Arc<Self>>, FileError> {
        let path = folder.join(&signature.id);
        let Some(file) = signed(&*filesystem, &path, &signature)? else {
            return Ok(None);
        };
        let inode = filesystem.stat_open(&file)?.stamp.inode;
        let (heart, stopped) = channel();
        let (file, held) = (Mutex::new(file), Mutex::default());
        let holder = Arc::new(Self { signature, path, file, inode, held, filesystem, _heart: heart });
        let weak: Weak<Self> = Arc::downgrade(&holder);
        let beat = move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let Some(holder) = weak.upgrade() else { return };
                holder.beat();
            }
        };
        // Without a heartbeat, only waiting processes of other machines are misled, and not to false results.
        drop(std::thread::Builder::new().name("heartbeat".to_owned()).spawn(beat));
        Ok(Some(holder))
    }

    /// Tells others that this process lives. Where that fails, it may count as dead, which costs only work.
    fn beat(&self) {
        drop(self.filesystem.touch(&lock(&self.file)));
        for file in lock(&self.held).values().flatten() {
            drop(self.filesystem.touch(file));
        }
    }

    /// Returns the time by the clock of the store's disk, in nanoseconds since 1970.
    pub(super) fn store_time(&self) -> Result<i128, FileError> {
        let file = lock(&self.file);
        self.filesystem.touch(&file)?;
        Ok(self.filesystem.stat_open(&file)?.stamp.modified)
    }

    /// Claims a key, whose lease has that path.
    pub(super) fn claim(&self, key: &Key, path: &Path) -> Result<Claim, FileError> {
        let mut held = lock(&self.held);
        if held.contains_key(key) {
            drop(held);
            // Somebody may have removed the name; then the former lease ends, and a new holder can claim the key.
            return Ok(if self.holds(key, path) { Claim::Taken } else { Claim::Lost });
        }
        let own = match self.filesystem.link(&self.path, path) {
            Ok(Some(Placement::Placed)) => None,
            // On a network disk the answer to a first attempt may have been lost.
            Ok(Some(Placement::Taken)) if self.is_named(path, self.inode) => None,
            Ok(Some(Placement::Taken)) => return Ok(Claim::Taken),
            Ok(None) => match self.claim_by_own_file(key, path)? {
                Some(file) => Some(file),
                None => return Ok(Claim::Taken),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Claim::Lost),
            Err(error) => return Err(error),
        };
        held.insert(*key, own);
        drop(held);
        let at = u64::try_from(self.filesystem.now() / 1_000_000).unwrap_or(0);
        self.say(key, &Line::Claimed { key: *key, at });
        Ok(Claim::Ours)
    }

    /// Claims a key on a disk without hard links, or with too many of them.
    fn claim_by_own_file(&self, key: &Key, path: &Path) -> Result<Option<File>, FileError> {
        let draft = self.path.with_file_name(format!("{}-{}", self.signature.id, key.short()));
        let Some(file) = signed(&*self.filesystem, &draft, &self.signature)? else { return Ok(None) };
        let inode = self.filesystem.stat_open(&file)?.stamp.inode;
        let placed = self.filesystem.rename_new(&draft, path);
        // Such disks may be unable to do this in one step, so that two can believe to have been first.
        if matches!(placed, Ok(Placement::Placed)) && self.is_named(path, inode) {
            return Ok(Some(file));
        }
        self.filesystem.remove_file(&draft)?;
        placed.map(|_| None)
    }

    /// Tells whether a key is still ours: the name of its lease may have been removed, or given to another.
    pub(super) fn holds(&self, key: &Key, path: &Path) -> bool {
        let own = lock(&self.held).get(key).map(|own| {
            let own = own.as_ref().map(|file| self.filesystem.stat_open(file));
            own.map_or(Ok(self.inode), |stat| stat.map(|stat| stat.stamp.inode))
        });
        matches!(own, Some(Ok(inode)) if self.is_named(path, inode))
    }

    /// Tells those who wait for a key that its execution failed.
    pub(super) fn failed(&self, key: &Key, error: &str) {
        let error = error.chars().take(LONGEST_ERROR).collect();
        self.say(key, &Line::Failed { key: *key, error });
    }

    /// Lets a key go.
    pub(super) fn release(&self, key: &Key, path: &Path) {
        if self.holds(key, path) {
            // A name that stays behind is removed by whoever wants the key, after this process has ended.
            drop(self.filesystem.remove_file(path));
        }
        lock(&self.held).remove(key);
    }

    /// Adds a line for people. A full disk shows itself where results are stored.
    fn say(&self, key: &Key, line: &Line) {
        let mut held = lock(&self.held);
        if let Some(Some(own)) = held.get_mut(key) {
            drop(self.filesystem.write(own, &line.encode()));
        } else {
            drop(held);
            drop(self.filesystem.write(&mut lock(&self.file), &line.encode()));
        }
    }

    fn is_named(&self, path: &Path, inode: u64) -> bool {
        let named = self.filesystem.stat(path);
        matches!(named, Ok(Some(stat)) if stat.stamp.inode == inode)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // What stays behind is removed by the next process.
        drop(self.filesystem.remove_file(&self.path));
    }
}

/// Makes a file, locks it and signs it, in this order: one without a signature is left alone by others. `None` where
/// somebody was just looking whether its lock is free.
fn signed(filesystem: &dyn Filesystem, path: &Path, signature: &Signature) -> Result<Option<File>, FileError> {
    let mut file = filesystem.create(path, Layout::FILE_MODE)?;
    let locked = filesystem.try_lock(&file);
    if matches!(locked, Ok(Locking::Acquired | Locking::Unsupported)) {
        let written = filesystem.write(&mut file, &Line::Signed(signature.clone()).encode());
        if written.is_ok() {
            return Ok(Some(file));
        }
        drop(filesystem.remove_file(path));
        return written.map(|()| None);
    }
    drop(filesystem.remove_file(path));
    locked.map(|_| None)
}
