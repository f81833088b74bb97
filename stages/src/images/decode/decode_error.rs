//! What is wrong with a file that is no readable picture.

use super::MaxPixels;

/// A file that is no readable picture. Messages go on after the file's name.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("is empty")]
    Empty,
    /// Neither PNG nor JPEG, and nothing else that is known.
    #[error("is neither a PNG nor a JPEG file")]
    Unknown,
    /// A picture of another kind.
    #[error("is a {0} file; only PNG and JPEG are read")]
    Unsupported(&'static str),
    /// More pixels than are decoded.
    #[error("claims {width}×{height} pixels; at most {most} are decoded")]
    TooLarge {
        /// The width that its header claims.
        width: usize,
        /// The height that its header claims.
        height: usize,
        /// How many may be claimed.
        most: MaxPixels,
    },
    /// The file ends early.
    #[error("ends before the picture does")]
    Truncated,
    /// The decoder of PNG gave up.
    #[error("cannot be decoded: {0}")]
    Png(png::DecodingError),
    /// The decoder of JPEG gave up.
    #[error("cannot be decoded: {0}")]
    Jpeg(String),
}

impl From<png::DecodingError> for DecodeError {
    fn from(error: png::DecodingError) -> Self {
        match &error {
            png::DecodingError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => Self::Truncated,
            _ => Self::Png(error),
        }
    }
}
