//! Carries out a plan: cells execute side by side, outcomes become events, artifacts are published.

mod attempt;
mod committer;
mod event;
mod event_log;
mod executor;
mod ledger_keeper;
mod options;
mod outcome;
mod priority;
mod report;
mod runner;
mod slots;

pub use event::{Event, Listener};
pub use ledger_keeper::{EditPolicy, PublishHow};
pub use options::{RunError, RunOptions};
pub use outcome::Outcome;
pub use report::{CellReport, Counts, RunReport};
pub use runner::run;
