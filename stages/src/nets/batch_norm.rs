//! Batch normalisation as `PyTorch` has it: the running variance takes the *unbiased* variance of the batch.
//!
//! Burn's own layer keeps its running statistics in interior mutability; here they are values that training carries along.

use burn::tensor::{Device, Tensor};

/// The share of a batch's statistics in the running ones (`PyTorch`'s default).
pub const MOMENTUM: f32 = 0.1;
/// Added to a variance before its root (`PyTorch`'s default).
pub const EPSILON: f32 = 1e-5;

/// A normalised batch and what it was normalised by.
pub struct Normalised {
    /// The batch, scaled and shifted: `[n, c]`.
    pub output: Tensor<2>,
    /// Mean per channel: `[1, c]`.
    pub mean: Tensor<2>,
    /// Biased variance per channel: `[1, c]`.
    pub variance: Tensor<2>,
}

/// Normalises `[n, c]` by its own mean and biased variance (Ioffe and Szegedy 2015, algorithm 1). `n` must be at least 2.
pub fn normalise_batch(input: Tensor<2>, scale: Tensor<2>, shift: Tensor<2>) -> Normalised {
    let mean = input.clone().mean_dim(0);
    let centred = input - mean.clone();
    let variance = centred.clone().square().mean_dim(0);
    let factor = scale / variance.clone().add_scalar(EPSILON).sqrt();
    Normalised { output: centred * factor + shift, mean, variance }
}

/// Normalises `[n, c]` by given statistics `[1, c]`, as evaluation does.
pub fn normalise_fixed(
    input: Tensor<2>,
    statistics: &RunningStatistics,
    scale: Tensor<2>,
    shift: Tensor<2>,
) -> Tensor<2> {
    let factor = scale / statistics.variance.clone().add_scalar(EPSILON).sqrt();
    (input - statistics.mean.clone()) * factor + shift
}

/// Moving averages of means and unbiased variances: `[1, c]` each. Several layers may lie side by side in one.
#[derive(Clone, Debug)]
pub struct RunningStatistics {
    /// Moving average of means.
    pub mean: Tensor<2>,
    /// Moving average of unbiased variances.
    pub variance: Tensor<2>,
}

impl RunningStatistics {
    /// Statistics from numbers, `c` each.
    pub fn new(mean: &[f32], variance: &[f32], device: &Device) -> Self {
        let row = |values: &[f32]| Tensor::<1>::from_floats(values, device).reshape([1, values.len()]);
        Self { mean: row(mean), variance: row(variance) }
    }

    /// Takes in the mean and the *biased* variance of a batch of `count` samples.
    #[must_use]
    pub fn updated(self, mean: Tensor<2>, variance: Tensor<2>, count: usize) -> Self {
        let unbiased = MOMENTUM * count as f32 / (count as f32 - 1.0);
        Self {
            mean: self.mean.mul_scalar(1.0 - MOMENTUM) + mean.mul_scalar(MOMENTUM),
            variance: self.variance.mul_scalar(1.0 - MOMENTUM) + variance.mul_scalar(unbiased),
        }
    }

    /// The statistics of the channels of one layer.
    #[must_use]
    pub fn channels(&self, start: usize, length: usize) -> Self {
        let part = |all: &Tensor<2>| all.clone().narrow(1, start, length);
        Self { mean: part(&self.mean), variance: part(&self.variance) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_statistics_take_the_unbiased_variance() {
        let device = Device::flex();
        let running = RunningStatistics::new(&[0.0], &[1.0], &device);
        let batch = Tensor::<2>::from_floats([[1.0], [3.0]], &device);
        let ones = Tensor::<2>::ones([1, 1], &device);
        let normalised = normalise_batch(batch, ones.clone(), ones.zeros_like());
        let values: Vec<f32> = normalised.output.to_data().try_to_vec().unwrap();
        assert!((values[1] - 1.0 / 1.00001_f32.sqrt()).abs() < 1e-6, "{values:?}");
        let running = running.updated(normalised.mean, normalised.variance, 2);
        // Mean 2, biased variance 1, unbiased variance 2.
        assert!((running.mean.into_scalar::<f32>() - 0.2).abs() < 1e-6);
        assert!((running.variance.into_scalar::<f32>() - 1.1).abs() < 1e-6);
    }
}
