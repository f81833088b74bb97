//! Writes a number.

use dgpipe_engine::stage::{Context, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// The number, and a remark that changes nothing but the key.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConstantConfig {
    /// The number.
    value: i64,
    /// A factor, for spellings of real numbers.
    #[serde(default = "one")]
    factor: f64,
}

fn one() -> f64 {
    1.0
}

const VALUE: Out<Number> = Out::new("value");

/// The version is a parameter, so that a test can have it raised.
pub(super) struct Constant<const VERSION: u32>;

impl<const VERSION: u32> StageType for Constant<VERSION> {
    type Config = ConstantConfig;
    const NAME: &'static str = "constant";
    const VERSION: u32 = VERSION;
    const ABOUT: &'static str = "Writes a number.";

    fn ports() -> Ports {
        Ports::default().writes(VALUE)
    }

    fn execute(config: &ConstantConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let value = (config.value as f64 * config.factor).round() as i64;
        context.metric("value", value);
        context.write(VALUE, &Number(value))
    }
}
