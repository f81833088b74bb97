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

    /// The mean loss over the samples at these positions of the epoch's order, for burn to differentiate; keeps what it measures.
    fn loss(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1>;

    /// The gradient of [`loss`](Objective::loss), all parameters flat, with zeros for a parameter that the loss does not use.
    ///
    /// A network with a quicker way to its gradient than burn's automatic differentiation overrides this.
    fn gradient(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1> {
        let leaves = leaves(parts);
        let loss = self.loss(&leaves, positions);
        flat_gradient(self.parameters(), leaves, &loss)
    }

    /// What the epoch's batches came to, each at the moment it was used.
    fn measured(&mut self) -> Measured;

    /// What the validation samples come to, where there are any.
    fn validate(&self, parts: &[Tensor<2>]) -> Option<Measured>;

    /// What training changes besides parameters, such as running statistics.
    fn buffers(&self) -> Vec<Tensor<2>>;

    /// Puts buffers back, as [`buffers`](Objective::buffers) gave them.
    fn restore(&mut self, buffers: Vec<Tensor<2>>);
}

/// Parameters whose gradient is wanted.
pub(crate) fn leaves(parts: &[Tensor<2>]) -> Vec<Tensor<2>> {
    parts.iter().map(|part| part.clone().autodiff().require_grad()).collect()
}

/// The gradient of a loss with respect to its leaves, flat.
pub(crate) fn flat_gradient(layout: &FlatLayout, leaves: Vec<Tensor<2>>, loss: &Tensor<1>) -> Tensor<1> {
    let mut graph = loss.backward();
    let gradient = |leaf: Tensor<2>| leaf.grad_remove(&mut graph).unwrap_or_else(|| leaf.inner().zeros_like());
    layout.join(leaves.into_iter().map(gradient).collect())
}
