//! Why an input of an executing cell is another than it was, where the cell that provides it did not execute for
//! that in the same run.

use std::collections::BTreeSet;

use dgpipe_cache::{Key, StoreError};
use serde::{Deserialize, Serialize};

use super::{Planner, Reason, SourceSnapshots};

/// Why a cell has another record than it had when something last read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// The cell.
    pub cell: String,
    /// Its record then.
    pub was: Key,
    /// Its record now.
    pub now: Key,
    /// The run that made the record of now.
    pub run: String,
    /// What differs between the two.
    pub reasons: Vec<Reason>,
}

/// Follows changed inputs from record to record and tells of each change once.
pub(crate) struct Causes<'a> {
    pub(crate) planner: &'a Planner<'a>,
    pub(crate) sources: &'a SourceSnapshots,
    pub(crate) told: BTreeSet<(String, Key, Key)>,
}

impl<'a> Causes<'a> {
    pub(crate) fn new(planner: &'a Planner<'a>, sources: &'a SourceSnapshots) -> Self {
        Self { planner, sources, told: BTreeSet::new() }
    }

    /// What is behind the reasons of a cell, down to the first changes. `current` gives the keys of cells now;
    /// what is `explained` elsewhere is left out.
    pub(crate) fn behind(
        &mut self,
        reasons: &[Reason],
        current: &dyn Fn(usize) -> Option<Key>,
        explained: &dyn Fn(&str, Key) -> bool,
    ) -> Result<Vec<Cause>, StoreError> {
        let (mut causes, mut open): (Vec<Cause>, Vec<_>) = (Vec::new(), changed_inputs(reasons).collect());
        while let Some((cell, was, now)) = open.pop() {
            if explained(&cell, was) || !self.told.insert((cell.clone(), was, now)) {
                continue;
            }
            if let Some(cause) = self.planner.cause((&cell, was, now), self.sources, current)? {
                open.extend(changed_inputs(&cause.reasons));
                causes.push(cause);
            }
        }
        Ok(causes)
    }
}

/// Cells that provide another artifact than before, with their records then and now.
pub(crate) fn changed_inputs(reasons: &[Reason]) -> impl Iterator<Item = (String, Key, Key)> {
    reasons.iter().filter_map(|reason| match reason {
        Reason::InputChanged { from, was_key: Some(was), now_key: Some(now), .. } => Some((from.clone(), *was, *now)),
        _ => None,
    })
}
