//! The runs of a report: how each went, when its cells executed, and the metrics that it ended with.

use std::collections::BTreeMap;
use std::time::Duration;

use dgpipe_cache::{Key, RunFolder};
use dgpipe_engine::run::{Event, Outcome, RunReport};
use serde_json::{Value, json};

use super::legible;
use crate::Failure;
use crate::session::Session;
use crate::terminal::{sanitised, time};

/// How many runs a report has, the newest.
const MOST: usize = 60;

/// A run, finished or not.
pub(super) struct Run {
    pub(super) report: RunReport,
    pub(super) finished: bool,
}

/// The runs of a pipeline under its profile, the newest first.
pub(super) struct Runs {
    pub(super) runs: Vec<Run>,
    /// How many older ones are left out.
    pub(super) older: usize,
}

impl Runs {
    pub(super) fn of(session: &Session) -> Result<Self, Failure> {
        let mut folders = session.project.runs()?;
        let older = folders.len().saturating_sub(MOST);
        folders.drain(..older);
        let mut runs = Vec::new();
        for folder in folders.iter().rev() {
            let report = folder.report()?.and_then(|value| serde_json::from_value(value).ok());
            runs.push(match report {
                Some(report) => Run { report, finished: true },
                None => Run { report: from_events(folder)?, finished: false },
            });
        }
        Ok(Self { runs, older })
    }

    /// The newest run that came to its end.
    pub(super) fn last(&self) -> Option<&RunReport> {
        self.runs.iter().find(|run| run.finished).map(|run| &run.report)
    }

    /// What the page needs at once.
    pub(super) fn index(&self) -> Value {
        let run = |run: &Run| json!({ "id": sanitised(&run.report.run), "began": time(run.report.started) });
        self.runs.iter().map(run).collect()
    }

    /// All that is known of each run, in the files of the report.
    pub(super) fn chunks(&self, session: &Session) -> Result<Vec<Value>, Failure> {
        let mut known: BTreeMap<Key, Vec<[String; 2]>> = BTreeMap::new();
        let mut chunks = Vec::new();
        for Run { report, .. } in &self.runs {
            let mut cells = Vec::new();
            let mut metrics = Vec::new();
            for (name, cell) in &report.cells {
                let name = sanitised(name);
                if let Some(key) = cell.key.as_ref().and_then(|key| key.parse::<Key>().ok()) {
                    if !known.contains_key(&key) {
                        known.insert(key, metrics_of(session, &key)?);
                    }
                    metrics.extend(known[&key].iter().map(|[metric, value]| json!([name, metric, value])));
                }
                if cell.outcome != Outcome::Reused {
                    let why = cell.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                    let error = cell.error.as_deref().map(legible::log);
                    let outcome = cell.outcome.to_string();
                    cells.push(json!([name, outcome, cell.began, cell.seconds, sanitised(&why), error]));
                }
            }
            let params = report.params.iter().map(|(name, value)| [sanitised(name), legible::value(value)]);
            chunks.push(json!({
                "params": params.collect::<Vec<_>>(), "cells": cells, "metrics": metrics, "seconds": report.seconds,
                "counts": report.counts,
                "warnings": report.warnings.iter().map(|text| sanitised(text)).collect::<Vec<_>>(),
            }));
        }
        Ok(chunks)
    }
}

fn metrics_of(session: &Session, key: &Key) -> Result<Vec<[String; 2]>, Failure> {
    let metrics = session.store.record(key)?.map(|record| record.metrics).unwrap_or_default();
    Ok(metrics.iter().map(|(name, value)| [sanitised(name), legible::value(value)]).collect())
}

/// What a run without a report did so far, or until it was killed.
fn from_events(folder: &RunFolder) -> Result<RunReport, Failure> {
    let mut report = RunReport { run: folder.id().to_owned(), ..RunReport::default() };
    // A run is named by its beginning.
    report.started = folder.id().split('-').next().and_then(|begin| begin.parse().ok()).unwrap_or(0);
    for value in folder.events()? {
        let at = value["at"].as_f64().filter(|at| at.is_finite() && *at >= 0.0).unwrap_or(0.0);
        if let Ok(event) = serde_json::from_value::<Event>(value) {
            report.hear(&event, Duration::try_from_secs_f64(at).unwrap_or_default());
            report.seconds = at;
        }
    }
    report.count();
    Ok(report)
}
