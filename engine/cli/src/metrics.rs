//! What cells measured, by run: from the reports of the runs in which they executed, else from their records.

use std::collections::BTreeMap;

use dgpipe_cache::{Key, Store};
use dgpipe_engine::graph::AxisValue;
use dgpipe_engine::run::RunReport;
use dgpipe_engine::spec::{Place, Selector};
use serde_json::Value;

/// Values by the name of the metric.
pub(crate) type Values = serde_json::Map<String, Value>;

/// The metrics of all runs.
pub(crate) struct Metrics {
    store: Option<Store>,
    /// What executed cells measured, by their keys.
    known: BTreeMap<Key, Values>,
}

impl Metrics {
    /// Takes over what the reports themselves tell.
    pub(crate) fn new(store: Option<Store>, reports: &[RunReport]) -> Self {
        let cells = reports.iter().flat_map(|report| report.cells.values());
        let own = cells.filter(|cell| !cell.metrics.is_empty());
        let known = own.filter_map(|cell| Some((cell.key?, cell.metrics.clone()))).collect();
        Self { store, known }
    }

    /// What each cell of a run measured, whether it executed there or was reused. Cells that measured nothing are
    /// left out.
    pub(crate) fn of(&mut self, report: &RunReport) -> BTreeMap<String, Values> {
        let done = report.cells.iter().filter(|(_, cell)| cell.outcome.is_done());
        let values = done.filter_map(|(name, cell)| {
            let own = if cell.metrics.is_empty() { self.by_key(cell.key?) } else { cell.metrics.clone() };
            (!own.is_empty()).then(|| (name.clone(), own))
        });
        values.collect()
    }

    fn by_key(&mut self, key: Key) -> Values {
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        // A record that is gone or bad has no metrics; looking back must not fail for that.
        let record = self.store.as_ref().and_then(|store| store.record(&key).ok().flatten());
        let values = record.map(|record| record.metrics).unwrap_or_default();
        self.known.insert(key, values.clone());
        values
    }
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
