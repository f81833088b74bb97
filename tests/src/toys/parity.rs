//! Keeps only whether a number is odd: different inputs can give equal bytes.

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// Nothing to choose.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParityConfig {}

const NUMBER: In<Number> = In::new("number");
const PARITY: Out<Number> = Out::new("parity");

pub(super) struct Parity;

impl StageType for Parity {
    type Config = ParityConfig;
    const NAME: &'static str = "parity";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Tells whether a number is odd.";

    fn ports() -> Ports {
        Ports::default().reads(NUMBER).writes(PARITY)
    }

    fn execute(_config: &ParityConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let number = context.read(NUMBER)?;
        context.write(PARITY, &Number(number.0.rem_euclid(2)))
    }
}
