//! The trait that the author of a stage type implements.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Context, Ports, StageError};

/// What a `config:` block decodes into: a plain serde struct with `deny_unknown_fields` and a JSON Schema.
///
/// Serialising a decoded config gives the canonical form that enters the key. A field that is added
/// later needs `skip_serializing_if` with its default, so that old keys stay valid.
pub trait StageConfig: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static {}

impl<T: DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static> StageConfig for T {}

/// A kind of work that a pipeline's stage can name in `uses:`.
///
/// Stateless: everything comes in through the config and the [`Context`].
pub trait StageType: 'static {
    /// What the `config:` block of this stage may contain.
    type Config: StageConfig;
    /// Its name in pipeline files.
    const NAME: &'static str;
    /// Raised when the same config and inputs give other outputs.
    const VERSION: u32;
    /// One sentence for `dgpipe stages`.
    const ABOUT: &'static str;

    /// The config field that only says how far an execution goes, such as `rounds`, where the state at the end of fewer is one
    /// on the way to more. The type then [keeps](super::Checkpoints::keep_final) its state at the end, in those configs where that holds.
    const CONTINUES: Option<&'static str> = None;

    /// Declares inputs and outputs.
    fn ports() -> Ports;

    /// Names the scarce resources held while executing, such as `gpu`.
    fn slots(_config: &Self::Config) -> &'static [&'static str] {
        &[]
    }

    /// Reads the inputs and writes every declared output.
    fn execute(config: &Self::Config, context: &mut Context<'_>) -> Result<(), StageError>;
}
