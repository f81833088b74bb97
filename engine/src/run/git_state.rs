//! At which commit a run began, for people who look back. Nothing of it decides a result.

use serde::{Deserialize, Serialize};

/// The commit of the project's working tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitState {
    /// The hash of the commit; nothing in a repository without any.
    pub commit: Option<String>,
    /// Whether files that git tracks differed from it.
    pub dirty: bool,
}
