//! `weight-importance`: how far each weight moved in training, as a share of the farthest in its tensor.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use ndarray::{ArrayD, Zip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Importance, Role, Weights};

/// Settings of `weight-importance`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightImportanceConfig {
    /// Over what the largest move counts as 1: each tensor by itself, or all together.
    #[serde(default)]
    pub normalise: Normalise,
    /// Whether the biases of layers that a batch normalisation follows are counted in. They have no gradient, so what
    /// moves them is the rounding noise that Adam scales up.
    #[serde(default)]
    pub biases_before_norm: bool,
}

/// Over what the largest move counts as 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalise {
    /// Each tensor by itself.
    #[default]
    Tensor,
    /// All tensors together.
    Global,
}

const INITIAL: In<Weights> = In::new("initial");
const FINAL: In<Weights> = In::new("final");
const IMPORTANCE: Out<Importance> = Out::new("importance");

/// Keeps the division defined where nothing moved (two-phase weight importance, section 4).
const NOTHING: f64 = 1e-12;

/// Compares weights before and after training: `|final − initial| / (max + 1e-12)` over linear weights and biases
/// (two-phase weight importance, section 4).
pub struct WeightImportance;

impl StageType for WeightImportance {
    type Config = WeightImportanceConfig;
    const NAME: &'static str = "weight-importance";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Measures how far each weight moved in training.";

    fn ports() -> Ports {
        Ports::default().reads(INITIAL).reads(FINAL).writes(IMPORTANCE)
    }

    fn execute(config: &WeightImportanceConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let (initial, last) = (context.read(INITIAL)?, context.read(FINAL)?);
        check_alike(&initial, &last)?;
        let moved = moves(&initial, &last, config.biases_before_norm);
        let total: f64 = moved.values().map(|tensor| tensor.sum()).sum();
        for (name, tensor) in &moved {
            let share = if total > 0.0 { tensor.sum() / total } else { 0.0 };
            context.metric(format!("moved_share.{name}"), share);
            context.metric(format!("largest_move.{name}"), largest(tensor));
        }
        context.metric("moved_total", total);
        if total == 0.0 {
            context.note("no weight moved: the initial and the final weights are the same");
        }
        let tensors = normalised(moved, config.normalise);
        context.write(IMPORTANCE, &Importance { tensors, seen: last.seen })
    }
}

/// |final − initial| by tensor, in f64, over what counts.
fn moves(initial: &Weights, last: &Weights, biases_before_norm: bool) -> BTreeMap<String, ArrayD<f64>> {
    let head = last.head();
    let mut moved = BTreeMap::new();
    for (name, _, role) in head.tensors() {
        let bias_of = name.strip_suffix(".bias").filter(|layer| layer.starts_with("layers."));
        let before_norm = head.batch_norm && bias_of.is_some();
        if role == Role::Linear && (biases_before_norm || !before_norm) {
            let distance = Zip::from(&last.tensors[&name])
                .and(&initial.tensors[&name])
                .map_collect(|&last, &initial| (f64::from(last) - f64::from(initial)).abs());
            moved.insert(name, distance);
        }
    }
    moved
}

/// Divides by the largest move.
fn normalised(moved: BTreeMap<String, ArrayD<f64>>, over: Normalise) -> BTreeMap<String, ArrayD<f32>> {
    let overall = moved.values().map(largest).fold(0.0, f64::max);
    let norm = |(name, tensor): (String, ArrayD<f64>)| {
        let most = match over {
            Normalise::Tensor => largest(&tensor),
            Normalise::Global => overall,
        };
        (name, tensor.mapv(|distance| (distance / (most + NOTHING)) as f32))
    };
    moved.into_iter().map(norm).collect()
}

fn largest(tensor: &ArrayD<f64>) -> f64 {
    tensor.iter().copied().fold(0.0, f64::max)
}

/// Refuses weights of different networks, and names what differs.
fn check_alike(initial: &Weights, last: &Weights) -> Result<(), StageError> {
    let hint = "connect the weights that this training started from to `initial`";
    let only = |one: &Weights, other: &Weights| -> Vec<String> {
        let names: BTreeSet<&String> = other.tensors.keys().collect();
        one.tensors.keys().filter(|name| !names.contains(name)).cloned().collect()
    };
    let (only_initial, only_last) = (only(initial, last), only(last, initial));
    if !only_initial.is_empty() || !only_last.is_empty() {
        let lists =
            format!("only `initial` has [{}], only `final` has [{}]", only_initial.join(", "), only_last.join(", "));
        return Err(StageError::new(format!("the weights have different tensors: {lists}")).hint(hint));
    }
    let shapes = initial.tensors.iter().map(|(name, tensor)| (name, tensor.shape(), last.tensors[name].shape()));
    let differing: Vec<String> = shapes
        .filter(|(_, first, second)| first != second)
        .map(|(name, first, second)| format!("`{name}` is {first:?} in `initial` and {second:?} in `final`"))
        .collect();
    if differing.is_empty() {
        return Ok(());
    }
    Err(StageError::new(format!("the weights have different shapes: {}", differing.join(", "))).hint(hint))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use dgpipe_engine::stage::{Format, Solo, SoloResult, View, WriteFormat};
    use ndarray::ArrayD;

    use super::*;
    use crate::formats::{Architecture, HeadArchitecture, Seen};

    fn weights(width: usize, hidden: &[usize], value: impl Fn(usize) -> f32) -> Weights {
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let head = HeadArchitecture { input: width, hidden: hidden.to_vec(), classes, batch_norm: true, dropout: 0.0 };
        let tensor = |shape: Vec<usize>| {
            let count = shape.iter().product();
            ArrayD::from_shape_vec(shape, (0..count).map(&value).collect()).unwrap()
        };
        Weights {
            tensors: head.tensors().into_iter().map(|(name, shape, _)| (name, tensor(shape))).collect(),
            counters: head.counters().into_iter().map(|name| (name, 0)).collect(),
            architecture: Architecture::Head(head),
            seen: Seen::of(["aa".to_owned()]),
            trainable: None,
        }
    }

    fn execute(
        folder: &Path,
        initial: &Weights,
        last: &Weights,
        config: &WeightImportanceConfig,
    ) -> Result<SoloResult, StageError> {
        initial.write(&folder.join("initial")).unwrap();
        last.write(&folder.join("final")).unwrap();
        Solo::new(folder.join("out"))
            .input("initial", folder.join("initial"))
            .input("final", folder.join("final"))
            .execute::<WeightImportance>(config)
    }

    fn importance(initial: &Weights, last: &Weights, config: &WeightImportanceConfig) -> Importance {
        let folder = tempfile::tempdir().unwrap();
        let result = execute(folder.path(), initial, last, config).unwrap();
        Importance::read(&View::disk(&result.outputs["importance"])).unwrap()
    }

    #[test]
    fn importance_is_the_move_as_a_share_of_the_farthest_in_its_tensor() {
        let initial = weights(2, &[2], |_| 1.0);
        let mut last = initial.clone();
        last.tensors.insert("layers.0.weight".to_owned(), ndarray::arr2(&[[1.0, 0.5], [3.0, 2.0]]).into_dyn());
        last.tensors.insert("bns.0.weight".to_owned(), ndarray::arr1(&[9.0, 9.0]).into_dyn());
        let found = importance(&initial, &last, &WeightImportanceConfig::default());
        assert_eq!(found.tensors["layers.0.weight"], ndarray::arr2(&[[0.0, 0.25], [1.0, 0.5]]).into_dyn());
        // What never moves has no importance rather than none that is defined.
        assert!(found.tensors["classifier.weight"].iter().all(|&value| value == 0.0));
        assert_eq!(found.seen, last.seen);
    }

    #[test]
    fn batch_normalisation_has_no_importance_and_biases_before_it_only_when_asked_for() {
        let (initial, last) = (weights(2, &[2], |_| 0.0), weights(2, &[2], |index| index as f32));
        let names = |biases_before_norm: bool| -> Vec<String> {
            let config = WeightImportanceConfig { biases_before_norm, ..Default::default() };
            importance(&initial, &last, &config).tensors.into_keys().collect()
        };
        assert_eq!(names(false), ["classifier.bias", "classifier.weight", "layers.0.weight"]);
        assert_eq!(names(true), ["classifier.bias", "classifier.weight", "layers.0.bias", "layers.0.weight"]);
    }

    #[test]
    fn normalising_over_all_keeps_the_order_between_tensors() {
        let initial = weights(2, &[2], |_| 0.0);
        let mut last = initial.clone();
        last.tensors.insert("layers.0.weight".to_owned(), ndarray::arr2(&[[4.0, 0.0], [0.0, 0.0]]).into_dyn());
        last.tensors.insert("classifier.bias".to_owned(), ndarray::arr1(&[1.0, 0.0]).into_dyn());
        let config = WeightImportanceConfig { normalise: Normalise::Global, ..Default::default() };
        let found = importance(&initial, &last, &config);
        assert_eq!(found.tensors["classifier.bias"], ndarray::arr1(&[0.25, 0.0]).into_dyn());
    }

    #[test]
    fn the_shares_of_the_movement_are_metrics() {
        let folder = tempfile::tempdir().unwrap();
        let initial = weights(2, &[2], |_| 0.0);
        let mut last = initial.clone();
        last.tensors.insert("layers.0.weight".to_owned(), ndarray::arr2(&[[2.0, 1.0], [0.0, 0.0]]).into_dyn());
        last.tensors.insert("classifier.bias".to_owned(), ndarray::arr1(&[1.0, 0.0]).into_dyn());
        let result = execute(folder.path(), &initial, &last, &WeightImportanceConfig::default()).unwrap();
        assert_eq!(result.metrics["moved_share.layers.0.weight"], 0.75.into());
        assert_eq!(result.metrics["moved_total"], 4.0.into());
    }

    #[test]
    fn weights_of_another_network_are_refused_by_the_names_of_their_tensors() {
        let folder = tempfile::tempdir().unwrap();
        let config = WeightImportanceConfig::default();
        let error =
            execute(folder.path(), &weights(2, &[2], |_| 0.0), &weights(3, &[2], |_| 0.0), &config).unwrap_err();
        assert!(
            error.to_string().contains("`layers.0.weight` is [2, 2] in `initial` and [2, 3] in `final`"),
            "{error}"
        );
        let folder = tempfile::tempdir().unwrap();
        let error = execute(folder.path(), &weights(2, &[2], |_| 0.0), &weights(2, &[], |_| 0.0), &config).unwrap_err();
        assert!(error.to_string().contains("only `initial` has [bns.0.bias"), "{error}");
    }

    #[test]
    fn an_unmoved_network_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let same = weights(2, &[2], |_| 1.0);
        let result = execute(folder.path(), &same, &same, &WeightImportanceConfig::default()).unwrap();
        assert!(result.notes[0].contains("no weight moved"));
    }
}
