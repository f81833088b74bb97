//! Why a cell would execute now.

use std::collections::{BTreeMap, VecDeque};

use dgpipe_cache::{Key, StoreError};

use super::{Chain, Link, LinkState};
use crate::plan::{Causes, Decision, Plan, Planner, Reason};

/// Why a cell of a plan executes, awaits, or is reused, down to the first changes.
pub fn pending(planner: &Planner<'_>, plan: &Plan, cell: usize) -> Result<Chain, StoreError> {
    let mut links: Vec<Link> = Vec::new();
    let mut places = BTreeMap::from([(cell, 0)]);
    let mut open = VecDeque::from([cell]);
    while let Some(cell) = open.pop_front() {
        let (state, reasons, on) = match &plan.decisions[&cell].decision {
            Decision::Reuse => (LinkState::Reused { run: planner.run_of(plan.key(cell))? }, Vec::new(), &[][..]),
            Decision::Execute(reasons) => (LinkState::Executes, reasons.clone(), &[][..]),
            Decision::Await(on) => (LinkState::Awaits, planner.expected_reasons(plan, cell)?, on.as_slice()),
        };
        let mut behind = Vec::new();
        for other in on {
            let next = places.len();
            behind.push(*places.entry(*other).or_insert_with(|| {
                open.push_back(*other);
                next
            }));
        }
        links.push(Link { cell: planner.graph().name(cell), state, reasons, behind });
    }
    let mut chain = Chain { links };
    add_causes(&mut chain, planner, plan)?;
    Ok(chain)
}

/// Adds what is behind inputs that are known already and are others than before.
fn add_causes(chain: &mut Chain, planner: &Planner<'_>, plan: &Plan) -> Result<(), StoreError> {
    let mut causes = Causes::new(planner, &plan.sources);
    let reasons: Vec<Reason> = chain.links.iter().flat_map(|link| link.reasons.clone()).collect();
    let found = causes.behind(&reasons, &|cell| plan.key(cell), &|_, _| false)?;
    let mut places: BTreeMap<(String, Key, Key), usize> = BTreeMap::new();
    for cause in found {
        places.insert((cause.cell.clone(), cause.was, cause.now), chain.links.len());
        let state = LinkState::Reused { run: cause.run };
        chain.links.push(Link { cell: cause.cell, state, reasons: cause.reasons, behind: Vec::new() });
    }
    for link in &mut chain.links {
        let changed = crate::plan::changed_inputs(&link.reasons);
        link.behind.extend(changed.filter_map(|change| places.get(&change).copied()));
    }
    Ok(())
}
