//! The net: patches → tokens → blocks → the CLS token of the last hidden state after the final norm.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::affine::apply;
use super::{Block, Norm, VitShape, named};

/// A convolution whose stride is its size, so that patches do not overlap.
#[derive(Module, Debug)]
struct Projection {
    /// `[hidden, channels, patch, patch]`.
    weight: Param<Tensor<4>>,
    /// `[hidden]`.
    bias: Param<Tensor<1>>,
}

/// `embeddings.patch_embeddings`.
#[derive(Module, Debug)]
struct PatchEmbeddings {
    projection: Projection,
}

/// What makes tokens of a picture.
#[derive(Module, Debug)]
struct Tokens {
    /// `[1, 1, hidden]`.
    cls_token: Param<Tensor<3>>,
    /// `[1, 1 + patches, hidden]`.
    position_embeddings: Param<Tensor<3>>,
    patch_embeddings: PatchEmbeddings,
}

/// The blocks, one after the other.
#[derive(Module, Debug)]
struct Encoder {
    layer: Vec<Block>,
}

/// A Vision Transformer. Its fields nest so that the path of a parameter is its name in Hugging Face's files.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    embeddings: Tokens,
    encoder: Encoder,
    layernorm: Norm,
}

impl VisionTransformer {
    /// A net of zeros, to be filled.
    pub fn zeros(shape: &VitShape, device: &Device) -> Self {
        let weight = Tensor::zeros([shape.hidden, shape.channels, shape.patch, shape.patch], device);
        let projection = Projection {
            weight: Param::from_tensor(weight),
            bias: Param::from_tensor(Tensor::zeros([shape.hidden], device)),
        };
        let embeddings = Tokens {
            cls_token: Param::from_tensor(Tensor::zeros([1, 1, shape.hidden], device)),
            position_embeddings: Param::from_tensor(Tensor::zeros([1, shape.tokens(), shape.hidden], device)),
            patch_embeddings: PatchEmbeddings { projection },
        };
        let encoder = Encoder { layer: (0..shape.layers).map(|_| Block::zeros(shape, device)).collect() };
        Self { embeddings, encoder, layernorm: Norm::identity(shape.hidden, shape.eps, device) }
    }

    /// The same net with other tensors, by name: matrices as they are, other shapes flattened. Gradients flow
    /// through to them.
    #[must_use]
    pub fn with_parts(&self, parts: &BTreeMap<String, Tensor<2>>) -> Self {
        named::replace(self.clone(), parts)
    }

    /// The width of a token.
    pub fn width(&self) -> usize {
        self.layernorm.weight.val().dims()[0]
    }

    /// Embeds pictures `[batch, channels, size, size]`, already normalised, as `[batch, hidden]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut tokens = self.embeddings.forward(images);
        for block in &self.encoder.layer {
            tokens = block.forward(tokens);
        }
        // The norm works on each token alone, so the others need not go through it.
        self.layernorm.forward(tokens.narrow(1, 0, 1)).squeeze_dim(1)
    }
}

impl Tokens {
    fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let batch = images.dims()[0];
        let patches = self.patch_embeddings.projection.forward(images);
        let hidden = patches.dims()[2];
        let cls = self.cls_token.val().expand([batch, 1, hidden]);
        Tensor::cat(vec![cls, patches], 1) + self.position_embeddings.val()
    }
}

impl Projection {
    /// `[batch, channels, size, size]` → `[batch, patches, hidden]`, patches row by row.
    fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let [batch, channels, height, width] = images.dims();
        let weight = self.weight.val();
        let [hidden, _, patch, _] = weight.dims();
        let (rows, columns) = (height / patch, width / patch);
        let cut = images.reshape([batch, channels, rows, patch, columns, patch]).permute([0, 2, 4, 1, 3, 5]).reshape([
            batch,
            rows * columns,
            channels * patch * patch,
        ]);
        let weight = weight.reshape([hidden, channels * patch * patch]);
        apply(cut, weight, Some(self.bias.val()))
    }
}
