//! The record that is nearest to a cell that has none: what a person expected to be found.

use std::collections::BTreeMap;

use dgpipe_cache::{Key, StoreError};
use rayon::prelude::*;
use serde::Serialize;

use crate::fingerprint::Fingerprint;
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

/// The nearest record of all in the store for each of the cells; none where there is none of the stage type, or where
/// all that a cell reads is not known yet. Reads every record, once for all cells.
pub fn nearest(planner: &Planner<'_>, plan: &Plan, cells: &[usize]) -> Result<BTreeMap<usize, Nearest>, StoreError> {
    let mut known = Vec::new();
    for cell in cells {
        known.extend(planner.fingerprint(plan, *cell)?.map(|now| (*cell, now.key(), now)));
    }
    if known.is_empty() {
        return Ok(BTreeMap::new());
    }
    let store = planner.store();
    let candidates = |other: Key| {
        let record = store.record(&other).ok().flatten();
        let nearness = |(cell, key, now): &(usize, Key, Fingerprint)| {
            let record = record.as_ref().filter(|_| other != *key)?;
            let differences = planner.compared(plan, *cell, now, record)?;
            Some((differences.len(), std::cmp::Reverse(record.started), other))
        };
        known.iter().map(nearness).collect::<Vec<_>>()
    };
    let nearer = |one: Vec<Option<_>>, other: Vec<Option<_>>| {
        let min = |(one, other): (Option<_>, Option<_>)| one.into_iter().chain(other).min();
        one.into_iter().zip(other).map(min).collect()
    };
    let best = store.keys()?.into_par_iter().map(candidates).reduce(|| vec![None; known.len()], nearer);
    let mut found = BTreeMap::new();
    for ((cell, _, now), best) in known.iter().zip(best) {
        let Some((_, _, key)) = best else { continue };
        let Some(record) = store.record(&key)? else { continue };
        let Some(differences) = planner.compared(plan, *cell, now, &record) else { continue };
        let provenance = Provenance::read(&record);
        let of = |field: fn(&Provenance) -> &String| provenance.as_ref().map(|provenance| field(provenance).clone());
        let nearest = Nearest {
            cell: of(|provenance| &provenance.cell),
            pipeline: of(|provenance| &provenance.pipeline),
            profile: of(|provenance| &provenance.profile),
            run: record.run,
            differences: planner.named(*cell, differences),
        };
        found.insert(*cell, nearest);
    }
    Ok(found)
}
