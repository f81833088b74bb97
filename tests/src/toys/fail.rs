//! Fails, always or the first times.

use std::path::PathBuf;

use dgpipe_engine::stage::{Context, Optional, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// When to fail.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FailConfig {
    /// Whether to fail at all.
    #[serde(default = "yes")]
    fail: bool,
    /// A file that counts attempts; with it, only the first `times` attempts fail.
    #[serde(default)]
    counter: Option<PathBuf>,
    /// How many attempts fail.
    #[serde(default)]
    times: usize,
    /// Writes the output before failing.
    #[serde(default)]
    late: bool,
}

fn yes() -> bool {
    true
}

const AFTER: Optional<Number> = Optional::new("after");
const VALUE: Out<Number> = Out::new("value");

pub(super) struct Fail;

impl StageType for Fail {
    type Config = FailConfig;
    const NAME: &'static str = "fail";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Fails, always or the first times.";

    fn ports() -> Ports {
        Ports::default().reads(AFTER).writes(VALUE)
    }

    fn execute(config: &FailConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let mut fails = config.fail;
        if let Some(counter) = &config.counter {
            let attempts = fs_err::read(counter).map_or(0, |bytes| bytes.len());
            fs_err::write(counter, vec![b'x'; attempts + 1])?;
            fails = attempts < config.times;
        }
        if fails && !config.late {
            return Err(StageError::new("told to fail").hint("set `fail: false`"));
        }
        context.write(VALUE, &Number(1))?;
        if fails { Err(StageError::new("told to fail late")) } else { Ok(()) }
    }
}
