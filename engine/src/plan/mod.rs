//! What a run would do: a decision for every cell that is needed, and why.

mod axis_change;
mod cause;
mod decision;
mod difference;
mod disagreement;
mod file_changes;
mod identity;
mod origin;
mod plan;
mod plan_file;
mod planner;
mod provenance;
mod reason;
mod remembered;
mod rendered;
mod sources;
mod stretches;

pub use axis_change::AxisChange;
pub use cause::Cause;
pub(crate) use cause::{Causes, changed_inputs};
pub use decision::Decision;
pub use disagreement::{Disagreement, disagreements};
pub use file_changes::{FileChanges, Names};
pub(crate) use identity::{InputError, coordinates, fingerprint, input_artifacts};
pub use plan::{Plan, PlannedCell};
pub use plan_file::{Pinned, PinnedCell, PlanFile, PlannedCall};
pub use planner::{PlanError, Planner, Request};
pub use provenance::{Provenance, Provider};
pub use reason::{ParamChange, Reason, in_short};
pub(crate) use remembered::Remembered;
pub use sources::{SourceError, SourceSnapshots};
