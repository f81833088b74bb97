//! A head that learns to classify by cross-entropy over all its logits.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::ArrayView2;

use super::{Measured, Objective, Samples};
use crate::nets::{Classifier, FlatLayout, Head, HeadGradient, RunningStatistics, TrainingBatch};
use crate::random::Random;

/// A head, its training and validation samples, and what an epoch has prepared.
pub struct HeadObjective {
    head: Head,
    statistics: Option<RunningStatistics>,
    training: Samples,
    validation: Option<Samples>,
    dropout: Draws,
    device: Device,
    epoch: Option<Epoch>,
    /// The logits of the epoch's batches so far.
    logits: Vec<Tensor<2>>,
}

/// Where dropout masks come from.
#[derive(Clone, Debug)]
pub struct Draws {
    /// The share of outputs that is dropped.
    pub share: f64,
    /// The seed of the generator.
    pub seed: u64,
    /// The stream of the generator.
    pub stream: String,
}

struct Epoch {
    samples: Samples,
    /// One column per sample, with 1 at its class.
    targets: Tensor<2>,
    /// Factors per block and output, one column per sample.
    dropout: Vec<Tensor<2>>,
}

impl HeadObjective {
    /// Puts together what is trained, on what. Statistics are the running ones of the head's normalisations, if it has any.
    pub fn new(
        head: Head,
        statistics: Option<RunningStatistics>,
        training: Samples,
        validation: Option<Samples>,
        dropout: Draws,
    ) -> Self {
        let device = training.vectors.device();
        Self { head, statistics, training, validation, dropout, device, epoch: None, logits: Vec::new() }
    }

    /// The head's forward passes.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The samples at these positions of the epoch's order.
    fn batch(&self, positions: Range<usize>) -> TrainingBatch {
        let epoch = self.epoch.as_ref().expect("the loop begins an epoch before its first batch");
        let (start, count) = (positions.start, positions.len());
        let columns = |all: &Tensor<2>| all.clone().narrow(1, start, count);
        TrainingBatch {
            input: epoch.samples.vectors.clone().narrow(0, start, count).transpose(),
            targets: columns(&epoch.targets),
            dropout: epoch.dropout.iter().map(columns).collect(),
        }
    }

    /// One factor per sample and output for each block: 0 where dropped, else 1 / (1 − share), so that means stay.
    fn dropout(&self, epoch: u64) -> Vec<Tensor<2>> {
        let share = self.dropout.share;
        if share == 0.0 {
            return Vec::new();
        }
        let mut random = Random::new(self.dropout.seed, &self.dropout.stream, "dropout", epoch);
        let threshold = (share * 4_294_967_296.0) as u32;
        let kept = (1.0 / (1.0 - share)) as f32;
        let rows = self.training.len();
        let mut factors = |width: &usize| {
            let draws = (0..rows * width).map(|_| if random.bits() < threshold { 0.0 } else { kept });
            Tensor::from_data(TensorData::new(draws.collect::<Vec<f32>>(), [rows, *width]), &self.device).transpose()
        };
        self.head.architecture().hidden.iter().map(&mut factors).collect()
    }
}

impl Objective for HeadObjective {
    fn parameters(&self) -> &FlatLayout {
        self.head.parameters()
    }

    fn samples(&self) -> usize {
        self.training.len()
    }

    fn begin(&mut self, epoch: u64, order: &[usize]) {
        let samples = self.training.select(order);
        let targets = samples.one_hot(self.head.architecture().classes.len()).transpose();
        self.epoch = Some(Epoch { samples, targets, dropout: self.dropout(epoch) });
    }

    fn gradient(&mut self, parts: &[Tensor<2>], positions: Range<usize>) -> Tensor<1> {
        let count = positions.len();
        let batch = self.batch(positions);
        let HeadGradient { gradient, logits, statistics } = self.head.gradient(parts, batch);
        self.logits.push(logits);
        if let (Some(running), Some((mean, variance))) = (self.statistics.take(), statistics) {
            self.statistics = Some(running.updated(mean, variance, count));
        }
        gradient
    }

    fn measured(&mut self) -> Measured {
        let epoch = self.epoch.take().expect("the loop measures an epoch after its last batch");
        let logits = Tensor::cat(std::mem::take(&mut self.logits), 1).transpose();
        let shape = logits.dims();
        let logits: Vec<f32> = logits.into_data().try_to_vec().expect("logits are f32");
        let logits = ArrayView2::from_shape(shape, &logits).expect("the shape is the tensor's own");
        Measured::of(logits, epoch.samples.labels)
    }

    fn validate(&self, parts: &[Tensor<2>]) -> Option<Measured> {
        let validation = self.validation.as_ref()?;
        let device = self.device.clone();
        let classifier = Classifier::from_parts(self.head.clone(), parts.to_vec(), self.statistics.clone(), device);
        let logits = classifier.tensor_logits(&validation.vectors);
        Some(Measured::of(logits.view(), validation.labels.iter().copied()))
    }

    fn buffers(&self) -> Vec<Tensor<2>> {
        self.statistics.iter().flat_map(|statistics| [statistics.mean.clone(), statistics.variance.clone()]).collect()
    }

    fn restore(&mut self, buffers: Vec<Tensor<2>>) {
        if let Ok([mean, variance]) = <[Tensor<2>; 2]>::try_from(buffers) {
            self.statistics = Some(RunningStatistics { mean, variance });
        }
    }
}
