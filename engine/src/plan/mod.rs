//! What a run would do: a decision for every cell that is needed, and why.

mod decision;
mod identity;
mod plan;
mod planner;
mod reason;
mod sources;

pub use decision::Decision;
pub(crate) use identity::{InputError, coordinates, fingerprint, input_artifacts};
pub use plan::{Plan, PlannedCell};
pub use planner::{PlanError, Planner, Request};
pub use reason::{Reason, reasons_between};
pub use sources::{SourceError, SourceSnapshots};
