//! How the learning rate goes over the epochs.

use std::f64::consts::PI;

/// The share of the learning rate that an epoch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// All of it, however many epochs there are: the end of fewer epochs is on the way to more.
    Constant,
    /// Up in a straight line, then down along a cosine that would reach 0 after the last epoch.
    WarmUpCosine {
        /// Epochs in which it rises.
        warm_up: u64,
        /// All epochs.
        epochs: u64,
    },
}

impl Rate {
    /// The share in an epoch, counted from 0.
    pub fn share(self, epoch: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::WarmUpCosine { warm_up, .. } if epoch < warm_up => (epoch as f64 + 1.0) / (warm_up as f64 + 1.0),
            Self::WarmUpCosine { warm_up, epochs } => {
                let (epoch, warm_up, epochs) = (epoch as f64, warm_up as f64, epochs as f64);
                f64::midpoint(1.0, (PI * (epoch - warm_up) / (epochs - warm_up)).cos())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls() {
        let rate = Rate::WarmUpCosine { warm_up: 3, epochs: 7 };
        let shares: Vec<f64> = (0..7).map(|epoch| rate.share(epoch)).collect();
        assert_eq!(shares[..4], [0.25, 0.5, 0.75, 1.0]);
        assert!((shares[5] - 0.5).abs() < 1e-12 && shares[6] > 0.0, "{shares:?}");
    }
}
