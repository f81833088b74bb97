//! One file with named tensors.

/// What a file says of a tensor before its numbers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorForm {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The type of its numbers as the safetensors format calls it, such as `F32`.
    pub number: String,
}

/// Named tensors in one file.
pub trait TensorFile {
    /// All names, in byte order.
    fn names(&self) -> Vec<String>;

    /// What the file says of a tensor; nothing where it has none of that name.
    fn form(&self, name: &str) -> Option<TensorForm>;

    /// The numbers of a tensor of 32-bit floats, row by row. The error names neither file nor tensor.
    fn read(&self, name: &str) -> Result<Vec<f32>, String>;
}
