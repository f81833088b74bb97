//! `train-lodo`: phase 2, a head trained on all domains but one, its unimportant weights slowed down and frozen
//! (two-phase weight importance, section 5).

use std::num::NonZeroU32;

use dgpipe_engine::stage::{Context, In, Many, Optional, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::formats::{Embeddings, History, Mask, Order, Seen, Weights};
use crate::nets::Head;
use crate::training::{
    AdamW, BatchSize, Dropout, FreezeSchedule, HeadTraining, LearningRate, MaskMode, Rate, Schedule, Select,
    TrainingLoop, WeightDecay, flat_mask,
};

/// How `train-lodo` trains.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainLodoConfig {
    /// Seed of the sample order and dropout.
    pub seed: u64,
    /// Stream of the random numbers: methods that share it see the same order and dropout, so comparisons are paired.
    pub stream: String,
    /// Passes over the samples.
    #[serde(default = "default_epochs")]
    pub epochs: NonZeroU32,
    /// The first epoch, from 0, in which unimportant weights are frozen; 0 freezes at once, null never.
    #[serde(default = "default_freeze_epoch")]
    pub freeze_epoch: Option<u32>,
    /// How unimportant weights are slowed down until then.
    #[serde(default)]
    pub schedule: Schedule,
    /// What is slowed down: the optimiser's change of a weight, or, as in the original method, the gradient it sees.
    #[serde(default)]
    pub mask_mode: MaskMode,
    /// Which epoch's weights are the model.
    #[serde(default)]
    pub select: Select,
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

#[expect(clippy::unnecessary_wraps, reason = "a default has the type of its field")]
fn default_freeze_epoch() -> Option<u32> {
    Some(7)
}

const TRAIN: Many<Embeddings> = Many::new("train");
const VALIDATION: Many<Embeddings> = Many::new("validation").optional();
const INITIAL: In<Weights> = In::new("initial");
const MASK: Optional<Mask> = Optional::new("mask");
const MODEL: Out<Weights> = Out::new("model");
const ORDER: Out<Order> = Out::new("order").named("order.npy");
const HISTORY: Out<History> = Out::new("history").named("history.jsonl");

/// See the module's documentation.
pub struct TrainLodo;

impl StageType for TrainLodo {
    type Config = TrainLodoConfig;
    const NAME: &'static str = "train-lodo";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Trains a head on source domains, freezing the weights that a mask calls unimportant.";
    // Neither the rate nor the random numbers nor the mask of an epoch depend on how many there are.
    const CONTINUES: Option<&'static str> = Some("epochs");

    fn ports() -> Ports {
        let ports = Ports::default().reads(TRAIN).reads(VALIDATION).reads(INITIAL).reads(MASK);
        ports.writes(MODEL).writes(ORDER).writes(HISTORY)
    }

    fn execute(config: &Self::Config, context: &mut Context<'_>) -> Result<(), StageError> {
        let samples = Embeddings::joined("train", &context.read(TRAIN)?)?;
        let validation = config.validation(context)?;
        let initial = context.read(INITIAL)?;
        let mask = context.read(MASK)?;
        let flat = mask.as_ref().map(|mask| flat_mask(mask, &Head::new(initial.head().clone()))).transpose()?;
        let how = config.training_loop(flat);
        let device = context.ambient::<Device>()?.tensors();
        let (dropout, validation) = (config.dropout, validation.as_ref());
        let head = HeadTraining { initial: &initial, samples: &samples, validation, dropout, device };
        let (mut weights, training) = head.run(&how, context)?;
        weights.seen = Seen::joined(std::iter::once(&initial.seen).chain(mask.as_ref().map(|mask| &mask.seen)));

        let chosen = training.history.0.iter().find(|record| record.epoch + 1 == training.chosen.epochs);
        if let Some(record) = chosen {
            context.metric("train_loss", record.train_loss);
            context.metric("train_accuracy", record.train_accuracy);
            if let (Some(loss), Some(accuracy)) = (record.val_loss, record.val_acc) {
                context.metric("val_loss", loss);
                context.metric("val_acc", accuracy);
            }
            context.metric("epoch", record.epoch as i64);
            context.metric("steps", record.steps as i64);
        }
        context.metric("images", samples.len());
        let trainable = config.trainable_after_freeze(&how, &initial);
        weights.trainable = Some(trainable as u64);
        context.metric("trainable_after_freeze", trainable);
        context.write(MODEL, &weights)?;
        context.write(ORDER, &Order(training.order))?;
        context.write(HISTORY, &training.history)
    }
}

impl TrainLodoConfig {
    fn freezing(&self) -> FreezeSchedule {
        FreezeSchedule { schedule: self.schedule, freeze_epoch: self.freeze_epoch.map(u64::from) }
    }

    fn training_loop(&self, mask: Option<Vec<bool>>) -> TrainingLoop {
        TrainingLoop {
            epochs: self.epochs.get().into(),
            batch_size: self.batch_size.get(),
            optimiser: AdamW { learning_rate: self.learning_rate.get(), weight_decay: self.weight_decay.get() },
            rate: Rate::Constant,
            seed: self.seed,
            stream: self.stream.clone(),
            mask: mask.map(|mask| (mask, self.mask_mode)),
            schedule: Some(self.freezing()),
            select: self.select,
        }
    }

    /// The validation samples, if any are connected; selecting by them needs some.
    fn validation(&self, context: &Context<'_>) -> Result<Option<Embeddings>, StageError> {
        let parts = context.read(VALIDATION)?;
        if parts.is_empty() {
            if self.select == Select::SourceValidation {
                let what = "`select: source-validation` needs the input `validation`";
                return Err(StageError::new(what).hint("connect the test parts of the source domains"));
            }
            return Ok(None);
        }
        Embeddings::joined("validation", &parts).map(Some)
    }

    /// How many weights still train at the end.
    fn trainable_after_freeze(&self, how: &TrainingLoop, initial: &Weights) -> usize {
        match &how.mask {
            Some((mask, _)) if self.freezing().freezes_within(how.epochs) => mask.iter().filter(|free| **free).count(),
            _ => initial.head().trainable(),
        }
    }
}
