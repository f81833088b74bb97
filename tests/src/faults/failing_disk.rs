//! A disk whose N-th operation fails, once or from then on.

use std::io;
use std::path::Path;
use std::sync::Mutex;

use dgpipe_cache::FileError;

use super::{Interceptor, Operation};

/// How operations fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The device answers with an error (EIO), whatever is asked.
    Device,
    /// There is no room (ENOSPC) for what makes or writes files; all else works.
    Full,
    /// Half of what is to be written is, then there is no room (ENOSPC).
    ShortWrite,
    /// The process has too many files open (EMFILE).
    TooManyFiles,
}

impl Failure {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Device, Self::Full, Self::ShortWrite, Self::TooManyFiles];

    fn number(self) -> i32 {
        match self {
            Self::Device => rustix::io::Errno::IO.raw_os_error(),
            Self::Full | Self::ShortWrite => rustix::io::Errno::NOSPC.raw_os_error(),
            Self::TooManyFiles => rustix::io::Errno::MFILE.raw_os_error(),
        }
    }

    /// Whether an operation can fail in this way.
    fn concerns(self, operation: Operation) -> bool {
        match self {
            Self::Device => true,
            Self::Full => {
                let needs_room =
                    ["create", "append", "write", "close", "reflink", "sync_file", "sync_folder", "sync_all"];
                let needs_names =
                    ["rename", "rename_new", "exchange", "create_folder", "create_link", "open_lock", "link"];
                needs_room.contains(&operation) || needs_names.contains(&operation)
            }
            Self::ShortWrite => operation == "write",
            Self::TooManyFiles => {
                let opens = [
                    "open",
                    "create",
                    "reopen",
                    "append",
                    "list",
                    "open_lock",
                    "open_lock_if_there",
                    "sync_file",
                    "sync_folder",
                    "sync_all",
                ];
                opens.contains(&operation)
            }
        }
    }
}

/// A disk that fails.
#[derive(Debug)]
pub struct FailingDisk {
    failure: Failure,
    /// Counted from 1, among the operations that can fail in this way.
    first: usize,
    /// Whether everything fails from then on.
    lasting: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    count: usize,
    failed: Vec<String>,
}

impl FailingDisk {
    /// A disk whose `first` operation fails, of those that can fail in this way, counted from 1; and all later ones
    /// where the failure is lasting.
    pub fn new(failure: Failure, first: usize, lasting: bool) -> Self {
        Self { failure, first, lasting, state: Mutex::default() }
    }

    /// What failed so far, for a person who looks into a failed test.
    pub fn failed(&self) -> Vec<String> {
        self.state.lock().expect("no holder of the lock panics").failed.clone()
    }
}

impl Interceptor for FailingDisk {
    fn before(&self, operation: Operation, path: &Path) -> Result<(), FileError> {
        if !self.failure.concerns(operation) {
            return Ok(());
        }
        let mut state = self.state.lock().expect("no holder of the lock panics");
        state.count += 1;
        if state.count == self.first || (self.lasting && state.count > self.first) {
            state.failed.push(format!("{operation} {}", path.display()));
            return Err(FileError::new(operation, path, io::Error::from_raw_os_error(self.failure.number())));
        }
        Ok(())
    }

    fn written(&self, length: usize) -> usize {
        if self.failure == Failure::ShortWrite { length / 2 } else { length }
    }
}
