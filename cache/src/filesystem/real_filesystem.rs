//! The file system of the operating system. No other file of this crate but `beneath.rs` calls it for writing.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err::os::unix::fs::OpenOptionsExt;
use fs_err::{File, OpenOptions};
use rustix::fs::{AtFlags, CWD, FlockOperation, Mode, RenameFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;

use super::beneath::Beneath;
use super::{FileError, FileKind, Filesystem, Locking, Placement, Stat};

/// The file system of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFilesystem;

/// NFS clients of some systems answer with this number, which has no name outside the kernel.
const KERNEL_NOT_SUPPORTED: i32 = 524;

pub(super) fn missing_is_none<T>(result: Result<T, FileError>) -> Result<Option<T>, FileError> {
    match result {
        Ok(value) => Ok(Some(value)),
        // A file where a folder should be means that the path does not exist either.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Tells whether the kernel or file system lacks the flags of `renameat2`.
pub(super) fn lacks_flags(error: Errno) -> bool {
    matches!(error, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

/// Removes whatever is at a path; `remove_folder` removes a folder with all in it.
pub(super) fn remove_tree(
    filesystem: &impl Filesystem,
    path: &Path,
    remove_folder: impl Fn() -> Result<(), FileError>,
) -> Result<(), FileError> {
    match filesystem.stat(path)? {
        None => return Ok(()),
        Some(stat) if stat.kind != FileKind::Folder => return filesystem.remove_file(path),
        Some(_) => {}
    }
    let mut removed = remove_folder();
    if matches!(&removed, Err(error) if error.kind() == io::ErrorKind::PermissionDenied) {
        unlock_folders(filesystem, path);
        removed = remove_folder();
    }
    missing_is_none(removed)?;
    Ok(())
}

/// Gives every folder below back the right to be emptied, as far as that can be.
fn unlock_folders(filesystem: &impl Filesystem, path: &Path) {
    drop(filesystem.set_mode(path, 0o700));
    for name in filesystem.list(path).unwrap_or_default() {
        let below = path.join(name);
        if filesystem.stat(&below).is_ok_and(|stat| stat.is_some_and(|stat| stat.kind == FileKind::Folder)) {
            unlock_folders(filesystem, &below);
        }
    }
}

/// Renames a file unless the name is taken, on file systems that cannot do so in one step.
pub(super) fn link_new(filesystem: &impl Filesystem, from: &Path, to: &Path) -> Result<Placement, FileError> {
    match filesystem.link(from, to)? {
        Some(Placement::Placed) => {
            filesystem.remove_file(from)?;
            Ok(Placement::Placed)
        }
        Some(Placement::Taken) => Ok(Placement::Taken),
        // Without either there is no atomic way. In the store what is lost is only that the first wins: the names are those
        // of content, or of records that are all equally valid. In a user's folder what came this moment is lost.
        None => {
            if filesystem.stat(to)?.is_some() {
                return Ok(Placement::Taken);
            }
            filesystem.rename(from, to)?;
            Ok(Placement::Placed)
        }
    }
}

impl Filesystem for RealFilesystem {
    fn beneath(&self, root: &Path) -> Result<Arc<dyn Filesystem>, FileError> {
        Ok(Arc::new(Beneath::open(root)?))
    }

    fn now(&self) -> i128 {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_nanos() as i128,
            Err(before) => -(before.duration().as_nanos() as i128),
        }
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        let metadata = fs_err::symlink_metadata(path);
        missing_is_none(metadata.map_err(|error| FileError::new("look at", path, error)))
            .map(|metadata| metadata.as_ref().map(Stat::from))
    }

    fn stat_target(&self, path: &Path) -> Result<Option<Stat>, FileError> {
        let metadata = fs_err::metadata(path);
        missing_is_none(metadata.map_err(|error| FileError::new("look at", path, error)))
            .map(|metadata| metadata.as_ref().map(Stat::from))
    }

    fn stat_open(&self, file: &File) -> Result<Stat, FileError> {
        let metadata = file.metadata();
        let metadata = metadata.map_err(|error| FileError::new("look at", file.path(), error))?;
        Ok(Stat::from(&metadata))
    }

    fn list(&self, folder: &Path) -> Result<Vec<OsString>, FileError> {
        let fail = |error| FileError::new("list", folder, error);
        let entries = fs_err::read_dir(folder).map_err(fail)?;
        entries.map(|entry| entry.map(|entry| entry.file_name()).map_err(fail)).collect()
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, FileError> {
        fs_err::read_link(path).map_err(|error| FileError::new("read the link", path, error))
    }

    fn open(&self, path: &Path) -> Result<File, FileError> {
        File::open(path).map_err(|error| FileError::new("open", path, error))
    }

    fn will_read(&self, file: &File, offset: u64, length: u64) {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        rustix::fs::fadvise(file.file(), offset, std::num::NonZero::new(length), rustix::fs::Advice::WillNeed).ok();
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        let _ = (file, offset, length);
    }

    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize, FileError> {
        loop {
            match file.file().read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|error| FileError::new("read", file.path(), error)),
            }
        }
    }

    fn read(&self, file: &mut File, buffer: &mut [u8]) -> Result<usize, FileError> {
        loop {
            match file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    return read.map_err(|error| FileError::new("read", file.path(), error));
                }
            }
        }
    }

    fn create(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode);
        options.open(path).map_err(|error| FileError::new("create", path, error))
    }

    fn reopen(&self, path: &Path, mode: u32) -> Result<File, FileError> {
        let fail = |error| FileError::new("open", path, error);
        let file = OpenOptions::new().write(true).truncate(true).open(path).map_err(fail)?;
        file.set_permissions(Permissions::from_mode(mode)).map_err(fail)?;
        Ok(file)
    }

    fn append(&self, path: &Path) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        options.open(path).map_err(|error| FileError::new("open", path, error))
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> Result<(), FileError> {
        let written = file.write_all(bytes);
        written.map_err(|error| FileError::new("write", file.path(), error))
    }

    fn close(&self, file: File) -> Result<(), FileError> {
        let (file, path) = file.into_parts();
        match nix::unistd::close(file) {
            // It is closed all the same, and must not be closed twice.
            Ok(()) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(FileError::new("close", &path, error)),
        }
    }

    fn reflink(&self, from: &File, to: &File) -> Result<(), FileError> {
        reflink_copy::reflink_file(from.file(), to.file())
            .map_err(|error| FileError::new("share the bytes of", from.path(), error))
    }

    fn sync_file(&self, path: &Path) -> Result<(), FileError> {
        let synced = File::open(path).and_then(|file| file.sync_all());
        synced.map_err(|error| FileError::new("make durable", path, error))
    }

    fn sync_folder(&self, path: &Path) -> Result<(), FileError> {
        self.sync_file(path)
    }

    fn sync_all(&self, path: &Path) -> Result<(), FileError> {
        let file = File::open(path).map_err(|error| FileError::new("open", path, error))?;
        rustix::fs::syncfs(file.file()).map_err(|error| FileError::new("make durable the disk of", path, error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FileError> {
        let renamed = rustix::fs::rename(from, to);
        renamed.map_err(|error| FileError::new("rename a file to", to, error))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> Result<Placement, FileError> {
        let fail = |error| FileError::new("rename a file to", to, error);
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(Placement::Placed),
            Err(Errno::EXIST) => return Ok(Placement::Taken),
            Err(error) if lacks_flags(error) => {}
            Err(error) => return Err(fail(error)),
        }
        link_new(self, from, to)
    }

    fn exchange(&self, one: &Path, other: &Path) -> Result<bool, FileError> {
        match rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(error) if lacks_flags(error) => Ok(false),
            Err(error) => Err(FileError::new("replace", other, error)),
        }
    }

    fn create_folder(&self, path: &Path, mode: u32) -> Result<Placement, FileError> {
        match rustix::fs::mkdir(path, Mode::from_raw_mode(mode)) {
            Ok(()) => Ok(Placement::Placed),
            Err(Errno::EXIST) => Ok(Placement::Taken),
            Err(error) => Err(FileError::new("make the folder", path, error)),
        }
    }

    fn link(&self, from: &Path, to: &Path) -> Result<Option<Placement>, FileError> {
        match rustix::fs::linkat(CWD, from, CWD, to, AtFlags::empty()) {
            Ok(()) => Ok(Some(Placement::Placed)),
            Err(Errno::EXIST) => Ok(Some(Placement::Taken)),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => Ok(None),
            Err(error) => Err(FileError::new("link a file to", to, error)),
        }
    }

    fn touch(&self, file: &File) -> Result<(), FileError> {
        let time = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
        let times = Timestamps { last_access: time(UTIME_OMIT), last_modification: time(UTIME_NOW) };
        let touched = rustix::fs::futimens(file.file(), &times);
        touched.map_err(|error| FileError::new("set the time of", file.path(), error))
    }

    fn create_link(&self, target: &str, path: &Path) -> Result<(), FileError> {
        rustix::fs::symlink(target, path).map_err(|error| FileError::new("make the link", path, error))
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), FileError> {
        rustix::fs::chmod(path, Mode::from_raw_mode(mode))
            .map_err(|error| FileError::new("set the permissions of", path, error))
    }

    fn remove_file(&self, path: &Path) -> Result<(), FileError> {
        let removed = fs_err::remove_file(path);
        missing_is_none(removed.map_err(|error| FileError::new("remove", path, error)))?;
        Ok(())
    }

    fn remove_tree(&self, path: &Path) -> Result<(), FileError> {
        let remove = || fs_err::remove_dir_all(path).map_err(|error| FileError::new("remove", path, error));
        remove_tree(self, path, remove)
    }

    fn free(&self, path: &Path) -> (u64, u64) {
        rustix::fs::statvfs(path).map_or((0, 0), |free| (free.f_bavail.saturating_mul(free.f_frsize), free.f_favail))
    }

    fn open_lock(&self, path: &Path) -> Result<File, FileError> {
        let mut options = OpenOptions::new();
        // NFS gives an exclusive lock only to who may write.
        options.read(true).write(true).create(true).mode(0o600);
        options.open(path).map_err(|error| FileError::new("open the lock", path, error))
    }

    fn open_lock_if_there(&self, path: &Path) -> Result<Option<File>, FileError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        missing_is_none(opened.map_err(|error| FileError::new("open the lock", path, error)))
    }

    fn try_lock(&self, file: &File) -> Result<Locking, FileError> {
        loop {
            match rustix::fs::flock(file.file(), FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Locking::Acquired),
                Err(Errno::WOULDBLOCK) => return Ok(Locking::Busy),
                Err(Errno::INTR) => {}
                // NFS has no lock for who has opened a folder, or a file for reading only.
                Err(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::BADF) => {
                    return Ok(Locking::Unsupported);
                }
                Err(error) if error.raw_os_error() == KERNEL_NOT_SUPPORTED => {
                    return Ok(Locking::Unsupported);
                }
                Err(error) => return Err(FileError::new("lock", file.path(), error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs_err::write(&one, "one").unwrap();
        fs_err::write(&other, "other").unwrap();
        assert_eq!(RealFilesystem.rename_new(&one, &other).unwrap(), Placement::Taken);
        assert_eq!(fs_err::read_to_string(&other).unwrap(), "other");
        RealFilesystem.remove_file(&other).unwrap();
        assert_eq!(RealFilesystem.rename_new(&one, &other).unwrap(), Placement::Placed);
        assert_eq!(fs_err::read_to_string(&other).unwrap(), "one");
        assert!(!one.exists());
    }

    #[test]
    fn a_taken_name_is_not_replaced_by_linking_either() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        fs_err::write(&one, "one").unwrap();
        fs_err::write(&other, "other").unwrap();
        let link = || link_new(&RealFilesystem, &one, &other).unwrap();
        assert_eq!(link(), Placement::Taken);
        assert_eq!(fs_err::read_to_string(&other).unwrap(), "other");
        RealFilesystem.remove_file(&other).unwrap();
        assert_eq!(link(), Placement::Placed);
        assert!(!one.exists());
    }

    #[test]
    fn where_what_is_open_cannot_be_locked_there_are_no_locks() {
        let folder = tempfile::tempdir().unwrap();
        // As NFS answers for the descriptor of a folder.
        let options = rustix::fs::OFlags::PATH | rustix::fs::OFlags::CLOEXEC;
        let opened = rustix::fs::open(folder.path(), options, Mode::empty()).unwrap();
        let file = File::from_parts(std::fs::File::from(opened), folder.path());
        assert_eq!(RealFilesystem.try_lock(&file).unwrap(), Locking::Unsupported);
    }

    #[test]
    fn an_error_names_the_path_once() {
        let error = RealFilesystem.open(Path::new("/nowhere/at/all")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open `/nowhere/at/all`");
        assert_eq!(error.source.raw_os_error(), Some(2));
    }
}
