//! Which number of the scores is compared.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::Scores;

/// An accuracy of the scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Over all items of the target.
    #[default]
    AccuracyTargetAll,
    /// Over the target's held-out items.
    #[serde(rename = "accuracy_target_20")]
    AccuracyTarget20,
    /// Over the held-out items of the sources.
    AccuracySource,
}

impl Measure {
    /// Its value, a share from 0 to 1.
    pub(crate) fn of(self, scores: &Scores) -> f64 {
        match self {
            Self::AccuracyTargetAll => scores.accuracy_target_all,
            Self::AccuracyTarget20 => scores.accuracy_target_20,
            Self::AccuracySource => scores.accuracy_source,
        }
    }

    /// Its name in files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::AccuracyTargetAll => "accuracy_target_all",
            Self::AccuracyTarget20 => "accuracy_target_20",
            Self::AccuracySource => "accuracy_source",
        }
    }

    /// Its name beside an axis of a figure, in percent.
    pub(crate) fn axis(self) -> String {
        let words = match self {
            Self::AccuracyTargetAll => "Accuracy",
            Self::AccuracyTarget20 => "Accuracy on the test part of the held-out domain",
            Self::AccuracySource => "Accuracy on the test parts of the source domains",
        };
        format!("{words} (%)")
    }

    /// Its name in sentences.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::AccuracyTargetAll => "accuracy on the held-out domain",
            Self::AccuracyTarget20 => "accuracy on the test part of the held-out domain",
            Self::AccuracySource => "accuracy on the test parts of the source domains",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_written_as_the_key_it_reads() {
        for measure in [Measure::AccuracyTargetAll, Measure::AccuracyTarget20, Measure::AccuracySource] {
            assert_eq!(serde_json::to_value(measure).unwrap(), measure.key());
        }
    }
}
