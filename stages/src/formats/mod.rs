//! Formats: the Rust types that read and write the artifacts of the ML stage types.

mod architecture;
mod backbone;
mod checkpoint;
mod embeddings;
mod figure;
mod fold;
mod history;
mod image_folder;
mod importance;
pub mod json;
mod mask;
mod matrices;
mod mistakes;
mod named_arrays;
pub mod npy;
mod order;
mod packed_backbone;
mod scores;
mod seen;
mod table;
mod weights;

pub use architecture::{Architecture, HeadArchitecture, Role};
pub use backbone::Backbone;
pub use checkpoint::Checkpoint;
pub use embeddings::{Embeddings, EmbeddingsWriter, ItemLists};
pub use figure::FigureFiles;
pub use fold::{Fold, FoldHistory, FoldMetrics};
pub use history::{EpochRecord, History};
pub use image_folder::{ImageFolder, ImageItem};
pub use importance::Importance;
pub use mask::Mask;
pub(crate) use matrices::number_in;
pub use matrices::{Layer, Matrices, Meaning};
pub use order::Order;
pub use packed_backbone::PackedBackbone;
#[cfg(test)]
pub(crate) use scores::tests::scoring;
pub use scores::{Counts, Predictions, Scores};
pub use seen::{Group, Seen};
pub use table::Table;
pub use weights::Weights;
