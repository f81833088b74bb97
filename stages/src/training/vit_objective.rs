//! A Vision Transformer that learns to classify pictures by cross-entropy, with a linear layer that is thrown away after.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData, activation};
use ndarray::ArrayView2;

use super::{Measured, Objective};
use crate::nets::FlatLayout;
use crate::nets::vit::{VisionTransformer, VitShape, VitWeights};
use crate::random::Random;

/// Normalised pictures on the host with their classes.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// `[3, size, size]` each, row-major.
    pub values: Vec<Vec<f32>>,
    /// The class of each.
    pub labels: Vec<usize>,
}

/// The layer behind the net: `[classes, hidden]`.
const CLASSIFIER_WEIGHT: &str = "classifier.weight";
/// Its bias: `[classes]`.
const CLASSIFIER_BIAS: &str = "classifier.bias";

/// How many pictures are classified at a time where nothing is learned.
const ROWS: usize = 32;

/// A net, its training and held-out pictures, and what an epoch has prepared.
pub struct VitObjective {
    shape: VitShape,
    template: VisionTransformer,
    layout: FlatLayout,
    classes: usize,
    training: Pictures,
    held_out: Pictures,
    /// Seed and stream of mirroring, where pictures are mirrored.
    mirror: Option<(u64, String)>,
    device: Device,
    epoch: Epoch,
}

#[derive(Default)]
struct Epoch {
    order: Vec<usize>,
    mirrored: Vec<bool>,
    logits: Vec<Tensor<2>>,
}

impl VitObjective {
    /// Puts together what is trained, on what. With `mirror`, seed and stream, half of the pictures are mirrored in each epoch.
    pub fn new(
        shape: &VitShape,
        classes: usize,
        training: Pictures,
        held_out: Pictures,
        mirror: Option<(u64, String)>,
        device: &Device,
    ) -> Self {
        let classifier = [
            (CLASSIFIER_WEIGHT.to_owned(), vec![classes, shape.hidden]),
            (CLASSIFIER_BIAS.to_owned(), vec![classes]),
        ];
        Self {
            template: VisionTransformer::zeros(shape, device),
            layout: FlatLayout::new(shape.tensors().into_iter().chain(classifier)),
            shape: shape.clone(),
            classes,
            training,
            held_out,
            mirror,
            device: device.clone(),
            epoch: Epoch::default(),
        }
    }

    /// Draws initial parameters, flat: matrices from U(±√(6 / (inputs + outputs))) (Glorot and Bengio 2010), positions from
    /// U(±0.035), norms neutral, all else 0.
    pub fn initial(&self, random: &mut Random) -> Tensor<1> {
        let mut values = Vec::with_capacity(self.layout.len());
        for (name, shape) in self.layout.names() {
            let count: usize = shape.iter().product();
            let bound = match shape {
                [outputs, rest @ ..] if name.ends_with(".weight") && !rest.is_empty() => {
                    (6.0 / (outputs + rest.iter().product::<usize>()) as f32).sqrt()
                }
                _ if name.ends_with("position_embeddings") => 0.035,
                _ => 0.0,
            };
            let constant = if name.contains("layernorm") && name.ends_with(".weight") { 1.0 } else { 0.0 };
            values.extend((0..count).map(|_| if bound > 0.0 { random.between(-bound, bound) } else { constant }));
        }
        Tensor::from_floats(values.as_slice(), &self.device)
    }

    /// The net among flat parameters, without the layer behind it.
    pub fn weights(&self, parameters: Tensor<1>) -> VitWeights {
        let values: Vec<f32> = parameters.into_data().try_into_vec().expect("parameters are 32-bit floats");
        let mut arrays = self.layout.unflatten(&values);
        VitWeights::fill(&self.shape, |name, _| {
            let array = arrays.remove(name).expect("the layout has every tensor of the net");
            array.into_raw_vec_and_offset().0
        })
    }

    /// Classifies pictures: `[n, classes]`.
    fn logits(&self, parts: &[Tensor<2>], pictures: Vec<f32>) -> Tensor<2> {
        let names = self.layout.names().map(|(name, _)| name.to_owned());
        let parts: BTreeMap<String, Tensor<2>> = names.zip(parts.iter().cloned()).collect();
        let size = self.shape.image;
        let count = pictures.len() / (3 * size * size);
        let data = TensorData::new(pictures, [count, 3, size, size]);
        let features = self.template.with_parts(&parts).forward(Tensor::from_data(data, &self.device));
        features.matmul(parts[CLASSIFIER_WEIGHT].clone().transpose()) + parts[CLASSIFIER_BIAS].clone()
    }

    /// The picture at a position of the epoch's order.
    fn picture(&self, position: usize) -> Vec<f32> {
        let values = &self.training.values[self.epoch.order[position]];
        if !self.epoch.mirrored.get(position).is_some_and(|mirrored| *mirrored) {
            return values.clone();
        }
        values.chunks_exact(self.shape.image).flat_map(|row| row.iter().rev().copied()).collect()
    }

    /// One row per label with 1 at its class and 0 elsewhere: `[n, classes]`.
    fn one_hot(&self, labels: &[usize]) -> Tensor<2> {
        let mut values = vec![0.0_f32; labels.len() * self.classes];
        for (row, label) in values.chunks_exact_mut(self.classes).zip(labels) {
            row[*label] = 1.0;
        }
        Tensor::from_data(TensorData::new(values, [labels.len(), self.classes]), &self.device)
    }
}

impl Objective for VitObjective {
    fn parameters(&self) -> &FlatLayout {
        &self.layout
    }

    fn samples(&self) -> usize {
        self.training.labels.len()
    }

    fn begin(&mut self, epoch: u64, order: &[usize]) {
        let mirrored = self.mirror.as_ref().map_or_else(Vec::new, |(seed, stream)| {
            let mut random = Random::new(*seed, stream, "mirror", epoch);
            order.iter().map(|_| random.below(2) == 1).collect()
        });
        self.epoch = Epoch { order: order.to_vec(), mirrored, logits: Vec::new() };
    }

    fn loss(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1> {
        let count = positions.len();
        let labels: Vec<usize> =
            self.epoch.order[positions.clone()].iter().map(|&index| self.training.labels[index]).collect();
        let pictures: Vec<f32> = positions.flat_map(|position| self.picture(position)).collect();
        let logits = self.logits(parts, pictures);
        self.epoch.logits.push(logits.clone().inner());
        let likelihood = activation::log_softmax(logits, 1) * self.one_hot(&labels);
        likelihood.sum().mul_scalar(-1.0 / count as f64)
    }

    fn measured(&mut self) -> Measured {
        let epoch = std::mem::take(&mut self.epoch);
        let labels = epoch.order.iter().map(|&index| self.training.labels[index]);
        measure(epoch.logits, labels)
    }

    fn validate(&self, parts: &[Tensor<2>]) -> Option<Measured> {
        if self.held_out.labels.is_empty() {
            return None;
        }
        let logits = self.held_out.values.chunks(ROWS).map(|rows| self.logits(parts, rows.concat())).collect();
        Some(measure(logits, self.held_out.labels.iter().copied()))
    }

    fn buffers(&self) -> Vec<Tensor<2>> {
        Vec::new()
    }

    fn restore(&mut self, _buffers: Vec<Tensor<2>>) {}
}

/// Measures batches of logits against labels.
fn measure(logits: Vec<Tensor<2>>, labels: impl Iterator<Item = usize>) -> Measured {
    let logits = Tensor::cat(logits, 0);
    let shape = logits.dims();
    let values: Vec<f32> = logits.into_data().try_into_vec().expect("logits are 32-bit floats");
    let logits = ArrayView2::from_shape(shape, &values).expect("the shape is the tensor's own");
    Measured::of(logits, labels)
}
