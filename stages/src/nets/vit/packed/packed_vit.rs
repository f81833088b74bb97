//! The net with its weights packed.

use std::collections::BTreeMap;

use super::attention::Attention;
use super::normalise::Normalise;
use super::panels::Panels;
use super::plane::{Plane, WIDEST};
use super::product::{Finish, Product, Start};
use super::tile::Left;
use crate::nets::vit::{Array, VitShape, VitWeights};

/// A Vision Transformer whose weights lie as products of matrices read them.
#[derive(Clone, Debug)]
pub struct PackedVit {
    shape: VitShape,
    patches: Linear,
    class: Vec<f32>,
    positions: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
}

#[derive(Clone, Debug)]
struct Linear {
    weight: Panels,
    bias: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Layer {
    before: Norm,
    /// Query, key and value in one product.
    projections: Linear,
    attended: Linear,
    after: Norm,
    wide: Linear,
    narrow: Linear,
}

/// What one forward pass needs beside the weights, kept from picture to picture.
#[derive(Clone, Debug)]
pub struct Workspace {
    pixels: Plane,
    tokens: Plane,
    normed: Plane,
    projected: Plane,
    attention: Attention,
    mixed: Plane,
    wide: Plane,
}

impl Workspace {
    /// Room for one picture.
    pub fn new(shape: &VitShape) -> Self {
        let tokens = shape.tokens();
        let plane = |width: usize| Plane::zeros(tokens, width);
        Self {
            pixels: Plane::zeros(tokens - 1, shape.channels * shape.patch * shape.patch),
            tokens: plane(shape.hidden),
            normed: plane(shape.hidden),
            projected: plane(3 * shape.hidden),
            attention: Attention::new(tokens, shape.hidden, shape.heads),
            mixed: plane(shape.hidden),
            wide: plane(shape.mlp),
        }
    }
}

impl PackedVit {
    /// Packs weights. They are taken apart on the way, so that the memory for both is never needed.
    pub fn new(weights: VitWeights) -> Self {
        let (shape, mut arrays) = weights.into_parts();
        let projection = "embeddings.patch_embeddings.projection";
        let [weight, bias] = ["weight", "bias"].map(|part| take(&mut arrays, &format!("{projection}.{part}")));
        let patches = Linear::of(&[weight], &[Some(bias)]);
        let class = take(&mut arrays, "embeddings.cls_token").values;
        let positions = take(&mut arrays, "embeddings.position_embeddings").values;
        let layers = (0..shape.layers).map(|layer| Layer::of(layer, &shape, &mut arrays)).collect();
        let norm = Norm::of("layernorm", &mut arrays);
        Self { shape, patches, class, positions, layers, norm }
    }

    /// The sizes of the net.
    pub fn shape(&self) -> &VitShape {
        &self.shape
    }

    /// Embeds a normalised picture `[channels, size, size]`: the class token of the last hidden state after the norm.
    pub fn forward(&self, picture: &[f32], work: &mut Workspace) -> Vec<f32> {
        let last = self.layers.len() - 1;
        self.embed(picture, work);
        for (number, layer) in self.layers.iter().enumerate() {
            self.norm(&layer.before, self.shape.tokens(), &work.tokens, &mut work.normed);
            layer.projections.run(self.shape.tokens(), &work.normed, Finish::Keep, &mut work.projected);
            work.attention.run(&work.projected, &mut work.mixed);
            // Nothing looks at other tokens than the first after the last attention.
            let rows = if number == last { 1 } else { self.shape.tokens() };
            layer.attended.add(rows, &work.mixed, &mut work.tokens);
            self.norm(&layer.after, rows, &work.tokens, &mut work.normed);
            layer.wide.run(rows, &work.normed, Finish::Gelu, &mut work.wide);
            layer.narrow.add(rows, &work.wide, &mut work.tokens);
        }
        self.norm(&self.norm, 1, &work.tokens, &mut work.normed);
        work.normed.row(0)[..self.shape.hidden].to_vec()
    }

    /// Tokens of a picture: the class token, then one for each patch, row by row, each with its position.
    fn embed(&self, picture: &[f32], work: &mut Workspace) {
        let VitShape { image, patch, channels, hidden, .. } = self.shape;
        let side = image / patch;
        for number in 0..side * side {
            let (top, left) = (number / side * patch, number % side * patch);
            for (line, target) in
                work.pixels.row_mut(number)[..channels * patch * patch].chunks_exact_mut(patch).enumerate()
            {
                let (channel, row) = (line / patch, line % patch);
                let start = (channel * image + top + row) * image + left;
                target.copy_from_slice(&picture[start..start + patch]);
            }
        }
        let mut place = |row: usize, first: &[f32]| {
            let positions = &self.positions[row * hidden..];
            for (target, (value, position)) in work.tokens.row_mut(row).iter_mut().zip(first.iter().zip(positions)) {
                *target = value + position;
            }
        };
        place(0, &self.class);
        let zeros = vec![0.0; hidden];
        (1..=side * side).for_each(|row| place(row, &zeros));
        let out_stride = work.tokens.stride();
        self.patches.product(
            side * side,
            &work.pixels,
            Start::BiasOnto(&self.patches.bias),
            Finish::Keep,
            work.tokens.rest_mut(1, 0),
            out_stride,
        );
    }

    fn norm(&self, norm: &Norm, rows: usize, input: &Plane, out: &mut Plane) {
        Normalise { input, rows, weight: &norm.weight, bias: &norm.bias, eps: self.shape.eps as f32, out }.run();
    }
}

impl Layer {
    fn of(layer: usize, shape: &VitShape, arrays: &mut BTreeMap<String, Array>) -> Self {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let parts = ["query", "key", "value"].map(|part| name(&format!("attention.attention.{part}")));
        let weights = parts.each_ref().map(|part| take(arrays, &format!("{part}.weight")));
        let biases = parts.each_ref().map(|part| shape.qkv_bias.then(|| take(arrays, &format!("{part}.bias"))));
        let projections = Linear::of(&weights, &biases);
        let mut dense = |part: &str| {
            let weight = take(arrays, &name(&format!("{part}.dense.weight")));
            Linear::of(&[weight], &[Some(take(arrays, &name(&format!("{part}.dense.bias"))))])
        };
        let (attended, wide, narrow) = (dense("attention.output"), dense("intermediate"), dense("output"));
        let before = Norm::of(&name("layernorm_before"), arrays);
        let after = Norm::of(&name("layernorm_after"), arrays);
        Self { before, projections, attended, after, wide, narrow }
    }
}

/// Takes a tensor out, so that its memory is free once it is packed.
fn take(arrays: &mut BTreeMap<String, Array>, name: &str) -> Array {
    arrays.remove(name).unwrap_or_else(|| panic!("no tensor `{name}`"))
}

impl Norm {
    fn of(name: &str, arrays: &mut BTreeMap<String, Array>) -> Self {
        let mut padded = |part: &str| padded(take(arrays, &format!("{name}.{part}")).values);
        Self { weight: padded("weight"), bias: padded("bias") }
    }
}

impl Linear {
    /// Joins layers that read the same input. Weights are `[outputs, inputs…]`.
    fn of(weights: &[Array], biases: &[Option<Array>]) -> Self {
        let inputs = weights[0].shape[1..].iter().product();
        let outputs: usize = weights.iter().map(|weight| weight.shape[0]).sum();
        let each = weights[0].shape[0];
        let mut panels = Panels::default();
        panels.fill_from_rows(outputs, inputs, |output| &weights[output / each].values[output % each * inputs..]);
        let bias = biases.iter().flat_map(|bias| match bias {
            Some(bias) => bias.values.clone(),
            None => vec![0.0; each],
        });
        Self { weight: panels, bias: padded(bias.collect()) }
    }

    /// `out ← finish(input · weight + bias)`.
    fn run(&self, rows: usize, input: &Plane, finish: Finish, out: &mut Plane) {
        let stride = out.stride();
        self.product(rows, input, Start::Bias(&self.bias), finish, out.rest_mut(0, 0), stride);
    }

    /// `out ← out + input · weight + bias`.
    fn add(&self, rows: usize, input: &Plane, out: &mut Plane) {
        let stride = out.stride();
        self.product(rows, input, Start::BiasOnto(&self.bias), Finish::Keep, out.rest_mut(0, 0), stride);
    }

    fn product(
        &self,
        rows: usize,
        input: &Plane,
        start: Start<'_>,
        finish: Finish,
        out: &mut [f32],
        out_stride: usize,
    ) {
        let left = Left { values: input.rest(0, 0), stride: input.stride() };
        Product { rows, left, right: &self.weight, start, finish, out, out_stride }.run();
    }
}

/// Fills up with zeros to whole vectors.
fn padded(mut values: Vec<f32>) -> Vec<f32> {
    values.resize(values.len().next_multiple_of(WIDEST), 0.0);
    values
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData};

    use super::super::instruction_sets::{numbers, with_each};
    use super::*;
    use crate::device::Device;

    fn shape(sizes: [usize; 6]) -> VitShape {
        let [hidden, layers, heads, mlp, image, patch] = sizes;
        VitShape { hidden, layers, heads, mlp, image, patch, ..VitShape::from_json(b"{}").unwrap() }
    }

    fn weights(shape: &VitShape) -> VitWeights {
        let mut seed = 0;
        VitWeights::fill(shape, |_, axes| {
            seed += 1;
            numbers(seed, axes.iter().product())
        })
    }

    #[test]
    fn it_is_the_plain_net_to_rounding_whatever_the_sizes_and_the_processor() {
        for sizes in [
            [32, 2, 4, 64, 32, 8],
            [20, 1, 2, 36, 12, 4],
            [48, 3, 3, 50, 30, 10],
            [7, 2, 1, 5, 6, 2],
            [100, 1, 5, 200, 28, 4],
            [96, 2, 12, 384, 16, 16],
        ] {
            for qkv_bias in [true, false] {
                let shape = VitShape { qkv_bias, eps: 1e-6, ..shape(sizes) };
                let weights = weights(&shape);
                let picture = numbers(99, 3 * shape.image * shape.image);
                let device = Device::cpu();
                let data = TensorData::new(picture.clone(), [1, 3, shape.image, shape.image]);
                let plain = weights.net(device.tensors()).forward(Tensor::from_data(data, device.tensors()));
                let plain: Vec<f32> = plain.into_data().try_into_vec().unwrap();
                let largest = plain.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                with_each(|set| {
                    let packed = PackedVit::new(weights.clone()).forward(&picture, &mut Workspace::new(&shape));
                    let worst = packed.iter().zip(&plain).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
                    assert_eq!(packed.len(), plain.len());
                    assert!(worst / largest < 2e-5, "{set}, {sizes:?}: {}", worst / largest);
                });
            }
        }
    }

    #[test]
    fn what_went_through_before_does_not_matter() {
        let shape = shape([20, 2, 2, 36, 12, 4]);
        let net = PackedVit::new(weights(&shape));
        let [first, second] = [1, 2].map(|seed| numbers(seed, 3 * 12 * 12));
        let mut used = Workspace::new(&shape);
        let bits = |vector: Vec<f32>| vector.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        net.forward(&first, &mut used);
        assert_eq!(bits(net.forward(&second, &mut used)), bits(net.forward(&second, &mut Workspace::new(&shape))));
    }
}
