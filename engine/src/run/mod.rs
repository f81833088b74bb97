//! Carries out a plan: cells execute side by side, outcomes become events, artifacts are published.

mod attempt;
mod committer;
mod estimate;
mod event;
mod event_log;
mod executor;
mod git_state;
mod ledger_keeper;
mod options;
mod outcome;
mod priority;
mod publishing;
mod report;
mod rerun;
mod runner;
mod slots;
mod threads;

pub use estimate::Estimate;
pub use event::{Event, Listener};
pub use git_state::GitState;
pub use ledger_keeper::{EditPolicy, PublishHow};
pub use options::{RunError, RunOptions};
pub use outcome::Outcome;
pub use report::{CellReport, Counts, RunReport};
pub use rerun::{Rerun, RerunResult, rerun, sample};
pub use runner::run;
