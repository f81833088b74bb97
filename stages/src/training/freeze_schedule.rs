//! How far unimportant weights may still move in an epoch.

use std::f64::consts::FRAC_PI_2;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The shape of the way from free to frozen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// s(e) = 1 − e / `freeze_epoch`.
    #[default]
    Linear,
    /// s(e) = cos(π/2 · e / `freeze_epoch`).
    Cosine,
    /// s(e) = 1 until `freeze_epoch`.
    Step,
}

/// The scale s(e) of unimportant weights: 1 lets them move freely, 0 freezes them (two-phase weight importance, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezeSchedule {
    /// The shape.
    pub schedule: Schedule,
    /// The first epoch in which the scale is 0: 0 freezes at once, nothing never.
    pub freeze_epoch: Option<u64>,
}

impl FreezeSchedule {
    /// s(e), 0 from `freeze_epoch` on.
    pub fn scale(self, epoch: u64) -> f64 {
        match self.freeze_epoch {
            None => 1.0,
            Some(freeze) if epoch >= freeze => 0.0,
            Some(freeze) => {
                let share = epoch as f64 / freeze as f64;
                match self.schedule {
                    Schedule::Linear => 1.0 - share,
                    Schedule::Cosine => (FRAC_PI_2 * share).cos(),
                    Schedule::Step => 1.0,
                }
            }
        }
    }

    /// Whether the unimportant weights are frozen at the end of `epochs` epochs.
    pub fn freezes_within(self, epochs: u64) -> bool {
        self.freeze_epoch.is_some_and(|freeze| freeze < epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scales(schedule: Schedule, freeze_epoch: Option<u64>) -> Vec<f64> {
        (0..5).map(|epoch| FreezeSchedule { schedule, freeze_epoch }.scale(epoch)).collect()
    }

    #[test]
    fn the_scale_falls_to_nothing_at_the_freeze_epoch() {
        assert_eq!(scales(Schedule::Linear, Some(4)), [1.0, 0.75, 0.5, 0.25, 0.0]);
        assert_eq!(scales(Schedule::Step, Some(3)), [1.0, 1.0, 1.0, 0.0, 0.0]);
        let cosine = scales(Schedule::Cosine, Some(4));
        assert!((cosine[2] - 0.5_f64.sqrt()).abs() < 1e-12 && cosine[4] == 0.0, "{cosine:?}");
    }

    #[test]
    fn epoch_0_freezes_at_once_and_nothing_never() {
        assert_eq!(scales(Schedule::Linear, Some(0)), [0.0; 5]);
        assert_eq!(scales(Schedule::Cosine, None), [1.0; 5]);
        let schedule = Schedule::Linear;
        assert!(FreezeSchedule { schedule, freeze_epoch: Some(7) }.freezes_within(10));
        assert!(!FreezeSchedule { schedule, freeze_epoch: Some(10) }.freezes_within(10));
    }
}
