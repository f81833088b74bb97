//! What the training loop trains: the seam between the one loop and the networks.

use std::ops::Range;

use burn::tensor::Tensor;

use super::Measured;
use crate::nets::FlatLayout;

/// A network with its samples and its loss.
///
/// The loop calls [`begin`](Objective::begin) once per epoch, [`loss`](Objective::loss) once per batch and
/// [`measured`](Objective::measured) at the epoch's end. Nothing in between waits for the device.
pub trait Objective {
    /// How the flat tensor of trained parameters falls into tensors.
    fn parameters(&self) -> &FlatLayout;

    /// The number of training samples.
    fn samples(&self) -> usize;

    /// Prepares an epoch that takes the samples in this order.
    fn begin(&mut self, epoch: u64, order: &[usize]);

    /// The mean loss over the samples at these positions of the epoch's order, ready for the backward pass.
    fn loss(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1>;

    /// What the epoch's batches came to, each at the moment it was used.
    fn measured(&mut self) -> Measured;

    /// What the validation samples come to, where there are any.
    fn validate(&self, parts: &[Tensor<2>]) -> Option<Measured>;

    /// What training changes besides parameters, such as running statistics.
    fn buffers(&self) -> Vec<Tensor<2>>;

    /// Puts buffers back, as [`buffers`](Objective::buffers) gave them.
    fn restore(&mut self, buffers: Vec<Tensor<2>>);
}
