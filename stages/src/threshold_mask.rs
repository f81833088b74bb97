//! `threshold-mask`: from how much weights matter to which of them stay free.

use std::collections::BTreeMap;

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use ndarray::ArrayD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Importance, Mask};

/// Settings of `threshold-mask`: `threshold` or `top_fraction`, and `threshold: 0.5` where neither is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, try_from = "Written")]
pub struct ThresholdMaskConfig {
    /// A weight stays free where its importance is greater than this; 0.5 where nothing is said.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Of each tensor, this share of the weights stays free, from 0 to 1: those that matter most, and of equal ones
    /// those that come first. Rounded to the nearest count.
    #[serde(default)]
    pub top_fraction: Option<f64>,
}

/// The settings as written, before their rules are checked; the schema is made from this.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ThresholdMaskConfig")]
struct Written {
    /// A weight stays free where its importance is greater than this. 0.5 where neither field is given; excludes
    /// `top_fraction`.
    #[serde(default)]
    threshold: Option<f64>,
    /// Of each tensor, this share of the weights stays free, from 0 to 1: those that matter most, and of equal ones
    /// those that come first. Rounded to the nearest count; excludes `threshold`.
    #[serde(default)]
    top_fraction: Option<f64>,
}

impl TryFrom<Written> for ThresholdMaskConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { threshold, top_fraction } = written;
        match (threshold, top_fraction) {
            (Some(_), Some(_)) => Err("`threshold` and `top_fraction` exclude each other; leave one out".to_owned()),
            (None, Some(share)) if !(0.0..=1.0).contains(&share) => {
                Err(format!("`top_fraction` is {share}; a share from 0 to 1 was expected"))
            }
            (Some(value), None) if !value.is_finite() => {
                Err(format!("`threshold` is {value}; a finite number was expected"))
            }
            // The canonical form has the default filled in, so that saying it changes nothing.
            (None, None) => Ok(Self { threshold: Some(0.5), top_fraction }),
            _ => Ok(Self { threshold, top_fraction }),
        }
    }
}

const IMPORTANCE: In<Importance> = In::new("importance");
const MASK: Out<Mask> = Out::new("mask");

/// Makes masks by a strict threshold (two-phase weight importance, section 4) or by a share of each tensor (section 6).
pub struct ThresholdMask;

impl StageType for ThresholdMask {
    type Config = ThresholdMaskConfig;
    const NAME: &'static str = "threshold-mask";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Decides by importance which weights stay free.";

    fn ports() -> Ports {
        Ports::default().reads(IMPORTANCE).writes(MASK)
    }

    fn execute(config: &ThresholdMaskConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let importance = context.read(IMPORTANCE)?;
        let tensors: BTreeMap<String, ArrayD<bool>> =
            importance.tensors.iter().map(|(name, tensor)| (name.clone(), config.mask(tensor))).collect();
        report_densities(&tensors, context);
        context.write(MASK, &Mask { tensors, seen: importance.seen })
    }
}

impl ThresholdMaskConfig {
    fn mask(&self, importance: &ArrayD<f32>) -> ArrayD<bool> {
        if let Some(share) = self.top_fraction {
            return most_important(importance, share);
        }
        let threshold = self.threshold.unwrap_or(0.5);
        importance.mapv(|value| f64::from(value) > threshold)
    }
}

/// Marks a share of the weights: the most important ones, of equal ones those that come first in row-major order.
fn most_important(importance: &ArrayD<f32>, share: f64) -> ArrayD<bool> {
    let values: Vec<f32> = importance.iter().copied().collect();
    let wanted = (share * values.len() as f64).round() as usize;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let mut marked = vec![false; values.len()];
    for &index in order.iter().take(wanted) {
        marked[index] = true;
    }
    ArrayD::from_shape_vec(importance.raw_dim(), marked).expect("there is a mark per weight")
}

/// Records the share of free weights per tensor and in all, and notes tensors that freeze as a whole.
fn report_densities(tensors: &BTreeMap<String, ArrayD<bool>>, context: &mut Context<'_>) {
    let (mut free, mut all) = (0, 0);
    let mut frozen = Vec::new();
    for (name, tensor) in tensors {
        let count = tensor.iter().filter(|&&is_free| is_free).count();
        (free, all) = (free + count, all + tensor.len());
        context.metric(format!("density.{name}"), count as f64 / tensor.len().max(1) as f64);
        if count == 0 {
            frozen.push(format!("`{name}`"));
        }
    }
    context.metric("density", free as f64 / all.max(1) as f64);
    context.metric("free_weights", free);
    if !frozen.is_empty() {
        context.note(format!("no weight stays free in [{}]: these freeze as a whole", frozen.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, SoloResult, View, WriteFormat};
    use ndarray::Zip;

    use super::*;
    use crate::random::Random;

    fn config(text: &str) -> Result<ThresholdMaskConfig, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn marks(text: &str, values: &[f32]) -> Vec<bool> {
        config(text).unwrap().mask(&ndarray::arr1(values).into_dyn()).into_iter().collect()
    }

    #[test]
    fn the_threshold_is_strict() {
        assert_eq!(marks("{}", &[0.5, 0.500_001, 0.0, 1.0]), [false, true, false, true]);
        assert_eq!(marks(r#"{"threshold": 0}"#, &[0.0, 1e-9]), [false, true]);
    }

    #[test]
    fn a_share_takes_the_most_important_and_of_equal_ones_the_first() {
        assert_eq!(marks(r#"{"top_fraction": 0.5}"#, &[0.1, 0.9, 0.5, 0.5]), [false, true, true, false]);
        assert_eq!(marks(r#"{"top_fraction": 0.3}"#, &[0.0; 10]).iter().filter(|&&mark| mark).count(), 3);
        assert_eq!(marks(r#"{"top_fraction": 1.0}"#, &[0.0, 0.0]), [true, true]);
        assert_eq!(marks(r#"{"top_fraction": 0.0}"#, &[1.0, 1.0]), [false, false]);
    }

    #[test]
    fn settings_that_contradict_are_refused() {
        assert!(config(r#"{"threshold": 0.5, "top_fraction": 0.5}"#).unwrap_err().contains("exclude each other"));
        assert!(config(r#"{"top_fraction": 1.5}"#).unwrap_err().contains("from 0 to 1"));
        assert!(config(r#"{"treshold": 0.5}"#).unwrap_err().contains("unknown field"));
        assert_eq!(config("{}").unwrap(), config(r#"{"threshold": 0.5}"#).unwrap());
    }

    #[test]
    fn the_minimum_then_the_threshold_is_the_and_of_the_thresholds() {
        let mut random = Random::new(1, "test", "importance", 0);
        let mut draw = || ArrayD::from_shape_simple_fn(vec![20, 30], || random.uniform_f32());
        let (first, second, third) = (draw(), draw(), draw());
        let config = config("{}").unwrap();
        let least = Zip::from(&first).and(&second).and(&third).map_collect(|a, b, c| a.min(*b).min(*c));
        let all = Zip::from(&config.mask(&first)).and(&config.mask(&second)).map_collect(|a, b| a & b);
        let all = Zip::from(&all).and(&config.mask(&third)).map_collect(|a, b| a & b);
        assert!(all.iter().any(|&mark| mark) && all.iter().any(|&mark| !mark));
        assert_eq!(config.mask(&least), all);
    }

    fn execute(values: &[f32], folder: &tempfile::TempDir) -> SoloResult {
        let importance = crate::consensus_importance::tests::importance(values, "x");
        importance.write(&folder.path().join("i")).unwrap();
        let solo = Solo::new(folder.path().join("out")).input("importance", folder.path().join("i"));
        solo.execute::<ThresholdMask>(&config("{}").unwrap()).unwrap()
    }

    #[test]
    fn densities_are_metrics_and_the_mask_carries_what_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let result = execute(&[0.6, 0.1, 0.2, 0.9], &folder);
        assert_eq!((&result.metrics["density.a"], &result.metrics["density"]), (&0.5.into(), &0.5.into()));
        assert!(result.notes.is_empty());
        assert!(Mask::read(&View::disk(&result.outputs["mask"])).unwrap().seen.contains("x"));
    }

    #[test]
    fn a_tensor_without_free_weights_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let result = execute(&[0.1, 0.2], &folder);
        assert_eq!(result.notes, ["no weight stays free in [`a`]: these freeze as a whole"]);
    }
}
