//! Where training stands between two epochs, and how that is written into a checkpoint.

use std::collections::BTreeMap;

use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use super::selection::Selection;
use super::{Moments, TrainingState};
use crate::formats::{EpochRecord, History};

/// Training between two epochs. Going on from it gives the bytes that an uninterrupted training gives; random numbers need no
/// place in it, since those of an epoch depend on the epoch alone.
#[derive(Clone, Debug)]
pub struct Course {
    /// What the next epoch starts from.
    pub state: TrainingState,
    /// What each epoch came to.
    pub history: History,
    /// The best state so far.
    pub(super) selection: Selection,
}

/// Name of the numbers that are no tensors, among the metadata of the file.
const NUMBERS: &str = "training";
/// Raised with the layout of a checkpoint.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Numbers {
    version: u32,
    state: StateNumbers,
    history: Vec<EpochBits>,
    /// The bits of the best accuracy so far, and that state.
    best: Option<(u64, StateNumbers)>,
}

/// An epoch's record with the bits of its real numbers: they come back exactly, whatever they are.
#[derive(Serialize, Deserialize)]
struct EpochBits {
    epoch: u64,
    steps: u64,
    train_loss: u64,
    train_accuracy: u64,
    val_loss: Option<u64>,
    val_acc: Option<u64>,
    learning_rate: u64,
    scale: Option<u64>,
}

impl From<&EpochRecord> for EpochBits {
    fn from(record: &EpochRecord) -> Self {
        Self {
            epoch: record.epoch,
            steps: record.steps,
            train_loss: record.train_loss.to_bits(),
            train_accuracy: record.train_accuracy.to_bits(),
            val_loss: record.val_loss.map(f64::to_bits),
            val_acc: record.val_acc.map(f64::to_bits),
            learning_rate: record.learning_rate.to_bits(),
            scale: record.scale.map(f64::to_bits),
        }
    }
}

impl From<EpochBits> for EpochRecord {
    fn from(bits: EpochBits) -> Self {
        Self {
            epoch: bits.epoch,
            steps: bits.steps,
            train_loss: f64::from_bits(bits.train_loss),
            train_accuracy: f64::from_bits(bits.train_accuracy),
            val_loss: bits.val_loss.map(f64::from_bits),
            val_acc: bits.val_acc.map(f64::from_bits),
            learning_rate: f64::from_bits(bits.learning_rate),
            scale: bits.scale.map(f64::from_bits),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct StateNumbers {
    epochs: u64,
    steps: u64,
    buffers: usize,
}

impl Course {
    /// Training that has not begun.
    pub fn start(initial: TrainingState) -> Self {
        Self { state: initial, history: History::default(), selection: Selection::default() }
    }

    /// Everything, as the bytes of a safetensors file.
    pub fn encode(&self) -> Vec<u8> {
        let best = self.selection.best.as_ref();
        let mut tensors = BTreeMap::new();
        write_tensors(&self.state, "", &mut tensors);
        if let Some((_, best)) = best {
            write_tensors(best, "best.", &mut tensors);
        }
        let numbers = Numbers {
            version: VERSION,
            state: StateNumbers::of(&self.state),
            history: self.history.0.iter().map(EpochBits::from).collect(),
            best: best.map(|(accuracy, state)| (accuracy.to_bits(), StateNumbers::of(state))),
        };
        let numbers = serde_json::to_string(&numbers).expect("numbers have a JSON form");
        let views = tensors.iter().map(|(name, (shape, bytes))| {
            let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
            (name, view.expect("the shape is the tensor's own"))
        });
        serialize(views, Some([(NUMBERS.to_owned(), numbers)].into())).expect("names and shapes are right")
    }

    /// Reads what [`Course::encode`] wrote; nothing where it is not of a training that starts like this.
    pub fn decode(bytes: &[u8], initial: &TrainingState) -> Option<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
        let Numbers { version, state, history, best } =
            serde_json::from_str(metadata.metadata().as_ref()?.get(NUMBERS)?).ok()?;
        if version != VERSION {
            return None;
        }
        let tensors = SafeTensors::deserialize(bytes).ok()?;
        let state = read_state(&tensors, "", &state, initial)?;
        let best = match best {
            Some((accuracy, numbers)) => {
                Some((f64::from_bits(accuracy), read_state(&tensors, "best.", &numbers, initial)?))
            }
            None => None,
        };
        let history = History(history.into_iter().map(EpochRecord::from).collect());
        (history.0.len() as u64 == state.epochs).then_some(())?;
        Some(Self { state, history, selection: Selection { best } })
    }
}

impl StateNumbers {
    fn of(state: &TrainingState) -> Self {
        Self { epochs: state.epochs, steps: state.moments.steps, buffers: state.buffers.len() }
    }
}

fn write_tensors(state: &TrainingState, prefix: &str, tensors: &mut BTreeMap<String, (Vec<usize>, Vec<u8>)>) {
    let mut write = |name: String, shape: Vec<usize>, data: TensorData| {
        let values: Vec<f32> = data.try_into_vec().expect("training computes in f32");
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        tensors.insert(format!("{prefix}{name}"), (shape, bytes));
    };
    let Moments { first, second, .. } = &state.moments;
    for (name, tensor) in [("parameters", &state.parameters), ("first", first), ("second", second)] {
        write(name.to_owned(), tensor.dims().to_vec(), tensor.to_data());
    }
    for (index, buffer) in state.buffers.iter().enumerate() {
        write(format!("buffer.{index}"), buffer.dims().to_vec(), buffer.to_data());
    }
}

/// Reads a state whose tensors have the shapes of `like`, to where those are.
fn read_state(
    tensors: &SafeTensors<'_>,
    prefix: &str,
    numbers: &StateNumbers,
    like: &TrainingState,
) -> Option<TrainingState> {
    let device = like.parameters.device();
    let read = |name: &str, shape: &[usize]| {
        let view = tensors.tensor(&format!("{prefix}{name}")).ok()?;
        (view.dtype() == Dtype::F32 && view.shape() == shape).then_some(())?;
        let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Some(TensorData::new(values.collect::<Vec<f32>>(), shape))
    };
    let flat = |name: &str| Some(Tensor::<1>::from_data(read(name, &like.parameters.dims())?, &device));
    (numbers.buffers == like.buffers.len()).then_some(())?;
    let buffer = |(index, like): (usize, &Tensor<2>)| {
        Some(Tensor::<2>::from_data(read(&format!("buffer.{index}"), &like.dims())?, &device))
    };
    Some(TrainingState {
        epochs: numbers.epochs,
        parameters: flat("parameters")?,
        moments: Moments { first: flat("first")?, second: flat("second")?, steps: numbers.steps },
        buffers: like.buffers.iter().enumerate().map(buffer).collect::<Option<_>>()?,
    })
}
