//! `uniform-mask`: a mask that says the same of every weight.

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use ndarray::ArrayD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Mask, Role, Seen, Weights};

/// Settings of `uniform-mask`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniformMaskConfig {
    /// Whether every weight stays free (`true`) or freezes (`false`).
    pub value: bool,
}

const LIKE: In<Weights> = In::new("like");
const MASK: Out<Mask> = Out::new("mask");

/// Masks all linear weights and biases alike: the controls that freeze everything, or nothing
/// (two-phase weight importance, section 6).
pub struct UniformMask;

impl StageType for UniformMask {
    type Config = UniformMaskConfig;
    const NAME: &'static str = "uniform-mask";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Makes a mask that says the same of every weight.";

    fn ports() -> Ports {
        Ports::default().reads(LIKE).writes(MASK)
    }

    fn execute(config: &UniformMaskConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let like = context.read(LIKE)?;
        let linear = like.head().tensors().into_iter().filter(|(_, _, role)| *role == Role::Linear);
        let tensors = linear.map(|(name, shape, _)| (name, ArrayD::from_elem(shape, config.value))).collect();
        context.metric("density", if config.value { 1.0 } else { 0.0 });
        // The values of `like` do not matter, so nothing that they have seen has been seen here.
        context.write(MASK, &Mask { tensors, seen: Seen::default() })
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};

    use super::*;
    use crate::formats::HeadArchitecture;
    use crate::nets::Head;
    use crate::random::Random;

    #[test]
    fn linear_weights_and_biases_are_masked_and_batch_normalisation_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let head = HeadArchitecture { input: 3, hidden: vec![2], classes, batch_norm: true, dropout: 0.2 };
        let mut weights = Head::initial(head, &mut Random::new(1, "s", "initial", 0));
        weights.seen = Seen::of(["x".to_owned()]);
        weights.write(&folder.path().join("w")).unwrap();
        for value in [true, false] {
            let solo = Solo::new(folder.path().join(format!("out-{value}"))).input("like", folder.path().join("w"));
            let result = solo.execute::<UniformMask>(&UniformMaskConfig { value }).unwrap();
            let mask = Mask::read(&View::disk(&result.outputs["mask"])).unwrap();
            let names: Vec<&String> = mask.tensors.keys().collect();
            assert_eq!(names, ["classifier.bias", "classifier.weight", "layers.0.bias", "layers.0.weight"]);
            assert_eq!(mask.tensors["layers.0.weight"], ArrayD::from_elem(vec![2, 3], value));
            assert_eq!(mask.seen, Seen::default());
        }
    }
}
