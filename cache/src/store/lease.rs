//! The right to execute one key, held by a live process through a lock of the kernel.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err::File;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::content::Key;
use crate::filesystem::{FileError, Filesystem, Locking, read_if_there};
use crate::process::Process;

/// The right to execute one key. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    file: File,
    filesystem: Arc<dyn Filesystem>,
}

/// How asking for a lease ended.
#[derive(Debug)]
#[must_use]
pub enum LeaseAttempt {
    /// The key is ours to execute.
    Acquired(Lease),
    /// Another executes it; the text says who.
    Held(String),
}

/// What a lease file tells about its holder.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    version: u32,
    name: String,
    host: String,
    pid: u32,
    started: u64,
}

/// Raised with the format of lease files.
const VERSION: u32 = 1;

impl Store {
    /// Asks for the right to execute a key, without waiting. `holder` tells others who has it.
    pub fn lease(&self, key: &Key, holder: &str) -> Result<LeaseAttempt, StoreError> {
        let path = self.layout().lease(key);
        loop {
            let mut file = self.filesystem().open_lock(&path)?;
            match self.filesystem().try_lock(&file)? {
                Locking::Acquired => {}
                Locking::Busy => return Ok(LeaseAttempt::Held(describe(self.filesystem(), &path))),
                Locking::Unsupported => self.warn(format!(
                    "`{}` is on a disk without locks: another run may execute the same cells; \
                     results stay right",
                    self.root().display()
                )),
            }
            if !is_named(self.filesystem(), &file, &path)? {
                // The former holder removed the file between our opening and locking it.
                continue;
            }
            self.sign(&mut file, holder)?;
            return Ok(LeaseAttempt::Acquired(Lease { path, file, filesystem: self.shared.filesystem.clone() }));
        }
    }

    fn sign(&self, file: &mut File, holder: &str) -> Result<(), StoreError> {
        let process = Process::current();
        let path = file.path().to_owned();
        let holder = Holder {
            version: VERSION,
            name: holder.to_owned(),
            host: process.host.clone(),
            pid: process.pid,
            started: process.started,
        };
        let bytes = serde_json::to_vec(&holder).map_err(|source| StoreError::Encode { path: path.clone(), source })?;
        file.set_len(0).map_err(|error| FileError::new("empty", &path, error))?;
        Ok(self.filesystem().write(file, &bytes)?)
    }
}

impl Lease {
    /// Tells whether the lease is still ours: its file may have been removed by hand.
    pub fn is_valid(&self) -> bool {
        is_named(&*self.filesystem, &self.file, &self.path).unwrap_or(false)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_valid() {
            // Removed while it is locked, so that nobody can have taken it over. A file that stays
            // behind is unlocked all the same.
            drop(self.filesystem.remove_file(&self.path));
        }
    }
}

/// Tells whether an open file is still the one of that name.
fn is_named(filesystem: &dyn Filesystem, file: &File, path: &Path) -> Result<bool, FileError> {
    let held = filesystem.stat_open(file)?.stamp.inode;
    let named = filesystem.stat(path)?;
    Ok(named.is_some_and(|stat| stat.stamp.inode == held))
}

fn describe(filesystem: &dyn Filesystem, path: &Path) -> String {
    let bytes = read_if_there(filesystem, path).ok().flatten();
    let bytes = bytes.unwrap_or_default();
    match serde_json::from_slice::<Holder>(&bytes) {
        Ok(holder) => format!("{} (process {} on {})", holder.name, holder.pid, holder.host),
        // It is being written, or by another version.
        Err(_) => "another process".to_owned(),
    }
}
