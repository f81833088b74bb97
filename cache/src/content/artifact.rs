//! An immutable file or folder, by digest.

use serde::{Deserialize, Serialize};

use super::Digest;

/// Whether an artifact is a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// One file: the digest is that of its bytes.
    File,
    /// A tree of files: the digest is that of its manifest.
    Folder,
}

/// The name of some immutable content, enough to find and to check it.
///
/// Whether a file is executable is kept by the folder it lies in; a file alone is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Artifact {
    /// File or folder.
    pub form: Form,
    /// Hash of the bytes, or of the manifest.
    pub digest: Digest,
    /// Bytes of the file, or of all files below the folder together.
    pub size: u64,
}

impl Artifact {
    /// Names a file.
    pub const fn file(digest: Digest, size: u64) -> Self {
        Self { form: Form::File, digest, size }
    }

    /// Names a folder.
    pub const fn folder(digest: Digest, size: u64) -> Self {
        Self { form: Form::Folder, digest, size }
    }

    /// Tells whether this is a folder.
    pub const fn is_folder(&self) -> bool {
        matches!(self.form, Form::Folder)
    }
}
