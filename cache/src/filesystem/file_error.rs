//! A failed operation on a file. The message names what was tried and the path, the source is the
//! bare error of the operating system.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// An operation on a file that failed.
#[derive(Debug, Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct FileError {
    /// What was tried, such as `open`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The reason given by the operating system.
    pub source: io::Error,
}

impl FileError {
    /// Wraps an error, taking off the wrapper that repeats the path.
    pub fn new(action: &'static str, path: &Path, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let bare = error
            .get_ref()
            .and_then(|wrapper| wrapper.source())
            .and_then(|source| source.downcast_ref::<io::Error>())
            .and_then(io::Error::raw_os_error)
            .map(io::Error::from_raw_os_error);
        Self { action, path: path.to_owned(), source: bare.unwrap_or(error) }
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// Tells whether the device itself failed, so that the bytes must be taken for lost.
    pub fn is_device_failure(&self) -> bool {
        // An object that is a folder cannot be read either, and is as useless.
        let errno = self.source.raw_os_error();
        errno == Some(rustix::io::Errno::IO.raw_os_error()) || self.kind() == io::ErrorKind::IsADirectory
    }

    /// Tells whether there was no room left, in bytes, inodes or quota.
    pub fn is_disk_full(&self) -> bool {
        matches!(self.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Returns an error that says the same.
    pub(crate) fn again(&self) -> Self {
        let source = match self.source.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(self.source.kind(), self.source.to_string()),
        };
        Self { action: self.action, path: self.path.clone(), source }
    }
}
