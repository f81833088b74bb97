//! `load-vit`: checks a published Vision Transformer and takes it in as a backbone.

use std::io;
use std::num::NonZeroUsize;

use dgpipe_engine::stage::{Context, In, Out, Ports, RawFolder, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Backbone, Checkpoint};

/// How `load-vit` fits a net.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadVitConfig {
    /// The side in pixels to which pictures are resized, where it shall differ from that in `preprocessor_config.json`.
    /// A multiple of the patch size. The table of positions is interpolated to fit (bicubic).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<NonZeroUsize>,
}

const CHECKPOINT: In<RawFolder> = In::new("checkpoint");
const BACKBONE: Out<Backbone> = Out::new("backbone");

/// See the module's documentation.
pub struct LoadVit;

impl StageType for LoadVit {
    type Config = LoadVitConfig;
    const NAME: &'static str = "load-vit";
    const VERSION: u32 = 2;
    const ABOUT: &'static str =
        "Checks a ViT in Hugging Face's layout (safetensors or PyTorch files, whole or in shards) and takes it in.";

    fn ports() -> Ports {
        Ports::default().reads(CHECKPOINT).writes(BACKBONE)
    }

    fn execute(config: &LoadVitConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let RawFolder(folder) = context.read(CHECKPOINT)?;
        let side = config.image_size.map(NonZeroUsize::get);
        let checkpoint = Checkpoint::read(&folder, side, context.scratch()).map_err(|error| {
            StageError::from(error).hint(
                "the folder needs `config.json` of a ViTModel, `model.safetensors` or `pytorch_model.bin` (or their \
                 shards with their index), and may have `preprocessor_config.json`",
            )
        })?;
        for note in &checkpoint.notes {
            context.note(note.as_str());
        }
        let arrays = checkpoint.backbone.weights.arrays().values();
        context.metric("parameters", arrays.map(|array| array.values.len()).sum::<usize>());
        context.metric("hidden_size", checkpoint.backbone.weights.shape().hidden);
        context.metric("image_size", checkpoint.backbone.transform.size);
        if !checkpoint.is_backbone {
            return context.write(BACKBONE, &checkpoint.backbone);
        }
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
        let result =
            Solo::new(folder.path()).input("checkpoint", TINY).execute::<LoadVit>(&LoadVitConfig::default()).unwrap();
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
        let error = solo.execute::<LoadVit>(&LoadVitConfig::default()).unwrap_err().to_string();
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
        let error = solo.execute::<LoadVit>(&LoadVitConfig::default()).unwrap_err().to_string();
        for expected in [
            "`resample` must be 2",
            "tensor `embeddings.cls_token` has shape [1, 1, 32]; expected [1, 1, 36]",
            "; and 17 more",
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
