//! Why a cell executed once, by what was kept with its run.

use std::collections::BTreeMap;

use dgpipe_cache::{Key, StoreError};

use super::{Chain, Link, LinkState};
use crate::plan::{Cause, Planner, Reason, SourceSnapshots};
use crate::run::{Outcome, RunReport};

/// Why a cell executed in a run, down to the first changes; nothing where it did not execute there. What the run kept
/// about itself is enough for that; with the pipeline of today, records tell more about cells that it reused.
pub fn past(
    today: Option<(&Planner<'_>, &SourceSnapshots)>,
    report: &RunReport,
    cell: &str,
) -> Result<Option<Chain>, StoreError> {
    let Some(executed) = report.cells.get(cell).filter(|cell| cell.outcome == Outcome::Executed) else {
        return Ok(None);
    };
    let mut past = Past { today, report, places: BTreeMap::new(), chain: Chain::default() };
    let state = LinkState::Executed { run: report.run.clone() };
    past.chain.links.push(Link { cell: cell.to_owned(), state, reasons: executed.reasons.clone(), behind: Vec::new() });
    past.places.insert((cell.to_owned(), executed.key), 0);
    let mut next = 0;
    while next < past.chain.links.len() {
        past.follow(next)?;
        next += 1;
    }
    Ok(Some(past.chain))
}

struct Past<'a> {
    today: Option<(&'a Planner<'a>, &'a SourceSnapshots)>,
    report: &'a RunReport,
    places: BTreeMap<(String, Option<Key>), usize>,
    chain: Chain,
}

impl Past<'_> {
    /// Finds the cells behind a link.
    fn follow(&mut self, place: usize) -> Result<(), StoreError> {
        for reason in self.chain.links[place].reasons.clone() {
            let Reason::InputChanged { from, was_key, now_key: Some(now), .. } = reason else { continue };
            let known = self.places.get(&(from.clone(), Some(now))).copied();
            let behind = match known {
                Some(known) => Some(known),
                None => self.found(&from, was_key, now)?.map(|link| {
                    self.chain.links.push(link);
                    self.chain.links.len() - 1
                }),
            };
            if let Some(behind) = behind {
                self.places.insert((from, Some(now)), behind);
                self.chain.links[place].behind.push(behind);
            }
        }
        Ok(())
    }

    /// Why a cell had another record than before: what it said itself when it executed in that run, what was kept
    /// about it, or what the records still tell.
    fn found(&self, cell: &str, was: Option<Key>, now: Key) -> Result<Option<Link>, StoreError> {
        let link = |state: LinkState, reasons: Vec<Reason>| {
            Some(Link { cell: cell.to_owned(), state, reasons, behind: Vec::new() })
        };
        let own = self.report.cells.get(cell).filter(|own| own.outcome == Outcome::Executed);
        if let Some(own) = own.filter(|own| own.key.is_none_or(|key| key == now) && (was.is_none() || own.was == was)) {
            return Ok(link(LinkState::Executed { run: self.report.run.clone() }, own.reasons.clone()));
        }
        let Some(was) = was else { return Ok(None) };
        let kept = |cause: &&Cause| cause.cell == cell && cause.was == was && cause.now == now;
        if let Some(kept) = self.report.causes.iter().find(kept) {
            return Ok(link(LinkState::Reused { run: kept.run.clone() }, kept.reasons.clone()));
        }
        let Some((planner, sources)) = self.today else { return Ok(None) };
        let found = planner.cause((cell, was, now), sources, &|_| None)?;
        Ok(found.and_then(|cause| link(LinkState::Reused { run: cause.run }, cause.reasons)))
    }
}
