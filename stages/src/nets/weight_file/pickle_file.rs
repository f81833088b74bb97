//! A file of `torch.save`: `.bin`, `.pth`, `.pt`, in all the layouts it has had.
//!
//! The pickle in it is interpreted and never run: it can name any function, and none is called.

use std::path::Path;

use pytorch_reader::{DType, PytorchReader};

use super::{TensorFile, TensorForm};

/// The tensors of the file. Their numbers stay on disk until they are asked for.
#[derive(Debug)]
pub struct PickleFile {
    reader: PytorchReader,
}

impl PickleFile {
    /// Opens a file, which must stay where it is.
    pub fn open(path: &Path) -> Result<Self, String> {
        let reader = PytorchReader::new(path).map_err(|error| error.to_string())?;
        if reader.is_empty() {
            return Err("holds no tensors".to_owned());
        }
        Ok(Self { reader })
    }
}

impl TensorFile for PickleFile {
    fn names(&self) -> Vec<String> {
        let mut names = self.reader.keys();
        names.sort();
        names
    }

    fn form(&self, name: &str) -> Option<TensorForm> {
        let tensor = self.reader.get(name)?;
        Some(TensorForm { shape: tensor.shape().to_vec(), number: number(tensor.dtype()) })
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, String> {
        let bytes = self.reader.get(name).ok_or("is missing")?.read().map_err(|error| error.to_string())?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|number| f32::from_ne_bytes(*number)).collect())
    }
}

fn number(dtype: DType) -> String {
    format!("{dtype:?}").to_uppercase()
}
