//! Panics.

use dgpipe_engine::stage::{Context, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// Nothing to choose.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PanicConfig {}

const VALUE: Out<Number> = Out::new("value");

pub(super) struct Panic;

impl StageType for Panic {
    type Config = PanicConfig;
    const NAME: &'static str = "panic";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Panics.";

    fn ports() -> Ports {
        Ports::default().writes(VALUE)
    }

    fn execute(_config: &PanicConfig, _context: &mut Context<'_>) -> Result<(), StageError> {
        panic!("told to panic");
    }
}
