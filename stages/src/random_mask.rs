//! `random-mask`: a control with as many free weights per tensor as a given mask, at random places.

use std::collections::BTreeMap;

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use ndarray::{ArrayD, Zip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::Mask;
use crate::random::Random;

/// Settings of `random-mask`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomMaskConfig {
    /// Seed of the random places.
    pub seed: u64,
    /// Which of the seed's streams is drawn from.
    pub stream: String,
}

const GIVEN: In<Mask> = In::new("mask");
const MASK: Out<Mask> = Out::new("mask");

/// From this share of equal entries on, the control says little (two-phase weight importance, section 6).
const TOO_ALIKE: f64 = 0.95;

/// Draws a mask with the same number of free weights in every tensor (two-phase weight importance, section 6).
pub struct RandomMask;

impl StageType for RandomMask {
    type Config = RandomMaskConfig;
    const NAME: &'static str = "random-mask";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws a mask with as many free weights per tensor as a given one.";

    fn ports() -> Ports {
        Ports::default().reads(GIVEN).writes(MASK)
    }

    fn execute(config: &RandomMaskConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let given = context.read(GIVEN)?;
        let tensors: BTreeMap<String, ArrayD<bool>> =
            given.tensors.iter().map(|(name, tensor)| (name.clone(), drawn(config, name, tensor))).collect();
        let (mut same, mut all) = (0, 0);
        for (name, tensor) in &tensors {
            let equal = Zip::from(tensor).and(&given.tensors[name]).fold(0, |count, a, b| count + usize::from(a == b));
            (same, all) = (same + equal, all + tensor.len());
            context.metric(format!("agreement.{name}"), equal as f64 / tensor.len().max(1) as f64);
        }
        let agreement = same as f64 / all.max(1) as f64;
        context.metric("agreement", agreement);
        if agreement > TOO_ALIKE {
            let percent = 100.0 * agreement;
            context.note(format!(
                "the random mask agrees with the given one in {percent:.1} % of the weights, so it is hardly a control; \
                 a mask by `top_fraction` leaves more to chance"
            ));
        }
        context.write(MASK, &Mask { tensors, seen: given.seen })
    }
}

/// As many marks as `given` has, anywhere; each tensor draws for itself, so that others do not matter.
fn drawn(config: &RandomMaskConfig, name: &str, given: &ArrayD<bool>) -> ArrayD<bool> {
    let count = given.iter().filter(|&&is_free| is_free).count();
    let mut random = Random::new(config.seed, &config.stream, &format!("mask/{name}"), 0);
    let mut marks = vec![false; given.len()];
    for index in random.subset(given.len(), count) {
        marks[index] = true;
    }
    ArrayD::from_shape_vec(given.raw_dim(), marks).expect("there is a mark per weight")
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Metric, Solo, SoloResult, View, WriteFormat};

    use super::*;
    use crate::formats::Seen;

    fn given(density: f64) -> Mask {
        let tensor = |count: usize| {
            ArrayD::from_shape_fn(vec![4, count / 4], |index| {
                (index[0] * count / 4 + index[1]) as f64 / (count as f64) < density
            })
        };
        let tensors = BTreeMap::from([("a".to_owned(), tensor(400)), ("b".to_owned(), tensor(40))]);
        Mask { tensors, seen: Seen::of(["x".to_owned()]) }
    }

    fn execute(mask: &Mask, seed: u64) -> (Mask, SoloResult) {
        let folder = tempfile::tempdir().unwrap();
        mask.write(&folder.path().join("m")).unwrap();
        let config = RandomMaskConfig { seed, stream: "random/a".to_owned() };
        let solo = Solo::new(folder.path().join("out")).input("mask", folder.path().join("m"));
        let result = solo.execute::<RandomMask>(&config).unwrap();
        (Mask::read(&View::disk(&result.outputs["mask"])).unwrap(), result)
    }

    fn ones(mask: &Mask) -> Vec<usize> {
        mask.tensors.values().map(|tensor| tensor.iter().filter(|&&mark| mark).count()).collect()
    }

    #[test]
    fn every_tensor_keeps_its_number_of_free_weights() {
        let mask = given(0.3);
        let (random, _) = execute(&mask, 1);
        assert_eq!((ones(&random), ones(&mask)), (vec![120, 12], vec![120, 12]));
        assert_ne!(random.tensors, mask.tensors);
        assert_eq!(random.seen, mask.seen);
    }

    #[test]
    fn the_seed_decides_the_places() {
        let mask = given(0.3);
        assert_eq!(execute(&mask, 1).0, execute(&mask, 1).0);
        assert_ne!(execute(&mask, 1).0, execute(&mask, 2).0);
    }

    #[test]
    fn agreement_is_what_chance_gives() {
        let (_, result) = execute(&given(0.3), 1);
        let Metric::Number(agreement) = result.metrics["agreement.a"] else { panic!("a number") };
        // Two masks of density p agree in p² + (1 − p)² of the entries, 0.58 here.
        assert!((agreement - 0.58).abs() < 0.08, "{agreement}");
        assert!(result.notes.is_empty());
    }

    #[test]
    fn a_control_that_differs_in_nothing_is_noted() {
        let (random, result) = execute(&given(1.0), 1);
        assert_eq!(random.tensors, given(1.0).tensors);
        assert_eq!(result.metrics["agreement"], 1.0.into());
        assert!(result.notes[0].contains("100.0 % of the weights"), "{:?}", result.notes);
    }
}
