//! What a port carries: a name with a format version, such as `embeddings/1`.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The name and format version of what an artifact contains, such as `weights/1`.
///
/// Two ports can be connected when their kinds are equal. The version is raised when readers of the
/// old format cannot read the new one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kind(Cow<'static, str>);

/// A text that is not a kind.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a kind; a kind is a name and a version, such as `file/1`")]
pub struct KindError(String);

impl Kind {
    /// Any single file.
    pub const FILE: Self = Self::new("file/1");
    /// Any folder.
    pub const FOLDER: Self = Self::new("folder/1");

    /// Names a kind in a constant. The text is not checked here; [`Kind::parse`] checks what users write.
    pub const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Reads a kind as users write it: lower-case name, `/`, decimal version.
    pub fn parse(text: &str) -> Result<Self, KindError> {
        let error = || KindError(text.to_owned());
        let (name, version) = text.split_once('/').ok_or_else(error)?;
        let name_fits =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        let version_fits = !version.is_empty() && version.chars().all(|c| c.is_ascii_digit());
        if name_fits && version_fits { Ok(Self(Cow::Owned(text.to_owned()))) } else { Err(error()) }
    }

    /// The kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_name_and_a_version() {
        assert_eq!(Kind::parse("image-folder/1").unwrap().as_str(), "image-folder/1");
        for bad in ["", "file", "file/", "/1", "File/1", "file/x", "file/1/2"] {
            assert!(Kind::parse(bad).is_err(), "{bad}");
        }
    }
}
