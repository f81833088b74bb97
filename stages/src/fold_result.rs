//! `fold-result`: one fold in the files of the reference implementation.

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Fold, FoldHistory, FoldMetrics, History, Scores, Weights};

/// Settings of `fold-result`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FoldResultConfig {
    /// The domain that was left out, for `metrics.json`; `null` there where it is not given.
    #[serde(default)]
    pub test_domain: Option<String>,
}

const MODEL: In<Weights> = In::new("model");
const HISTORY: In<History> = In::new("history");
const SCORES: In<Scores> = In::new("scores");
const FOLD: Out<Fold> = Out::new("fold");

/// Writes `model_final.safetensors` and `metrics.json` (two-phase weight importance, section 5). The final test
/// accuracy is that over the held-out part of the target, as the reference tests.
pub struct FoldResult;

impl StageType for FoldResult {
    type Config = FoldResultConfig;
    const NAME: &'static str = "fold-result";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Writes one fold in the files of the reference implementation.";

    fn ports() -> Ports {
        Ports::default().reads(MODEL).reads(HISTORY).reads(SCORES).writes(FOLD)
    }

    fn execute(config: &FoldResultConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let (model, History(epochs)) = (context.read(MODEL)?, context.read(HISTORY)?);
        let scores = context.read(SCORES)?;
        let history = FoldHistory {
            train_loss: epochs.iter().map(|epoch| epoch.train_loss).collect(),
            val_acc: epochs.iter().map(|epoch| epoch.val_acc).collect(),
        };
        let metrics = FoldMetrics {
            test_domain: config.test_domain.clone(),
            final_test_accuracy: scores.accuracy_target_20,
            history,
        };
        context.metric("final_test_accuracy", metrics.final_test_accuracy);
        context.write(FOLD, &Fold { model: model.safetensors()?, metrics })
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};

    use super::*;
    use crate::formats::{EpochRecord, HeadArchitecture, scoring};
    use crate::nets::Head;
    use crate::random::Random;

    #[test]
    fn a_fold_has_the_model_and_the_metrics_of_the_reference() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let head = HeadArchitecture { input: 3, hidden: vec![2], classes, batch_norm: true, dropout: 0.2 };
        let weights = Head::initial(head, &mut Random::new(1, "s", "initial", 0));
        weights.write(&at("model")).unwrap();
        let epoch = EpochRecord { train_loss: 0.5, val_acc: Some(0.75), ..EpochRecord::default() };
        History(vec![epoch]).write(&at("history.jsonl")).unwrap();
        scoring(0.25, false).write(&at("scores.json")).unwrap();
        let config = FoldResultConfig { test_domain: Some("sketch".to_owned()) };
        let solo = Solo::new(at("out"))
            .input("model", at("model"))
            .input("history", at("history.jsonl"))
            .input("scores", at("scores.json"));
        let result = solo.execute::<FoldResult>(&config).unwrap();
        let fold = Fold::read(&View::disk(&result.outputs["fold"])).unwrap();
        assert_eq!(fold.model, fs_err::read(at("model").join("model.safetensors")).unwrap());
        assert_eq!((fold.metrics.test_domain.as_deref(), fold.metrics.final_test_accuracy), (Some("sketch"), 0.25));
        assert_eq!(fold.metrics.history.val_acc, [Some(0.75)]);
    }
}
