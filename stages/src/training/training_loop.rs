//! The one training loop: batches, mask and schedule, history, selection, checkpoints after epochs.

use dgpipe_engine::stage::{Context, StageError};
use ndarray::Array2;

use super::{AdamW, Course, FreezeSchedule, Gate, MaskMode, Objective, Rate, Select, TrainingState, batches};
use crate::formats::{EpochRecord, History};
use crate::random::Random;

/// How to train. More epochs extend fewer: the random numbers of an epoch do not depend on how many there are.
#[derive(Clone, Debug)]
pub struct TrainingLoop {
    /// Passes over the samples.
    pub epochs: u64,
    /// Samples per step.
    pub batch_size: usize,
    /// The optimiser.
    pub optimiser: AdamW,
    /// How its learning rate goes over the epochs.
    pub rate: Rate,
    /// The seed of the sample order.
    pub seed: u64,
    /// The stream of the sample order.
    pub stream: String,
    /// Which parameters stay free, over all of them, and where the scale is applied.
    pub mask: Option<(Vec<bool>, MaskMode)>,
    /// How far the others may move; nothing where training knows no masks.
    pub schedule: Option<FreezeSchedule>,
    /// Which epoch's weights are the result.
    pub select: Select,
}

/// What training gives.
#[derive(Clone, Debug)]
pub struct Training {
    /// The chosen epoch's state.
    pub chosen: TrainingState,
    /// The sample at each position: i64 `[epochs, n]`, indices into the training samples.
    pub order: Array2<i64>,
    /// What each epoch came to.
    pub history: History,
}

impl TrainingLoop {
    /// Trains from `initial` on, or from the furthest checkpoint of an execution with the same key, or of one with fewer
    /// epochs. Leaves checkpoints, and says how far it is.
    pub fn train(
        &self,
        objective: &mut impl Objective,
        initial: TrainingState,
        context: &mut Context<'_>,
    ) -> Result<Training, StageError> {
        context.stop_if_cancelled()?;
        let mut checkpoints = context.checkpoints();
        let adopted = checkpoints.adopt(|bytes| Course::decode(bytes, &initial));
        if let Some(course) = &adopted {
            context.note(format!("continues from epoch {} of {}", course.state.epochs, self.epochs));
            context.progress(course.state.epochs, self.epochs, "epochs");
        }
        self.run(objective, adopted.unwrap_or_else(|| Course::start(initial)), |course| {
            let done = course.state.epochs;
            if done < self.epochs {
                checkpoints.offer(done, || course.encode());
            } else {
                checkpoints.keep_final(done, || course.encode());
            }
            context.progress(done, self.epochs, "epochs");
            context.stop_if_cancelled()
        })
    }

    /// Trains on. After each epoch `watch` sees where training stands; an error of it, such as a wish to stop, ends the training.
    pub fn run(
        &self,
        objective: &mut impl Objective,
        mut course: Course,
        mut watch: impl FnMut(&Course) -> Result<(), StageError>,
    ) -> Result<Training, StageError> {
        objective.restore(course.state.buffers.clone());
        for epoch in course.state.epochs..self.epochs {
            let record = self.epoch(objective, &mut course.state, epoch)?;
            if self.select == Select::SourceValidation {
                course.selection.offer(&record, &course.state);
            }
            course.history.0.push(record);
            watch(&course)?;
        }
        let order = (0..self.epochs).flat_map(|epoch| self.order(epoch, objective.samples())).collect();
        let order = Array2::from_shape_vec((self.epochs as usize, objective.samples()), order)?;
        let Course { state, history, selection } = course;
        Ok(Training { chosen: selection.chosen(state), order, history })
    }

    /// The samples of an epoch, in the order they are used.
    fn order(&self, epoch: u64, samples: usize) -> Vec<i64> {
        let order = Random::new(self.seed, &self.stream, "order", epoch).permutation(samples);
        order.into_iter().map(|index| index as i64).collect()
    }

    /// One pass over the samples. Nothing is read from the device before its end.
    fn epoch(
        &self,
        objective: &mut impl Objective,
        state: &mut TrainingState,
        epoch: u64,
    ) -> Result<EpochRecord, StageError> {
        let scale = self.schedule.map(|schedule| schedule.scale(epoch));
        let gate = self.gate(scale, state);
        let order: Vec<usize> =
            self.order(epoch, objective.samples()).into_iter().map(|index| index as usize).collect();
        let learning_rate = self.optimiser.learning_rate * self.rate.share(epoch);
        let optimiser = AdamW { learning_rate, ..self.optimiser };
        objective.begin(epoch, &order);
        for positions in batches(order.len(), self.batch_size) {
            step(objective, optimiser, state, positions, &gate);
        }
        state.epochs = epoch + 1;
        state.buffers = objective.buffers();
        let train = objective.measured();
        if !train.loss.is_finite() {
            let what = format!("the training loss is {} in epoch {epoch}", train.loss);
            return Err(StageError::new(what).hint("lower `learning_rate`, or look at the scale of the embeddings"));
        }
        let validation = objective.validate(&objective.parameters().split(&state.parameters));
        Ok(EpochRecord {
            epoch,
            train_loss: train.loss,
            train_accuracy: train.accuracy,
            val_loss: validation.map(|measured| measured.loss),
            val_acc: validation.map(|measured| measured.accuracy),
            learning_rate,
            scale,
            steps: state.moments.steps,
        })
    }

    /// What the mask does in an epoch of this scale.
    fn gate(&self, scale: Option<f64>, state: &TrainingState) -> Gate {
        match &self.mask {
            Some((mask, mode)) => Gate::new(mask, *mode, scale.unwrap_or(1.0), &state.parameters.device()),
            None => Gate::Open,
        }
    }
}

/// One batch: loss, gradient, step.
fn step(
    objective: &mut impl Objective,
    optimiser: AdamW,
    state: &mut TrainingState,
    positions: std::ops::Range<usize>,
    gate: &Gate,
) {
    let parts = objective.parameters().split(&state.parameters);
    let gradient = objective.gradient(&parts, positions);
    drop(parts);
    let parameters = std::mem::replace(&mut state.parameters, gradient.clone());
    state.parameters = optimiser.step(parameters, &mut state.moments, gradient, gate);
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::formats::HeadArchitecture;
    use crate::nets::{Head, RunningStatistics};
    use crate::training::{Draws, HeadObjective, Samples};

    fn training(epochs: u64) -> TrainingLoop {
        TrainingLoop {
            epochs,
            batch_size: 8,
            optimiser: AdamW { learning_rate: 0.01, weight_decay: 0.01 },
            rate: Rate::Constant,
            seed: 3,
            stream: "test".to_owned(),
            mask: None,
            schedule: None,
            select: Select::Last,
        }
    }

    fn objective() -> HeadObjective {
        let device = Device::flex();
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let head = HeadArchitecture { input: 6, hidden: vec![5], classes, batch_norm: true, dropout: 0.2 };
        let mut random = Random::new(1, "test", "vectors", 0);
        let vectors: Vec<f32> = (0..30 * 6).map(|_| random.between(-1.0, 1.0)).collect();
        let vectors = Tensor::from_data(TensorData::new(vectors, [30, 6]), &device);
        let samples = Samples { vectors, labels: (0..30).map(|item| item % 2).collect() };
        let statistics = RunningStatistics::new(&[0.0; 5], &[1.0; 5], &device);
        let draws = Draws { share: 0.2, seed: 3, stream: "test".to_owned() };
        HeadObjective::new(Head::new(head), Some(statistics), samples.clone(), Some(samples), draws)
    }

    fn start(objective: &HeadObjective) -> TrainingState {
        let mut random = Random::new(1, "test", "initial", 0);
        let weights = Head::initial(objective.head().architecture().clone(), &mut random);
        let flat = objective.parameters().flatten(&weights.tensors, 0.0);
        TrainingState::new(Tensor::from_floats(flat.as_slice(), &Device::flex()), objective.buffers())
    }

    fn bits(state: &TrainingState) -> Vec<u32> {
        let all = [state.parameters.clone(), state.buffers[1].clone().flatten(0, 1), state.moments.second.clone()];
        let values = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().unwrap();
        all.into_iter().flat_map(values).map(f32::to_bits).collect()
    }

    /// Trains until an epoch, and gives what a checkpoint after it holds.
    fn interrupted(training: &TrainingLoop, after: u64) -> Vec<u8> {
        let mut objective = objective();
        let course = Course::start(start(&objective));
        let mut checkpoint = None;
        let interrupted = training.run(&mut objective, course, |course| {
            checkpoint = Some(course.encode());
            if course.state.epochs == after { Err(StageError::cancelled()) } else { Ok(()) }
        });
        assert!(interrupted.unwrap_err().is_cancelled());
        checkpoint.unwrap()
    }

    #[test]
    fn training_that_goes_on_from_a_checkpoint_gives_the_bytes_of_an_uninterrupted_one() {
        for select in [Select::Last, Select::SourceValidation] {
            let training = TrainingLoop { select, ..training(6) };
            let mut first = objective();
            let course = Course::start(start(&first));
            let whole = training.run(&mut first, course, |_| Ok(())).unwrap();
            for after in 1..6 {
                let checkpoint = interrupted(&training, after);
                let mut second = objective();
                let course = Course::decode(&checkpoint, &start(&second)).unwrap();
                assert_eq!(course.state.epochs, after);
                let resumed = training.run(&mut second, course, |_| Ok(())).unwrap();
                assert_eq!(bits(&resumed.chosen), bits(&whole.chosen));
                assert_eq!((resumed.chosen.epochs, resumed.history), (whole.chosen.epochs, whole.history.clone()));
                assert_eq!(resumed.order, whole.order);
            }
        }
    }

    #[test]
    fn a_checkpoint_of_another_net_or_of_nothing_is_not_taken() {
        let checkpoint = interrupted(&training(3), 1);
        let state = start(&objective());
        let mut wider = state.clone();
        wider.parameters = Tensor::cat(vec![wider.parameters.clone(), wider.parameters], 0);
        assert!(Course::decode(&checkpoint, &wider).is_none());
        let fewer = TrainingState { buffers: Vec::new(), ..state.clone() };
        assert!(Course::decode(&checkpoint, &fewer).is_none());
        for cut in [0, 5, checkpoint.len() / 2, checkpoint.len() - 1] {
            assert!(Course::decode(&checkpoint[..cut], &state).is_none());
        }
    }
}
