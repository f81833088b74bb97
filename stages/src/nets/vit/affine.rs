//! `x Wᵀ + b`, with the weight in `PyTorch`'s orientation.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

/// A linear layer.
#[derive(Module, Debug)]
pub struct Affine {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`, where there is one.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Affine {
    /// A layer of zeros, to be filled.
    pub fn zeros(inputs: usize, outputs: usize, bias: bool, device: &Device) -> Self {
        let weight = Param::from_tensor(Tensor::zeros([outputs, inputs], device));
        let bias = bias.then(|| Param::from_tensor(Tensor::zeros([outputs], device)));
        Self { weight, bias }
    }

    /// Applies the layer to the last axis: `[batch, tokens, in]` → `[batch, tokens, out]`.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        apply(input, self.weight.val(), self.bias.as_ref().map(Param::val))
    }
}

/// `input · weightᵀ + bias` over the last axis.
pub(super) fn apply(input: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, tokens, inputs] = input.dims();
    let outputs = weight.dims()[0];
    // One large product of matrices is faster than one for each member of the batch.
    let product = input.reshape([batch * tokens, inputs]).matmul(weight.transpose());
    let shifted = match bias {
        Some(bias) => product + bias.unsqueeze(),
        None => product,
    };
    shifted.reshape([batch, tokens, outputs])
}
