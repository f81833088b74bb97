//! Which weights stay free to move: `mask/1`.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use ndarray::ArrayD;

use super::{Seen, named_arrays};

/// One truth value per weight: true where it is important and stays free.
///
/// On disk a folder: `NAME_binary.npy` per tensor, `NumPy` bool (a u8 mask would index silently), and `seen.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mask {
    /// Truth values by the tensor's name. A tensor without an entry is not masked.
    pub tensors: BTreeMap<String, ArrayD<bool>>,
    /// The items whose labels went into it.
    pub seen: Seen,
}

const SUFFIX: &str = "_binary";

impl Format for Mask {
    const KIND: Kind = Kind::new("mask/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        Ok(Self { tensors: named_arrays::read(view, SUFFIX)?, seen: Seen::read_in(view)? })
    }
}

impl WriteFormat for Mask {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        named_arrays::write(path, SUFFIX, &self.tensors)?;
        self.seen.write_in(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        let tensors = BTreeMap::from([("classifier.bias".to_owned(), ndarray::arr1(&[true, false]).into_dyn())]);
        let mask = Mask { tensors, seen: Seen::default() };
        mask.write(&path).unwrap();
        assert_eq!(fs_err::read(path.join("seen.json")).unwrap(), b"{\"groups\":[]}\n");
        assert_eq!(Mask::read(&View::disk(path)).unwrap(), mask);
    }

    #[test]
    fn a_mask_of_bytes_and_a_folder_without_masks_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let reading = || Mask::read(&View::disk(folder.path())).unwrap_err().to_string();
        assert!(reading().ends_with("there is no file `…_binary.npy` in the folder"));
        let array = ndarray::arr1(&[1_i64, 0]).into_dyn();
        super::super::npy::write(&folder.path().join("a_binary.npy"), array.view()).unwrap();
        assert!(reading().contains("bool was expected"));
    }
}
