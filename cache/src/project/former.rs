//! Which records were the latest of a cell once, and until when: so long they were in use at least.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::content::Key;

/// Which records were the latest of a cell once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Former {
    /// Records in whose place there are others now.
    #[serde(default)]
    pub replaced: BTreeMap<Key, Replaced>,
    /// Cells that the pipeline does not have any more, and since when, in milliseconds since 1970.
    #[serde(default)]
    pub gone: BTreeMap<String, u64>,
}

/// How a record ceased to be the latest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The cell.
    pub cell: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl Former {
    /// Notes that runs have found `keys` to be the latest, where `latest` were it so far.
    pub(super) fn after(
        mut self,
        latest: &BTreeMap<String, Key>,
        keys: &BTreeMap<String, Key>,
        exists: &dyn Fn(&str) -> bool,
        now: u64,
    ) -> Self {
        for cell in latest.keys().filter(|cell| !keys.contains_key(*cell) && !exists(cell)) {
            self.gone.entry(cell.clone()).or_insert(now);
        }
        for (cell, key) in keys {
            self.gone.remove(cell);
            self.replaced.remove(key);
            if let Some(old) = latest.get(cell).filter(|old| *old != key) {
                self.replaced.insert(*old, Replaced { cell: cell.clone(), at: now });
            }
        }
        self
    }
}
