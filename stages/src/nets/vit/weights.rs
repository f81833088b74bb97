//! The tensors of a Vision Transformer on the host, and their `model.safetensors`.

use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::Device;
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::position_grid::PositionGrid;
use super::{Array, VisionTransformer, VitShape, named};
use crate::nets::weight_file::WeightFiles;

/// Named tensors that fit a shape exactly.
#[derive(Clone, Debug, PartialEq)]
pub struct VitWeights {
    shape: VitShape,
    arrays: BTreeMap<String, Array>,
}

/// Weights taken out of files, and what was done for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The weights.
    pub weights: VitWeights,
    /// The side of the grid that the position table was interpolated from, where it was.
    pub interpolated_from: Option<usize>,
    /// Tensors of a classifier beside the net, which were left out.
    pub left_out: Vec<String>,
}

/// The tensor by which a prefix is found.
const CLS_TOKEN: &str = "embeddings.cls_token";
/// The tensor that depends on the size of pictures.
const POSITIONS: &str = "embeddings.position_embeddings";
/// A part of the net that is known and not needed.
const POOLER: &str = "pooler.dense.";
/// What a fine-tuned model has beside the net.
const CLASSIFIER: &str = "classifier.";

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

    /// Takes them apart.
    pub fn into_parts(self) -> (VitShape, BTreeMap<String, Array>) {
        (self.shape, self.arrays)
    }

    /// The sizes of the net.
    pub fn shape(&self) -> &VitShape {
        &self.shape
    }

    /// The tensors by name.
    pub fn arrays(&self) -> &BTreeMap<String, Array> {
        &self.arrays
    }

    /// Takes the tensors of a net out of its files. A position table of another grid is interpolated.
    ///
    /// Names may have a prefix, such as `vit.`: what stands before `embeddings.cls_token`. Returns every mistake:
    /// tensors that are missing, too many, of another shape or type, or not finite.
    pub fn from_files(shape: &VitShape, files: &WeightFiles) -> Result<Taken, Vec<String>> {
        let prefix = prefix(files);
        let mut left: BTreeSet<&str> = files.names().collect();
        let without = |name: &str| name.strip_prefix(prefix.as_str()).map(str::to_owned);
        left.retain(|name| without(name).is_none_or(|name| !name.starts_with(POOLER)));
        let (mut arrays, mut mistakes, mut grid) = (BTreeMap::new(), Vec::new(), None);
        for (name, axes) in shape.tensors() {
            let stored = format!("{prefix}{name}");
            left.remove(stored.as_str());
            let read = if name == POSITIONS {
                read_positions(files, &stored, shape).map(|(array, from)| {
                    grid = from;
                    array
                })
            } else {
                files.read(&stored, &axes).map(|values| Array { shape: axes, values })
            };
            match read {
                Ok(array) => drop(arrays.insert(name, array)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        // A classifier stands beside a net that is a part, and is no part of the net.
        let (beside, foreign): (Vec<&str>, Vec<&str>) =
            left.into_iter().partition(|name| !prefix.is_empty() && name.starts_with(CLASSIFIER));
        mistakes.extend(foreign.into_iter().map(|name| {
            let axes = files.form(name).map(|form| form.shape).unwrap_or_default();
            format!("tensor `{name}` {axes:?} does not belong to a ViT of this `config.json`")
        }));
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let beside = beside.into_iter().map(str::to_owned).collect();
        Ok(Taken { weights: Self { shape: shape.clone(), arrays }, interpolated_from: grid, left_out: beside })
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

/// What stands before the names: empty where the net is the whole of its files.
fn prefix(files: &WeightFiles) -> String {
    let before = |end: &str| files.names().find_map(|name| name.strip_suffix(end)).map(str::to_owned);
    before(CLS_TOKEN).or_else(|| before(POSITIONS)).unwrap_or_default()
}

/// The position table on the grid of the shape, and the side of the grid that it was interpolated from.
fn read_positions(files: &WeightFiles, name: &str, shape: &VitShape) -> Result<(Array, Option<usize>), String> {
    let axes = vec![1, shape.tokens(), shape.hidden];
    let stored = files.form(name).map(|form| form.shape);
    let other_grid = stored.as_deref().and_then(|found| match *found {
        [1, tokens, hidden] if hidden == shape.hidden && tokens != shape.tokens() => PositionGrid::side(tokens),
        _ => None,
    });
    let Some(side) = other_grid else {
        return files.read(name, &axes).map(|values| (Array { shape: axes, values }, None));
    };
    let values = files.read(name, &[1, 1 + side * side, shape.hidden])?;
    let grid = PositionGrid { side, hidden: shape.hidden, values: &values };
    Ok((Array { shape: axes, values: grid.resized(shape.image / shape.patch) }, Some(side)))
}
