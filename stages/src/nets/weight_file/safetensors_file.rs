//! A file in the format of safetensors.

use safetensors::tensor::{Metadata, SafeTensors};

use super::{TensorFile, TensorForm};

/// The bytes of the file with what its header says of them. The header is checked: it is of bounded size, and
/// tensors lie one after the other up to the end.
#[derive(Debug)]
pub struct SafetensorsFile {
    bytes: Vec<u8>,
    /// Where the numbers start.
    start: usize,
    metadata: Metadata,
}

impl SafetensorsFile {
    /// Takes the bytes of a file.
    pub fn new(bytes: Vec<u8>) -> Result<Self, String> {
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| error.to_string())?;
        let length_field = size_of::<u64>();
        Ok(Self { bytes, start: length_field + header, metadata })
    }
}

impl TensorFile for SafetensorsFile {
    fn names(&self) -> Vec<String> {
        let mut names = self.metadata.offset_keys();
        names.sort();
        names
    }

    fn form(&self, name: &str) -> Option<TensorForm> {
        let info = self.metadata.info(name)?;
        Some(TensorForm { shape: info.shape.clone(), number: info.dtype.to_string() })
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, String> {
        let info = self.metadata.info(name).ok_or("is missing")?;
        let (from, to) = info.data_offsets;
        let bytes = &self.bytes[self.start + from..self.start + to];
        Ok(bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }
}
