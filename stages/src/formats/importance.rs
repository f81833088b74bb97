//! How much each weight matters: `importance/1`.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use ndarray::ArrayD;

use super::{Seen, named_arrays};

/// One number per weight, larger where it matters more (two-phase weight importance, section 4).
///
/// On disk a folder: `NAME_norm.npy` (f32, the tensor's shape) per tensor, and `seen.json`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Importance {
    /// Importance by the tensor's name.
    pub tensors: BTreeMap<String, ArrayD<f32>>,
    /// The items whose labels went into it.
    pub seen: Seen,
}

const SUFFIX: &str = "_norm";

impl Format for Importance {
    const KIND: Kind = Kind::new("importance/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        let tensors: BTreeMap<String, ArrayD<f32>> = named_arrays::read(view, SUFFIX)?;
        for (name, tensor) in &tensors {
            if let Some(value) = tensor.iter().find(|value| !value.is_finite()) {
                let place = format!("{}/{name}{SUFFIX}.npy", view.label());
                return Err(FormatError::content(place, format!("`{value}` is not a finite number")));
            }
        }
        Ok(Self { tensors, seen: Seen::read_in(view)? })
    }
}

impl WriteFormat for Importance {
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
        let path = folder.path().join("i");
        let tensor = ndarray::arr2(&[[0.0, 0.25], [1.0, 0.5]]).into_dyn();
        let tensors = BTreeMap::from([("layers.0.weight".to_owned(), tensor)]);
        let importance = Importance { tensors, seen: Seen::of(["aa".to_owned()]) };
        importance.write(&path).unwrap();
        assert!(path.join("layers.0.weight_norm.npy").exists());
        assert_eq!(Importance::read(&View::disk(path)).unwrap(), importance);
    }

    #[test]
    fn importance_that_is_not_finite_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("i");
        let tensors = BTreeMap::from([("a".to_owned(), ArrayD::from_elem(vec![1], f32::INFINITY))]);
        Importance { tensors, seen: Seen::default() }.write(&path).unwrap();
        assert!(Importance::read(&View::disk(path)).unwrap_err().to_string().contains("a_norm.npy: `inf`"));
    }
}
