//! The tensors of a Vision Transformer on the host, and their `model.safetensors`.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::{Array, VisionTransformer, VitShape, named};

/// Named tensors that fit a shape exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct VitWeights {
    shape: VitShape,
    arrays: BTreeMap<String, Array>,
}

/// What Hugging Face puts in front of names where the net is a part of another.
const PREFIX: &str = "vit.";
/// A part of the file that is read and not needed.
const POOLER: &str = "pooler.dense.";

impl VitWeights {
    /// Fills the tensors of a shape by a rule that gets each name and shape.
    pub fn fill(shape: &VitShape, mut rule: impl FnMut(&str, &[usize]) -> Vec<f32>) -> Self {
        let array = |(name, axes): (String, Vec<usize>)| {
            let values = rule(&name, &axes);
            assert_eq!(values.len(), axes.iter().product::<usize>(), "the numbers of `{name}`");
            (name, Array { shape: axes, values })
        };
        Self { shape: shape.clone(), arrays: shape.tensors().into_iter().map(array).collect() }
    }

    /// Takes the weights of a net.
    pub fn of(shape: &VitShape, net: &VisionTransformer) -> Self {
        Self { shape: shape.clone(), arrays: named::read(net) }
    }

    /// Makes a net of them.
    pub fn net(&self, device: &Device) -> VisionTransformer {
        named::fill(VisionTransformer::zeros(&self.shape, device), &self.arrays)
    }

    /// The sizes of the net.
    pub fn shape(&self) -> &VitShape {
        &self.shape
    }

    /// The tensors by name.
    pub fn arrays(&self) -> &BTreeMap<String, Array> {
        &self.arrays
    }

    /// Reads `model.safetensors`. Returns every mistake: tensors that are missing, too many, of another shape or type,
    /// or not finite.
    pub fn from_safetensors(shape: &VitShape, bytes: &[u8]) -> Result<Self, Vec<String>> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| vec![error.to_string()])?;
        let mut left: BTreeSet<&str> = file.names().into_iter().collect();
        let prefix = if left.iter().any(|name| name.starts_with(PREFIX)) { PREFIX } else { "" };
        left.retain(|name| !name.strip_prefix(prefix).unwrap_or(name).starts_with(POOLER));
        let (mut arrays, mut mistakes) = (BTreeMap::new(), Vec::new());
        for (name, axes) in shape.tensors() {
            let stored = format!("{prefix}{name}");
            left.remove(stored.as_str());
            match read_array(&file, &stored, axes) {
                Ok(array) => drop(arrays.insert(name, array)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        mistakes.extend(left.iter().map(|name| {
            let axes = file.tensor(name).map(|tensor| tensor.shape().to_vec()).unwrap_or_default();
            format!("tensor `{name}` {axes:?} does not belong to a ViT of this `config.json`")
        }));
        if mistakes.is_empty() { Ok(Self { shape: shape.clone(), arrays }) } else { Err(mistakes) }
    }

    /// Writes `model.safetensors`, without a prefix and without a pooler.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let bytes = |array: &Array| array.values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let bytes: BTreeMap<&String, Vec<u8>> = self.arrays.iter().map(|(name, array)| (name, bytes(array))).collect();
        let views = self.arrays.iter().map(|(name, array)| {
            let view = TensorView::new(Dtype::F32, array.shape.clone(), &bytes[name]);
            (name, view.expect("an array has as many numbers as its shape says"))
        });
        // Hugging Face's reader asks for this note.
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        serialize(views, Some(metadata)).expect("names and shapes of a net can be written")
    }
}

fn read_array(file: &SafeTensors<'_>, name: &str, axes: Vec<usize>) -> Result<Array, String> {
    let tensor = file.tensor(name).map_err(|_| format!("tensor `{name}` {axes:?} is missing"))?;
    if tensor.shape() != axes {
        return Err(format!("tensor `{name}` has shape {:?}; expected {axes:?}", tensor.shape()));
    }
    if tensor.dtype() != Dtype::F32 {
        return Err(format!("tensor `{name}` is {:?}; expected F32", tensor.dtype()));
    }
    let (numbers, _) = tensor.data().as_chunks::<4>();
    let values: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(format!("tensor `{name}` has numbers that are not finite"));
    }
    Ok(Array { shape: axes, values })
}
