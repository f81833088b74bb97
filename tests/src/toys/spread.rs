//! Writes a folder of numbers.

use dgpipe_cache::Form;
use dgpipe_engine::stage::{Context, Format, FormatError, Kind, Out, Ports, StageError, StageType, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Folders and the numbers in them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpreadConfig {
    /// For each folder name, the number in its `value.txt`.
    parts: std::collections::BTreeMap<String, i64>,
}

/// A folder of folders with a number each.
pub(super) struct Parts;

impl Format for Parts {
    const KIND: Kind = Kind::new("parts/1");
    const FORM: Form = Form::Folder;

    fn read(_view: &View) -> Result<Self, FormatError> {
        Ok(Self)
    }
}

const PARTS: Out<Parts> = Out::new("parts");

pub(super) struct Spread;

impl StageType for Spread {
    type Config = SpreadConfig;
    const NAME: &'static str = "spread";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Writes a folder of numbers.";

    fn ports() -> Ports {
        Ports::default().writes(PARTS)
    }

    fn execute(config: &SpreadConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let folder = context.output(PARTS)?;
        for (name, value) in &config.parts {
            fs_err::create_dir_all(folder.join(name))?;
            fs_err::write(folder.join(name).join("value.txt"), format!("{value}\n"))?;
        }
        Ok(())
    }
}
