//! Adds numbers.

use dgpipe_engine::stage::{Context, Many, Optional, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// What is added on top.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddConfig {
    /// A number that is added.
    #[serde(default)]
    plus: i64,
}

const TERMS: Many<Number> = Many::new("terms");
const EXTRA: Optional<Number> = Optional::new("extra");
const SUM: Out<Number> = Out::new("sum");
const COUNT: Out<Number> = Out::new("count").named("count.txt");

pub(super) struct Add;

impl StageType for Add {
    type Config = AddConfig;
    const NAME: &'static str = "add";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Adds numbers.";

    fn ports() -> Ports {
        Ports::default().reads(TERMS).reads(EXTRA).writes(SUM).writes(COUNT)
    }

    fn execute(config: &AddConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let terms = context.read(TERMS)?;
        let extra = context.read(EXTRA)?.map_or(0, |number| number.0);
        let sum = terms.iter().map(|number| number.0).sum::<i64>() + extra + config.plus;
        context.metric("sum", sum);
        context.write(COUNT, &Number(terms.len() as i64))?;
        context.write(SUM, &Number(sum))
    }
}
