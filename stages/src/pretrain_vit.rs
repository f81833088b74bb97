//! `pretrain-vit`: trains a small Vision Transformer to name pictures and keeps it as a backbone, where none can be
//! downloaded. The layer that names is thrown away.

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::formats::{Backbone, History, ImageFolder, Order};
use crate::images::{Counter, ImageTransform, MaxPixels, class_list, labels, load};
use crate::nets::vit::{SizeNames, VitShape};
use crate::random::Random;
use crate::training::{
    AdamW, BatchSize, Changes, LearningRate, Pictures, Rate, Select, TrainingLoop, TrainingState, VitObjective,
    WeightDecay,
};

/// What `pretrain-vit` is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fields {
    /// Seed of initial weights, of the order of samples, of mirroring and of what is held out.
    seed: u64,
    /// Name of the random numbers.
    #[serde(default = "default_stream")]
    stream: String,
    /// The side in pixels to which pictures are resized; a multiple of `patch`.
    #[serde(default = "default_size")]
    size: u16,
    /// The side of a patch in pixels.
    #[serde(default = "default_patch")]
    patch: u16,
    /// The width of a token and so of an embedding; a multiple of `heads`.
    #[serde(default = "default_hidden")]
    hidden: u16,
    /// How many blocks.
    #[serde(default = "default_layers")]
    layers: u16,
    /// How many heads of attention in a block.
    #[serde(default = "default_heads")]
    heads: u16,
    /// The width inside a block's perceptron.
    #[serde(default = "default_mlp")]
    mlp: u16,
    /// Passes over the pictures.
    #[serde(default = "default_epochs")]
    epochs: u16,
    /// Pictures per step.
    #[serde(default)]
    batch_size: BatchSize,
    /// The largest learning rate: it rises to it in a straight line over `warm_up` epochs, then falls along a cosine.
    #[serde(default = "default_learning_rate")]
    learning_rate: LearningRate,
    /// Epochs in which the learning rate rises.
    #[serde(default = "default_warm_up")]
    warm_up: u16,
    /// Decoupled weight decay.
    #[serde(default)]
    weight_decay: WeightDecay,
    /// Whether half of the pictures are mirrored in each epoch.
    #[serde(default = "default_mirror")]
    mirror: bool,
    /// How many pixels pictures are moved at most along each axis, by chance in each epoch; pixels of the edge are repeated.
    #[serde(default = "default_shift")]
    shift: u16,
    /// The share of pictures of each class that is only measured on, from 0 to below 1.
    #[serde(default = "default_held_out")]
    held_out: f64,
    /// How many pixels a picture may claim; one that claims more is an error. Decoding takes 3 bytes for each, and up to
    /// 12 where a JPEG is progressive.
    #[serde(default, skip_serializing_if = "MaxPixels::is_usual")]
    max_pixels: MaxPixels,
}

/// How `pretrain-vit` trains; the settings fit each other.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct PretrainVitConfig(Fields);

impl From<PretrainVitConfig> for Fields {
    fn from(config: PretrainVitConfig) -> Self {
        config.0
    }
}

fn default_stream() -> String {
    "pretraining".to_owned()
}

fn default_size() -> u16 {
    48
}

fn default_patch() -> u16 {
    8
}

fn default_hidden() -> u16 {
    64
}

fn default_layers() -> u16 {
    3
}

fn default_heads() -> u16 {
    4
}

fn default_mlp() -> u16 {
    128
}

fn default_epochs() -> u16 {
    30
}

fn default_learning_rate() -> LearningRate {
    LearningRate::try_from(0.002).expect("0.002 is above 0")
}

fn default_warm_up() -> u16 {
    3
}

fn default_mirror() -> bool {
    true
}

fn default_shift() -> u16 {
    4
}

fn default_held_out() -> f64 {
    0.15
}

impl TryFrom<Fields> for PretrainVitConfig {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let sizes = [
            ("size", fields.size),
            ("patch", fields.patch),
            ("hidden", fields.hidden),
            ("layers", fields.layers),
            ("heads", fields.heads),
            ("mlp", fields.mlp),
        ];
        let Fields { size, patch, hidden, heads, epochs, warm_up, held_out, .. } = fields;
        if let Some((name, _)) = sizes.iter().find(|(_, value)| *value == 0) {
            return Err(format!("`{name}` must be above 0"));
        }
        if size % patch != 0 {
            return Err(format!("`size` {size} must be a multiple of `patch` {patch}"));
        }
        if hidden % heads != 0 {
            return Err(format!("`hidden` {hidden} must be a multiple of `heads` {heads}"));
        }
        let names = SizeNames { image: "size", patch: "patch", hidden: "hidden", mlp: "mlp" };
        if let Some(mistake) = fields.shape().too_large(names) {
            return Err(mistake);
        }
        if warm_up >= epochs {
            return Err(format!("`epochs` {epochs} must be above `warm_up` {warm_up}"));
        }
        if !(0.0..1.0).contains(&held_out) {
            return Err(format!("`held_out` is a share from 0 to below 1, not {held_out}"));
        }
        Ok(Self(fields))
    }
}

impl Fields {
    fn shape(&self) -> VitShape {
        VitShape {
            hidden: self.hidden.into(),
            layers: self.layers.into(),
            heads: self.heads.into(),
            mlp: self.mlp.into(),
            image: self.size.into(),
            patch: self.patch.into(),
            channels: 3,
            eps: 1e-12,
            qkv_bias: true,
        }
    }

    fn changes(&self) -> Changes {
        Changes { seed: self.seed, stream: self.stream.clone(), mirror: self.mirror, shift: self.shift.into() }
    }

    fn training_loop(&self) -> TrainingLoop {
        let epochs = u64::from(self.epochs);
        TrainingLoop {
            epochs,
            batch_size: self.batch_size.get(),
            optimiser: AdamW { learning_rate: self.learning_rate.get(), weight_decay: self.weight_decay.get() },
            rate: Rate::WarmUpCosine { warm_up: self.warm_up.into(), epochs },
            seed: self.seed,
            stream: self.stream.clone(),
            mask: None,
            schedule: None,
            select: Select::Last,
        }
    }
}

const IMAGES: In<ImageFolder> = In::new("images");
const BACKBONE: Out<Backbone> = Out::new("backbone");
const HISTORY: Out<History> = Out::new("history").named("history.jsonl");
const ORDER: Out<Order> = Out::new("order").named("order.npy");

/// How many pictures are decoded between two looks at whether to stop.
const BATCH: usize = 256;

/// See the module's documentation.
pub struct PretrainVit;

impl StageType for PretrainVit {
    type Config = PretrainVitConfig;
    const NAME: &'static str = "pretrain-vit";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Trains a small Vision Transformer on class folders and keeps it as a backbone.";

    fn ports() -> Ports {
        Ports::default().reads(IMAGES).writes(BACKBONE).writes(HISTORY).writes(ORDER)
    }

    fn execute(PretrainVitConfig(config): &PretrainVitConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let images = context.read(IMAGES)?;
        let classes = class_list(&images, None)?;
        if images.classes.len() < 2 {
            return Err(StageError::new("there is one class only; a net learns nothing from it"));
        }
        let transform = ImageTransform::square(config.size.into());
        let (training, held_out) = pictures(config, &images, &classes, &transform, context)?;
        let changes = config.changes();
        let device = context.ambient::<Device>()?.tensors().clone();
        let mut objective = VitObjective::new(&config.shape(), classes.len(), training, held_out, changes, &device);
        let mut random = Random::new(config.seed, &config.stream, "initial", 0);
        let initial = TrainingState::new(objective.initial(&mut random), Vec::new());
        let training = config.training_loop().train(&mut objective, initial, context)?;
        report(&training.history, context);
        let backbone = Backbone { transform, weights: objective.weights(training.chosen.parameters) };
        context.write(BACKBONE, &backbone)?;
        context.write(HISTORY, &training.history)?;
        context.write(ORDER, &Order(training.order))
    }
}

/// Decodes all pictures, and holds some of each class out.
fn pictures(
    config: &Fields,
    images: &ImageFolder,
    classes: &[String],
    transform: &ImageTransform,
    context: &Context<'_>,
) -> Result<(Pictures, Pictures), StageError> {
    let labels = labels(images, classes);
    let held: Vec<bool> = hold_out(config, &labels, classes.len());
    let counter = Counter::new(context, images.items.len());
    let (mut training, mut held_out) = (Pictures::default(), Pictures::default());
    for (number, batch) in images.items.chunks(BATCH).enumerate() {
        context.stop_if_cancelled()?;
        let loaded = load(batch, config.max_pixels, |pixels| {
            let values = transform.apply(pixels);
            counter.add_one();
            values
        })?;
        for (place, picture) in loaded.into_iter().enumerate() {
            let index = number * BATCH + place;
            let part = if held[index] { &mut held_out } else { &mut training };
            part.values.push(picture.value);
            part.labels.push(labels[index] as usize);
        }
    }
    Ok((training, held_out))
}

/// Chooses the share of each class that is only measured on, rounded down.
fn hold_out(config: &Fields, labels: &[i64], classes: usize) -> Vec<bool> {
    let mut random = Random::new(config.seed, &config.stream, "held-out", 0);
    let mut held = vec![false; labels.len()];
    for class in 0..classes as i64 {
        let members: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == class).collect();
        let wanted = (members.len() as f64 * config.held_out) as usize;
        for place in random.subset(members.len(), wanted) {
            held[members[place]] = true;
        }
    }
    held
}

fn report(history: &History, context: &mut Context<'_>) {
    if let Some(last) = history.0.last() {
        context.metric("train_accuracy", last.train_accuracy);
        context.metric("train_loss", last.train_loss);
        context.metric("steps", last.steps as usize);
        if let Some(accuracy) = last.val_acc {
            context.metric("held_out_accuracy", accuracy);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dgpipe_engine::stage::{Ambient, Format, Metric, Solo, SoloResult, View};

    use super::*;

    /// Pictures of three classes that differ by where they are bright.
    fn pictures(root: &Path, per_class: u32) {
        for class in 0..3_u32 {
            let folder = root.join(format!("photo/class_{class}"));
            fs_err::create_dir_all(&folder).unwrap();
            for index in 0..per_class {
                let picture = image::RgbImage::from_fn(20, 20, |x, y| {
                    let noise = (x * 37 + y * 91 + index * 53 + x * y * (index + 1)) % 64;
                    let bright = [y < 10, y >= 10, (5..15).contains(&y)][class as usize];
                    image::Rgb([(noise + if bright { 150 } else { 0 }) as u8, noise as u8, 90])
                });
                picture.save(folder.join(format!("{index}.png"))).unwrap();
            }
        }
    }

    fn pretrain(out: &Path, images: &Path, json: &str) -> Result<SoloResult, StageError> {
        let config: PretrainVitConfig = serde_json::from_str(json).unwrap();
        let solo = Solo::new(out).input("images", images).ambient(Ambient::default().with(Device::cpu()));
        solo.execute::<PretrainVit>(&config)
    }

    #[test]
    fn it_learns_and_leaves_a_backbone_that_others_read() {
        let folder = tempfile::tempdir().unwrap();
        pictures(&folder.path().join("images"), 20);
        let json = r#"{"seed": 1, "size": 16, "patch": 4, "hidden": 16, "layers": 1, "heads": 2, "mlp": 32, "epochs": 40, "mirror": false, "shift": 1, "learning_rate": 0.01, "held_out": 0.25}"#;
        let result = pretrain(&folder.path().join("out"), &folder.path().join("images"), json).unwrap();
        let Metric::Number(accuracy) = result.metrics["held_out_accuracy"] else { panic!("no accuracy") };
        assert!(accuracy > 0.9, "{accuracy}");
        // 15 of each class are trained on: 45 in batches of 32 and 13.
        assert_eq!(result.metrics["steps"], Metric::Count(80));
        let backbone = Backbone::read(&View::disk(&result.outputs["backbone"])).unwrap();
        assert_eq!((backbone.transform.size, backbone.weights.shape().hidden), (16, 16));
        let Order(order) = Order::read(&View::disk(&result.outputs["order"])).unwrap();
        assert_eq!(order.dim(), (40, 45));
        assert_ne!(order.row(0), order.row(1));
        let history = History::read(&View::disk(&result.outputs["history"])).unwrap();
        assert_eq!(history.0.len(), 40);
        assert!(history.0[0].learning_rate < history.0[3].learning_rate);
    }

    #[test]
    fn the_number_of_threads_changes_no_byte() {
        let folder = tempfile::tempdir().unwrap();
        pictures(&folder.path().join("images"), 24);
        // The default sizes, since whether work is split depends on them.
        let json = r#"{"seed": 2, "epochs": 1, "warm_up": 0}"#;
        let model = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let out = folder.path().join(format!("out_{threads}"));
            let result = pool.install(|| pretrain(&out, &folder.path().join("images"), json).unwrap());
            fs_err::read(result.outputs["backbone"].join(Backbone::MODEL)).unwrap()
        };
        let expected = model(1);
        for threads in [2, 4] {
            assert!(model(threads) == expected, "{threads} threads");
        }
    }

    #[test]
    fn one_class_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        pictures(&folder.path().join("images"), 1);
        for class in [1, 2] {
            fs_err::remove_dir_all(folder.path().join(format!("images/photo/class_{class}"))).unwrap();
        }
        let error = pretrain(&folder.path().join("out"), &folder.path().join("images"), r#"{"seed": 1}"#).unwrap_err();
        assert!(error.to_string().contains("one class only"), "{error}");
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for (json, expected) in [
            (r#"{"seed": 1, "size": 50}"#, "`size` 50 must be a multiple of `patch` 8"),
            (r#"{"seed": 1, "heads": 5}"#, "`hidden` 64 must be a multiple of `heads` 5"),
            (r#"{"seed": 1, "layers": 0}"#, "`layers` must be above 0"),
            (r#"{"seed": 1, "epochs": 3}"#, "`epochs` 3 must be above `warm_up` 3"),
            (r#"{"seed": 1, "held_out": 1}"#, "`held_out` is a share"),
        ] {
            let error = serde_json::from_str::<PretrainVitConfig>(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
