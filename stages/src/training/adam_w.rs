//! `AdamW` on one flat tensor, step for step as `PyTorch` computes it.

use burn::tensor::Tensor;

use super::Gate;

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), decay on every parameter as `PyTorch` does.
///
/// The change of a step is Δ = lr·λ·p + lr·m̂ / (√v̂ + ε), and p ← p − Δ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// lr.
    pub learning_rate: f64,
    /// λ.
    pub weight_decay: f64,
}

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Moving averages of the gradient and of its square, and how many steps went into them.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Average of gradients.
    pub first: Tensor<1>,
    /// Average of squared gradients.
    pub second: Tensor<1>,
    /// Steps taken.
    pub steps: u64,
}

impl Moments {
    /// Nothing averaged yet.
    pub fn zero(parameters: &Tensor<1>) -> Self {
        Self { first: parameters.zeros_like(), second: parameters.zeros_like(), steps: 0 }
    }
}

impl AdamW {
    /// Moves the parameters against the gradient, as far as the gate lets each of them.
    pub fn step(self, parameters: Tensor<1>, moments: &mut Moments, gradient: Tensor<1>, gate: &Gate) -> Tensor<1> {
        let gradient = gate.gradient(gradient);
        moments.steps += 1;
        let adam = moments.averaged(gradient).mul_scalar(self.learning_rate);
        let change = if self.weight_decay == 0.0 {
            adam
        } else {
            parameters.clone().mul_scalar(self.learning_rate * self.weight_decay) + adam
        };
        gate.apply(parameters, change)
    }
}

impl Moments {
    /// Takes in a gradient and gives m̂ / (√v̂ + ε).
    fn averaged(&mut self, gradient: Tensor<1>) -> Tensor<1> {
        let square = gradient.clone() * gradient.clone();
        let first =
            std::mem::replace(&mut self.first, gradient.clone()).mul_scalar(BETA_1) + gradient.mul_scalar(1.0 - BETA_1);
        let second =
            std::mem::replace(&mut self.second, square.clone()).mul_scalar(BETA_2) + square.mul_scalar(1.0 - BETA_2);
        let corrected = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        // m/c₁ / (√v/√c₂ + ε) with the constants drawn out, which saves two passes over all parameters.
        let root = corrected(BETA_2).sqrt();
        let direction = first.clone() / second.clone().sqrt().add_scalar(EPSILON * root);
        (self.first, self.second) = (first, second);
        direction.mul_scalar(root / corrected(BETA_1))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate_whatever_the_gradient() {
        let parameters = Tensor::<1>::from_floats([1.0, 1.0, 1.0], &Device::flex());
        let gradient = Tensor::<1>::from_floats([1e-3, -10.0, 0.0], &Device::flex());
        let mut moments = Moments::zero(&parameters);
        let adam = AdamW { learning_rate: 0.1, weight_decay: 0.5 };
        let moved: Vec<f32> =
            adam.step(parameters, &mut moments, gradient, &Gate::Open).to_data().try_to_vec().unwrap();
        // Decay takes 0.1 · 0.5 of each.
        for (value, expected) in moved.iter().zip([0.85, 1.05, 0.95]) {
            assert!((value - expected).abs() < 1e-5, "{moved:?}");
        }
    }
}
