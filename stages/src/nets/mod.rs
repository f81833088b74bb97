//! Nets: what is trained or frozen, with PyTorch's names and orientation of weights.

pub mod vit;
