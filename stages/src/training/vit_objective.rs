//! A Vision Transformer that learns to classify pictures by cross-entropy, with a linear layer that is thrown away after.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData, activation};
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::{Measured, Objective, gradient_of};
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

/// How pictures are changed by chance whenever they are learned from.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The seed of the generator.
    pub seed: u64,
    /// The stream of the generator.
    pub stream: String,
    /// Whether half of them are mirrored.
    pub mirror: bool,
    /// How many pixels they are moved at most, along each axis; pixels of the edge are repeated.
    pub shift: usize,
}

/// One change: mirrored or not, and by how many pixels the view moves right and down.
#[derive(Clone, Copy, Default)]
struct Change {
    mirrored: bool,
    right: isize,
    down: isize,
}

impl Changes {
    /// One change for each of an epoch's pictures. The same numbers are drawn whatever is switched on.
    fn draw(&self, epoch: u64, count: usize) -> Vec<Change> {
        let mut random = Random::new(self.seed, &self.stream, "changes", epoch);
        let range = 2 * self.shift + 1;
        let offset = |random: &mut Random| random.below(range) as isize - self.shift as isize;
        let change = |_| {
            let mirrored = random.below(2) == 1 && self.mirror;
            Change { mirrored, right: offset(&mut random), down: offset(&mut random) }
        };
        (0..count).map(change).collect()
    }
}

impl Change {
    /// Changes a picture `[3, size, size]`.
    fn apply(self, values: &[f32], size: usize) -> Vec<f32> {
        let source = |place: usize, offset: isize| place.saturating_add_signed(offset).min(size - 1);
        let mut changed = Vec::with_capacity(values.len());
        for plane in values.chunks_exact(size * size) {
            for y in 0..size {
                let row = &plane[source(y, self.down) * size..][..size];
                changed.extend((0..size).map(|x| {
                    let x = source(x, self.right);
                    row[if self.mirrored { size - 1 - x } else { x }]
                }));
            }
        }
        changed
    }
}

/// The layer behind the net: `[classes, hidden]`.
const CLASSIFIER_WEIGHT: &str = "classifier.weight";
/// Its bias: `[classes]`.
const CLASSIFIER_BIAS: &str = "classifier.bias";

/// How many pictures of a batch go through the net together while it learns. Groups are computed in parallel; their size
/// is fixed because the sum of their gradients is rounded by it.
const GROUP: usize = 8;

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
    changes: Changes,
    device: Device,
    epoch: Epoch,
}

#[derive(Default)]
struct Epoch {
    order: Vec<usize>,
    changes: Vec<Change>,
    logits: Vec<Tensor<2>>,
}

impl VitObjective {
    /// Puts together what is trained, on what.
    pub fn new(
        shape: &VitShape,
        classes: usize,
        training: Pictures,
        held_out: Pictures,
        changes: Changes,
        device: &Device,
    ) -> Self {
        let classifier =
            [(CLASSIFIER_WEIGHT.to_owned(), vec![classes, shape.hidden]), (CLASSIFIER_BIAS.to_owned(), vec![classes])];
        Self {
            template: VisionTransformer::zeros(shape, device),
            layout: FlatLayout::new(shape.tensors().into_iter().chain(classifier)),
            shape: shape.clone(),
            classes,
            training,
            held_out,
            changes,
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
        features.matmul(parts[CLASSIFIER_WEIGHT].clone().transpose())
            + parts[CLASSIFIER_BIAS].clone().reshape([1, self.classes])
    }

    /// A group's part of the gradient of the mean loss over a batch of `count`, and its logits.
    fn group_gradient(&self, parts: &[Tensor<2>], positions: Range<usize>, count: usize) -> (Tensor<1>, Tensor<2>) {
        let order = &self.epoch.order[positions.clone()];
        let labels: Vec<usize> = order.iter().map(|&index| self.training.labels[index]).collect();
        let pictures: Vec<f32> = positions.flat_map(|position| self.picture(position)).collect();
        let mut kept = None;
        let gradient = gradient_of(&self.layout, parts, |leaves| {
            let logits = self.logits(leaves, pictures);
            kept = Some(logits.clone().inner());
            let likelihood = activation::log_softmax(logits, 1) * self.one_hot(&labels);
            likelihood.sum().mul_scalar(-1.0 / count as f64)
        });
        (gradient, kept.expect("a gradient is that of a loss"))
    }

    /// The picture at a position of the epoch's order, changed as the epoch says.
    fn picture(&self, position: usize) -> Vec<f32> {
        let values = &self.training.values[self.epoch.order[position]];
        self.epoch.changes[position].apply(values, self.shape.image)
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
        let changes = self.changes.draw(epoch, order.len());
        self.epoch = Epoch { order: order.to_vec(), changes, logits: Vec::new() };
    }

    fn gradient(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1> {
        let count = positions.len();
        let starts: Vec<usize> = positions.clone().step_by(GROUP).collect();
        let group = |&start: &usize| self.group_gradient(parts, start..positions.end.min(start + GROUP), count);
        let groups: Vec<(Tensor<1>, Tensor<2>)> = starts.par_iter().map(group).collect();
        let (gradients, logits): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
        self.epoch.logits.extend(logits);
        // Added in the order of the groups, so that the sum does not depend on which thread was first.
        gradients.into_iter().reduce(|sum, gradient| sum + gradient).expect("a batch has samples")
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
        let logits = self.held_out.values.par_chunks(ROWS).map(|rows| self.logits(parts, rows.concat())).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_moves_the_view_and_mirrors_it() {
        let picture: Vec<f32> = (0..9_u8).map(f32::from).collect();
        let change = |mirrored, right, down| Change { mirrored, right, down }.apply(&picture, 3);
        assert_eq!(change(false, 0, 0), picture);
        assert_eq!(change(true, 0, 0), [2.0, 1.0, 0.0, 5.0, 4.0, 3.0, 8.0, 7.0, 6.0]);
        assert_eq!(change(false, 1, -1), [1.0, 2.0, 2.0, 1.0, 2.0, 2.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn changes_stay_within_their_range() {
        let changes = Changes { seed: 1, stream: "s".to_owned(), mirror: true, shift: 2 };
        let drawn = changes.draw(0, 1000);
        let (lowest, highest) =
            (drawn.iter().map(|change| change.right).min(), drawn.iter().map(|change| change.down).max());
        assert_eq!((lowest, highest), (Some(-2), Some(2)));
        let mirrored = drawn.iter().filter(|change| change.mirrored).count();
        assert!((400..600).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn gradients_reach_every_tensor() {
        let shape = VitShape {
            hidden: 8,
            layers: 1,
            heads: 2,
            mlp: 16,
            image: 8,
            patch: 4,
            channels: 3,
            eps: 1e-6,
            qkv_bias: true,
        };
        let picture = |index: usize| (0..192).map(|place| ((place * 7 + index * 31) % 11) as f32 / 11.0).collect();
        let pictures = Pictures { values: (0..4).map(picture).collect(), labels: vec![0, 1, 2, 1] };
        let changes = Changes { seed: 1, stream: "s".to_owned(), mirror: false, shift: 0 };
        let mut objective = VitObjective::new(&shape, 3, pictures, Pictures::default(), changes, &Device::flex());
        let flat = objective.initial(&mut Random::new(1, "s", "initial", 0));
        objective.begin(0, &[0, 1, 2, 3]);
        let parts = objective.parameters().split(&flat);
        let flat: Vec<f32> = objective.gradient(&parts, 0..4).into_data().try_into_vec().unwrap();
        for (name, gradient) in objective.parameters().unflatten(&flat) {
            // The softmax does not see what is added to all scores of a query, so a key's bias only gets rounding noise.
            let largest = gradient.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            assert!(largest > 1e-6 || name.ends_with("key.bias"), "{name}: {largest}");
        }
    }
}
