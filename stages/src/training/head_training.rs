//! Trains a head from initial weights on embeddings: what the stage types that train heads share.

use burn::tensor::{Device, Tensor};
use dgpipe_engine::stage::{Context, StageError};

use super::{Draws, Dropout, HeadObjective, Objective, Samples, Training, TrainingLoop, TrainingState};
use crate::formats::{Embeddings, Mask, Role, Weights};
use crate::nets::{Head, mismatch, running_statistics};

/// A head to train, and on what.
pub struct HeadTraining<'a> {
    /// Where it starts.
    pub initial: &'a Weights,
    /// What it learns from.
    pub samples: &'a Embeddings,
    /// What is measured after each epoch.
    pub validation: Option<&'a Embeddings>,
    /// The share of outputs dropped, where it is not the head's own.
    pub dropout: Option<Dropout>,
    /// Where it computes.
    pub device: &'a Device,
}

impl HeadTraining<'_> {
    /// Trains as the loop says. Gives the chosen epoch's weights, with what the initial ones had seen, and how it went.
    pub fn run(&self, how: &TrainingLoop, context: &mut Context<'_>) -> Result<(Weights, Training), StageError> {
        self.check()?;
        let head = Head::new(self.initial.head().clone());
        let flat = head.parameters().flatten(&self.initial.tensors, 0.0);
        let parameters = Tensor::from_floats(flat.as_slice(), self.device);
        let mut objective = self.objective(head, how);
        let state = TrainingState::new(parameters, objective.buffers());
        let training = how.train(&mut objective, state, context)?;
        Ok((self.weights(&training.chosen), training))
    }

    /// Refuses embeddings that are not the head's, and too few of them.
    fn check(&self) -> Result<(), StageError> {
        let head = self.initial.head();
        for embeddings in std::iter::once(self.samples).chain(self.validation) {
            if let Some(what) = mismatch(head, embeddings.width(), &embeddings.classes) {
                return Err(StageError::new(what).hint("make the head with `init-head` on these embeddings"));
            }
        }
        if self.validation.is_some_and(Embeddings::is_empty) {
            return Err(StageError::new("the validation embeddings have no items"));
        }
        let least = if head.batch_norm && !head.hidden.is_empty() { 2 } else { 1 };
        if self.samples.len() < least {
            let what = format!("there are {} items to learn from; at least {least} are needed", self.samples.len());
            let hint = "a batch of one item cannot be normalised; take more items, or a head with `batch_norm: false`";
            return Err(StageError::new(what).hint(hint));
        }
        Ok(())
    }

    fn objective(&self, head: Head, how: &TrainingLoop) -> HeadObjective {
        let share = self.dropout.map_or(head.architecture().dropout, Dropout::get);
        HeadObjective::new(
            head,
            running_statistics(self.initial, self.device),
            Samples::new(self.samples, self.device),
            self.validation.map(|validation| Samples::new(validation, self.device)),
            Draws { share, seed: how.seed, stream: how.stream.clone() },
        )
    }

    /// The state as files have it.
    fn weights(&self, state: &TrainingState) -> Weights {
        let mut weights = self.initial.clone();
        let head = Head::new(weights.head().clone());
        weights.tensors.extend(head.parameters().unflatten(&numbers(state.parameters.clone())));
        for (buffer, ending) in state.buffers.iter().zip(["running_mean", "running_var"]) {
            let mut values = numbers(buffer.clone().flatten::<1>(0, 1)).into_iter();
            for (name, _, role) in head.architecture().tensors() {
                if role == Role::Buffer && name.ends_with(ending) {
                    let tensor =
                        weights.tensors.get_mut(&name).expect("weights have all tensors of their architecture");
                    tensor.iter_mut().zip(&mut values).for_each(|(old, new)| *old = new);
                }
            }
        }
        for count in weights.counters.values_mut() {
            *count += state.moments.steps as i64;
        }
        weights
    }
}

/// A flat tensor's values.
fn numbers(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("weights are f32")
}

/// A mask over all of a head's parameters, true where free; parameters without a mask are free. Refuses masks of tensors that
/// the head does not train, or has in another shape.
pub fn flat_mask(mask: &Mask, head: &Head) -> Result<Vec<bool>, StageError> {
    for (name, tensor) in &mask.tensors {
        let found = head.parameters().names().find(|(known, _)| known == name);
        let Some((_, shape)) = found else {
            let names: Vec<&str> = head.parameters().names().map(|(name, _)| name).collect();
            return Err(StageError::new(format!(
                "the mask is for `{name}`, but the head trains [{}]",
                names.join(", ")
            )));
        };
        if tensor.shape() != shape {
            let what = format!("the mask of `{name}` has shape {:?}, the head's tensor {shape:?}", tensor.shape());
            return Err(StageError::new(what).hint("make the mask on a head of the same sizes"));
        }
    }
    Ok(head.parameters().flatten(&mask.tensors, true))
}
