//! How training went: `history/1`, one JSON object a line, one line per epoch.

use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use serde::{Deserialize, Serialize};

/// The epochs of a training, in order. On disk one file, `history.jsonl`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History(pub Vec<EpochRecord>);

/// What one epoch came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Which epoch, from 0.
    pub epoch: u64,
    /// Mean cross-entropy over the training samples, each at the moment its batch was used.
    pub train_loss: f64,
    /// Share of training samples classified right, each at the moment its batch was used.
    pub train_accuracy: f64,
    /// Mean cross-entropy over the validation samples after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_loss: Option<f64>,
    /// Share of validation samples classified right after the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_acc: Option<f64>,
    /// The learning rate.
    pub learning_rate: f64,
    /// How far unimportant weights were free to move, 1 (fully) to 0 (frozen); only where there was a mask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Optimiser steps since the start, this epoch included.
    pub steps: u64,
}

impl Format for History {
    const KIND: Kind = Kind::new("history/1");
    const FORM: Form = Form::File;

    fn read(view: &View) -> Result<Self, FormatError> {
        let bytes = view.bytes()?;
        let mut epochs = Vec::new();
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            let place = || format!("{}, line {}", view.label(), index + 1);
            epochs.push(serde_json::from_slice(line).map_err(|error| FormatError::content(place(), error))?);
        }
        Ok(Self(epochs))
    }
}

impl WriteFormat for History {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        let mut text = String::new();
        for epoch in &self.0 {
            let line = serde_json::to_string(epoch).map_err(|error| FormatError::content(path.display(), error))?;
            text.push_str(&line);
            text.push('\n');
        }
        Ok(fs_err::write(path, text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_line_without_what_was_not_measured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let first = EpochRecord {
            train_loss: 1.5,
            train_accuracy: 0.25,
            learning_rate: 0.001,
            steps: 4,
            ..EpochRecord::default()
        };
        let second =
            EpochRecord { epoch: 1, val_loss: Some(1.25), val_acc: Some(0.5), scale: Some(0.0), ..first.clone() };
        let history = History(vec![first, second]);
        history.write(&path).unwrap();
        assert_eq!(
            fs_err::read_to_string(&path).unwrap(),
            "{\"epoch\":0,\"train_loss\":1.5,\"train_accuracy\":0.25,\"learning_rate\":0.001,\"steps\":4}\n\
             {\"epoch\":1,\"train_loss\":1.5,\"train_accuracy\":0.25,\"val_loss\":1.25,\"val_acc\":0.5,\"learning_rate\":0.001,\"scale\":0.0,\"steps\":4}\n"
        );
        assert_eq!(History::read(&View::disk(&path)).unwrap(), history);
    }

    #[test]
    fn a_line_that_is_no_epoch_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        fs_err::write(
            &path,
            "{\"epoch\":0,\"train_loss\":1,\"train_accuracy\":1,\"learning_rate\":1,\"steps\":1}\n{}\n",
        )
        .unwrap();
        assert!(History::read(&View::disk(&path)).unwrap_err().to_string().contains("line 2: missing field"));
    }
}
