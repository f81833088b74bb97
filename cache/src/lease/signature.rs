//! Who a holder is: what its file says, a JSON value a line, and whether that process still lives.

use serde::{Deserialize, Serialize};

use crate::content::Key;
use crate::filesystem::Locking;
use crate::process::Process;

/// Raised with the format of holders' files.
const VERSION: u32 = 1;

/// A line of a holder's file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// The first: who it is.
    Signed(Signature),
    /// It claimed a key.
    Claimed {
        /// The key.
        key: Key,
        /// When, in milliseconds since 1970; for people only.
        at: u64,
    },
    /// It executed a key, which failed.
    Failed {
        /// The key.
        key: Key,
        /// Why, for people.
        error: String,
    },
}

impl Line {
    /// The bytes of the line, with its end.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("texts and numbers can be written as JSON");
        bytes.push(b'\n');
        bytes
    }

    /// The lines of a file. What is no line of ours, such as one that is being written, is passed over.
    pub(super) fn all(bytes: &[u8]) -> impl DoubleEndedIterator<Item = Self> {
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
    }
}

/// Who a holder is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Signature {
    version: u32,
    /// Told to those who wait.
    pub(super) name: String,
    /// Name of the machine; two machines may have the same.
    pub(super) host: String,
    /// What the kernel calls this time of its running.
    boot: String,
    pub(super) pid: u32,
    started: u64,
    /// Names the file: random, because nothing else tells machines apart that share names and numbers.
    pub(super) id: String,
}

impl Signature {
    pub(super) fn new(name: &str, id: String) -> Self {
        let process = Process::current();
        Self {
            version: VERSION,
            name: name.to_owned(),
            host: process.host.clone(),
            boot: process.boot.clone(),
            pid: process.pid,
            started: process.started,
            id,
        }
    }

    /// Tells whether the holder of a file lives, by what it says, by what came of trying its lock, and by whether its
    /// heartbeat has been silent for long.
    pub(super) fn lives<E>(
        this: Option<&Self>,
        lock: Locking,
        silent: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        let current = Process::current();
        let Some(signature) = this else {
            // It is being written, or by another version.
            return Ok(lock == Locking::Busy || !silent()?);
        };
        if signature.host != current.host {
            // Locks of a machine that is gone can last, and those of one that lives need not be seen here.
            return Ok(!silent()?);
        }
        let runs = signature.boot == current.boot && Process::is_alive(signature.pid, signature.started);
        match lock {
            Locking::Busy => Ok(true),
            // A lock that can be had although its process runs is none: the disk only pretends to have locks.
            Locking::Acquired | Locking::Unsupported if runs => Ok(!silent()?),
            Locking::Acquired | Locking::Unsupported => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives(signature: &Signature, lock: Locking, silent: bool) -> bool {
        Signature::lives(Some(signature), lock, || Ok::<_, ()>(silent)).unwrap()
    }

    #[test]
    fn a_lock_that_is_held_on_this_machine_proves_life() {
        let mut signature = Signature::new("run", "id".to_owned());
        signature.pid = u32::MAX;
        assert!(lives(&signature, Locking::Busy, true), "its number may be one of another container");
        assert!(!lives(&signature, Locking::Acquired, false));
        assert!(!lives(&signature, Locking::Unsupported, false));
    }

    #[test]
    fn a_number_that_was_given_to_another_process_does_not() {
        let signature = Signature::new("run", "id".to_owned());
        let later = Signature { started: signature.started + 1, ..signature.clone() };
        assert!(!lives(&later, Locking::Acquired, false));
        let before_the_boot = Signature { boot: "another".to_owned(), ..signature };
        assert!(!lives(&before_the_boot, Locking::Acquired, false));
    }

    #[test]
    fn a_lock_that_lies_is_not_believed() {
        let signature = Signature::new("run", "id".to_owned());
        assert!(lives(&signature, Locking::Acquired, false));
        assert!(!lives(&signature, Locking::Acquired, true));
    }

    #[test]
    fn another_machine_is_judged_by_its_silence_alone() {
        let signature = Signature { host: "elsewhere".to_owned(), ..Signature::new("run", "id".to_owned()) };
        for lock in [Locking::Busy, Locking::Acquired, Locking::Unsupported] {
            assert!(lives(&signature, lock, false));
            assert!(!lives(&signature, lock, true));
        }
    }
}
