//! Folders of arrays, one file `NAME<suffix>.npy` per tensor, as importance and masks have them.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_engine::stage::{Form, FormatError, View};
use ndarray::ArrayD;

use super::npy;

/// Reads every `NAME<suffix>.npy` of a folder, by name.
pub(super) fn read<T: npy::Element>(folder: &View, suffix: &str) -> Result<BTreeMap<String, ArrayD<T>>, FormatError> {
    let ending = format!("{suffix}.npy");
    let mut arrays = BTreeMap::new();
    for entry in folder.entries()? {
        if entry.form == Form::File
            && let Some(name) = entry.name.strip_suffix(&ending)
        {
            arrays.insert(name.to_owned(), npy::read(&folder.at(&entry.name)?)?);
        }
    }
    if arrays.is_empty() {
        return Err(FormatError::content(folder.label(), format!("there is no file `…{ending}` in the folder")));
    }
    Ok(arrays)
}

/// Writes one file per array.
pub(super) fn write<T: npy::Element>(
    folder: &Path,
    suffix: &str,
    arrays: &BTreeMap<String, ArrayD<T>>,
) -> Result<(), FormatError> {
    fs_err::create_dir_all(folder)?;
    for (name, array) in arrays {
        npy::write(&folder.join(format!("{name}{suffix}.npy")), array.view())?;
    }
    Ok(())
}
