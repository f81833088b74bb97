//! What a mask does to an optimiser's step.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the scale of unimportant weights is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MaskMode {
    /// To the optimiser's change of the weight, decay included: what is frozen keeps its bits.
    #[default]
    Update,
    /// To the gradient, as the original method does. Adam renormalises it, so the slowing is weaker than the scale says.
    Gradient,
}

/// How far each parameter may move in an epoch: g = M + (1 − M) · s (two-phase weight importance, sections 5 and 6, A4).
#[derive(Clone, Debug)]
pub enum Gate {
    /// Every parameter moves freely.
    Open,
    /// Each change is multiplied by its g.
    Update(Tensor<1>),
    /// Where true, a parameter moves freely; elsewhere it keeps its bits.
    Freeze(Tensor<1, Bool>),
    /// Each gradient is multiplied by its g.
    Gradient(Tensor<1>),
}

impl Gate {
    /// The gate of a mask over all parameters, true where free, at scale `s`. Free parameters have g = 1 exactly, so that
    /// they move bit for bit as without a mask.
    pub fn new(mask: &[bool], mode: MaskMode, scale: f64, device: &Device) -> Self {
        let scale = scale as f32;
        if scale >= 1.0 {
            return Self::Open;
        }
        if mode == MaskMode::Update && scale <= 0.0 {
            return Self::Freeze(Tensor::from_data(TensorData::new(mask.to_vec(), [mask.len()]), device));
        }
        let factors: Vec<f32> = mask.iter().map(|&free| if free { 1.0 } else { scale }).collect();
        let factors = Tensor::from_floats(factors.as_slice(), device);
        match mode {
            MaskMode::Update => Self::Update(factors),
            MaskMode::Gradient => Self::Gradient(factors),
        }
    }

    /// The gradient as the optimiser is to see it.
    pub(super) fn gradient(&self, gradient: Tensor<1>) -> Tensor<1> {
        match self {
            Self::Gradient(factors) => gradient * factors.clone(),
            Self::Open | Self::Update(_) | Self::Freeze(_) => gradient,
        }
    }

    /// p − g·Δ.
    pub(super) fn apply(&self, parameters: Tensor<1>, change: Tensor<1>) -> Tensor<1> {
        match self {
            Self::Open | Self::Gradient(_) => parameters - change,
            Self::Update(factors) => parameters - change * factors.clone(),
            Self::Freeze(free) => parameters.clone().mask_where(free.clone(), parameters - change),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(scale: f64, parameters: [f32; 2]) -> Vec<u32> {
        let device = Device::flex();
        let gate = Gate::new(&[true, false], MaskMode::Update, scale, &device);
        let change = Tensor::<1>::from_floats([0.1, -0.1], &device);
        let moved = gate.apply(Tensor::from_floats(parameters, &device), change);
        moved.to_data().try_to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn a_frozen_parameter_keeps_its_bits_even_a_negative_zero() {
        assert_eq!(applied(0.0, [0.3, -0.0]), [(0.3_f32 - 0.1).to_bits(), (-0.0_f32).to_bits()]);
    }

    #[test]
    fn a_free_parameter_moves_as_without_a_mask_at_every_scale() {
        for scale in [1.0, 0.7, 1.0 / 3.0, 0.0] {
            assert_eq!(applied(scale, [0.3, 0.3])[0], (0.3_f32 - 0.1).to_bits());
        }
        assert_eq!(applied(0.5, [0.3, 0.3])[1], (0.3_f32 - -0.1 * 0.5).to_bits());
    }
}
