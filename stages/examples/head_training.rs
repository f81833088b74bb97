//! Measures how many optimiser steps a second the head's training takes, beside `benches/head_training/pytorch.py`.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use dgpipe::formats::{Embeddings, HeadArchitecture};
use dgpipe::nets::Head;
use dgpipe::nets::RunningStatistics;
use dgpipe::random::Random;
use dgpipe::training::{
    AdamW, Course, Draws, HeadObjective, Objective, Rate, Samples, Select, TrainingLoop, TrainingState,
};

/// 20 batches of 32 samples an epoch, 32 epochs: 640 steps.
const SAMPLES: usize = 640;
const EPOCHS: u64 = 32;

/// Vectors of width 768 in 7 classes, drawn at random.
fn embeddings() -> Embeddings {
    let mut random = Random::new(1, "benchmark", "vectors", 0);
    let texts = |prefix: &str| (0..SAMPLES).map(|index| format!("{prefix}{index}")).collect();
    Embeddings {
        vectors: ndarray::Array2::from_shape_simple_fn((SAMPLES, 768), || random.between(-1.0, 1.0)),
        labels: (0..SAMPLES as i64).map(|index| index % 7).collect(),
        classes: (0..7).map(|class| class.to_string()).collect(),
        ids: texts("id"),
        digests: texts("digest"),
    }
}

/// Trains once; returns the seconds it took.
fn train(embeddings: &Embeddings) -> f64 {
    let device = Device::flex();
    let classes = embeddings.classes.clone();
    let architecture = HeadArchitecture { input: 768, hidden: vec![10; 4], classes, batch_norm: true, dropout: 0.2 };
    let weights = Head::initial(architecture.clone(), &mut Random::new(1, "benchmark", "initial", 0));
    let head = Head::new(architecture);
    let parameters = Tensor::from_floats(head.parameters().flatten(&weights.tensors, 0.0).as_slice(), &device);
    let statistics = RunningStatistics::new(&[0.0; 40], &[1.0; 40], &device);
    let draws = Draws { share: 0.2, seed: 1, stream: "benchmark".to_owned() };
    let samples = Samples::new(embeddings, &device);
    let mut objective = HeadObjective::new(head, Some(statistics), samples, None, draws);
    let training = TrainingLoop {
        epochs: EPOCHS,
        batch_size: 32,
        optimiser: AdamW { learning_rate: 1e-3, weight_decay: 0.01 },
        rate: Rate::Constant,
        seed: 1,
        stream: "benchmark".to_owned(),
        mask: None,
        schedule: None,
        select: Select::Last,
    };
    let state = TrainingState::new(parameters, Objective::buffers(&objective));
    let start = Instant::now();
    training.run(&mut objective, Course::start(state), |_| Ok(())).expect("training on finite numbers succeeds");
    start.elapsed().as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "a measurement is there to be read")]
fn main() {
    let embeddings = embeddings();
    let steps = EPOCHS as f64 * SAMPLES as f64 / 32.0;
    let best = (0..7).map(|_| train(&embeddings)).fold(f64::INFINITY, f64::min);
    println!("{{\"steps\":{steps},\"seconds\":{best:.4},\"steps_per_second\":{:.0}}}", steps / best);
}
