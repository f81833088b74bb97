//! The real file system with somebody in between, who is asked before every operation and told after it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dgpipe_cache::{FileError, Filesystem, Locking, Placement, RealFilesystem, Stat};
use fs_err::File;

/// An operation, by the name of its function in [`Filesystem`].
pub type Operation = &'static str;

/// Decides whether operations happen.
pub trait Interceptor: std::fmt::Debug + Send + Sync {
    /// Is asked before an operation; an error takes its place.
    fn before(&self, operation: Operation, path: &Path) -> Result<(), FileError>;

    /// In which order names of a folder are given out; the real one, where nobody says anything else.
    fn listed(&self, names: Vec<OsString>) -> Vec<OsString> {
        names
    }

    /// How many of so many bytes are written before a failure; all of them where nothing fails.
    fn written(&self, length: usize) -> usize {
        length
    }
}

/// The real file system, intercepted.
#[derive(Debug)]
pub struct Intercepted<I> {
    /// Who is asked.
    pub interceptor: Arc<I>,
    /// All of it, or what lies beneath a folder.
    real: Arc<dyn Filesystem>,
}

impl<I> Intercepted<I> {
    /// All of the real file system, with somebody in between.
    pub fn new(interceptor: I) -> Self {
        Self { interceptor: Arc::new(interceptor), real: Arc::new(RealFilesystem) }
    }
}

impl<I: Interceptor + 'static> Filesystem for Intercepted<I> {
    fn beneath(&self, root: &Path) -> Result<Arc<dyn Filesystem>, FileError> {
        self.interceptor.before("open", root)?;
        Ok(Arc::new(Self { interceptor: self.interceptor.clone(), real: self.real.beneath(root)? }))
    }

    fn now(&self) -> i128 {
        self.real.now()
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        self.interceptor.before("stat", path)?;
        self.real.stat(path)
    }

    fn stat_target(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        self.interceptor.before("stat_target", path)?;
        self.real.stat_target(path)
    }

    fn stat_open(&self, file: &File) -> Result<Stat, FileError> {
        self.interceptor.before("stat_open", file.path())?;
        self.real.stat_open(file)
    }

    fn list(&self, folder: &Path) -> Result<Vec<OsString>, FileError> {
        self.interceptor.before("list", folder)?;
        Ok(self.interceptor.listed(self.real.list(folder)?))
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, FileError> {
        self.interceptor.before("read_link", path)?;
        self.real.read_link(path)
    }

    fn open(&self, path: &Path) -> Result<File, FileError> {
        self.interceptor.before("open", path)?;
        self.real.open(path)
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        self.interceptor.before("read", file.path())?;
        self.real.read_at(file, buffer, offset)
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.interceptor.before("read", file.path())?;
        self.real.read(file, buffer)
    }

    fn create(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.interceptor.before("create", path)?;
        self.real.create(path, mode)
    }

    fn reopen(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.interceptor.before("reopen", path)?;
        self.real.reopen(path, mode)
    }

    fn append(&self, path: &Path) -> Result<File, FileError> {
        self.interceptor.before("append", path)?;
        self.real.append(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError> {
        let path = file.path().to_owned();
        let allowed = self.interceptor.before("write", &path);
        let length = if allowed.is_ok() { bytes.len() } else { self.interceptor.written(bytes.len()) };
        if allowed.is_ok() || length < bytes.len() {
            self.real.write(file, &bytes[..length])?;
        }
        allowed
    }

    fn close(&self, file: File) -> Result<(), FileError> {
        self.interceptor.before("close", file.path())?;
        self.real.close(file)
    }

    fn reflink(&self, from: &File, to: &File) -> Result<(), FileError> {
        self.interceptor.before("reflink", to.path())?;
        self.real.reflink(from, to)
    }

    fn sync_file(&self, path: &Path) -> Result<(), FileError> {
        self.interceptor.before("sync_file", path)?;
        self.real.sync_file(path)
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.interceptor.before("sync_folder", path)?;
        self.real.sync_folder(path)
    }

    fn sync_all(&self, path: &Path) -> Result<(), FileError> {
        // The real call would wait for everything that other programs of this machine write.
        self.interceptor.before("sync_all", path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.interceptor.before("rename", to)?;
        self.real.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<Placement, FileError> {
        self.interceptor.before("rename_new", to)?;
        self.real.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> Result<bool, FileError> {
        self.interceptor.before("exchange", other)?;
        self.real.exchange(one, other)
    }

    fn create_folder(&self, path: &Path, mode: u32) -> Result<Placement, FileError> {
        self.interceptor.before("create_folder", path)?;
        self.real.create_folder(path, mode)
    }

    fn create_link(&self, target: &str, path: &Path) -> Result<(), FileError> {
        self.interceptor.before("create_link", path)?;
        self.real.create_link(target, path)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        self.interceptor.before("set_mode", path)?;
        self.real.set_mode(path, mode)
    }

    fn remove_file(&self, path: &Path) -> Result<(), FileError> {
        self.interceptor.before("remove_file", path)?;
        self.real.remove_file(path)
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FileError> {
        self.interceptor.before("remove_tree", path)?;
        self.real.remove_tree(path)
    }

    fn free(&self, path: &Path) -> (u64, u64) {
        self.real.free(path)
    }

    fn open_lock(&self, path: &Path) -> Result<File, FileError> {
        self.interceptor.before("open_lock", path)?;
        self.real.open_lock(path)
    }

    fn try_lock(&self, file: &File) -> Result<Locking, FileError> {
        self.interceptor.before("try_lock", file.path())?;
        self.real.try_lock(file)
    }

    fn open_lock_if_there(&self, path: &Path) -> Result<Option<File>, FileError> {
        self.interceptor.before("open_lock_if_there", path)?;
        self.real.open_lock_if_there(path)
    }

    fn link(&self, from: &Path, to: &Path) -> Result<Option<Placement>, FileError> {
        self.interceptor.before("link", to)?;
        self.real.link(from, to)
    }

    fn touch(&self, file: &File) -> Result<(), FileError> {
        self.interceptor.before("touch", file.path())?;
        self.real.touch(file)
    }
}
