//! In which order training took its samples: `order/1`.

use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use ndarray::Array2;

use super::npy;

/// Indices into the concatenated input rows, one row per epoch: i64 `[epochs, n]`. On disk one `.npy` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order(pub Array2<i64>);

impl Format for Order {
    const KIND: Kind = Kind::new("order/1");
    const FORM: Form = Form::File;

    fn read(view: &View) -> Result<Self, FormatError> {
        Ok(Self(npy::read_matrix(view)?))
    }
}

impl WriteFormat for Order {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        npy::write(path, self.0.view().into_dyn())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let order = Order(ndarray::arr2(&[[2, 0, 1], [1, 2, 0]]));
        order.write(&folder.path().join("order.npy")).unwrap();
        assert_eq!(Order::read(&View::disk(folder.path().join("order.npy"))).unwrap(), order);
    }
}
