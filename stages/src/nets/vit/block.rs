//! One layer of the encoder: attention and a perceptron, each behind a norm and added to what came in.

use burn::module::Module;
use burn::tensor::activation::gelu;
use burn::tensor::{Device, Tensor};

use super::self_attention::Dense;
use super::{Affine, Norm, SelfAttention, VitShape};

/// `x += Attention(LN x); x += MLP(LN x)`, with the exact GELU.
#[derive(Module, Debug)]
pub struct Block {
    attention: SelfAttention,
    intermediate: Dense,
    output: Dense,
    layernorm_before: Norm,
    layernorm_after: Norm,
}

impl Block {
    /// A block of zeros, to be filled.
    pub fn zeros(shape: &VitShape, device: &Device) -> Self {
        let norm = || Norm::identity(shape.hidden, shape.eps, device);
        let dense = |inputs, outputs| Dense { dense: Affine::zeros(inputs, outputs, true, device) };
        Self {
            attention: SelfAttention::zeros(shape, device),
            intermediate: dense(shape.hidden, shape.mlp),
            output: dense(shape.mlp, shape.hidden),
            layernorm_before: norm(),
            layernorm_after: norm(),
        }
    }

    /// Applies the block: `[batch, tokens, hidden]` → the same.
    pub fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let attended = self.attention.forward(&self.layernorm_before.forward(input.clone())) + input;
        let wide = gelu(self.intermediate.dense.forward(self.layernorm_after.forward(attended.clone())));
        attended + self.output.dense.forward(wide)
    }
}
