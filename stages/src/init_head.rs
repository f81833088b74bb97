//! `init-head`: a head as `PyTorch` initialises it (two-phase weight importance, section 3).

use std::num::NonZeroU32;

use dgpipe_engine::stage::{Context, Many, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Embeddings, HeadArchitecture, Weights};
use crate::nets::Head;
use crate::random::Random;
use crate::training::Dropout;

/// What head `init-head` makes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitHeadConfig {
    /// Seed of the weights.
    pub seed: u64,
    /// Stream of the random numbers: heads with the same seed, stream and sizes are the same.
    pub stream: String,
    /// The width of each block; an empty list makes a linear probe.
    #[serde(default = "default_hidden")]
    pub hidden: Vec<NonZeroU32>,
    /// Whether each block normalises its batch.
    #[serde(default = "default_batch_norm")]
    pub batch_norm: bool,
    /// The share of each block's outputs that training drops, 0 for none.
    #[serde(default)]
    pub dropout: Dropout,
}

fn default_hidden() -> Vec<NonZeroU32> {
    vec![NonZeroU32::new(10).expect("10 is not 0"); 4]
}

fn default_batch_norm() -> bool {
    true
}

const LIKE: Many<Embeddings> = Many::new("like");
const WEIGHTS: Out<Weights> = Out::new("weights");

/// See the module's documentation.
pub struct InitHead;

impl StageType for InitHead {
    type Config = InitHeadConfig;
    const NAME: &'static str = "init-head";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws the initial weights of a classification head for embeddings.";

    fn ports() -> Ports {
        Ports::default().reads(LIKE).writes(WEIGHTS)
    }

    fn execute(config: &Self::Config, context: &mut Context<'_>) -> Result<(), StageError> {
        let like = context.read(LIKE)?;
        Embeddings::check_alike("like", &like)?;
        let first = like.first().ok_or_else(|| StageError::new("input `like` has no embeddings"))?;
        let architecture = HeadArchitecture {
            input: first.width(),
            hidden: config.hidden.iter().map(|width| width.get() as usize).collect(),
            classes: first.classes.clone(),
            batch_norm: config.batch_norm,
            dropout: config.dropout.get(),
        };
        context.metric("trainable", architecture.trainable());
        let mut random = Random::new(config.seed, &config.stream, "initial", 0);
        context.write(WEIGHTS, &Head::initial(architecture, &mut random))
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};
    use ndarray::Array2;

    use super::*;

    fn embeddings(width: usize, classes: [&str; 2]) -> Embeddings {
        Embeddings {
            vectors: Array2::zeros((1, width)),
            labels: vec![0],
            classes: classes.map(str::to_owned).to_vec(),
            ids: vec![String::new()],
            digests: vec![String::new()],
        }
    }

    fn made(parts: &[Embeddings], config: &str) -> Result<Weights, StageError> {
        let folder = tempfile::tempdir().unwrap();
        let mut solo = Solo::new(folder.path().join("out"));
        for (index, part) in parts.iter().enumerate() {
            let path = folder.path().join(index.to_string());
            part.write(&path).unwrap();
            solo = solo.input("like", path);
        }
        let result = solo.execute::<InitHead>(&serde_json::from_str(config).unwrap())?;
        Ok(Weights::read(&View::disk(&result.outputs["weights"])).unwrap())
    }

    #[test]
    fn width_and_classes_come_from_the_embeddings_and_seed_and_stream_decide_the_rest() {
        let config = r#"{"seed":1,"stream":"s"}"#;
        let part = embeddings(5, ["a", "b"]);
        let weights = made(&[part.clone(), part.clone()], config).unwrap();
        assert_eq!((weights.head().input, weights.head().hidden.as_slice()), (5, &[10; 4][..]));
        assert_eq!(weights, made(std::slice::from_ref(&part), config).unwrap());
        assert_ne!(weights, made(std::slice::from_ref(&part), r#"{"seed":1,"stream":"t"}"#).unwrap());
        assert_ne!(weights, made(&[part], r#"{"seed":2,"stream":"s"}"#).unwrap());
    }

    #[test]
    fn a_linear_probe_has_a_classifier_only() {
        let weights = made(&[embeddings(5, ["a", "b"])], r#"{"seed":1,"stream":"s","hidden":[]}"#).unwrap();
        assert_eq!(weights.tensors.keys().collect::<Vec<_>>(), ["classifier.bias", "classifier.weight"]);
        assert_eq!(weights.tensors["classifier.weight"].shape(), [2, 5]);
    }

    #[test]
    fn embeddings_of_differing_widths_or_classes_are_refused() {
        let config = r#"{"seed":1,"stream":"s"}"#;
        let error = made(&[embeddings(5, ["a", "b"]), embeddings(6, ["a", "b"])], config).unwrap_err();
        assert!(error.to_string().ends_with("embeddings 0 and 1 differ in width, 5 and 6"));
        assert!(made(&[embeddings(5, ["a", "b"]), embeddings(5, ["a", "c"])], config).is_err());
    }
}
