//! How long a run still takes, from how long its cells took before.

use std::collections::BTreeMap;
use std::time::Instant;

use dgpipe_engine::graph::Graph;
use dgpipe_engine::plan::{Decision, Plan};

/// The cells that are left, each with the time that it took the last time.
#[derive(Debug, Default)]
pub(crate) struct Forecast {
    left: BTreeMap<String, Cell>,
    /// Seconds and number of the known executions of each stage, for cells that never executed.
    stages: BTreeMap<String, (f64, usize)>,
    side_by_side: usize,
}

#[derive(Debug)]
struct Cell {
    stage: String,
    seconds: Option<f64>,
    began: Option<Instant>,
}

impl Forecast {
    /// What a plan leaves to be done, by so many cells at the same time.
    pub(crate) fn of(graph: &Graph, plan: &Plan, side_by_side: usize) -> Self {
        let mut forecast = Self { side_by_side: side_by_side.max(1), ..Self::default() };
        for (cell, planned) in &plan.decisions {
            let stage = &graph.cells[*cell].id.stage;
            if let Some(seconds) = planned.seconds {
                forecast.learn(stage, seconds);
            }
            if planned.decision != Decision::Reuse {
                let left = Cell { stage: stage.clone(), seconds: planned.seconds, began: None };
                forecast.left.insert(graph.name(*cell), left);
            }
        }
        forecast
    }

    fn learn(&mut self, stage: &str, seconds: f64) {
        let known = self.stages.entry(stage.to_owned()).or_default();
        *known = (known.0 + seconds, known.1 + 1);
    }

    /// Notes that a cell began.
    pub(crate) fn began(&mut self, cell: &str) {
        if let Some(cell) = self.left.get_mut(cell) {
            cell.began = Some(Instant::now());
        }
    }

    /// Notes that a cell came to its end; how long it executed, where it did.
    pub(crate) fn ended(&mut self, cell: &str, seconds: Option<f64>) {
        if let Some(cell) = self.left.remove(cell)
            && let Some(seconds) = seconds
        {
            self.learn(&cell.stage, seconds);
        }
    }

    /// How long a cell probably takes, in seconds: as the last time, else as others of its stage.
    pub(crate) fn expected(&self, cell: &str) -> Option<f64> {
        self.left.get(cell).and_then(|cell| self.of_cell(cell))
    }

    fn of_cell(&self, cell: &Cell) -> Option<f64> {
        let stage = || self.stages.get(&cell.stage).map(|(seconds, count)| seconds / *count as f64);
        cell.seconds.or_else(stage)
    }

    /// How long all that is left takes, in seconds. Nothing as long as that of more than a few cells is not known.
    pub(crate) fn left(&self) -> Option<f64> {
        let (mut sum, mut longest, mut unknown) = (0.0, 0.0_f64, 0);
        for cell in self.left.values() {
            let Some(expected) = self.of_cell(cell) else {
                unknown += 1;
                continue;
            };
            let gone = cell.began.map_or(0.0, |began| began.elapsed().as_secs_f64());
            let left = (expected - gone).max(0.0);
            sum += left;
            longest = longest.max(left);
        }
        let known = self.left.len() - unknown;
        if self.left.is_empty() || unknown * 10 > self.left.len() {
            return None;
        }
        let of_the_unknown = sum / known.max(1) as f64 * unknown as f64;
        Some(((sum + of_the_unknown) / self.side_by_side as f64).max(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(cells: &[(&str, Option<f64>)], side_by_side: usize) -> Forecast {
        let mut forecast = Forecast { side_by_side, ..Forecast::default() };
        for (name, seconds) in cells {
            let stage = name.split('[').next().unwrap_or(name).to_owned();
            forecast.left.insert((*name).to_owned(), Cell { stage, seconds: *seconds, began: None });
        }
        forecast
    }

    #[test]
    fn work_is_shared_and_takes_at_least_as_long_as_its_longest_cell() {
        let cells = [("a[1]", Some(10.0)), ("a[2]", Some(10.0)), ("b", Some(4.0))];
        assert_eq!(forecast(&cells, 2).left(), Some(12.0));
        assert_eq!(forecast(&cells, 8).left(), Some(10.0));
    }

    #[test]
    fn a_cell_that_never_executed_takes_as_long_as_others_of_its_stage() {
        let mut forecast = forecast(&[("a[1]", None), ("a[2]", None)], 1);
        assert_eq!(forecast.left(), None, "nothing is known of the stage");
        forecast.ended("a[1]", Some(3.0));
        assert_eq!((forecast.left(), forecast.expected("a[2]")), (Some(3.0), Some(3.0)));
        forecast.ended("a[2]", None);
        assert_eq!(forecast.left(), None, "nothing is left");
    }
}
