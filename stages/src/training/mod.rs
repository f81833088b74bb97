//! Training: one loop (batches, schedule, mask, history, checkpoints, selection) for every stage type that trains.

mod adam_w;
mod batches;
mod class_choice;
mod course;
mod freeze_schedule;
mod gate;
mod head_objective;
mod head_training;
mod measured;
mod objective;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod properties;
mod rate;
mod samples;
mod selection;
mod settings;
mod training_loop;
mod training_state;
mod vit_objective;

pub use adam_w::{AdamW, Moments};
pub use batches::batches;
pub use class_choice::ClassChoice;
pub use course::Course;
pub use freeze_schedule::{FreezeSchedule, Schedule};
pub use gate::{Gate, MaskMode};
pub use head_objective::{Draws, HeadObjective};
pub use head_training::{HeadTraining, flat_mask};
pub use measured::Measured;
pub use objective::{Objective, gradient_of};
pub use rate::Rate;
pub use samples::Samples;
pub use selection::Select;
pub use settings::{BatchSize, Dropout, LearningRate, WeightDecay};
pub use training_loop::{Training, TrainingLoop};
pub use training_state::TrainingState;
pub use vit_objective::{Changes, Pictures, VitObjective};
