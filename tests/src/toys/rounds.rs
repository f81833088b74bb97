//! Works in rounds, and goes on from the round at which it was stopped.

use std::time::Duration;

use dgpipe_engine::stage::{Context, Optional, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// How many rounds.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundsConfig {
    /// Rounds.
    rounds: u64,
    /// What is added in each.
    #[serde(default)]
    value: i64,
    /// Whether a round depends on how many there are, so that the end of fewer is not on the way to more.
    #[serde(default)]
    falling: bool,
    /// The round in which it stays until it is stopped.
    #[serde(default, skip_serializing)]
    stays_in: Option<u64>,
    /// The round in which it fails.
    #[serde(default, skip_serializing)]
    fails_in: Option<u64>,
}

const START: Optional<Number> = Optional::new("start");
const VALUE: Out<Number> = Out::new("value");

pub(super) struct Rounds;

impl StageType for Rounds {
    type Config = RoundsConfig;
    const NAME: &'static str = "rounds";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Works in rounds.";
    const CONTINUES: Option<&'static str> = Some("rounds");

    fn ports() -> Ports {
        Ports::default().reads(START).writes(VALUE)
    }

    fn execute(config: &RoundsConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let start = context.read(START)?.map_or(0, |number| number.0);
        let mut checkpoints = context.checkpoints();
        let adopted = checkpoints.adopt(decode);
        if let Some((done, _)) = adopted {
            context.note(format!("continues from round {done} of {}", config.rounds));
        }
        let (first, mut sum) = adopted.unwrap_or((0, start));
        for round in first..config.rounds {
            while config.stays_in == Some(round) && !context.is_cancelled() {
                std::thread::sleep(Duration::from_millis(2));
            }
            if config.fails_in == Some(round) {
                return Err(StageError::new(format!("round {round} failed")));
            }
            let weight = if config.falling { config.rounds - round } else { round };
            sum = sum.wrapping_mul(31).wrapping_add(config.value * weight as i64);
            checkpoints.offer(round + 1, || encode(round + 1, sum));
            context.progress(round + 1, config.rounds, "rounds");
            context.stop_if_cancelled()?;
        }
        if !config.falling {
            checkpoints.keep_final(config.rounds, || encode(config.rounds, sum));
        }
        context.write(VALUE, &Number(sum))
    }
}

fn encode(done: u64, sum: i64) -> Vec<u8> {
    format!("{done} {sum}").into_bytes()
}

fn decode(bytes: &[u8]) -> Option<(u64, i64)> {
    let (done, sum) = str::from_utf8(bytes).ok()?.split_once(' ')?;
    Some((done.parse().ok()?, sum.parse().ok()?))
}
