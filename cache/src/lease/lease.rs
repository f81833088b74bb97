//! The right to execute one key.

use std::path::PathBuf;
use std::sync::Arc;

use super::holder::{Claim, Holder};
use super::holding::Holding;
use crate::content::Key;
use crate::filesystem::FileError;
use crate::store::{Store, StoreError};

/// The right to execute one key. It ends when this is dropped, or with the process.
#[derive(Debug)]
pub struct Lease {
    key: Key,
    path: PathBuf,
    holder: Arc<Holder>,
}

/// How asking for a lease ended.
#[derive(Debug)]
#[must_use]
pub enum LeaseAttempt {
    /// The key is ours to execute.
    Acquired(Lease),
    /// Another executes it.
    Held(Holding),
}

/// Others may come and go between two steps, but not for ever.
const MOST_TRIES: u32 = 1000;

impl Store {
    /// Asks for the right to execute a key, without waiting. `name` tells others who has it.
    pub fn lease(&self, key: &Key, name: &str) -> Result<LeaseAttempt, StoreError> {
        let path = self.layout().lease(key);
        for _ in 0..MOST_TRIES {
            let holder = self.holder(name)?;
            match holder.claim(key, &path).map_err(|error| self.explain(error))? {
                Claim::Ours => return Ok(LeaseAttempt::Acquired(Lease { key: *key, path, holder })),
                Claim::Lost => self.forget_holder(&holder),
                Claim::Taken => {
                    if let Some(holding) = self.look_at_lease(key, &path, &holder)? {
                        return Ok(LeaseAttempt::Held(holding));
                    }
                }
            }
        }
        // What has the name is no lease, and nobody can know whose it is.
        let strange = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        Err(FileError::new("claim", &path, strange).into())
    }
}

impl Lease {
    /// Tells whether the lease is still ours. It may have been removed by hand; and a process that was suspended for
    /// long counts as dead to other machines.
    pub fn is_valid(&self) -> bool {
        self.holder.holds(&self.key, &self.path)
    }

    /// Lets the key go and tells those who wait for it that its execution failed, so that they need not try.
    pub fn fail(self, error: &str) {
        self.holder.failed(&self.key, error);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.holder.release(&self.key, &self.path);
    }
}
