//! The stage types of dgpipe: what a pipeline's `uses:` can name, and what they share.
//!
//! One stage type is one file here and one line in [`STAGE_TYPES`]; both lists are alphabetical.

pub mod consensus_importance;
pub mod device;
pub mod digits_domains;
mod downloads;
pub mod draw_miniature;
pub mod drawing;
pub mod embed_pixels;
pub mod embed_vit;
pub mod evaluate;
mod figure;
pub mod fold_result;
pub mod formats;
pub mod images;
pub mod init_head;
pub mod inspect_images;
pub mod load_vit;
pub mod lodo_table;
pub mod nets;
mod parquet_pages;
mod parquet_rows;
pub mod plot_confusion;
pub mod plot_curves;
pub mod plot_embedding;
pub mod plot_images;
pub mod plot_jaccard;
pub mod plot_lodo;
pub mod plot_matrix;
pub mod plot_network;
pub mod plot_sweep;
pub mod pretrain_vit;
mod program;
mod projection;
pub mod random;
pub mod random_mask;
pub mod split_embeddings;
mod statistics;
mod table;
pub mod threshold_mask;
pub mod train_lodo;
pub mod train_single_class;
pub mod training;
pub mod uniform_mask;
pub mod unpack_images;
pub mod weight_importance;

use dgpipe_engine::stage::Registered;

pub use program::PROGRAM;

/// Every stage type of this binary.
pub const STAGE_TYPES: &[Registered] = &[
    Registered::of::<consensus_importance::ConsensusImportance>(),
    Registered::of::<digits_domains::DigitsDomains>(),
    Registered::of::<draw_miniature::DrawMiniature>(),
    Registered::of::<embed_pixels::EmbedPixels>(),
    Registered::of::<embed_vit::EmbedVit>(),
    Registered::of::<evaluate::Evaluate>(),
    Registered::of::<fold_result::FoldResult>(),
    Registered::of::<init_head::InitHead>(),
    Registered::of::<inspect_images::InspectImages>(),
    Registered::of::<load_vit::LoadVit>(),
    Registered::of::<lodo_table::LodoTable>(),
    Registered::of::<plot_confusion::PlotConfusion>(),
    Registered::of::<plot_curves::PlotCurves>(),
    Registered::of::<plot_embedding::PlotEmbedding>(),
    Registered::of::<plot_images::PlotImages>(),
    Registered::of::<plot_jaccard::PlotJaccard>(),
    Registered::of::<plot_lodo::PlotLodo>(),
    Registered::of::<plot_matrix::PlotMatrix>(),
    Registered::of::<plot_network::PlotNetwork>(),
    Registered::of::<plot_sweep::PlotSweep>(),
    Registered::of::<pretrain_vit::PretrainVit>(),
    Registered::of::<random_mask::RandomMask>(),
    Registered::of::<split_embeddings::SplitEmbeddings>(),
    Registered::of::<threshold_mask::ThresholdMask>(),
    Registered::of::<train_lodo::TrainLodo>(),
    Registered::of::<train_single_class::TrainSingleClass>(),
    Registered::of::<uniform_mask::UniformMask>(),
    Registered::of::<unpack_images::UnpackImages>(),
    Registered::of::<weight_importance::WeightImportance>(),
];
