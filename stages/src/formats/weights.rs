//! The weights of a network: `weights/1`, which `NumPy` and `PyTorch` open without this program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};
use ndarray::{ArrayD, arr0};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::{Architecture, HeadArchitecture, Seen, json, npy};

/// All tensors of a network by `PyTorch`'s names, weights as `[out, in]`.
///
/// On disk a folder: `NAME.npy` per tensor, the same tensors in `model.safetensors` for `load_state_dict(strict=True)`,
/// `architecture.json`, `seen.json` and, of a head trained by `train-lodo`, `training.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// The network.
    pub architecture: Architecture,
    /// Trained tensors and running statistics.
    pub tensors: BTreeMap<String, ArrayD<f32>>,
    /// Whole numbers: how many batches each batch normalisation saw.
    pub counters: BTreeMap<String, i64>,
    /// Of weights trained on single classes: the items they were trained on. Of others: what their mask saw.
    pub seen: Seen,
    /// How many parameters could still change at the end of training; nothing where it was not trained with a schedule.
    pub trainable: Option<u64>,
}

/// What `training.json` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingFile {
    trainable_after_freeze: u64,
}

const TRAINING: &str = "training.json";
const ARCHITECTURE: &str = "architecture.json";
const MODEL: &str = "model.safetensors";

impl Weights {
    /// The architecture of a head.
    pub fn head(&self) -> &HeadArchitecture {
        match &self.architecture {
            Architecture::Head(head) => head,
        }
    }

    /// All tensors as one file that `load_state_dict(strict=True)` takes after `safetensors.torch.load_file`.
    pub fn safetensors(&self) -> Result<Vec<u8>, FormatError> {
        let mut bytes: BTreeMap<&str, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
        for (name, tensor) in &self.tensors {
            let content = tensor.iter().flat_map(|value| value.to_le_bytes()).collect();
            bytes.insert(name, (Dtype::F32, tensor.shape().to_vec(), content));
        }
        for (name, count) in &self.counters {
            bytes.insert(name, (Dtype::I64, Vec::new(), count.to_le_bytes().to_vec()));
        }
        let mut views = Vec::new();
        for (name, (dtype, shape, content)) in &bytes {
            let view = TensorView::new(*dtype, shape.clone(), content);
            views.push((*name, view.map_err(|error| FormatError::content(format!("{MODEL}, `{name}`"), error))?));
        }
        let format = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
        safetensors::serialize(views, Some(format)).map_err(|error| FormatError::content(MODEL, error))
    }

    /// Refuses tensors that the architecture does not have, misses, or has in another shape, and values that are not finite.
    fn check(&self, place: &str) -> Result<(), FormatError> {
        let head = self.head();
        if let Some(mistake) = head.mistake() {
            return Err(FormatError::content(format!("{place}/{ARCHITECTURE}"), mistake));
        }
        for (name, shape, _) in head.tensors() {
            let tensor = &self.tensors[&name];
            let file = || format!("{place}/{name}.npy");
            if tensor.shape() != shape {
                let what = format!("the shape is {:?}, but the architecture asks for {shape:?}", tensor.shape());
                return Err(FormatError::content(file(), what));
            }
            if let Some(value) = tensor.iter().find(|value| !value.is_finite()) {
                return Err(FormatError::content(file(), format!("`{value}` is not a finite number")));
            }
        }
        Ok(())
    }

    /// Refuses a `model.safetensors` that says something else than the `.npy` files.
    fn check_model(&self, file: &View) -> Result<(), FormatError> {
        let bytes = file.bytes()?;
        let model = SafeTensors::deserialize(&bytes).map_err(|error| FormatError::content(file.label(), error))?;
        let named: BTreeSet<&str> = model.names().into_iter().collect();
        let ours: BTreeSet<&str> = self.tensors.keys().chain(self.counters.keys()).map(String::as_str).collect();
        if named != ours {
            return Err(FormatError::content(file.label(), "its tensors are not those of the `.npy` files"));
        }
        for (name, tensor) in &self.tensors {
            let view = model.tensor(name).map_err(|error| FormatError::content(file.label(), error))?;
            let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            if view.dtype() != Dtype::F32 || view.shape() != tensor.shape() || !values.eq(tensor.iter().copied()) {
                return Err(FormatError::content(file.label(), format!("`{name}` differs from `{name}.npy`")));
            }
        }
        Ok(())
    }
}

impl Format for Weights {
    const KIND: Kind = Kind::new("weights/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        let architecture: Architecture = json::read(&view.at(ARCHITECTURE)?)?;
        let Architecture::Head(head) = &architecture;
        let mut tensors = BTreeMap::new();
        for (name, ..) in head.tensors() {
            tensors.insert(name.clone(), npy::read(&view.at(&format!("{name}.npy"))?)?);
        }
        let mut counters = BTreeMap::new();
        for name in head.counters() {
            let file = view.at(&format!("{name}.npy"))?;
            let count = npy::read::<i64>(&file)?;
            let one = (count.ndim() == 0).then(|| count.first().copied()).flatten();
            let one =
                one.ok_or_else(|| FormatError::content(file.label(), "one number without dimensions was expected"))?;
            counters.insert(name, one);
        }
        let training = view.find(TRAINING)?.map(|file| json::read::<TrainingFile>(&file)).transpose()?;
        let trainable = training.map(|training| training.trainable_after_freeze);
        let weights = Self { tensors, counters, seen: Seen::read_in(view)?, trainable, architecture };
        weights.check(view.label())?;
        if let Some(model) = view.find(MODEL)? {
            weights.check_model(&model)?;
        }
        Ok(weights)
    }
}

impl WriteFormat for Weights {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        fs_err::create_dir_all(path)?;
        for (name, tensor) in &self.tensors {
            npy::write(&path.join(format!("{name}.npy")), tensor.view())?;
        }
        for (name, count) in &self.counters {
            npy::write(&path.join(format!("{name}.npy")), arr0(*count).into_dyn().view())?;
        }
        fs_err::write(path.join(MODEL), self.safetensors()?)?;
        json::write(&path.join(ARCHITECTURE), &self.architecture)?;
        if let Some(trainable_after_freeze) = self.trainable {
            json::write(&path.join(TRAINING), &TrainingFile { trainable_after_freeze })?;
        }
        self.seen.write_in(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Weights {
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let head = HeadArchitecture { input: 3, hidden: vec![2], classes, batch_norm: true, dropout: 0.2 };
        let values = |shape: &[usize]| ArrayD::from_shape_fn(shape, |index| index[0] as f32 - 0.5);
        Weights {
            tensors: head.tensors().into_iter().map(|(name, shape, _)| (name, values(&shape))).collect(),
            counters: head.counters().into_iter().map(|name| (name, 7)).collect(),
            architecture: Architecture::Head(head),
            seen: Seen::of(["aa".to_owned()]),
            trainable: Some(5),
        }
    }

    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        example().write(&folder.path().join("w")).unwrap();
        folder
    }

    fn reading(folder: &tempfile::TempDir) -> Result<Weights, String> {
        Weights::read(&View::disk(folder.path().join("w"))).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(reading(&written()).unwrap(), example());
    }

    #[test]
    fn the_bytes_do_not_depend_on_chance() {
        assert!((0..8).all(|_| example().safetensors().unwrap() == example().safetensors().unwrap()));
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let folder = written();
        fs_err::remove_file(folder.path().join("w/bns.0.bias.npy")).unwrap();
        assert!(reading(&folder).unwrap_err().contains("bns.0.bias.npy"));
    }

    #[test]
    fn a_shape_that_the_architecture_does_not_have_is_refused() {
        let folder = written();
        let file = folder.path().join("w/layers.0.weight.npy");
        fs_err::remove_file(&file).unwrap();
        npy::write(&file, ArrayD::<f32>::zeros(vec![3, 2]).view()).unwrap();
        assert!(reading(&folder).unwrap_err().ends_with("the shape is [3, 2], but the architecture asks for [2, 3]"));
    }

    #[test]
    fn a_model_file_that_says_something_else_is_refused() {
        let folder = written();
        let file = folder.path().join("w/classifier.bias.npy");
        fs_err::remove_file(&file).unwrap();
        npy::write(&file, ArrayD::<f32>::zeros(vec![2]).view()).unwrap();
        assert!(reading(&folder).unwrap_err().contains("`classifier.bias` differs"));
    }

    #[test]
    fn weights_that_are_not_finite_are_refused() {
        let folder = written();
        let file = folder.path().join("w/classifier.bias.npy");
        fs_err::remove_file(&file).unwrap();
        npy::write(&file, ArrayD::from_elem(vec![2], f32::NAN).view()).unwrap();
        assert!(reading(&folder).unwrap_err().contains("not a finite number"));
    }
}
