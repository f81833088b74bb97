//! What is to be done about a cell.

use super::Reason;

/// What is to be done about a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// A record was found.
    Reuse,
    /// It has to execute.
    Execute(Vec<Reason>),
    /// It waits for cells that execute first, and may then turn out to be reused.
    Await(Vec<usize>),
}

impl Decision {
    /// `reuse`, `execute` or `await`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Reuse => "reuse",
            Self::Execute(_) => "execute",
            Self::Await(_) => "await",
        }
    }
}
