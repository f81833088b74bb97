//! The meaning of a pipeline file: cells, what they read, and how they depend on one another.

mod axes;
mod cell;
mod coordinates;
mod graph;
mod needs;
mod params;
mod project_path;
mod publication;
mod resolve;
mod source;
mod target;

pub use cell::{Cell, CellId, InputRef, PortInputs, Reading};
pub use coordinates::{AxisValue, Coordinates};
pub use graph::{Graph, StageNode};
pub use needs::{Needs, duration_of, size_of};
pub use project_path::project_path;
pub use publication::{Member, Publication};
pub use resolve::resolve;
pub(crate) use resolve::{known_kind, sandbox_value};
pub use source::Source;
pub use target::{TargetError, Targets, cells, published, published_cells};
