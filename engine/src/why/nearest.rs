//! The record that is nearest to a cell that has none: what a person expected to be found.

use dgpipe_cache::{Key, StoreError};
use rayon::prelude::*;
use serde::Serialize;

use crate::plan::{Plan, Planner, Provenance, Reason};

/// A record of the same stage type that differs from a cell in the fewest ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Nearest {
    /// The cell that it was made for, where that is known.
    pub cell: Option<String>,
    /// Its pipeline.
    pub pipeline: Option<String>,
    /// Its profiles.
    pub profile: Option<String>,
    /// The run that made it.
    pub run: String,
    /// How it differs.
    pub differences: Vec<Reason>,
}

/// The nearest record of all in the store; nothing where there is none of the stage type, or where all that the cell
/// reads is not known yet. Reads every record.
pub fn nearest(planner: &Planner<'_>, plan: &Plan, cell: usize) -> Result<Option<Nearest>, StoreError> {
    let Some(now) = planner.fingerprint(plan, cell)? else { return Ok(None) };
    let key = now.key();
    let store = planner.store();
    let candidate = |other: Key| {
        let record = store.record(&other).ok().flatten().filter(|_| other != key)?;
        let differences = planner.compared(plan, cell, &now, &record)?;
        Some((differences.len(), std::cmp::Reverse(record.started), other, differences))
    };
    let candidates = store.keys()?.into_par_iter().filter_map(candidate);
    let best = candidates.min_by(|one, other| (one.0, one.1, one.2).cmp(&(other.0, other.1, other.2)));
    let Some((_, _, found, differences)) = best else { return Ok(None) };
    let Some(record) = store.record(&found)? else { return Ok(None) };
    let provenance = Provenance::read(&record);
    let of = |field: fn(&Provenance) -> &String| provenance.as_ref().map(|provenance| field(provenance).clone());
    Ok(Some(Nearest {
        cell: of(|provenance| &provenance.cell),
        pipeline: of(|provenance| &provenance.pipeline),
        profile: of(|provenance| &provenance.profile),
        run: record.run,
        differences,
    }))
}
