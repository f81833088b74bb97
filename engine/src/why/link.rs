//! One cell on the way from a question to the first changes.

use serde::Serialize;

use crate::plan::Reason;

/// A cell, what becomes or became of it, why, and which other cells are behind that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// The cell.
    pub cell: String,
    /// What becomes or became of it.
    #[serde(flatten)]
    pub state: LinkState,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The cells behind it, as places in the chain.
    pub behind: Vec<usize>,
}

/// What becomes or became of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LinkState {
    /// It would execute.
    Executes,
    /// It waits for cells that execute first, and may then be reused.
    Awaits,
    /// It executed.
    Executed {
        /// The run in which it did.
        run: String,
    },
    /// It did not have to execute: the record was there.
    Reused {
        /// The run that made the record.
        run: String,
    },
    /// It never executed, and would not now.
    Unknown,
}

impl LinkState {
    /// The run that made its record.
    pub fn run(&self) -> Option<&str> {
        match self {
            Self::Executed { run } | Self::Reused { run } => Some(run),
            Self::Executes | Self::Awaits | Self::Unknown => None,
        }
    }
}
