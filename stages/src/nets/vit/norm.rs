//! Layer normalisation over the last axis.

use burn::module::{Module, Param};
use burn::tensor::module::layer_norm;
use burn::tensor::{Device, Tensor};

/// `(x − mean) / √(variance + eps) · weight + bias`, with the biased variance.
#[derive(Module, Debug)]
pub struct Norm {
    /// `[width]`.
    pub weight: Param<Tensor<1>>,
    /// `[width]`.
    pub bias: Param<Tensor<1>>,
    eps: f64,
}

impl Norm {
    /// A layer that does not scale or shift yet.
    pub fn identity(width: usize, eps: f64, device: &Device) -> Self {
        let weight = Param::from_tensor(Tensor::ones([width], device));
        let bias = Param::from_tensor(Tensor::zeros([width], device));
        Self { weight, bias, eps }
    }

    /// Normalises `[batch, tokens, width]`.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        layer_norm(input, self.weight.val(), Some(self.bias.val()), self.eps)
    }
}
