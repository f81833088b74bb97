//! Why the store could not do what it was asked. Those that mean "the bytes are not there, have them
//! made again" are told apart by [`StoreError::is_miss`].

use std::path::PathBuf;

use thiserror::Error;

use crate::content::{Digest, Key, ManifestError};
use crate::filesystem::FileError;
use crate::tree::TreeError;

/// Why the store could not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// There was no room left.
    #[error("the disk of `{}` is full: {bytes} bytes and {inodes} inodes are free", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
        /// Bytes that are free.
        bytes: u64,
        /// Files that can still be made.
        inodes: u64,
        /// What the operating system said.
        #[source]
        source: FileError,
    },
    /// What was to be replaced was changed in that very moment, and is left alone.
    #[error("`{}` was changed while it was about to be replaced", path.display())]
    Changed {
        /// Where it is.
        path: PathBuf,
    },
    /// What was to be stored cannot be stored.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store does not hold the object.
    #[error("the store has no object `{digest}` (`{}`)", path.display())]
    Missing {
        /// Its digest.
        digest: Digest,
        /// Where it would be.
        path: PathBuf,
    },
    /// The object was damaged. It lies in quarantine now, where it could be moved.
    #[error("the object `{digest}` is damaged: {reason} (`{}`)", path.display())]
    Bad {
        /// Its digest.
        digest: Digest,
        /// Where it was.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An object whose bytes are right is not the manifest it was taken for.
    #[error("the object `{digest}` cannot be read as a folder (`{}`)", path.display())]
    Manifest {
        /// Its digest.
        digest: Digest,
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// A folder was given where a file is needed.
    #[error("the artifact `{digest}` is a folder, not a file (store `{}`)", path.display())]
    NotAFile {
        /// Its digest.
        digest: Digest,
        /// The store.
        path: PathBuf,
    },
    /// A file was given where a folder is needed.
    #[error("the artifact `{digest}` is a file, not a folder (store `{}`)", path.display())]
    NotAFolder {
        /// Its digest.
        digest: Digest,
        /// The store.
        path: PathBuf,
    },
    /// Something is where nothing may be.
    #[error("`{}` exists already", path.display())]
    Exists {
        /// The path.
        path: PathBuf,
    },
    /// A newer program wrote the file; it is left alone.
    #[error("a newer dgpipe wrote `{}` (version {version})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format version.
        version: u64,
    },
    /// A file that tells what is in use cannot be understood, so nothing can be said to be unused.
    #[error("cannot understand `{}`: {reason}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A transaction was committed without a record for its key.
    #[error("no record for the key `{key}` was given (`{}`)", path.display())]
    Incomplete {
        /// The key of the transaction.
        key: Key,
        /// Where the record would be.
        path: PathBuf,
    },
    /// A value has no JSON form.
    #[error("cannot write `{}`", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What JSON cannot express.
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Tells whether the bytes are not there, so that their producer has to execute again.
    pub fn is_miss(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Bad { .. } | Self::Manifest { .. })
    }

    /// Tells whether it was for want of room, in bytes, inodes or quota.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::File(error) | Self::Tree(TreeError::File(error)) => error.is_disk_full(),
            Self::Full { .. } => true,
            _ => false,
        }
    }

    /// Returns an error that says the same, for another that failed for this reason.
    pub(super) fn again(&self) -> Self {
        match self {
            Self::File(error) => Self::File(error.again()),
            Self::Full { path, bytes, inodes, source } => {
                Self::Full { path: path.clone(), bytes: *bytes, inodes: *inodes, source: source.again() }
            }
            other => Self::File(FileError::new(
                "make durable",
                std::path::Path::new("."),
                std::io::Error::other(other.to_string()),
            )),
        }
    }
}
