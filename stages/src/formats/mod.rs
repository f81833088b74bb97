//! Formats: the Rust types that read and write the artifacts of the ML stage types.

mod architecture;
mod backbone;
mod embeddings;
mod history;
mod image_folder;
mod importance;
pub mod json;
mod mask;
mod named_arrays;
pub mod npy;
mod order;
mod seen;
mod weights;

pub use architecture::{Architecture, HeadArchitecture, Role};
pub use backbone::Backbone;
pub use embeddings::Embeddings;
pub use history::{EpochRecord, History};
pub use image_folder::{ImageFolder, ImageItem};
pub use importance::Importance;
pub use mask::Mask;
pub use order::Order;
pub use seen::{Group, Seen};
pub use weights::Weights;
