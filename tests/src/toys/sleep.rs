//! Takes its time, and stops when asked to.

use std::time::Duration;

use dgpipe_engine::stage::{Context, Optional, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// How long.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SleepConfig {
    /// Milliseconds.
    milliseconds: u64,
    /// What it writes.
    #[serde(default)]
    value: i64,
}

const AFTER: Optional<Number> = Optional::new("after");
const VALUE: Out<Number> = Out::new("value");

pub(super) struct Sleep;

impl StageType for Sleep {
    type Config = SleepConfig;
    const NAME: &'static str = "sleep";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Takes its time.";

    fn ports() -> Ports {
        Ports::default().reads(AFTER).writes(VALUE)
    }

    fn execute(config: &SleepConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let steps = config.milliseconds.div_ceil(5);
        for step in 0..steps {
            context.stop_if_cancelled()?;
            std::thread::sleep(Duration::from_millis(5));
            context.progress(step + 1, steps, "naps");
        }
        context.write(VALUE, &Number(config.value))
    }
}
