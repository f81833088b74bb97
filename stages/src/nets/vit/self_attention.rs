//! Self-attention with several heads. Fields nest as Hugging Face names its tensors.

use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};

use super::{Affine, VitShape};

/// `attention.attention`: what is looked for, what is found, what is taken.
#[derive(Module, Debug)]
pub(super) struct Projections {
    query: Affine,
    key: Affine,
    value: Affine,
}

/// `…output`: one linear layer called `dense`.
#[derive(Module, Debug)]
pub(super) struct Dense {
    /// The layer.
    pub(super) dense: Affine,
}

/// `softmax(Q Kᵀ / √(width of a head)) V`, heads side by side, then a linear layer.
#[derive(Module, Debug)]
pub struct SelfAttention {
    attention: Projections,
    output: Dense,
    heads: usize,
}

impl SelfAttention {
    /// A layer of zeros, to be filled.
    pub fn zeros(shape: &VitShape, device: &Device) -> Self {
        let projection = || Affine::zeros(shape.hidden, shape.hidden, shape.qkv_bias, device);
        let attention = Projections { query: projection(), key: projection(), value: projection() };
        let output = Dense { dense: Affine::zeros(shape.hidden, shape.hidden, true, device) };
        Self { attention, output, heads: shape.heads }
    }

    /// Attends among the tokens of each member of the batch: `[batch, tokens, hidden]` → the same.
    pub fn forward(&self, input: &Tensor<3>) -> Tensor<3> {
        let [batch, tokens, hidden] = input.dims();
        let width = hidden / self.heads;
        let split = |layer: &Affine| {
            let projected = layer.forward(input.clone());
            projected.reshape([batch, tokens, self.heads, width]).swap_dims(1, 2)
        };
        let [query, key, value] = [&self.attention.query, &self.attention.key, &self.attention.value].map(split);
        let scores = query.matmul(key.transpose()).mul_scalar(1.0 / (width as f64).sqrt());
        let mixed = softmax(scores, 3).matmul(value);
        self.output.dense.forward(mixed.swap_dims(1, 2).reshape([batch, tokens, hidden]))
    }
}
