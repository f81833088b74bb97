//! What the training loop trains: the seam between the one loop and the networks.

use std::ops::Range;

use burn::tensor::Tensor;

use super::Measured;
use crate::nets::FlatLayout;

/// A network with its samples and its loss.
///
/// The loop calls [`begin`](Objective::begin) once per epoch, [`gradient`](Objective::gradient) once per batch and
/// [`measured`](Objective::measured) at the epoch's end. Nothing in between waits for the device.
pub trait Objective {
    /// How the flat tensor of trained parameters falls into tensors.
    fn parameters(&self) -> &FlatLayout;

    /// The number of training samples.
    fn samples(&self) -> usize;

    /// Prepares an epoch that takes the samples in this order.
    fn begin(&mut self, epoch: u64, order: &[usize]);

    /// The gradient of the mean loss over the samples at these positions of the epoch's order, all parameters flat.
    ///
    /// Networks without a gradient of their own let burn differentiate their loss: [`gradient_of`].
    fn gradient(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1>;

    /// What the epoch's batches came to, each at the moment it was used.
    fn measured(&mut self) -> Measured;

    /// What the validation samples come to, where there are any.
    fn validate(&self, parts: &[Tensor<2>]) -> Option<Measured>;

    /// What training changes besides parameters, such as running statistics.
    fn buffers(&self) -> Vec<Tensor<2>>;

    /// Puts buffers back, as [`buffers`](Objective::buffers) gave them.
    fn restore(&mut self, buffers: Vec<Tensor<2>>);
}

/// The flat gradient of a loss by burn's automatic differentiation; a parameter that the loss does not use gets zeros.
pub fn gradient_of(
    layout: &FlatLayout,
    parts: &[Tensor<2>],
    loss: impl FnOnce(&[Tensor<2>]) -> Tensor<1>,
) -> Tensor<1> {
    let leaves: Vec<_> = parts.iter().map(|part| part.clone().autodiff().require_grad()).collect();
    let mut graph = loss(&leaves).backward();
    let gradient = |leaf: Tensor<2>| leaf.grad_remove(&mut graph).unwrap_or_else(|| leaf.inner().zeros_like());
    layout.join(leaves.into_iter().map(gradient).collect())
}
