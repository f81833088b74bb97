//! Which epoch's weights training gives back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TrainingState;
use crate::formats::EpochRecord;

/// Which epoch's weights are the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Select {
    /// The last epoch's.
    #[default]
    Last,
    /// Those of the epoch with the best accuracy on the validation samples of the source domains, the first of equals.
    SourceValidation,
}

/// Keeps the best state so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    /// Its accuracy, and the state.
    pub(super) best: Option<(f64, TrainingState)>,
}

impl Selection {
    /// Looks at the state after an epoch.
    pub(super) fn offer(&mut self, record: &EpochRecord, state: &TrainingState) {
        let Some(accuracy) = record.val_acc else {
            return;
        };
        if self.best.as_ref().is_none_or(|(best, _)| accuracy > *best) {
            self.best = Some((accuracy, state.clone()));
        }
    }

    /// The best state, or the last where none was measured.
    pub(super) fn chosen(self, last: TrainingState) -> TrainingState {
        self.best.map_or(last, |(_, state)| state)
    }
}
