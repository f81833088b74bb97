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
pub mod inspect_images;
pub mod load_vit;
pub mod nets;
pub mod pretrain_vit;
pub mod random;
pub mod training;

use dgpipe_engine::stage::Registered;

/// Every stage type of this binary.
pub const STAGE_TYPES: &[Registered] = &[
    Registered::of::<digits_domains::DigitsDomains>(),
    Registered::of::<draw_miniature::DrawMiniature>(),
    Registered::of::<embed_pixels::EmbedPixels>(),
    Registered::of::<embed_vit::EmbedVit>(),
    Registered::of::<inspect_images::InspectImages>(),
    Registered::of::<load_vit::LoadVit>(),
    Registered::of::<pretrain_vit::PretrainVit>(),
];
