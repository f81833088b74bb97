//! One fold as the reference implementation leaves it: `fold/1`.

use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use serde::{Deserialize, Serialize};

use super::json;

/// A model and how it came out. On disk a folder: `model_final.safetensors` and `metrics.json`
/// (two-phase weight importance, section 5).
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// The model's tensors as a safetensors file, which `load_state_dict(strict=True)` takes.
    pub model: Vec<u8>,
    /// How it came out.
    pub metrics: FoldMetrics,
}

/// What `metrics.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldMetrics {
    /// The domain that was left out, where it was given.
    pub test_domain: Option<String>,
    /// Accuracy on the held-out part of that domain, from 0 to 1.
    pub final_test_accuracy: f64,
    /// How training went, one entry an epoch.
    pub history: FoldHistory,
}

/// Two lists, one entry an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldHistory {
    /// Mean loss over the training samples.
    pub train_loss: Vec<f64>,
    /// Accuracy over the validation samples; `null` where there was no validation.
    pub val_acc: Vec<Option<f64>>,
}

const MODEL: &str = "model_final.safetensors";
const METRICS: &str = "metrics.json";

impl Format for Fold {
    const KIND: Kind = Kind::new("fold/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        Ok(Self { model: view.at(MODEL)?.bytes()?, metrics: json::read(&view.at(METRICS)?)? })
    }
}

impl WriteFormat for Fold {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        fs_err::create_dir_all(path)?;
        fs_err::write(path.join(MODEL), &self.model)?;
        json::write(&path.join(METRICS), &self.metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metrics_have_the_keys_of_the_reference() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fold");
        let history = FoldHistory { train_loss: vec![1.5, 0.5], val_acc: vec![Some(0.25), None] };
        let metrics = FoldMetrics { test_domain: Some("sketch".to_owned()), final_test_accuracy: 0.75, history };
        let fold = Fold { model: vec![1, 2], metrics };
        fold.write(&path).unwrap();
        assert_eq!(
            fs_err::read_to_string(path.join("metrics.json")).unwrap(),
            "{\"test_domain\":\"sketch\",\"final_test_accuracy\":0.75,\
             \"history\":{\"train_loss\":[1.5,0.5],\"val_acc\":[0.25,null]}}\n"
        );
        assert_eq!(Fold::read(&View::disk(path)).unwrap(), fold);
    }
}
