//! A file system that writes down what changes, and can refuse one kind of operation.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use dgpipe_cache::{FileError, Filesystem, Locking, Placement, RealFilesystem, Stat};
use fs_err::File;

/// What was done, on which path.
pub(crate) type Operation = (&'static str, PathBuf);

/// Something that happens just before an operation.
struct Hook(Box<Act>);

type Act = dyn Fn(&'static str, &Path) + Send + Sync;

impl std::fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Hook")
    }
}

/// The real file system, watched.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    done: Mutex<Vec<Operation>>,
    refused: Mutex<Option<&'static str>>,
    /// What every request for a lock is answered, in place of the truth.
    locking: Option<Locking>,
    without_links: bool,
    /// Whether names can be swapped.
    swaps: bool,
    /// Whether times of files are told in whole seconds.
    coarse: bool,
    /// What the clock of the disk says, in seconds since 1970, in place of the truth.
    clock: Mutex<Option<u64>>,
    hook: OnceLock<Hook>,
    full: AtomicBool,
}

impl Recorder {
    /// A disk that answers every request for a lock with this.
    pub(crate) fn answering(locking: Locking) -> Self {
        Self { locking: Some(locking), ..Self::default() }
    }

    /// A disk that keeps the times of files to the second, as old ones do.
    pub(crate) fn of_whole_seconds() -> Self {
        Self { coarse: true, ..Self::default() }
    }

    /// A disk without hard links.
    pub(crate) fn without_links() -> Self {
        Self { without_links: true, ..Self::default() }
    }

    /// A disk that can swap names.
    pub(crate) fn swapping() -> Self {
        Self { swaps: true, ..Self::default() }
    }

    /// Sets the clock of the disk.
    pub(crate) fn set_clock(&self, seconds: u64) {
        *self.clock.lock().unwrap() = Some(seconds);
    }

    /// Has something happen just before each operation, told with its path; the new one where it renames.
    pub(crate) fn before_each(&self, act: impl Fn(&'static str, &Path) + Send + Sync + 'static) {
        self.hook.set(Hook(Box::new(act))).unwrap();
    }

    /// Has nothing new fit on the disk from now on.
    pub(crate) fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// Takes what was done since the last call.
    pub(crate) fn take(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.done.lock().unwrap())
    }

    /// Has an operation fail from now on, as a failing disk would.
    pub(crate) fn refuse(&self, operation: Option<&'static str>) {
        *self.refused.lock().unwrap() = operation;
    }

    /// What this disk knows of a file's times.
    fn told(&self, mut stat: Stat) -> Stat {
        if self.coarse {
            for time in [&mut stat.stamp.modified, &mut stat.stamp.changed] {
                *time -= time.rem_euclid(1_000_000_000);
            }
        }
        stat
    }

    fn note(&self, operation: &'static str, path: &Path) -> Result<(), FileError> {
        if let Some(Hook(act)) = self.hook.get() {
            act(operation, path);
        }
        let refused = *self.refused.lock().unwrap();
        self.done.lock().unwrap().push((operation, path.to_owned()));
        let needs_room = ["append", "create", "create_folder", "create_link", "link", "open_lock", "reopen", "write"];
        if self.full.load(Ordering::SeqCst) && needs_room.contains(&operation) {
            return Err(FileError::new(operation, path, io::Error::from_raw_os_error(28)));
        }
        if refused == Some(operation) {
            let failure = io::Error::from_raw_os_error(5);
            return Err(FileError::new(operation, path, failure));
        }
        Ok(())
    }
}

impl Filesystem for Recorder {
    fn beneath(&self, root: &Path) -> Result<std::sync::Arc<dyn Filesystem>, FileError> {
        self.note("beneath", root)?;
        RealFilesystem.beneath(root)
    }

    fn now(&self) -> i128 {
        RealFilesystem.now()
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        self.note("stat", path)?;
        Ok(RealFilesystem.stat(path)?.map(|stat| self.told(stat)))
    }

    fn stat_target(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        self.note("stat_target", path)?;
        Ok(RealFilesystem.stat_target(path)?.map(|stat| self.told(stat)))
    }

    fn list(&self, folder: &Path) -> Result<Vec<OsString>, FileError> {
        self.note("list", folder)?;
        RealFilesystem.list(folder)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, FileError> {
        self.note("read_link", path)?;
        RealFilesystem.read_link(path)
    }

    fn open(&self, path: &Path) -> Result<File, FileError> {
        self.note("open", path)?;
        RealFilesystem.open(path)
    }

    fn create(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.note("create", path)?;
        RealFilesystem.create(path, mode)
    }

    fn reopen(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.note("reopen", path)?;
        RealFilesystem.reopen(path, mode)
    }

    fn append(&self, path: &Path) -> Result<File, FileError> {
        self.note("append", path)?;
        RealFilesystem.append(path)
    }

    fn sync_file(&self, path: &Path) -> Result<(), FileError> {
        self.note("sync_file", path)?;
        RealFilesystem.sync_file(path)
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.note("sync_folder", path)?;
        RealFilesystem.sync_folder(path)
    }

    fn sync_all(&self, path: &Path) -> Result<(), FileError> {
        self.note("sync_all", path)?;
        RealFilesystem.sync_all(path)
    }

    fn create_folder(&self, path: &Path, mode: u32) -> Result<Placement, FileError> {
        self.note("create_folder", path)?;
        RealFilesystem.create_folder(path, mode)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        self.note("set_mode", path)?;
        RealFilesystem.set_mode(path, mode)
    }

    fn remove_file(&self, path: &Path) -> Result<(), FileError> {
        self.note("remove_file", path)?;
        RealFilesystem.remove_file(path)
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FileError> {
        self.note("remove_tree", path)?;
        RealFilesystem.remove_tree(path)
    }

    fn open_lock(&self, path: &Path) -> Result<File, FileError> {
        self.note("open_lock", path)?;
        RealFilesystem.open_lock(path)
    }

    fn open_lock_if_there(&self, path: &Path) -> Result<Option<File>, FileError> {
        self.note("open_lock_if_there", path)?;
        RealFilesystem.open_lock_if_there(path)
    }

    fn stat_open(&self, file: &File) -> Result<Stat, FileError> {
        Ok(self.told(RealFilesystem.stat_open(file)?))
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        self.note("read", file.path())?;
        RealFilesystem.read_at(file, buffer, offset)
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.note("read", file.path())?;
        RealFilesystem.read(file, buffer)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError> {
        self.note("write", file.path())?;
        RealFilesystem.write(file, bytes)
    }

    fn close(&self, file: File) -> Result<(), FileError> {
        self.note("close", file.path())?;
        RealFilesystem.close(file)
    }

    fn reflink(&self, from: &File, to: &File) -> Result<(), FileError> {
        RealFilesystem.reflink(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.note("rename", to)?;
        RealFilesystem.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<Placement, FileError> {
        self.note("rename_new", to)?;
        RealFilesystem.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> Result<bool, FileError> {
        self.note("exchange", other)?;
        if self.swaps { RealFilesystem.exchange(one, other) } else { Ok(false) }
    }

    fn link(&self, from: &Path, to: &Path) -> Result<Option<Placement>, FileError> {
        self.note("link", to)?;
        if self.without_links {
            return Ok(None);
        }
        RealFilesystem.link(from, to)
    }

    fn touch(&self, file: &File) -> Result<(), FileError> {
        self.note("touch", file.path())?;
        match *self.clock.lock().unwrap() {
            None => RealFilesystem.touch(file),
            Some(seconds) => {
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
                file.file().set_modified(time).map_err(|error| FileError::new("touch", file.path(), error))
            }
        }
    }

    fn create_link(&self, target: &str, path: &Path) -> Result<(), FileError> {
        self.note("create_link", path)?;
        RealFilesystem.create_link(target, path)
    }

    fn free(&self, path: &Path) -> (u64, u64) {
        RealFilesystem.free(path)
    }

    fn try_lock(&self, file: &File) -> Result<Locking, FileError> {
        self.locking.map_or_else(|| RealFilesystem.try_lock(file), Ok)
    }
}
