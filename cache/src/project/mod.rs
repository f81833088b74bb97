//! What a project remembers in the store: the latest record of each cell, what was published where,
//! and its runs. All of it can be lost without recomputing anything.

mod former;
mod in_use;
mod intended;
mod ledger;
mod pin;
#[expect(clippy::module_inception, reason = "a file is named after its main type")]
mod project;
mod run_folder;

pub use former::{Former, Replaced};
pub use in_use::InUse;
pub(crate) use in_use::KeysInUse;
pub use intended::Intended;
pub use ledger::{Ledger, LedgerEntry};
pub use pin::Pin;
pub use project::{Latest, Project};
pub use run_folder::RunFolder;
