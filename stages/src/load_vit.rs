//! `load-vit`: checks a published Vision Transformer and takes it in as a backbone.

use std::io;

use dgpipe_engine::stage::{Context, In, Out, Ports, RawFolder, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::Backbone;

/// `load-vit` has no settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadVitConfig {}

const CHECKPOINT: In<RawFolder> = In::new("checkpoint");
const BACKBONE: Out<Backbone> = Out::new("backbone");

/// See the module's documentation.
pub struct LoadVit;

impl StageType for LoadVit {
    type Config = LoadVitConfig;
    const NAME: &'static str = "load-vit";
    const VERSION: u32 = 1;
    const ABOUT: &'static str =
        "Checks a ViT in Hugging Face's layout (config, preprocessor, safetensors) and takes it in.";

    fn ports() -> Ports {
        Ports::default().reads(CHECKPOINT).writes(BACKBONE)
    }

    fn execute(_config: &LoadVitConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let RawFolder(folder) = context.read(CHECKPOINT)?;
        let backbone = Backbone::from_folder(&folder).map_err(|error| {
            StageError::from(error).hint(
                "the folder needs `config.json`, `preprocessor_config.json` and `model.safetensors` of a ViTModel",
            )
        })?;
        let arrays = backbone.weights.arrays().values();
        context.metric("parameters", arrays.map(|array| array.values.len()).sum::<usize>());
        context.metric("hidden_size", backbone.weights.shape().hidden);
        context.metric("image_size", backbone.transform.size);
        // The bytes as they were published, so that a digest can be compared with the publisher's.
        let path = context.output(BACKBONE)?;
        fs_err::create_dir_all(&path)?;
        for name in [Backbone::CONFIG, Backbone::PREPROCESSOR, Backbone::MODEL] {
            io::copy(&mut folder.at(name)?.open()?, &mut fs_err::File::create(path.join(name))?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Metric, Solo};

    use super::*;

    const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vit/tiny");

    #[test]
    fn the_files_are_taken_in_byte_by_byte() {
        let folder = tempfile::tempdir().unwrap();
        let result = Solo::new(folder.path()).input("checkpoint", TINY).execute::<LoadVit>(&LoadVitConfig {}).unwrap();
        for name in [Backbone::CONFIG, Backbone::PREPROCESSOR, Backbone::MODEL] {
            let written = fs_err::read(result.outputs["backbone"].join(name)).unwrap();
            assert_eq!(written, fs_err::read(format!("{TINY}/{name}")).unwrap());
        }
        assert_eq!(result.metrics["hidden_size"], Metric::Count(32));
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("checkpoint");
        fs_err::create_dir(&checkpoint).unwrap();
        fs_err::write(checkpoint.join("pytorch_model.bin"), b"").unwrap();
        let solo = Solo::new(folder.path().join("out")).input("checkpoint", &checkpoint);
        let error = solo.execute::<LoadVit>(&LoadVitConfig {}).unwrap_err().to_string();
        assert!(error.contains("has no `config.json`; it has [pytorch_model.bin]"), "{error}");
    }

    #[test]
    fn mistakes_in_all_files_come_together() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = folder.path().join("checkpoint");
        fs_err::create_dir(&checkpoint).unwrap();
        fs_err::copy(format!("{TINY}/model.safetensors"), checkpoint.join("model.safetensors")).unwrap();
        let config = fs_err::read_to_string(format!("{TINY}/config.json")).unwrap();
        fs_err::write(checkpoint.join("config.json"), config.replace("\"hidden_size\": 32", "\"hidden_size\": 36"))
            .unwrap();
        fs_err::write(checkpoint.join("preprocessor_config.json"), r#"{"size": 64, "resample": 3}"#).unwrap();
        let solo = Solo::new(folder.path().join("out")).input("checkpoint", &checkpoint);
        let error = solo.execute::<LoadVit>(&LoadVitConfig {}).unwrap_err().to_string();
        for expected in ["`resample` must be 2", "tensor `layernorm.bias` has shape [32]; expected [36]"] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
