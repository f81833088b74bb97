//! The stage type `command`: runs any program, with its inputs, outputs and environment declared.

mod argument;
mod bind;
mod child;
mod command_stage;
mod leftovers;
mod orphans;
mod outputs;
mod project_root;
mod sandbox;
mod secrets;
mod tool;
mod undeclared;
mod voice;
mod working_folder;

pub use argument::Argument;
pub use child::end_everything;
pub use command_stage::{CommandStage, WorkingFolderKind};
pub use orphans::collect_orphans;
pub(crate) use orphans::end_all as end_orphans;
pub(crate) use project_root::{ProjectRoot, put_all_back};
pub use sandbox::sandbox_support;

/// What `uses:` says for it.
pub const NAME: &str = "command";
/// Raised when the same declaration gives other results.
pub(crate) const VERSION: u32 = 1;
