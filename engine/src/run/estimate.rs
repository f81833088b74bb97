//! How long a run of a plan would take, by past records: the same cell's last time, else the mean of its stage.

use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

use super::priority::{Priority, priorities};
use super::slots::Slots;
use crate::graph::Graph;
use crate::plan::{Decision, Plan};

/// How long a run would take, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Work of the cells that certainly execute.
    pub certain: f64,
    /// Work of the cells that wait for those, and may turn out reused.
    pub possible: f64,
    /// The longest way through all of them, which no number of jobs can shorten.
    pub critical_path: f64,
    /// How long it takes with these jobs if nothing turns out reused.
    pub elapsed: f64,
    /// Cells that execute at the same time, at most.
    pub jobs: usize,
    /// Cells of whose time nothing is known; they count as nothing.
    pub unknown: usize,
}

impl Estimate {
    /// Estimates a plan for that many jobs.
    pub fn of(graph: &Graph, plan: &Plan, jobs: usize) -> Self {
        let seconds = seconds(graph, plan);
        let mut estimate = Self { jobs, ..Self::default() };
        for (cell, planned) in &plan.decisions {
            let own = seconds.get(cell).copied();
            match planned.decision {
                Decision::Reuse => continue,
                Decision::Execute(_) => estimate.certain += own.unwrap_or(0.0),
                Decision::Await(_) => estimate.possible += own.unwrap_or(0.0),
            }
            estimate.unknown += usize::from(own.is_none());
        }
        if estimate.certain + estimate.possible > 0.0 {
            estimate.critical_path = critical_path(graph, plan, &seconds);
            estimate.elapsed = elapsed(graph, plan, &seconds, jobs);
        }
        estimate
    }

    /// All the work, if nothing turns out reused.
    pub fn work(&self) -> f64 {
        self.certain + self.possible
    }
}

/// The expected time of each cell of which something is known.
pub(crate) fn seconds(graph: &Graph, plan: &Plan) -> BTreeMap<usize, f64> {
    let mut stages: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
    for (cell, planned) in &plan.decisions {
        if let Some(seconds) = planned.seconds {
            let (sum, count) = stages.entry(&graph.cells[*cell].id.stage).or_default();
            *sum += seconds;
            *count += 1;
        }
    }
    let expected = |(cell, planned): (&usize, &crate::plan::PlannedCell)| {
        let stage = stages.get(graph.cells[*cell].id.stage.as_str());
        let mean = stage.map(|(sum, count)| sum / *count as f64);
        Some((*cell, planned.seconds.or(mean)?))
    };
    plan.decisions.iter().filter_map(expected).collect()
}

fn critical_path(graph: &Graph, plan: &Plan, seconds: &BTreeMap<usize, f64>) -> f64 {
    let mut ends: BTreeMap<usize, f64> = BTreeMap::new();
    for cell in plan.cells.iter().filter(|cell| plan.decisions[*cell].decision != Decision::Reuse) {
        let start = graph.reads(*cell).iter().filter_map(|read| ends.get(read)).fold(0.0_f64, |a, b| a.max(*b));
        ends.insert(*cell, start + seconds.get(cell).copied().unwrap_or(0.0));
    }
    ends.values().fold(0.0_f64, |a, b| a.max(*b))
}

/// Starts and ends cells as the runner does.
fn elapsed(graph: &Graph, plan: &Plan, seconds: &BTreeMap<usize, f64>, jobs: usize) -> f64 {
    let priorities = priorities(graph, plan);
    let open = |cell: &usize| plan.decisions.get(cell).is_some_and(|planned| planned.decision != Decision::Reuse);
    let mut waits: BTreeMap<usize, usize> = BTreeMap::new();
    let mut ready: BinaryHeap<(Priority, usize)> = BinaryHeap::new();
    for cell in plan.cells.iter().filter(|cell| open(cell)) {
        let on = graph.reads(*cell).iter().filter(|read| open(read)).count();
        waits.insert(*cell, on);
        if on == 0 {
            ready.push((priorities[cell], *cell));
        }
    }
    let mut slots = Slots::new(jobs, 1, u64::MAX);
    let (mut now, mut running): (f64, Vec<(f64, usize)>) = (0.0, Vec::new());
    loop {
        let mut left = Vec::new();
        while let Some((priority, cell)) = ready.pop() {
            if slots.take(graph.cells[cell].needs) {
                running.push((now + seconds.get(&cell).copied().unwrap_or(0.0), cell));
            } else {
                left.push((priority, cell));
                // As the runner: looking at all of a long queue would be quadratic.
                if left.len() >= 64 {
                    break;
                }
            }
        }
        ready.extend(left);
        let next = running.iter().enumerate().min_by(|(_, one), (_, other)| one.0.total_cmp(&other.0));
        let Some((place, _)) = next else { return now };
        let (end, cell) = running.swap_remove(place);
        now = end;
        slots.give_back(graph.cells[cell].needs);
        for reader in graph.readers(cell).into_iter().filter(|reader| open(reader)) {
            let Some(waiting) = waits.get_mut(&reader) else { continue };
            *waiting -= 1;
            if *waiting == 0 {
                ready.push((priorities[&reader], reader));
            }
        }
    }
}
