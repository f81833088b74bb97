//! JSON beside arrays: keys in declared order, floats by shortest round trip, a newline at the end.

use std::path::Path;

use dgpipe_engine::stage::{FormatError, View};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::mistakes::shortened;

/// Reads a JSON file.
pub fn read<T: DeserializeOwned>(file: &View) -> Result<T, FormatError> {
    // The message repeats what it met, which may be long.
    let read = serde_json::from_slice(&file.bytes()?);
    read.map_err(|error| FormatError::content(file.label(), shortened(error.to_string())))
}

/// Writes a JSON file.
pub fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), FormatError> {
    let mut text = serde_json::to_vec(value).map_err(|error| FormatError::content(path.display(), error))?;
    text.push(b'\n');
    Ok(fs_err::write(path, text)?)
}
