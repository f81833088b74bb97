//! `normalise-embeddings`: vectors of one length.

use dgpipe::formats::Embeddings;
use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `normalise-embeddings`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NormaliseEmbeddingsConfig {
    /// The length that every vector gets.
    #[serde(default = "one")]
    pub length: f32,
}

fn one() -> f32 {
    1.0
}

const VECTORS: In<Embeddings> = In::new("vectors");
const SCALED: Out<Embeddings> = Out::new("scaled");

/// Scales every vector to the same length; a vector of zeros stays as it is.
pub(crate) struct NormaliseEmbeddings;

impl StageType for NormaliseEmbeddings {
    type Config = NormaliseEmbeddingsConfig;
    const NAME: &'static str = "normalise-embeddings";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Scales embeddings to the same length.";

    fn ports() -> Ports {
        Ports::default().reads(VECTORS).writes(SCALED)
    }

    fn execute(config: &NormaliseEmbeddingsConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let mut embeddings = context.read(VECTORS)?;
        for mut row in embeddings.vectors.rows_mut() {
            let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            if length > 0.0 {
                row.mapv_inplace(|value| value * config.length / length);
            }
        }
        context.metric("items", embeddings.len());
        context.write(SCALED, &embeddings)
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};
    use ndarray::arr2;

    use super::*;

    #[test]
    fn every_vector_gets_the_length_and_zeros_stay() {
        let folder = tempfile::tempdir().unwrap();
        let text = |text: &str| vec![text.to_owned(); 2];
        let classes = vec!["cat".to_owned()];
        let vectors = arr2(&[[3.0, 4.0], [0.0, 0.0]]);
        let embeddings = Embeddings { vectors, labels: vec![0, 0], classes, ids: text("id"), digests: text("digest") };
        embeddings.write(&folder.path().join("in")).unwrap();

        let solo = Solo::new(folder.path().join("out")).input("vectors", folder.path().join("in"));
        let result = solo.execute::<NormaliseEmbeddings>(&NormaliseEmbeddingsConfig { length: 1.0 }).unwrap();

        let scaled = Embeddings::read(&View::disk(&result.outputs["scaled"])).unwrap();
        assert_eq!(scaled.vectors, arr2(&[[0.6, 0.8], [0.0, 0.0]]));
    }
}
