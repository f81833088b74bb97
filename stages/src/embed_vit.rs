//! `embed-vit`: images through a frozen Vision Transformer (two-phase weight importance, section 1).
//!
//! An embedding does not depend on what it was computed with: on the CPU every image goes through the net alone, on a
//! GPU in groups of one size, filled up with zeros.

use std::num::NonZeroUsize;
use std::sync::Mutex;

use burn::tensor::{Tensor, TensorData};
use dgpipe_engine::stage::{Context, In, Items, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::formats::{Backbone, Embeddings, ImageFolder, PackedBackbone};
use crate::images::{Embedded, Embedding, MaxPixels, OnError, Pixels, class_list};
use crate::nets::vit::Workspace;

/// How `embed-vit` embeds.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbedVitConfig {
    /// How many images are taken at a time: so many are finished before their vectors are kept, and on a GPU so many
    /// lie in memory ready for it (`12 · size²` bytes each). It decides nothing of the result. Beside it an execution
    /// needs the weights once, and per core one decoded file and one image's activations; vectors are written as they come.
    #[serde(default = "default_batch_size", skip_serializing)]
    pub batch_size: NonZeroUsize,
    /// The classes in the order of their labels. Without it: the folders of classes found, in alphabetical order. Needed
    /// where the images are one domain of several and a class may be missing in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// What happens where a file is no readable picture.
    #[serde(default, skip_serializing_if = "OnError::is_fail")]
    pub on_error: OnError,
    /// How many pixels a picture may claim; one that claims more is no readable picture. Decoding takes 3 bytes for each, and up to
    /// 12 where a JPEG is progressive.
    #[serde(default, skip_serializing_if = "MaxPixels::is_usual")]
    pub max_pixels: MaxPixels,
}

fn default_batch_size() -> NonZeroUsize {
    NonZeroUsize::new(64).expect("64 is not 0")
}

impl Default for EmbedVitConfig {
    fn default() -> Self {
        Self {
            batch_size: default_batch_size(),
            classes: None,
            on_error: OnError::Fail,
            max_pixels: MaxPixels::default(),
        }
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
    const VERSION: u32 = 3;
    const ABOUT: &'static str = "Embeds images with a frozen Vision Transformer: its CLS token after the final norm.";

    fn ports() -> Ports {
        Ports::default().reads(IMAGES).reads(BACKBONE).writes(EMBEDDINGS)
    }

    fn execute(config: &EmbedVitConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let images = context.read(IMAGES)?;
        let classes = class_list(&images, config.classes.as_deref())?;
        let device = context.ambient::<Device>()?;
        // All else that decides a row beside its image comes from the backbone. The usual limit says nothing, so that rows of
        // former versions stay.
        let most = Some(config.max_pixels).filter(|most| !most.is_usual());
        let rows = context.items(IMAGES, &most)?;
        let (embedded, width) = if device.is_cpu() {
            on_cores(config, images, rows, context)?
        } else {
            on_gpu(config, images, rows, device, context)?
        };
        context.metric("images", embedded.images.items.len());
        context.metric("width", width);
        embedded.label(&classes)
    }
}

/// Every core takes a picture through all there is to do. Returns the width of a vector too.
fn on_cores(
    config: &EmbedVitConfig,
    images: ImageFolder,
    rows: Items<'_>,
    context: &mut Context<'_>,
) -> Result<(Embedded, usize), StageError> {
    let backbone = PackedBackbone::of(&context.view(BACKBONE)?)?;
    let PackedBackbone { transform, net } = &*backbone;
    let idle: Mutex<Vec<Workspace>> = Mutex::default();
    let one = |pixels: &Pixels| {
        let taken = idle.lock().expect("nothing panics while it holds the list").pop();
        let mut work = taken.unwrap_or_else(|| Workspace::new(net.shape()));
        let vector = net.forward(&transform.apply(pixels), &mut work);
        idle.lock().expect("nothing panics while it holds the list").push(work);
        vector
    };
    let embedding = Embedding {
        width: net.shape().hidden,
        at_once: config.batch_size,
        on_error: config.on_error,
        max_pixels: config.max_pixels,
        prepare: one,
        embed: |vectors: Vec<Vec<f32>>| vectors.concat(),
    };
    Ok((embedding.run(images, &context.output(EMBEDDINGS)?, rows, context)?, embedding.width))
}

/// Cores make pictures ready, the GPU takes them in groups.
fn on_gpu(
    config: &EmbedVitConfig,
    images: ImageFolder,
    rows: Items<'_>,
    device: &Device,
    context: &mut Context<'_>,
) -> Result<(Embedded, usize), StageError> {
    let Backbone { transform, weights } = context.read(BACKBONE)?;
    let net = weights.net(device.tensors());
    drop(weights);
    let group = |group: &[Vec<f32>]| {
        let mut values = group.concat();
        values.resize(GROUP * transform.len(), 0.0);
        let data = TensorData::new(values, [GROUP, 3, transform.size, transform.size]);
        let vectors = net.forward(Tensor::from_data(data, device.tensors()));
        let mut vectors: Vec<f32> = vectors.into_data().try_into_vec().expect("a net gives 32-bit floats");
        vectors.truncate(vectors.len() / GROUP * group.len());
        vectors
    };
    let embedding = Embedding {
        width: net.width(),
        at_once: config.batch_size,
        on_error: config.on_error,
        max_pixels: config.max_pixels,
        prepare: |pixels: &Pixels| transform.apply(pixels),
        embed: |inputs: Vec<Vec<f32>>| inputs.chunks(GROUP).flat_map(group).collect(),
    };
    Ok((embedding.run(images, &context.output(EMBEDDINGS)?, rows, context)?, embedding.width))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dgpipe_engine::stage::{Ambient, Format, Metric, Solo, View};

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

    fn solo(out: &Path, images: &Path) -> Solo {
        let solo = Solo::new(out).input("images", images).input("backbone", TINY);
        solo.ambient(Ambient::default().with(Device::cpu()))
    }

    fn embed(images: &Path, config: &EmbedVitConfig) -> Result<Embeddings, StageError> {
        let folder = tempfile::tempdir().unwrap();
        let result = solo(folder.path(), images).execute::<EmbedVit>(config)?;
        Ok(Embeddings::read(&View::disk(&result.outputs["embeddings"])).unwrap())
    }

    #[test]
    fn an_embedding_does_not_depend_on_what_it_was_batched_with_or_on_threads() {
        let folder = tempfile::tempdir().unwrap();
        pictures(folder.path());
        let with = |threads: usize, batch_size: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let batch_size = NonZeroUsize::new(batch_size).unwrap();
            pool.install(|| embed(folder.path(), &EmbedVitConfig { batch_size, ..EmbedVitConfig::default() }).unwrap())
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

    #[test]
    fn bad_files_are_left_out_where_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        pictures(folder.path());
        let whole = embed(folder.path(), &EmbedVitConfig::default()).unwrap();
        let put = |name: &str, bytes: &[u8]| fs_err::write(folder.path().join(name), bytes).unwrap();
        put("cat/1.png", b"");
        put("dog/0.jpg", b"no picture");
        put("dog/a.jpg", b"GIF89a of many frames");
        put("dog/z.png", &fs_err::read(folder.path().join("cat/0.png")).unwrap()[..40]);
        let config = EmbedVitConfig { on_error: OnError::Skip, ..EmbedVitConfig::default() };
        let out = tempfile::tempdir().unwrap();
        let result = solo(out.path(), folder.path()).execute::<EmbedVit>(&config).unwrap();
        let found = Embeddings::read(&View::disk(&result.outputs["embeddings"])).unwrap();
        assert_eq!(found, whole);
        assert_eq!(result.metrics["skipped"], Metric::Count(4));
        assert_eq!(result.metrics["images"], Metric::Count(9));
        let note = "skipped 4 of 13 images: `cat/1.png` is empty; `dog/0.jpg` is neither a PNG nor a JPEG file; \
                    `dog/a.jpg` is a GIF file; only PNG and JPEG are read; `dog/z.png` ends before the picture does";
        assert_eq!(result.notes, [note]);
        for entry in fs_err::read_dir(folder.path().join("cat")).unwrap() {
            fs_err::write(entry.unwrap().path(), b"").unwrap();
        }
        fs_err::remove_dir_all(folder.path().join("dog")).unwrap();
        let out = tempfile::tempdir().unwrap();
        let error = solo(out.path(), folder.path()).execute::<EmbedVit>(&config).unwrap_err().to_string();
        assert!(error.starts_with("none of the 6 images can be read: `cat/0.png` is empty; "), "{error}");
    }
}
