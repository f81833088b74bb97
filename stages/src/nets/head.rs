//! The classification head: blocks of Linear → batch normalisation → `ReLU` → dropout, then Linear
//! (two-phase weight importance, section 3).

use burn::tensor::{Tensor, activation};
use ndarray::ArrayD;

use super::{FlatLayout, RunningStatistics, normalise_batch, normalise_fixed};
use crate::formats::{Architecture, HeadArchitecture, Role, Seen, Weights};
use crate::random::Random;

/// A head's forward passes. Its weights are given with each call: `parts`, as [`Head::parameters`] splits a flat tensor.
#[derive(Clone, Debug)]
pub struct Head {
    architecture: HeadArchitecture,
    parameters: FlatLayout,
}

/// What a training batch gives.
pub struct TrainingPass {
    /// One row per sample, one column per class.
    pub logits: Tensor<2>,
    /// Mean and biased variance of each normalised channel, all blocks side by side: `[1, sum of widths]`.
    pub statistics: Option<(Tensor<2>, Tensor<2>)>,
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
        Weights { architecture: Architecture::Head(architecture), tensors, counters, seen: Seen::default() }
    }

    /// Classifies a training batch `[n, d]`. `dropout` has one factor per block and output, `[n, width]`, or is empty.
    pub fn forward_training(&self, parts: &[Tensor<2>], input: Tensor<2>, dropout: &[Tensor<2>]) -> TrainingPass {
        let blocks = self.architecture.hidden.len();
        let (mut means, mut variances) = (Vec::new(), Vec::new());
        let mut x = input;
        for block in 0..blocks {
            x = linear(x, &parts[2 * block..]);
            if self.architecture.batch_norm {
                let [scale, shift] = pair(&parts[2 * (blocks + block)..]);
                let normalised = normalise_batch(x, scale, shift);
                means.push(normalised.mean.inner());
                variances.push(normalised.variance.inner());
                x = normalised.output;
            }
            x = activation::relu(x);
            if let Some(factors) = dropout.get(block) {
                x = x * factors.clone();
            }
        }
        let logits = linear(x, &parts[parts.len() - 2..]);
        let statistics = (!means.is_empty()).then(|| (Tensor::cat(means, 1), Tensor::cat(variances, 1)));
        TrainingPass { logits, statistics }
    }

    /// Classifies samples `[n, d]`: dropout off, normalised by the running statistics of all blocks side by side.
    pub fn forward(&self, parts: &[Tensor<2>], statistics: Option<&RunningStatistics>, input: Tensor<2>) -> Tensor<2> {
        let blocks = self.architecture.hidden.len();
        let mut x = input;
        let mut start = 0;
        for (block, &width) in self.architecture.hidden.iter().enumerate() {
            x = linear(x, &parts[2 * block..]);
            if let Some(statistics) = statistics {
                let [scale, shift] = pair(&parts[2 * (blocks + block)..]);
                x = normalise_fixed(x, &statistics.channels(start, width), scale, shift);
                start += width;
            }
            x = activation::relu(x);
        }
        linear(x, &parts[parts.len() - 2..])
    }
}

/// x Wᵀ + b, with W as `[out, in]` and b as `[1, out]`.
fn linear(input: Tensor<2>, parts: &[Tensor<2>]) -> Tensor<2> {
    let [weight, bias] = pair(parts);
    input.matmul(weight.transpose()) + bias
}

/// The first two tensors: weight and bias, or scale and shift.
fn pair(parts: &[Tensor<2>]) -> [Tensor<2>; 2] {
    [parts[0].clone(), parts[1].clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initial_weights_fill_the_range_of_their_fan_in() {
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let head = HeadArchitecture { input: 100, hidden: vec![25, 4], classes, batch_norm: true, dropout: 0.2 };
        let weights = Head::initial(head, &mut Random::new(1, "s", "initial", 0));
        let largest = |name: &str| weights.tensors[name].iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!((0.099..=0.1).contains(&largest("layers.0.weight")));
        assert!((0.19..=0.2).contains(&largest("layers.1.weight")));
        assert!((0.05..=0.1).contains(&largest("layers.0.bias")));
        assert!(weights.tensors["bns.1.running_var"].iter().all(|&value| value == 1.0));
        assert!(weights.tensors["bns.1.bias"].iter().all(|&value| value == 0.0));
        assert_eq!(weights.counters["bns.0.num_batches_tracked"], 0);
    }
}
