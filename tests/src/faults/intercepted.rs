//! The real file system with somebody in between, who is asked before every operation and told after it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use dgpipe_cache::{FileError, Filesystem, Locking, Placement, RealFilesystem, Stat};
use fs_err::File;

/// An operation, by the name of its function in [`Filesystem`].
pub type Operation = &'static str;

/// Decides whether operations happen.
pub trait Interceptor: std::fmt::Debug + Send + Sync {
    /// Is asked before an operation; an error takes its place.
    fn before(&self, operation: Operation, path: &Path) -> Result<(), FileError>;

    /// How many of so many bytes are written before a failure; all of them where nothing fails.
    fn written(&self, length: usize) -> usize {
        length
    }
}

/// The real file system, intercepted.
#[derive(Debug)]
pub struct Intercepted<I>(pub I);

impl<I: Interceptor> Filesystem for Intercepted<I> {
    fn now(&self) -> i128 {
        RealFilesystem.now()
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        self.0.before("stat", path)?;
        RealFilesystem.stat(path)
    }

    fn stat_target(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        self.0.before("stat_target", path)?;
        RealFilesystem.stat_target(path)
    }

    fn stat_open(&self, file: &File) -> Result<Stat, FileError> {
        self.0.before("stat_open", file.path())?;
        RealFilesystem.stat_open(file)
    }

    fn list(&self, folder: &Path) -> Result<Vec<OsString>, FileError> {
        self.0.before("list", folder)?;
        RealFilesystem.list(folder)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, FileError> {
        self.0.before("read_link", path)?;
        RealFilesystem.read_link(path)
    }

    fn open(&self, path: &Path) -> Result<File, FileError> {
        self.0.before("open", path)?;
        RealFilesystem.open(path)
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        self.0.before("read", file.path())?;
        RealFilesystem.read_at(file, buffer, offset)
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, FileError> {
        self.0.before("read", file.path())?;
        RealFilesystem.read(file, buffer)
    }

    fn create(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.0.before("create", path)?;
        RealFilesystem.create(path, mode)
    }

    fn reopen(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        self.0.before("reopen", path)?;
        RealFilesystem.reopen(path, mode)
    }

    fn append(&self, path: &Path) -> Result<File, FileError> {
        self.0.before("append", path)?;
        RealFilesystem.append(path)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError> {
        let path = file.path().to_owned();
        let allowed = self.0.before("write", &path);
        let length = if allowed.is_ok() { bytes.len() } else { self.0.written(bytes.len()) };
        if allowed.is_ok() || length < bytes.len() {
            RealFilesystem.write(file, &bytes[..length])?;
        }
        allowed
    }

    fn reflink(&self, from: &File, to: &File) -> Result<(), FileError> {
        self.0.before("reflink", to.path())?;
        RealFilesystem.reflink(from, to)
    }

    fn sync_file(&self, path: &Path) -> Result<(), FileError> {
        self.0.before("sync_file", path)?;
        RealFilesystem.sync_file(path)
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.0.before("sync_folder", path)?;
        RealFilesystem.sync_folder(path)
    }

    fn sync_all(&self, path: &Path) -> Result<(), FileError> {
        // The real call would wait for everything that other programs of this machine write.
        self.0.before("sync_all", path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        self.0.before("rename", to)?;
        RealFilesystem.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<Placement, FileError> {
        self.0.before("rename_new", to)?;
        RealFilesystem.rename_new(from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> Result<bool, FileError> {
        self.0.before("exchange", other)?;
        RealFilesystem.exchange(one, other)
    }

    fn create_folder(&self, path: &Path, mode: u32) -> Result<Placement, FileError> {
        self.0.before("create_folder", path)?;
        RealFilesystem.create_folder(path, mode)
    }

    fn create_link(&self, target: &str, path: &Path) -> Result<(), FileError> {
        self.0.before("create_link", path)?;
        RealFilesystem.create_link(target, path)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        self.0.before("set_mode", path)?;
        RealFilesystem.set_mode(path, mode)
    }

    fn remove_file(&self, path: &Path) -> Result<(), FileError> {
        self.0.before("remove_file", path)?;
        RealFilesystem.remove_file(path)
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FileError> {
        self.0.before("remove_tree", path)?;
        RealFilesystem.remove_tree(path)
    }

    fn free(&self, path: &Path) -> (u64, u64) {
        RealFilesystem.free(path)
    }

    fn open_lock(&self, path: &Path) -> Result<File, FileError> {
        self.0.before("open_lock", path)?;
        RealFilesystem.open_lock(path)
    }

    fn try_lock(&self, file: &File) -> Result<Locking, FileError> {
        self.0.before("try_lock", file.path())?;
        RealFilesystem.try_lock(file)
    }

    fn open_lock_if_there(&self, path: &Path) -> Result<Option<File>, FileError> {
        self.0.before("open_lock_if_there", path)?;
        RealFilesystem.open_lock_if_there(path)
    }

    fn link(&self, from: &Path, to: &Path) -> Result<Option<Placement>, FileError> {
        self.0.before("link", to)?;
        RealFilesystem.link(from, to)
    }

    fn touch(&self, file: &File) -> Result<(), FileError> {
        self.0.before("touch", file.path())?;
        RealFilesystem.touch(file)
    }
}
