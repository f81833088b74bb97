//! What the next epoch starts from.

use burn::tensor::Tensor;

use super::Moments;

/// What the next epoch starts from.
#[derive(Clone, Debug)]
pub struct TrainingState {
    /// How many epochs are done.
    pub epochs: u64,
    /// All trained parameters, flat.
    pub parameters: Tensor<1>,
    /// The optimiser's averages.
    pub moments: Moments,
    /// What changes besides parameters, such as running statistics.
    pub buffers: Vec<Tensor<2>>,
}

impl TrainingState {
    /// Training that has not begun.
    pub fn new(parameters: Tensor<1>, buffers: Vec<Tensor<2>>) -> Self {
        Self { epochs: 0, moments: Moments::zero(&parameters), parameters, buffers }
    }
}
