//! `consensus-importance`: what several importances agree on, weight by weight.

use std::collections::BTreeMap;

use dgpipe_engine::stage::{Context, Many, Out, Ports, StageError, StageType};
use ndarray::{ArrayD, Zip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Group, Importance, Seen};

/// Settings of `consensus-importance`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsensusImportanceConfig {
    /// How the importances of one weight become one.
    #[serde(default)]
    pub reduce: Reduce,
}

/// How several numbers become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// The smallest: important to all.
    #[default]
    Min,
    /// The mean.
    Mean,
    /// The sum, which may exceed 1.
    Sum,
}

const IMPORTANCES: Many<Importance> = Many::new("importances");
const IMPORTANCE: Out<Importance> = Out::new("importance");

/// Takes the element-wise minimum, mean or sum of importances (two-phase weight importance, sections 4 and 6).
pub struct ConsensusImportance;

impl StageType for ConsensusImportance {
    type Config = ConsensusImportanceConfig;
    const NAME: &'static str = "consensus-importance";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Finds what the importances of several domains agree on.";

    fn ports() -> Ports {
        Ports::default().reads(IMPORTANCES).writes(IMPORTANCE)
    }

    fn execute(config: &ConsensusImportanceConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let importances = context.read(IMPORTANCES)?;
        let consensus = consensus(&importances, config.reduce)?;
        context.metric("importances", importances.len());
        for (name, tensor) in &consensus.tensors {
            let sum: f64 = tensor.iter().map(|&value| f64::from(value)).sum();
            context.metric(format!("mean.{name}"), sum / tensor.len().max(1) as f64);
        }
        context.write(IMPORTANCE, &consensus)
    }
}

/// Reduces importances weight by weight; sums are accumulated in f64, in the order given.
fn consensus(importances: &[Importance], reduce: Reduce) -> Result<Importance, StageError> {
    let first = importances.first().ok_or_else(|| StageError::new("input `importances` has nothing in it"))?;
    for (index, other) in importances.iter().enumerate().skip(1) {
        check_alike(first, other, index)?;
    }
    let reduced = |name: &String| -> ArrayD<f32> {
        let mut found = first.tensors[name].mapv(f64::from);
        for other in &importances[1..] {
            Zip::from(&mut found).and(&other.tensors[name]).for_each(|found, &value| match reduce {
                Reduce::Min => *found = found.min(f64::from(value)),
                Reduce::Mean | Reduce::Sum => *found += f64::from(value),
            });
        }
        let divisor = if reduce == Reduce::Mean { importances.len() as f64 } else { 1.0 };
        found.mapv(|value| (value / divisor) as f32)
    };
    let tensors: BTreeMap<String, ArrayD<f32>> =
        first.tensors.keys().map(|name| (name.clone(), reduced(name))).collect();
    Ok(Importance { tensors, seen: one_group_each(importances) })
}

/// One group per importance: the domains that the consensus saw.
fn one_group_each(importances: &[Importance]) -> Seen {
    let items = |seen: &Seen| seen.groups.iter().flat_map(|group| group.items.iter().cloned()).collect();
    Seen { groups: importances.iter().map(|importance| Group { items: items(&importance.seen) }).collect() }
}

fn check_alike(first: &Importance, other: &Importance, index: usize) -> Result<(), StageError> {
    let shapes = |importance: &Importance| -> BTreeMap<String, Vec<usize>> {
        importance.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect()
    };
    let (first, other) = (shapes(first), shapes(other));
    let differing = first.keys().chain(other.keys()).find(|name| first.get(*name) != other.get(*name));
    let Some(name) = differing else { return Ok(()) };
    let said = |shapes: &BTreeMap<String, Vec<usize>>| {
        shapes.get(name).map_or("missing".to_owned(), |shape| format!("of shape {shape:?}"))
    };
    let what = format!("`{name}` is {} in importance 0 and {} in importance {index}", said(&first), said(&other));
    Err(StageError::new(format!("input `importances`: {what}")).hint("compare networks of one architecture"))
}

#[cfg(test)]
pub(crate) mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};

    use super::*;

    /// An importance of one tensor `a`, which saw the items of that name.
    pub(crate) fn importance(values: &[f32], seen: &str) -> Importance {
        let tensors = BTreeMap::from([("a".to_owned(), ndarray::arr1(values).into_dyn())]);
        Importance { tensors, seen: Seen::of([seen.to_owned()]) }
    }

    fn values(importances: &[Importance], reduce: Reduce) -> Vec<f32> {
        consensus(importances, reduce).unwrap().tensors["a"].iter().copied().collect()
    }

    #[test]
    fn importances_are_reduced_weight_by_weight() {
        let parts = [importance(&[0.25, 1.0], "x"), importance(&[0.75, 0.5], "y")];
        assert_eq!(values(&parts, Reduce::Min), [0.25, 0.5]);
        assert_eq!(values(&parts, Reduce::Mean), [0.5, 0.75]);
        assert_eq!(values(&parts, Reduce::Sum), [1.0, 1.5]);
    }

    #[test]
    fn one_importance_is_its_own_consensus() {
        let part = [importance(&[0.1, 0.7], "x")];
        for reduce in [Reduce::Min, Reduce::Mean, Reduce::Sum] {
            assert_eq!(values(&part, reduce), [0.1, 0.7]);
        }
    }

    #[test]
    fn the_consensus_lists_the_domains_it_saw() {
        let folder = tempfile::tempdir().unwrap();
        let mut solo = Solo::new(folder.path().join("out"));
        for (name, values) in [("x", [0.5, 1.0]), ("y", [0.25, 1.0])] {
            importance(&values, name).write(&folder.path().join(name)).unwrap();
            solo = solo.input("importances", folder.path().join(name));
        }
        let result = solo.execute::<ConsensusImportance>(&ConsensusImportanceConfig::default()).unwrap();
        let found = Importance::read(&View::disk(&result.outputs["importance"])).unwrap();
        let groups: Vec<Vec<&String>> = found.seen.groups.iter().map(|group| group.items.iter().collect()).collect();
        assert_eq!(groups, [["x"], ["y"]]);
        assert_eq!(result.metrics["mean.a"], 0.625.into());
    }

    #[test]
    fn importances_of_different_shapes_are_refused_by_name() {
        let error = consensus(&[importance(&[0.5], "x"), importance(&[0.5, 1.0], "y")], Reduce::Min).unwrap_err();
        let expected = "input `importances`: `a` is of shape [1] in importance 0 and of shape [2] in importance 1";
        assert_eq!(error.to_string(), expected);
    }
}
