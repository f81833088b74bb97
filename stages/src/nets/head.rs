//! The classification head: blocks of Linear → batch normalisation → `ReLU` → dropout, then Linear
//! (two-phase weight importance, section 3).

use burn::tensor::{Tensor, activation};
use ndarray::ArrayD;

use super::{FlatLayout, Normalised, RunningStatistics, normalise_fixed};
use crate::formats::{Architecture, HeadArchitecture, Role, Seen, Weights};
use crate::random::Random;

/// A head's forward passes, on batches with one *column* per sample, so that gradients of weights come out as `PyTorch` lays
/// weights out. Its weights are given with each call: `parts`, as [`Head::parameters`] splits a flat tensor.
#[derive(Clone, Debug)]
pub struct Head {
    architecture: HeadArchitecture,
    parameters: FlatLayout,
}

/// Samples to learn from, one column each.
pub struct TrainingBatch {
    /// `[d, n]`.
    pub input: Tensor<2>,
    /// 1 at each sample's class, 0 elsewhere: `[classes, n]`.
    pub targets: Tensor<2>,
    /// One factor per block and output, `[width, n]`; empty without dropout.
    pub dropout: Vec<Tensor<2>>,
}

/// What a training batch gives.
pub struct HeadGradient {
    /// The gradient of the mean cross-entropy, all parameters flat.
    pub gradient: Tensor<1>,
    /// One row per class, one column per sample.
    pub logits: Tensor<2>,
    /// Mean and biased variance of each normalised channel, block after block: `[sum of widths, 1]`.
    pub statistics: Option<(Tensor<2>, Tensor<2>)>,
}

/// What the way back through a block needs.
struct Passed {
    input: Tensor<2>,
    normalised: Option<Normalised>,
    gate: Tensor<2>,
}

impl Head {
    /// The forward passes of this architecture.
    pub fn new(architecture: HeadArchitecture) -> Self {
        let trained = architecture.tensors().into_iter().filter(|(_, _, role)| *role != Role::Buffer);
        let parameters = FlatLayout::new(trained.map(|(name, shape, _)| (name, shape)));
        Self { architecture, parameters }
    }

    /// What it looks like.
    pub fn architecture(&self) -> &HeadArchitecture {
        &self.architecture
    }

    /// The trained tensors in `PyTorch`'s order.
    pub fn parameters(&self) -> &FlatLayout {
        &self.parameters
    }

    /// Draws weights and biases from U(±1/√fan-in), `PyTorch`'s default; normalisations start neutral.
    pub fn initial(architecture: HeadArchitecture, random: &mut Random) -> Weights {
        let mut tensors = std::collections::BTreeMap::new();
        let mut bound = 0.0;
        for (name, shape, role) in architecture.tensors() {
            let tensor = match role {
                Role::Linear => {
                    // A bias follows its weight and shares its range.
                    if let [_, fan_in] = shape[..] {
                        bound = 1.0 / (fan_in as f32).sqrt();
                    }
                    ArrayD::from_shape_simple_fn(shape, || random.between(-bound, bound))
                }
                Role::Norm | Role::Buffer => {
                    let one = name.ends_with(".weight") || name.ends_with(".running_var");
                    ArrayD::from_elem(shape, if one { 1.0 } else { 0.0 })
                }
            };
            tensors.insert(name, tensor);
        }
        let counters = architecture.counters().into_iter().map(|name| (name, 0)).collect();
        Weights {
            architecture: Architecture::Head(architecture),
            tensors,
            counters,
            seen: Seen::default(),
            trainable: None,
        }
    }

    /// The mean cross-entropy over a batch, by its definition.
    pub fn loss(&self, parts: &[Tensor<2>], batch: &TrainingBatch) -> Tensor<1> {
        let blocks = self.architecture.hidden.len();
        let mut x = batch.input.clone();
        for block in 0..blocks {
            x = linear(x, &parts[2 * block..]);
            if self.architecture.batch_norm {
                let [scale, shift] = pair(&parts[2 * (blocks + block)..]);
                x = Normalised::new(x, column(scale), column(shift)).output;
            }
            x = activation::relu(x);
            if let Some(factors) = batch.dropout.get(block) {
                x = x * factors.clone();
            }
        }
        let logits = linear(x, &parts[parts.len() - 2..]);
        let count = logits.dims()[1] as f64;
        (activation::log_softmax(logits, 0) * batch.targets.clone()).sum().mul_scalar(-1.0 / count)
    }

    /// The gradient of [`Head::loss`], all parameters flat, and what else the batch gives.
    ///
    /// Written out rather than left to burn's autodiff: the graph's bookkeeping costs more than a head's small products, and
    /// trainings in several threads would share its lock. A test compares both.
    pub fn gradient(&self, parts: &[Tensor<2>], batch: TrainingBatch) -> HeadGradient {
        let share = 1.0 / batch.input.dims()[1] as f64;
        let mut passed = Vec::new();
        let mut x = batch.input;
        for block in 0..self.architecture.hidden.len() {
            let (output, pass) = self.enter(parts, block, x, batch.dropout.get(block));
            passed.push(pass);
            x = output;
        }
        let logits = linear(x.clone(), &parts[parts.len() - 2..]);
        // The gradient of cross-entropy with respect to the logits is softmax − target.
        let slope = (activation::softmax(logits.clone(), 0) - batch.targets).mul_scalar(share);
        let statistics = joined_statistics(&passed);
        let classifier = vec![slope.clone().matmul(x.transpose()), slope.clone().sum_dim(1)];
        let mut gradients = Gradients { classifier, ..Gradients::default() };
        let mut weight = &parts[parts.len() - 2];
        let mut slope = slope;
        for (block, pass) in passed.into_iter().enumerate().rev() {
            slope = gradients.leave(pass, weight.clone().transpose().matmul(slope));
            weight = &parts[2 * block];
        }
        HeadGradient { gradient: self.parameters.join(gradients.in_order()), logits, statistics }
    }

    /// Goes forward through a block in training.
    fn enter(
        &self,
        parts: &[Tensor<2>],
        block: usize,
        input: Tensor<2>,
        dropout: Option<&Tensor<2>>,
    ) -> (Tensor<2>, Passed) {
        let mut y = linear(input.clone(), &parts[2 * block..]);
        let normalised = self.architecture.batch_norm.then(|| {
            let [scale, shift] = pair(&parts[2 * (self.architecture.hidden.len() + block)..]);
            Normalised::new(y.clone(), column(scale), column(shift))
        });
        if let Some(normalised) = &normalised {
            y = normalised.output.clone();
        }
        // ReLU and dropout are one factor per output, the same on the way back.
        let gate = match dropout {
            Some(factors) => factors.clone().mask_fill(y.clone().lower_equal_scalar(0.0), 0.0),
            None => y.clone().greater_scalar(0.0).float(),
        };
        (y * gate.clone(), Passed { input, normalised, gate })
    }

    /// Classifies samples `[d, n]`: dropout off, normalised by the running statistics of all blocks one after another.
    pub fn forward(&self, parts: &[Tensor<2>], statistics: Option<&RunningStatistics>, input: Tensor<2>) -> Tensor<2> {
        let blocks = self.architecture.hidden.len();
        let mut x = input;
        let mut start = 0;
        for (block, &width) in self.architecture.hidden.iter().enumerate() {
            x = linear(x, &parts[2 * block..]);
            if let Some(statistics) = statistics {
                let [scale, shift] = pair(&parts[2 * (blocks + block)..]);
                x = normalise_fixed(x, &statistics.channels(start, width), column(scale), column(shift));
                start += width;
            }
            x = activation::relu(x);
        }
        linear(x, &parts[parts.len() - 2..])
    }
}

/// Gradients of a head's parameters, gathered from the last block to the first.
#[derive(Default)]
struct Gradients {
    /// Weight and bias of each block, the last block first.
    layers: Vec<[Tensor<2>; 2]>,
    /// Scale and shift of each block, the last block first.
    norms: Vec<[Tensor<2>; 2]>,
    classifier: Vec<Tensor<2>>,
}

impl Gradients {
    /// Goes back through a block, given the gradient of its output; gives that of its linear layer's output.
    fn leave(&mut self, pass: Passed, output: Tensor<2>) -> Tensor<2> {
        let mut slope = output * pass.gate;
        if let Some(normalised) = pass.normalised {
            let gradient = normalised.gradient(slope);
            self.norms.push([gradient.scale, gradient.shift]);
            slope = gradient.input;
        }
        self.layers.push([slope.clone().matmul(pass.input.transpose()), slope.clone().sum_dim(1)]);
        slope
    }

    /// The gradients in `PyTorch`'s order.
    fn in_order(self) -> Vec<Tensor<2>> {
        let blocks = self.layers.into_iter().rev().chain(self.norms.into_iter().rev());
        blocks.flatten().chain(self.classifier).collect()
    }
}

/// The statistics of all blocks one after another.
fn joined_statistics(passed: &[Passed]) -> Option<(Tensor<2>, Tensor<2>)> {
    let all = |field: fn(&Normalised) -> &Tensor<2>| -> Vec<Tensor<2>> {
        passed.iter().filter_map(|pass| pass.normalised.as_ref()).map(|normalised| field(normalised).clone()).collect()
    };
    let means = all(|normalised| &normalised.mean);
    (!means.is_empty()).then(|| (Tensor::cat(means, 0), Tensor::cat(all(|normalised| &normalised.variance), 0)))
}

/// W x + b, with W as `[out, in]` and b as `[1, out]`.
fn linear(input: Tensor<2>, parts: &[Tensor<2>]) -> Tensor<2> {
    let [weight, bias] = pair(parts);
    weight.matmul(input) + column(bias)
}

/// A vector that lies as one row, as one column.
fn column(row: Tensor<2>) -> Tensor<2> {
    let [_, length] = row.dims();
    row.reshape([length, 1])
}

/// The first two tensors: weight and bias, or scale and shift.
fn pair(parts: &[Tensor<2>]) -> [Tensor<2>; 2] {
    [parts[0].clone(), parts[1].clone()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::gradient_of;

    fn values(tensor: Tensor<1>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn the_gradient_is_that_of_automatic_differentiation() {
        let device = burn::tensor::Device::flex();
        let mut random = Random::new(3, "test", "gradient", 0);
        let mut matrix = |rows: usize, columns: usize, drawn: fn(f32) -> f32| {
            let values: Vec<f32> = (0..rows * columns).map(|_| drawn(random.between(-1.0, 1.0))).collect();
            Tensor::<2>::from_data(burn::tensor::TensorData::new(values, [rows, columns]), &device)
        };
        for (hidden, batch_norm, dropped) in
            [(vec![5, 4], true, true), (vec![5, 4], false, false), (vec![], true, false)]
        {
            let classes = (0..3).map(|class| class.to_string()).collect();
            let head =
                Head::new(HeadArchitecture { input: 6, hidden: hidden.clone(), classes, batch_norm, dropout: 0.5 });
            let flat = matrix(1, head.parameters.len(), |value| value).flatten(0, 1);
            let factor: fn(f32) -> f32 = |value| if value < 0.0 { 0.0 } else { 2.0 };
            let dropout = if dropped { hidden.iter().map(|&width| matrix(width, 7, factor)).collect() } else { vec![] };
            let targets =
                Tensor::from_floats([[1, 0, 0, 1, 0, 0, 1], [0, 1, 0, 0, 1, 1, 0], [0, 0, 1, 0, 0, 0, 0]], &device);
            let batch = TrainingBatch { input: matrix(6, 7, |value| value), targets, dropout };
            let parts = head.parameters.split(&flat);
            let expected = gradient_of(&head.parameters, &parts, |leaves| head.loss(leaves, &batch));
            let expected = values(expected);
            let found = values(head.gradient(&parts, batch).gradient);
            let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5 * largest, "{found} instead of {expected}, {hidden:?}");
            }
        }
    }

    #[test]
    fn initial_weights_fill_the_range_of_their_fan_in() {
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let head = HeadArchitecture { input: 100, hidden: vec![25, 4], classes, batch_norm: true, dropout: 0.2 };
        let weights = Head::initial(head, &mut Random::new(1, "s", "initial", 0));
        let largest = |name: &str| weights.tensors[name].iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!((0.099..=0.1).contains(&largest("layers.0.weight")));
        assert!((0.19..=0.2).contains(&largest("layers.1.weight")));
        assert!((0.05..=0.1).contains(&largest("layers.0.bias")));
        assert!(weights.tensors["bns.1.running_var"].iter().all(|&value| value.to_bits() == 1.0_f32.to_bits()));
        assert!(weights.tensors["bns.1.bias"].iter().all(|&value| value.to_bits() == 0));
        assert_eq!(weights.counters["bns.0.num_batches_tracked"], 0);
    }
}
