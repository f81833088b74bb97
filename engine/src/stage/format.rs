//! Formats: the Rust types that read and write artifacts.

use std::path::Path;

use dgpipe_cache::Form;

use super::{Kind, View, ViewError};

/// A Rust type that can be read from an artifact of a known kind.
pub trait Format: Sized {
    /// What the artifact contains.
    const KIND: Kind;
    /// Further kinds that can be read as this type, such as masks where matrices are drawn.
    const ALSO: &'static [Kind] = &[];
    /// Whether the artifact is one file or a folder.
    const FORM: Form;

    /// Reads and checks the artifact.
    fn read(view: &View) -> Result<Self, FormatError>;
}

/// A format whose values can be written as a whole.
pub trait WriteFormat: Format {
    /// Writes the value at `path`, which does not exist yet: a file or a folder, as [`Format::FORM`] says.
    fn write(&self, path: &Path) -> Result<(), FormatError>;
}

/// An artifact that could not be read as, or written in, a format.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The bytes could not be reached.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A file could not be written or read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The content is not what the format asks for.
    #[error("{place}: {what}")]
    Content {
        /// Which artifact, and which file in it.
        place: String,
        /// What is wrong, and what was expected.
        what: String,
    },
}

impl FormatError {
    /// Says what is wrong with the content at `place`.
    pub fn content(place: impl std::fmt::Display, what: impl std::fmt::Display) -> Self {
        Self::Content { place: place.to_string(), what: what.to_string() }
    }
}

/// Any single file, as it is.
#[derive(Clone, Debug)]
pub struct RawFile(pub View);

impl Format for RawFile {
    const KIND: Kind = Kind::FILE;
    const FORM: Form = Form::File;

    fn read(view: &View) -> Result<Self, FormatError> {
        Ok(Self(view.clone()))
    }
}

/// Any folder, as it is.
#[derive(Clone, Debug)]
pub struct RawFolder(pub View);

impl Format for RawFolder {
    const KIND: Kind = Kind::FOLDER;
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        Ok(Self(view.clone()))
    }
}
