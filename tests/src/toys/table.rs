//! Lists numbers with the coordinates of the cells they come from.

use dgpipe_cache::Form;
use dgpipe_engine::stage::{Context, Format, FormatError, Kind, Labelled, Out, Ports, StageError, StageType, View, WriteFormat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::number::Number;

/// Nothing to choose.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableConfig {}

/// Lines of text.
pub(super) struct Lines(String);

impl Format for Lines {
    const KIND: Kind = Kind::new("lines/1");
    const FORM: Form = Form::File;

    fn read(view: &View) -> Result<Self, FormatError> {
        Ok(Self(String::from_utf8_lossy(&view.bytes()?).into_owned()))
    }
}

impl WriteFormat for Lines {
    fn write(&self, path: &std::path::Path) -> Result<(), FormatError> {
        Ok(fs_err::write(path, &self.0)?)
    }
}

const NUMBERS: Labelled<Number> = Labelled::new("numbers");
const TABLE: Out<Lines> = Out::new("table").named("table.txt");

pub(super) struct Table;

impl StageType for Table {
    type Config = TableConfig;
    const NAME: &'static str = "table";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Lists numbers with where they come from.";

    fn ports() -> Ports {
        Ports::default().reads(NUMBERS).writes(TABLE)
    }

    fn execute(_config: &TableConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let mut text = String::new();
        for (coordinates, number) in context.read(NUMBERS)? {
            let shown: Vec<String> = coordinates.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
            text.push_str(&format!("{} {}\n", shown.join(","), number.0));
        }
        context.write(TABLE, &Lines(text))
    }
}
