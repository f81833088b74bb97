//! Makes a row of each file of a folder, and adds the rows up.

use std::time::Duration;

use dgpipe_cache::Digest;
use dgpipe_engine::stage::{Context, In, Optional, Out, Ports, RawFolder, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// What a row is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EachConfig {
    /// What the numbers are multiplied with.
    #[serde(default = "one")]
    factor: i64,
    /// What is added to the sum; it decides no row.
    #[serde(default)]
    plus: i64,
    /// The item at which it stays until it is stopped.
    #[serde(default, skip_serializing)]
    stays_at: Option<usize>,
}

fn one() -> i64 {
    1
}

const ITEMS: In<RawFolder> = In::new("items");
const BIAS: Optional<Number> = Optional::new("bias");
const SUM: Out<Number> = Out::new("sum");

pub(super) struct Each;

impl StageType for Each {
    type Config = EachConfig;
    const NAME: &'static str = "each";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Adds up rows of items.";

    fn ports() -> Ports {
        Ports::default().reads(ITEMS).reads(BIAS).writes(SUM)
    }

    fn execute(config: &EachConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let RawFolder(folder) = context.read(ITEMS)?;
        let bias = context.read(BIAS)?.map_or(0, |number| number.0);
        let mut rows = context.items(ITEMS, &config.factor)?;
        let entries = folder.entries()?;
        let (mut sum, mut new) = (config.plus, 0);
        for (index, entry) in entries.iter().enumerate() {
            while config.stays_at == Some(index) {
                context.stop_if_cancelled()?;
                std::thread::sleep(Duration::from_millis(2));
            }
            let bytes = folder.at(&entry.name)?.bytes()?;
            let item = Digest::of(&bytes);
            let known = rows.find(&item).and_then(|row| Some(i64::from_le_bytes(row.try_into().ok()?)));
            let row = if let Some(row) = known {
                row
            } else {
                new += 1;
                let number: i64 = String::from_utf8_lossy(&bytes).trim().parse()?;
                let row = number * config.factor + bias;
                rows.keep(item, row.to_le_bytes().to_vec());
                row
            };
            sum += row;
            rows.write_when_due();
            context.progress(index as u64 + 1, entries.len() as u64, "items");
        }
        context.note(format!("made {new} of {} rows", entries.len()));
        context.write(SUM, &Number(sum))
    }
}
