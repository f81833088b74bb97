//! How a cell ended.

use serde::{Deserialize, Serialize};

/// How a cell ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran and its outputs are in the store.
    Executed,
    /// A record was found.
    Reused,
    /// It ran and could not finish.
    Failed,
    /// Something that it reads failed.
    Blocked,
    /// It was stopped, or never started, because of a request to stop.
    Cancelled,
}

impl Outcome {
    /// Whether its outputs are known.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Executed | Self::Reused)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Executed => "executed",
            Self::Reused => "reused",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        })
    }
}
