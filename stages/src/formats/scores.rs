//! How well a model does: `scores/1`.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use serde::{Deserialize, Serialize};

use super::json;

/// The scores of one model on one target domain. On disk one file, `scores.json`.
///
/// Accuracies are shares from 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Share of all the target's items that is classified right.
    pub accuracy_target_all: f64,
    /// The same over the target's held-out items only, as the reference tests.
    pub accuracy_target_20: f64,
    /// The same over the held-out items of the domains that the model was trained on.
    pub accuracy_source: f64,
    /// Whether an item of the target, with its label, went into the model's mask: where true, the target was not unseen.
    pub mask_saw_target: bool,
    /// How many weights the mask leaves free after the freeze, where the mask was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trainable_weights: Option<u64>,
    /// How many items each accuracy was computed over.
    pub counts: Counts,
    /// The names of the classes, in the order of the labels.
    pub classes: Vec<String>,
    /// Share of each class's items in the target that is classified right; `null` for classes without items there.
    pub recall: BTreeMap<String, Option<f64>>,
    /// How many items of the target have this label (row) and were taken for that class (column).
    pub confusion: Vec<Vec<u64>>,
    /// What each item of the target was taken for.
    pub predictions: Predictions,
}

/// How many items accuracies were computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All items of the target.
    pub target_all: u64,
    /// The target's held-out items.
    pub target_20: u64,
    /// The sources' held-out items.
    pub source: u64,
}

/// Three lists of equal length, one entry an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predictions {
    /// What each item is called.
    pub ids: Vec<String>,
    /// The index of its class.
    pub labels: Vec<i64>,
    /// The index of the class it was taken for.
    pub predicted: Vec<i64>,
}

impl Scores {
    fn check(&self, place: &str) -> Result<(), FormatError> {
        let accuracies = [
            ("accuracy_target_all", self.accuracy_target_all),
            ("accuracy_target_20", self.accuracy_target_20),
            ("accuracy_source", self.accuracy_source),
        ];
        let strange = accuracies.iter().find(|(_, value)| !(0.0..=1.0).contains(value));
        strange.map_or(Ok(()), |(name, value)| {
            Err(FormatError::content(place, format!("`{name}` is {value}, which is no share from 0 to 1")))
        })
    }
}

impl Format for Scores {
    const KIND: Kind = Kind::new("scores/1");
    const FORM: Form = Form::File;

    fn read(view: &View) -> Result<Self, FormatError> {
        let scores: Self = json::read(view)?;
        scores.check(view.label())?;
        Ok(scores)
    }
}

impl WriteFormat for Scores {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        self.check(&path.display().to_string())?;
        json::write(path, self)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Scores that say this about the target and are plain otherwise.
    pub(crate) fn scoring(accuracy: f64, mask_saw_target: bool) -> Scores {
        Scores {
            accuracy_target_all: accuracy,
            accuracy_target_20: accuracy,
            accuracy_source: 0.9,
            mask_saw_target,
            trainable_weights: None,
            counts: Counts { target_all: 2, target_20: 1, source: 3 },
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            recall: BTreeMap::from([("cat".to_owned(), Some(1.0)), ("dog".to_owned(), None)]),
            confusion: vec![vec![2, 0], vec![0, 0]],
            predictions: Predictions::default(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.json");
        scoring(0.5, true).write(&path).unwrap();
        assert_eq!(Scores::read(&View::disk(&path)).unwrap(), scoring(0.5, true));
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\"accuracy_target_all\":0.5,\"accuracy_target_20\":0.5,\"accuracy_source\":0.9,"));
        assert!(text.contains("\"dog\":null") && text.ends_with("}\n"));
    }

    #[test]
    fn an_accuracy_that_is_no_share_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = scoring(53.1, false).write(&folder.path().join("s")).unwrap_err().to_string();
        assert!(error.ends_with("`accuracy_target_all` is 53.1, which is no share from 0 to 1"), "{error}");
    }
}
