//! Networks: forward passes in burn with `PyTorch`'s names, orientation and initialisation.

mod batch_norm;
mod classifier;
mod flat_layout;
mod head;
pub mod vit;
pub mod weight_file;

pub use batch_norm::{Normalised, NormalisedGradient, RunningStatistics, normalise_fixed};
pub use classifier::Classifier;
pub(crate) use classifier::{mismatch, running_statistics, upload};
pub use flat_layout::FlatLayout;
pub use head::{Head, HeadGradient, TrainingBatch};
