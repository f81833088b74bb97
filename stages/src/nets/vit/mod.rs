//! The Vision Transformer, exactly as Hugging Face's `ViTModel` without its pooler
//! (two-phase weight importance, section 1).

mod affine;
mod array;
mod block;
mod named;
mod norm;
mod packed;
mod position_grid;
mod self_attention;
mod shape;
mod vision_transformer;
mod weights;

pub use affine::Affine;
pub use array::Array;
pub use block::Block;
pub use norm::Norm;
pub use packed::{PackedVit, Workspace};
pub use self_attention::SelfAttention;
pub use shape::{SizeNames, VitShape};
pub use vision_transformer::VisionTransformer;
pub use weights::{Taken, VitWeights};
