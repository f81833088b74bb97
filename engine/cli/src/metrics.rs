//! What cells measured, by run. A later run may execute a cell anew and measure something else, so that what a reused
//! cell measured is what stood in the store at that time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use dgpipe_cache::{Key, Store};
use dgpipe_engine::graph::AxisValue;
use dgpipe_engine::run::{Outcome, RunReport};
use dgpipe_engine::spec::{Place, Selector};
use serde_json::Value;

use crate::past::Past;

/// Values by the name of the metric.
pub(crate) type Values = serde_json::Map<String, Value>;

/// The metrics of all runs.
pub(crate) struct Metrics {
    store: Option<Store>,
    root: PathBuf,
    /// The runs whose executions are known.
    heard: BTreeSet<String>,
    /// Whether the reports of all runs of the project were read.
    complete: bool,
    /// What executed cells measured, by their keys.
    executions: BTreeMap<Key, Vec<Execution>>,
    /// What records tell, each read once.
    records: BTreeMap<Key, Option<Execution>>,
}

/// What a cell measured once.
struct Execution {
    run: String,
    /// When it ended, in milliseconds since 1970.
    ended: f64,
    values: Values,
}

impl Metrics {
    /// Takes over what reports that are read already tell themselves.
    pub(crate) fn new(past: &Past, reports: &[RunReport]) -> Self {
        let mut metrics = Self {
            store: past.store.clone(),
            root: past.root.clone(),
            heard: BTreeSet::new(),
            complete: false,
            executions: BTreeMap::new(),
            records: BTreeMap::new(),
        };
        reports.iter().for_each(|report| metrics.hear(report));
        metrics
    }

    /// What each cell of a run measured, whether it executed there or was reused. Cells that measured nothing are
    /// left out, and so are those of which nothing is known any more.
    pub(crate) fn of(&mut self, report: &RunReport) -> BTreeMap<String, Values> {
        let done = report.cells.iter().filter(|(_, cell)| cell.outcome.is_done());
        let values = done.filter_map(|(name, cell)| {
            let is_own = cell.outcome == Outcome::Executed || !cell.metrics.is_empty();
            let own = if is_own { cell.metrics.clone() } else { self.reused(cell.key?, report)? };
            (!own.is_empty()).then(|| (name.clone(), own))
        });
        values.collect()
    }

    /// What a cell measured that a run reused.
    fn reused(&mut self, key: Key, by: &RunReport) -> Option<Values> {
        // Another cell of the same run may have executed for it.
        let own = self.executions.get(&key).and_then(|known| known.iter().rfind(|one| one.run == by.run));
        if let Some(own) = own {
            return Some(own.values.clone());
        }
        let ended = ended(by);
        let is_before = |execution: &&Execution| execution.run == by.run || execution.ended <= ended;
        // A record that is gone or bad tells nothing; looking back must not fail for that.
        let record = self.records.entry(key).or_insert_with(|| {
            let record = self.store.as_ref()?.record(&key).ok()??;
            let ended = record.started as f64 + record.seconds * 1000.0;
            Some(Execution { run: record.run, ended, values: record.metrics })
        });
        if let Some(record) = record.as_ref().filter(is_before) {
            return Some(record.values.clone());
        }
        // The record is gone, or another took its place since: reports keep what executed cells measured.
        self.hear_all();
        let before = self.executions.get(&key)?.iter().filter(is_before);
        before.max_by(|one, other| one.ended.total_cmp(&other.ended)).map(|execution| execution.values.clone())
    }

    fn hear(&mut self, report: &RunReport) {
        if !self.heard.insert(report.run.clone()) {
            return;
        }
        for cell in report.cells.values().filter(|cell| cell.outcome == Outcome::Executed) {
            let Some(key) = cell.key else { continue };
            let ended = report.started as f64 + (cell.began.unwrap_or_default() + cell.seconds) * 1000.0;
            let execution = Execution { run: report.run.clone(), ended, values: cell.metrics.clone() };
            self.executions.entry(key).or_default().push(execution);
        }
    }

    /// Reads the reports of the project that are not known yet, also those of other pipelines.
    fn hear_all(&mut self) {
        if std::mem::replace(&mut self.complete, true) {
            return;
        }
        let past = self.store.as_ref().and_then(|store| Past::of(store, &self.root, None, None).ok());
        for folder in past.iter().flat_map(Past::folders) {
            if !self.heard.contains(folder.id())
                && let Ok(Some(report)) = RunReport::of(folder)
            {
                self.hear(&report);
            }
        }
    }
}

/// When a run ended, in milliseconds since 1970.
fn ended(report: &RunReport) -> f64 {
    report.started as f64 + report.seconds * 1000.0
}

/// Whether a name means a metric of a cell: the metric's own, or one behind a cell, a stage or a selector and a dot.
pub(crate) fn is_named(name: &str, cell: &str, metric: &str) -> bool {
    if name == metric {
        return true;
    }
    let Some(selector) = name.strip_suffix(metric).and_then(|before| before.strip_suffix('.')) else { return false };
    let parse = |text: &str| Selector::parse(text, Place::default()).ok();
    let (Some(selector), Some(cell)) = (parse(selector), parse(cell)) else { return false };
    let value = |axis: &str| -> Option<&AxisValue> {
        cell.constraints.iter().find(|constraint| constraint.axis == axis)?.values.first()
    };
    let fits = |constraint: &dgpipe_engine::spec::Constraint| {
        value(&constraint.axis).is_some_and(|value| constraint.accepts(value))
    };
    selector.name == cell.name && selector.port.is_none() && selector.constraints.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_named_alone_or_behind_its_cell() {
        let cell = "score[seed=42,target=sketch]";
        for name in ["accuracy", "score.accuracy", "score[target=sketch].accuracy", "score[seed in (1, 42)].accuracy"] {
            assert!(is_named(name, cell, "accuracy"), "{name}");
        }
        for name in
            ["recall", "other.accuracy", "score[target=photo].accuracy", "score.x.accuracy", "score[a=1].accuracy"]
        {
            assert!(!is_named(name, cell, "accuracy"), "{name}");
        }
        assert!(is_named("mask.density.all", "mask", "density.all"));
    }
}
