//! `train-single-class`: phase 1, a copy of the initial head trained on one class (two-phase weight importance, section 4).

use std::num::NonZeroU32;

use dgpipe_engine::stage::{Context, In, Many, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::formats::{Embeddings, Group, History, Order, Role, Weights};
use crate::training::{
    AdamW, BatchSize, ClassChoice, Dropout, HeadTraining, LearningRate, Rate, Select, TrainingLoop, WeightDecay,
};

/// How `train-single-class` trains.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainSingleClassConfig {
    /// Seed of the class draw, the sample order and dropout.
    pub seed: u64,
    /// Stream of the random numbers: cells with the same seed and stream draw the same ones.
    pub stream: String,
    /// The classes to train on: how many to draw at random, `all`, or a list of names.
    #[serde(default)]
    pub classes: ClassChoice,
    /// Passes over the samples.
    #[serde(default = "default_epochs")]
    pub epochs: NonZeroU32,
    /// Samples per step. The last partial batch is kept, but a last batch of one sample joins the batch before it.
    #[serde(default)]
    pub batch_size: BatchSize,
    /// Step size of `AdamW`.
    #[serde(default)]
    pub learning_rate: LearningRate,
    /// Decoupled weight decay of `AdamW`.
    #[serde(default)]
    pub weight_decay: WeightDecay,
    /// The share of outputs dropped in training, 0 for none. Without it: the head's own.
    #[serde(default)]
    pub dropout: Option<Dropout>,
}

fn default_epochs() -> NonZeroU32 {
    NonZeroU32::new(10).expect("10 is not 0")
}

const EMBEDDINGS: Many<Embeddings> = Many::new("embeddings");
const INITIAL: In<Weights> = In::new("initial");
const FINAL: Out<Weights> = Out::new("final");
const ORDER: Out<Order> = Out::new("order").named("order.npy");
const HISTORY: Out<History> = Out::new("history").named("history.jsonl");

/// See the module's documentation.
pub struct TrainSingleClass;

impl StageType for TrainSingleClass {
    type Config = TrainSingleClassConfig;
    const NAME: &'static str = "train-single-class";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Trains a copy of a head on one class, to see which weights move.";
    // Neither the rate nor the random numbers nor the mask of an epoch depend on how many there are.
    const CONTINUES: Option<&'static str> = Some("epochs");

    fn ports() -> Ports {
        Ports::default().reads(EMBEDDINGS).reads(INITIAL).writes(FINAL).writes(ORDER).writes(HISTORY)
    }

    fn execute(config: &Self::Config, context: &mut Context<'_>) -> Result<(), StageError> {
        let embeddings = Embeddings::joined("embeddings", &context.read(EMBEDDINGS)?)?;
        let initial = context.read(INITIAL)?;
        let classes = config.classes.choose(&embeddings, config.seed, &config.stream)?;
        let rows: Vec<usize> =
            (0..embeddings.len()).filter(|&row| classes.contains(&(embeddings.labels[row] as usize))).collect();
        let samples = embeddings.select(&rows);
        let device = context.ambient::<Device>()?.tensors();
        let head =
            HeadTraining { initial: &initial, samples: &samples, validation: None, dropout: config.dropout, device };
        let (mut weights, training) = head.run(&config.training_loop(), context)?;
        weights.seen.groups.push(Group { items: samples.digests.iter().cloned().collect() });

        let names: Vec<&str> = classes.iter().map(|&class| embeddings.classes[class].as_str()).collect();
        let steps = training.chosen.moments.steps;
        context.metric("class", names.join(", "));
        context.metric("images", samples.len());
        context.metric("steps", steps as i64);
        context.metric("weight_decay_share", config.weight_decay_share(&initial, &weights, steps));
        context.write(FINAL, &weights)?;
        // The order speaks of input rows, not of those of the chosen classes.
        context.write(ORDER, &Order(training.order.mapv(|sample| rows[sample as usize] as i64)))?;
        context.write(HISTORY, &training.history)
    }
}

impl TrainSingleClassConfig {
    fn training_loop(&self) -> TrainingLoop {
        TrainingLoop {
            epochs: self.epochs.get().into(),
            batch_size: self.batch_size.get(),
            optimiser: AdamW { learning_rate: self.learning_rate.get(), weight_decay: self.weight_decay.get() },
            rate: Rate::Constant,
            seed: self.seed,
            stream: self.stream.clone(),
            mask: None,
            schedule: None,
            select: Select::Last,
        }
    }

    /// How much of the way that Linear weights went is weight decay alone: Σ|w₀|(1 − (1 − lr·λ)^T) / Σ|Δw|
    /// (two-phase weight importance, section 6, A2). 0 where nothing moved.
    fn weight_decay_share(&self, initial: &Weights, trained: &Weights, steps: u64) -> f64 {
        let shrunk = 1.0 - (1.0 - self.learning_rate.get() * self.weight_decay.get()).powf(steps as f64);
        let (mut size, mut moved) = (0.0, 0.0);
        for (name, _, role) in initial.head().tensors() {
            if role == Role::Linear {
                for (before, after) in initial.tensors[&name].iter().zip(&trained.tensors[&name]) {
                    size += f64::from(before.abs());
                    moved += f64::from((after - before).abs());
                }
            }
        }
        if moved == 0.0 { 0.0 } else { size * shrunk / moved }
    }
}
