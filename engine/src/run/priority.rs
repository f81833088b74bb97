//! Which ready cell starts first: the one with the longest way to the end below it, then the one that is
//! deepest in the graph, so that a fold is finished before the next is started.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::plan::Plan;

/// The place of a cell among those that are ready; the greatest starts first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Priority {
    below: f64,
    depth: usize,
    order: usize,
}

impl Eq for Priority {}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        self.below.total_cmp(&other.below).then(self.depth.cmp(&other.depth)).then(other.order.cmp(&self.order))
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Priorities of all cells of a plan, with times from past records; a cell of which nothing is known counts as a
/// second.
pub(super) fn priorities(graph: &Graph, plan: &Plan) -> BTreeMap<usize, Priority> {
    let seconds = super::estimate::seconds(graph, plan);
    let mut below: BTreeMap<usize, f64> = BTreeMap::new();
    for cell in plan.cells.iter().rev() {
        let readers = graph.readers(*cell);
        let longest = readers.iter().filter_map(|reader| below.get(reader)).fold(0.0_f64, |a, b| a.max(*b));
        let own = seconds.get(cell).copied().unwrap_or(1.0);
        below.insert(*cell, own + longest);
    }
    let mut depth: BTreeMap<usize, usize> = BTreeMap::new();
    for cell in &plan.cells {
        let above = graph.reads(*cell).iter().filter_map(|read| depth.get(read)).max().map_or(0, |depth| depth + 1);
        depth.insert(*cell, above);
    }
    let priority = |(order, cell): (usize, &usize)| {
        // Millisecond noise between equal folds must not decide: half a second is the finest difference.
        let below = (below[cell] * 2.0).round() / 2.0;
        (*cell, Priority { below, depth: depth[cell], order })
    };
    plan.cells.iter().enumerate().map(priority).collect()
}
