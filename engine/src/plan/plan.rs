//! The decisions of one moment, for a set of targets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dgpipe_cache::{Key, Outputs};

use super::{Decision, SourceSnapshots};
use crate::graph::Targets;

/// What a run would do.
#[derive(Debug)]
pub struct Plan {
    /// What was asked for.
    pub targets: Targets,
    /// Cells that a run looks at, in an order in which they can be done.
    pub cells: Vec<usize>,
    /// The decision for each of them.
    pub decisions: BTreeMap<usize, PlannedCell>,
    /// Cells that were asked to execute whatever is recorded.
    pub forced: BTreeSet<usize>,
    /// The sources as they were hashed.
    pub sources: SourceSnapshots,
}

/// What was found out about one cell.
#[derive(Clone, Debug)]
pub struct PlannedCell {
    /// What is to be done.
    pub decision: Decision,
    /// Its key, where all that it reads is known. Fingerprints are many times as large and soon made again.
    pub key: Option<Key>,
    /// Its outputs, where a record was found.
    pub outputs: Arc<Outputs>,
    /// How long the recorded execution took, in seconds; of the last one where it has to execute.
    pub seconds: Option<f64>,
}

impl Plan {
    /// The key of a cell, where all that it reads is known.
    pub fn key(&self, cell: usize) -> Option<Key> {
        self.decisions.get(&cell)?.key
    }

    /// How many cells have that decision: `reuse`, `execute` or `await`.
    pub fn count(&self, word: &str) -> usize {
        self.decisions.values().filter(|cell| cell.decision.word() == word).count()
    }
}
