//! A record that stays in the store until somebody says otherwise.

use serde::{Deserialize, Serialize};

/// A record that stays in the store until somebody says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The cell whose record it was when it was pinned.
    pub cell: String,
    /// When it was pinned, in milliseconds since 1970.
    pub at: u64,
}
