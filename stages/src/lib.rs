//! The stage types of dgpipe: what a pipeline's `uses:` can name, and what they share.
//!
//! One stage type is one file here and one line in [`STAGE_TYPES`]; both lists are alphabetical.

pub mod device;
pub mod formats;
pub mod init_head;
pub mod nets;
pub mod random;
pub mod split_embeddings;
pub mod train_lodo;
pub mod train_single_class;
pub mod training;

use dgpipe_engine::stage::Registered;

/// Every stage type of this binary.
pub const STAGE_TYPES: &[Registered] = &[
    Registered::of::<init_head::InitHead>(),
    Registered::of::<split_embeddings::SplitEmbeddings>(),
    Registered::of::<train_lodo::TrainLodo>(),
    Registered::of::<train_single_class::TrainSingleClass>(),
];
