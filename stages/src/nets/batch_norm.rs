//! Batch normalisation as `PyTorch` has it: the running variance takes the *unbiased* variance of the batch.
//!
//! Burn's own layer keeps its running statistics in interior mutability; here they are values that training carries along.

use burn::tensor::{Device, Tensor};

/// The share of a batch's statistics in the running ones (`PyTorch`'s default).
const MOMENTUM: f32 = 0.1;
/// Added to a variance before its root (`PyTorch`'s default).
const EPSILON: f32 = 1e-5;

/// A batch normalised by its own statistics, with what its gradient needs. A row per channel.
pub struct Normalised {
    /// The batch, scaled and shifted: `[c, n]`.
    pub output: Tensor<2>,
    /// Mean per channel: `[c, 1]`.
    pub mean: Tensor<2>,
    /// Biased variance per channel: `[c, 1]`.
    pub variance: Tensor<2>,
    standard: Tensor<2>,
    factor: Tensor<2>,
}

/// The gradients of a normalised batch.
pub struct NormalisedGradient {
    /// With respect to the batch: `[c, n]`.
    pub input: Tensor<2>,
    /// With respect to the scale: `[c, 1]`.
    pub scale: Tensor<2>,
    /// With respect to the shift: `[c, 1]`.
    pub shift: Tensor<2>,
}

impl Normalised {
    /// Normalises `[c, n]` by its own mean and biased variance (Ioffe and Szegedy 2015, algorithm 1). `n` must be at least 2.
    pub fn new(input: Tensor<2>, scale: Tensor<2>, shift: Tensor<2>) -> Self {
        let mean = input.clone().mean_dim(1);
        let centred = input - mean.clone();
        let variance = centred.clone().square().mean_dim(1);
        let inverse = variance.clone().add_scalar(EPSILON).sqrt().recip();
        let standard = centred * inverse.clone();
        let output = standard.clone() * scale.clone() + shift;
        Self { output, mean, variance, standard, factor: scale * inverse }
    }

    /// The gradients, given that of the output (Ioffe and Szegedy 2015, section 3, simplified).
    pub fn gradient(self, output: Tensor<2>) -> NormalisedGradient {
        let share = 1.0 / output.dims()[1] as f64;
        let shift = output.clone().sum_dim(1);
        let scale = (output.clone() * self.standard.clone()).sum_dim(1);
        let along = self.standard * scale.clone().mul_scalar(share);
        let input = (output - shift.clone().mul_scalar(share) - along) * self.factor;
        NormalisedGradient { input, scale, shift }
    }
}

/// Normalises `[c, n]` by given statistics, as evaluation does.
pub fn normalise_fixed(
    input: Tensor<2>,
    statistics: &RunningStatistics,
    scale: Tensor<2>,
    shift: Tensor<2>,
) -> Tensor<2> {
    let factor = scale / statistics.variance.clone().add_scalar(EPSILON).sqrt();
    (input - statistics.mean.clone()) * factor + shift
}

/// Moving averages of means and unbiased variances: `[c, 1]` each. The channels of several layers may lie one after another in one.
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
        let column = |values: &[f32]| Tensor::<1>::from_floats(values, device).reshape([values.len(), 1]);
        Self { mean: column(mean), variance: column(variance) }
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
        let part = |all: &Tensor<2>| all.clone().narrow(0, start, length);
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
        let batch = Tensor::<2>::from_floats([[1.0, 3.0]], &device);
        let ones = Tensor::<2>::ones([1, 1], &device);
        let normalised = Normalised::new(batch, ones.clone(), ones.zeros_like());
        let values: Vec<f32> = normalised.output.clone().into_data().try_to_vec().unwrap();
        assert!((values[1] - 1.0 / 1.00001_f32.sqrt()).abs() < 1e-6, "{values:?}");
        let running = running.updated(normalised.mean, normalised.variance, 2);
        // Mean 2, biased variance 1, unbiased variance 2.
        assert!((running.mean.into_scalar::<f32>() - 0.2).abs() < 1e-6);
        assert!((running.variance.into_scalar::<f32>() - 1.1).abs() < 1e-6);
    }
}
