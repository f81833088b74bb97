//! A member of a stage's fan-out: the unit that is cached and executed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{AxisValue, Coordinates, Needs};
use crate::spec::Place;
use crate::stage::{BoundStage, Kind};

/// A stage's name and coordinates. Displayed as `mask[seed=42,target=sketch]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellId {
    /// The stage.
    pub stage: String,
    /// Its value for each axis.
    pub coordinates: Coordinates,
}

impl fmt::Display for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stage)?;
        for (index, (axis, value)) in self.coordinates.iter().enumerate() {
            let open = if index == 0 { '[' } else { ',' };
            match value {
                AxisValue::Text(text) if text.contains(['[', ']', '(', ')', ',', '=', ' ']) => {
                    write!(f, "{open}{axis}=\"{text}\"")?;
                }
                value => write!(f, "{open}{axis}={value}")?,
            }
        }
        if self.coordinates.is_empty() { Ok(()) } else { f.write_str("]") }
    }
}

/// A cell with everything resolved but the bytes of its inputs.
#[derive(Clone)]
pub struct Cell {
    /// Which cell it is.
    pub id: CellId,
    /// The decoded stage type that does the work.
    pub work: Arc<dyn BoundStage>,
    /// What it reads, in the order of the declared ports.
    pub inputs: Vec<PortInputs>,
    /// The scarce resources it occupies.
    pub needs: Needs,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How many times a failed attempt is repeated.
    pub retries: u32,
    /// Where its stage stands in the file.
    pub place: Place,
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("id", &self.id).field("inputs", &self.inputs).finish_non_exhaustive()
    }
}

/// What is connected to one input port.
#[derive(Clone, Debug)]
pub struct PortInputs {
    /// The port.
    pub port: String,
    /// Whether the port sees the coordinates of what it reads.
    pub labelled: bool,
    /// What it reads, in order.
    pub readings: Vec<Reading>,
}

/// One artifact that an input reads.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Where it comes from.
    pub from: InputRef,
    /// A path below it.
    pub path: Option<String>,
    /// What it contains; unknown for a sub-tree, whose reader checks.
    pub kind: Option<Kind>,
    /// Its file name where a command sees it.
    pub file_name: String,
    /// Whether a command sees it at exactly `file_name` (`{file: p}`) and not below `in/<port>`.
    pub in_place: bool,
}

impl Reading {
    /// The index of the source, where it is read from one.
    pub fn source(&self) -> Option<usize> {
        if let InputRef::Source(index) = self.from { Some(index) } else { None }
    }
}

/// Who provides an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputRef {
    /// A cell's output.
    Cell {
        /// Index of the cell.
        cell: usize,
        /// The output port.
        port: String,
    },
    /// A source, by its index in the graph.
    Source(usize),
}
