//! The forward pass of a Vision Transformer on one core of a processor: the same numbers as the net in burn, to
//! rounding, and several times as fast.
//!
//! Weights are packed once, in the order in which the product of matrices reads them. One picture goes through at a
//! time, so that what it was batched with cannot matter; several cores take different pictures.

#![expect(clippy::inline_always, reason = "what is not inlined is not compiled for the instructions of the processor")]

mod attention;
mod functions;
#[cfg(test)]
mod instruction_sets;
mod normalise;
mod packed_vit;
mod panels;
mod plane;
mod product;
mod tile;

pub use packed_vit::{PackedVit, Workspace};
