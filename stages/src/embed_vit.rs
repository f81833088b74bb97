//! `embed-vit`: images through a frozen Vision Transformer (two-phase weight importance, section 1).
//!
//! An embedding does not depend on what it was computed with: on the CPU every image goes through the net alone, on a
//! GPU in groups of one size, filled up with zeros.

use std::num::NonZeroUsize;

use burn::tensor::{Tensor, TensorData};
use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::formats::{Backbone, Embeddings, ImageFolder, ImageItem};
use crate::images::{Counter, Embedded, Embedding, ImageTransform, Pixels, class_list, labels};
use crate::nets::vit::VisionTransformer;

/// How `embed-vit` embeds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbedVitConfig {
    /// How many images are decoded and held at a time. It decides memory, and nothing of the result: about
    /// `batch_size · 12 · size²` bytes for normalised images, beside the weights, `4 · images · width` bytes of embeddings,
    /// and per core one decoded file and one image's activations.
    #[serde(default = "default_batch_size", skip_serializing)]
    pub batch_size: NonZeroUsize,
    /// The classes in the order of their labels. Without it: the folders of classes found, in alphabetical order. Needed
    /// where the images are one domain of several and a class may be missing in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
}

fn default_batch_size() -> NonZeroUsize {
    NonZeroUsize::new(32).expect("32 is not 0")
}

impl Default for EmbedVitConfig {
    fn default() -> Self {
        Self { batch_size: default_batch_size(), classes: None }
    }
}

const IMAGES: In<ImageFolder> = In::new("images");
const BACKBONE: In<Backbone> = In::new("backbone");
const EMBEDDINGS: Out<Embeddings> = Out::new("embeddings");

/// How many images a GPU takes at a time. Part of the result's last bits there, so it is no setting.
const GROUP: usize = 32;

/// See the module's documentation.
pub struct EmbedVit;

impl StageType for EmbedVit {
    type Config = EmbedVitConfig;
    const NAME: &'static str = "embed-vit";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Embeds images with a frozen Vision Transformer: its CLS token after the final norm.";

    fn ports() -> Ports {
        Ports::default().reads(IMAGES).reads(BACKBONE).writes(EMBEDDINGS)
    }

    fn execute(config: &EmbedVitConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let images = context.read(IMAGES)?;
        let classes = class_list(&images, config.classes.as_deref())?;
        let embeddings = embed(config, &images, classes, context)?;
        context.metric("images", embeddings.len());
        context.metric("width", embeddings.width());
        context.write(EMBEDDINGS, &embeddings)
    }
}

fn embed(
    config: &EmbedVitConfig,
    images: &ImageFolder,
    classes: Vec<String>,
    context: &mut Context<'_>,
) -> Result<Embeddings, StageError> {
    let Backbone { transform, weights } = context.read(BACKBONE)?;
    let device = context.ambient::<Device>()?;
    let width = weights.shape().hidden;
    let net = weights.net(device.tensors());
    drop(weights);
    let embedding = Embedding {
        width,
        at_once: config.batch_size.get(),
        prepare: |pixels: &Pixels| transform.apply(pixels),
        embed: |inputs, counter: &Counter<'_>| forward(&net, &transform, device, inputs, counter),
    };
    // All that decides a row beside its image comes from the backbone.
    let rows = context.items(IMAGES, &())?;
    let Embedded { vectors, digests } = embedding.run(images, rows, context)?;
    Ok(Embeddings {
        vectors,
        labels: labels(images, &classes),
        classes,
        ids: images.items.iter().map(ImageItem::path).collect(),
        digests,
    })
}

/// Embeds normalised images one after another: their vectors, joined.
fn forward(
    net: &VisionTransformer,
    transform: &ImageTransform,
    device: &Device,
    inputs: Vec<Vec<f32>>,
    counter: &Counter<'_>,
) -> Vec<f32> {
    let run = |values: Vec<f32>, count: usize| -> Vec<f32> {
        let data = TensorData::new(values, [count, 3, transform.size, transform.size]);
        let vectors = net.forward(Tensor::from_data(data, device.tensors()));
        vectors.into_data().try_into_vec().expect("a net gives 32-bit floats")
    };
    if device.is_cpu() {
        let one = |values: Vec<f32>| {
            let vector = run(values, 1);
            counter.add_one();
            vector
        };
        return inputs.into_par_iter().map(one).collect::<Vec<_>>().concat();
    }
    let group = |group: &[Vec<f32>]| {
        let mut values = group.concat();
        values.resize(GROUP * transform.len(), 0.0);
        let mut vectors = run(values, GROUP);
        vectors.truncate(vectors.len() / GROUP * group.len());
        for _ in group {
            counter.add_one();
        }
        vectors
    };
    inputs.chunks(GROUP).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dgpipe_engine::stage::{Ambient, Format, Solo, View};

    use super::*;

    const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vit/tiny");

    /// Nine pictures of differing sizes in two classes, and a class without any.
    fn pictures(root: &Path) {
        for index in 0..9_u32 {
            let class = root.join(if index % 2 == 0 { "cat" } else { "dog" });
            fs_err::create_dir_all(&class).unwrap();
            let picture = image::RgbImage::from_fn(30 + index * 5, 25 + index, |x, y| {
                image::Rgb([x * 4 + index, y * 5, x * y * index].map(|value| (value % 256) as u8))
            });
            picture.save(class.join(format!("{index}.png"))).unwrap();
        }
        fs_err::create_dir_all(root.join("bird")).unwrap();
    }

    fn embed(images: &Path, config: &EmbedVitConfig) -> Result<Embeddings, StageError> {
        let folder = tempfile::tempdir().unwrap();
        let solo = Solo::new(folder.path()).input("images", images).input("backbone", TINY);
        let result = solo.ambient(Ambient::default().with(Device::cpu())).execute::<EmbedVit>(config)?;
        Ok(Embeddings::read(&View::disk(&result.outputs["embeddings"])).unwrap())
    }

    #[test]
    fn an_embedding_does_not_depend_on_what_it_was_batched_with_or_on_threads() {
        let folder = tempfile::tempdir().unwrap();
        pictures(folder.path());
        let with = |threads: usize, batch_size: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let batch_size = NonZeroUsize::new(batch_size).unwrap();
            pool.install(|| embed(folder.path(), &EmbedVitConfig { batch_size, classes: None }).unwrap())
        };
        let expected = with(1, 1);
        assert_eq!(expected.vectors.dim(), (9, 32));
        let bits = |found: &Embeddings| found.vectors.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        for (threads, batch_size) in [(1, 7), (4, 32), (4, 7), (3, 1)] {
            let found = with(threads, batch_size);
            assert_eq!(bits(&found), bits(&expected), "{threads} threads, batches of {batch_size}");
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn the_batch_size_is_not_part_of_the_canonical_config() {
        let config: EmbedVitConfig = serde_json::from_str(r#"{"batch_size": 7}"#).unwrap();
        assert_eq!(serde_json::to_string(&config).unwrap(), "{}");
    }

    #[test]
    fn labels_follow_the_class_list() {
        let folder = tempfile::tempdir().unwrap();
        pictures(folder.path());
        let found = embed(folder.path(), &EmbedVitConfig::default()).unwrap();
        assert_eq!(found.classes, ["bird", "cat", "dog"]);
        assert_eq!((found.labels[0], found.ids[0].as_str()), (1, "cat/0.png"));
        let with = |classes: &[&str]| {
            let classes = Some(classes.iter().map(|class| (*class).to_owned()).collect());
            embed(folder.path(), &EmbedVitConfig { classes, ..EmbedVitConfig::default() })
        };
        assert_eq!(with(&["dog", "emu", "cat"]).unwrap().labels[0], 2);
        assert!(with(&["cat"]).unwrap_err().to_string().contains("the images have classes [dog]"));
        assert!(with(&["cat", "dog", "cat"]).unwrap_err().to_string().contains("names a class twice"));
    }

    #[test]
    fn a_corrupt_image_is_named() {
        let folder = tempfile::tempdir().unwrap();
        pictures(folder.path());
        fs_err::write(folder.path().join("dog/broken.png"), b"no picture").unwrap();
        let error = embed(folder.path(), &EmbedVitConfig::default()).unwrap_err();
        assert_eq!(error.to_string(), "`dog/broken.png` is neither a PNG nor a JPEG file");
    }
}
