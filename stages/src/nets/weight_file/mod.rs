//! Named tensors in the files that people have: safetensors, and `PyTorch`'s own format, whole or in shards.
//!
//! Opening reads names, shapes and types; numbers are read when they are asked for, after their shape was checked.

mod pickle_file;
mod safetensors_file;
mod tensor_file;
mod weight_files;

pub use pickle_file::PickleFile;
pub use safetensors_file::SafetensorsFile;
pub use tensor_file::{TensorFile, TensorForm};
pub use weight_files::WeightFiles;
