//! Why a file or folder cannot be taken as an artifact.

use std::path::PathBuf;

use thiserror::Error;

use crate::filesystem::FileError;

/// Why a file or folder cannot be taken as an artifact.
#[derive(Debug, Error)]
pub enum TreeError {
    /// The operating system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing is there, or a symbolic link leads nowhere.
    #[error("`{}` does not exist", path.display())]
    Missing {
        /// Where something was expected.
        path: PathBuf,
    },
    /// A name that other machines could not spell.
    #[error("the name of `{}` is not valid UTF-8", path.display())]
    NotUtf8 {
        /// The path, with the bad bytes replaced.
        path: PathBuf,
    },
    /// A pipe, socket or device.
    #[error("`{}` is neither a file nor a folder", path.display())]
    Special {
        /// The path.
        path: PathBuf,
    },
    /// A symbolic link that may lead out of the tree it is part of.
    #[error("the symbolic link `{}` leads out of its folder, to `{target}`", path.display())]
    Escapes {
        /// The link.
        path: PathBuf,
        /// Where it points.
        target: String,
    },
    /// Symbolic links that lead back to a folder they lie in.
    #[error("`{}` leads back to a folder that it lies in", path.display())]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// The file was written to while it was read.
    #[error("`{}` changes while it is read", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
}
