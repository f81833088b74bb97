//! The matrices of weights, importance or masks alike, for types that draw them.

use std::collections::BTreeMap;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View};
use ndarray::{Array1, Array2, ArrayD, Ix1, Ix2};

use super::{Importance, Mask, Weights};

/// Tensors by name, and what their numbers are.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrices {
    /// What the numbers are.
    pub meaning: Meaning,
    /// The tensors; of masks, 1 where a weight stays free and 0 where it freezes.
    pub tensors: BTreeMap<String, ArrayD<f32>>,
    /// The names of the classes, where the artifact has them.
    pub classes: Option<Vec<String>>,
}

/// What the numbers of tensors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Weights of a network, of both signs.
    Weights,
    /// Importance, not negative.
    Importance,
    /// Truth values.
    Mask,
}

/// A Linear layer: a matrix with the vector that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The part of the tensors' names before `.weight`.
    pub name: String,
    /// The matrix, `[out, in]`.
    pub weight: Array2<f32>,
    /// The vector, `[out]`, where there is one.
    pub bias: Option<Array1<f32>>,
}

impl Matrices {
    /// The layers in the order of the network: those with a number by their numbers, then those without, such as
    /// `classifier`. Vectors without a matrix, such as those of batch normalisation, belong to no layer.
    pub fn layers(&self) -> Vec<Layer> {
        let mut layers: Vec<Layer> =
            self.tensors.iter().filter_map(|(name, tensor)| self.layer(name, tensor)).collect();
        layers.sort_by_key(|layer| (number_in(&layer.name), layer.name.clone()));
        layers
    }

    fn layer(&self, name: &str, tensor: &ArrayD<f32>) -> Option<Layer> {
        let weight = tensor.clone().into_dimensionality::<Ix2>().ok()?;
        let layer = name.strip_suffix(".weight").unwrap_or(name);
        let bias = self.tensors.get(&format!("{layer}.bias"));
        let bias = bias.and_then(|bias| bias.clone().into_dimensionality::<Ix1>().ok());
        let bias = bias.filter(|bias| bias.len() == weight.nrows());
        Some(Layer { name: layer.to_owned(), weight, bias })
    }
}

/// The first number in a name; names without one come last.
pub(crate) fn number_in(name: &str) -> u64 {
    let from = name.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let digits: String = from.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u64::MAX)
}

impl Format for Matrices {
    const KIND: Kind = Kind::new("weights/1");
    const ALSO: &'static [Kind] = &[Kind::new("importance/1"), Kind::new("mask/1")];
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        // A view does not say its kind; the three formats differ in the files they have.
        if view.find("architecture.json")?.is_some() {
            let weights = Weights::read(view)?;
            let classes = Some(weights.head().classes.clone());
            return Ok(Self { meaning: Meaning::Weights, tensors: weights.tensors, classes });
        }
        if view.entries()?.iter().any(|entry| entry.name.ends_with("_binary.npy")) {
            let numbers = |tensor: &ArrayD<bool>| tensor.mapv(|free| if free { 1.0 } else { 0.0 });
            let mask = Mask::read(view)?;
            let tensors = mask.tensors.iter().map(|(name, tensor)| (name.clone(), numbers(tensor))).collect();
            return Ok(Self { meaning: Meaning::Mask, tensors, classes: None });
        }
        let tensors = Importance::read(view)?.tensors;
        Ok(Self { meaning: Meaning::Importance, tensors, classes: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::Seen;
    use dgpipe_engine::stage::WriteFormat;

    #[test]
    fn layers_come_in_the_order_of_the_network() {
        let mut tensors = BTreeMap::new();
        for name in ["classifier", "layers.10", "layers.2"] {
            tensors.insert(format!("{name}.weight"), ArrayD::zeros(vec![2, 3]));
        }
        tensors.insert("layers.2.bias".to_owned(), ArrayD::zeros(vec![2]));
        tensors.insert("bns.0.weight".to_owned(), ArrayD::zeros(vec![2]));
        let layers = Matrices { meaning: Meaning::Weights, tensors, classes: None }.layers();
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        assert_eq!(names, ["layers.2", "layers.10", "classifier"]);
        assert_eq!(layers.iter().map(|layer| layer.bias.is_some()).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn masks_and_importance_are_told_apart_by_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let mask = BTreeMap::from([("a.weight".to_owned(), ndarray::arr2(&[[true, false]]).into_dyn())]);
        Mask { tensors: mask, seen: Seen::default() }.write(&folder.path().join("m")).unwrap();
        let importance = BTreeMap::from([("a.weight".to_owned(), ndarray::arr2(&[[0.5, 1.0]]).into_dyn())]);
        Importance { tensors: importance, seen: Seen::default() }.write(&folder.path().join("i")).unwrap();
        let read = |name: &str| Matrices::read(&View::disk(folder.path().join(name))).unwrap();
        assert_eq!((read("m").meaning, read("i").meaning), (Meaning::Mask, Meaning::Importance));
        assert_eq!(read("m").tensors["a.weight"], ndarray::arr2(&[[1.0, 0.0]]).into_dyn());
    }

    #[test]
    fn a_folder_without_matrices_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Matrices::read(&View::disk(folder.path())).is_err());
    }
}
