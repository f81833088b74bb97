//! The list of what was put where in the user's tree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::content::{Artifact, Key};

/// What was put at one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// What lies there, as it was published: with its passport, where it carries one.
    pub artifact: Artifact,
    /// The cell it came from.
    pub cell: String,
    /// The output of the cell.
    #[serde(default)]
    pub port: String,
    /// The record of the cell.
    #[serde(default)]
    pub key: Option<Key>,
    /// Room for what has no field of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}

/// The list of what was put where in the user's tree, by path.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Published path, relative to the project root, and what was put there.
    pub entries: BTreeMap<String, LedgerEntry>,
}
