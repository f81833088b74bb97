//! How a published file stands to what its pipeline would give today.

use serde::Serialize;

use super::Difference;

/// How a published file stands to what its pipeline would give today.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "standing", rename_all = "kebab-case")]
pub enum Standing {
    /// It is what the pipeline gives: the same bytes, or the same recipe where those bytes are not at hand.
    Current,
    /// It is as it was published, and the pipeline would give something else today.
    Stale {
        /// What changed since; nothing where only the bytes of the results did.
        differences: Vec<Difference>,
    },
    /// It is not as it was published.
    Edited {
        /// What was noticed.
        what: String,
    },
    /// It should be there and is not.
    Missing,
    /// It cannot be told.
    Unknown {
        /// Why.
        why: String,
    },
}

impl Standing {
    /// `current`, `stale`, `edited`, `missing` or `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Stale { .. } => "stale",
            Self::Edited { .. } => "edited",
            Self::Missing => "missing",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// What there is to say beyond the word, a line each.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Current | Self::Missing => Vec::new(),
            Self::Stale { differences } if differences.is_empty() => {
                vec!["the results have other bytes today, made in the same way".to_owned()]
            }
            Self::Stale { differences } => differences.iter().map(ToString::to_string).collect(),
            Self::Edited { what: text } | Self::Unknown { why: text } => vec![text.clone()],
        }
    }
}
