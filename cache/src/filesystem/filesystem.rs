//! The operations on files that the store is made of. Each is one step of a protocol, so that a test
//! can fail the N-th one; none retries or hides an error.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::File;

use super::{FileError, Stat};

/// How putting a file under a new name ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Placement {
    /// The file has the name now.
    Placed,
    /// Something else has the name already; nothing was changed.
    Taken,
}

/// How asking for a kernel lock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Locking {
    /// The lock is held until the file is closed.
    Acquired,
    /// Another open file holds it.
    Busy,
    /// The file system has no locks.
    Unsupported,
}

/// A file system, as far as the store uses one.
///
/// Paths are absolute. `Ok(None)` and `Placement::Taken` are answers, not failures.
pub trait Filesystem: Debug + Send + Sync {
    /// Returns what of it lies beneath a folder. A path that leaves the folder, be it through a link that appeared this
    /// moment, is an error there (`PermissionDenied`), and nothing outside is read or changed.
    fn beneath(&self, root: &Path) -> Result<Arc<dyn Filesystem>, FileError>;

    /// Returns the time in nanoseconds since 1970.
    fn now(&self) -> i128;

    /// Looks at a path without following a link.
    fn stat(&self, path: &Path) -> Result<Option<Stat>, FileError>;

    /// Looks at what a path leads to.
    fn stat_target(&self, path: &Path) -> Result<Option<Stat>, FileError>;

    /// Looks at an open file.
    fn stat_open(&self, file: &File) -> Result<Stat, FileError>;

    /// Returns the names in a folder, in no particular order.
    fn list(&self, folder: &Path) -> Result<Vec<OsString>, FileError>;

    /// Returns the target of a symbolic link.
    fn read_link(&self, path: &Path) -> Result<PathBuf, FileError>;

    /// Opens a file for reading.
    fn open(&self, path: &Path) -> Result<File, FileError>;

    /// Says that a stretch of a file will be read soon, so that the disk can begin. A hint: it does not fail, and a file
    /// system that has no use for it does nothing.
    fn will_read(&self, file: &File, offset: u64, length: u64) {
        let _ = (file, offset, length);
    }

    /// Reads some bytes from a place, which need not be where the file stands; zero means the end.
    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, FileError>;

    /// Reads some bytes; zero means the end.
    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, FileError>;

    /// Makes a new file for writing, with that mode less the umask.
    fn create(&self, path: &Path, mode: u32) -> Result<File, FileError>;

    /// Opens a file for writing, empties it, and sets its mode.
    fn reopen(&self, path: &Path, mode: u32) -> Result<File, FileError>;

    /// Opens a file for adding to its end, making it where it is missing.
    fn append(&self, path: &Path) -> Result<File, FileError>;

    /// Writes all bytes.
    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError>;

    /// Closes a file that was written. Network file systems may say only then that there was no room for its bytes, and
    /// say it once: whoever makes them durable afterwards would hear nothing of it.
    fn close(&self, file: File) -> Result<(), FileError>;

    /// Makes `to` share the bytes of `from`, where the file system can.
    fn reflink(&self, from: &File, to: &File) -> Result<(), FileError>;

    /// Makes the bytes of a file durable.
    fn sync_file(&self, path: &Path) -> Result<(), FileError>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> Result<(), FileError>;

    /// Makes everything on the file system of that path durable.
    fn sync_all(&self, path: &Path) -> Result<(), FileError>;

    /// Renames, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError>;

    /// Renames a file unless something has the new name.
    fn rename_new(&self, from: &Path, to: &Path) -> Result<Placement, FileError>;

    /// Swaps two names; `false` where the file system cannot.
    fn exchange(&self, one: &Path, other: &Path) -> Result<bool, FileError>;

    /// Makes a folder with that mode less the umask; `Taken` where the name exists.
    fn create_folder(&self, path: &Path, mode: u32) -> Result<Placement, FileError>;

    /// Gives a file another name, unless something has that; `None` where the file system has no hard
    /// links, or no more for this file.
    fn link(&self, from: &Path, to: &Path) -> Result<Option<Placement>, FileError>;

    /// Sets the time of the last change of a file to now, by the clock of its disk.
    fn touch(&self, file: &File) -> Result<(), FileError>;

    /// Makes a symbolic link.
    fn create_link(&self, target: &str, path: &Path) -> Result<(), FileError>;

    /// Sets the permission bits of a file or folder.
    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FileError>;

    /// Removes a file or link; a missing one is no error.
    fn remove_file(&self, path: &Path) -> Result<(), FileError>;

    /// Removes a file, or a folder with all in it; a missing one is no error.
    fn remove_tree(&self, path: &Path) -> Result<(), FileError>;

    /// Returns the free bytes and inodes of the disk of that path, zero where that is not known.
    fn free(&self, path: &Path) -> (u64, u64);

    /// Opens a file to lock it, making it where it is missing.
    fn open_lock(&self, path: &Path) -> Result<File, FileError>;

    /// Opens a file to lock it; a missing one is not made.
    fn open_lock_if_there(&self, path: &Path) -> Result<Option<File>, FileError>;

    /// Takes the exclusive kernel lock of an open file without waiting.
    fn try_lock(&self, file: &File) -> Result<Locking, FileError>;
}
