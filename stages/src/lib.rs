//! The stage types of dgpipe: what a pipeline's `uses:` can name, and what they share.
//!
//! One stage type is one file here and one line in [`STAGE_TYPES`]; both lists are alphabetical.

pub mod device;
pub mod digits_domains;
pub mod draw_miniature;
pub mod drawing;
pub mod embed_pixels;
pub mod embed_vit;
pub mod formats;
pub mod images;
pub mod init_head;
pub mod inspect_images;
pub mod load_vit;
pub mod nets;
pub mod pretrain_vit;
mod program;
pub mod random;
pub mod split_embeddings;
pub mod train_lodo;
pub mod train_single_class;
pub mod training;

use dgpipe_engine::stage::Registered;

pub use program::PROGRAM;

/// Every stage type of this binary.
pub const STAGE_TYPES: &[Registered] = &[
    Registered::of::<digits_domains::DigitsDomains>(),
    Registered::of::<draw_miniature::DrawMiniature>(),
    Registered::of::<embed_pixels::EmbedPixels>(),
    Registered::of::<embed_vit::EmbedVit>(),
    Registered::of::<init_head::InitHead>(),
    Registered::of::<inspect_images::InspectImages>(),
    Registered::of::<load_vit::LoadVit>(),
    Registered::of::<pretrain_vit::PretrainVit>(),
    Registered::of::<split_embeddings::SplitEmbeddings>(),
    Registered::of::<train_lodo::TrainLodo>(),
    Registered::of::<train_single_class::TrainSingleClass>(),
];
