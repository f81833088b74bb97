//! The runs of a report: how each went, when its cells executed, and the metrics that it ended with.

use dgpipe_engine::run::{Outcome, RunReport};
use serde_json::{Value, json};

use super::legible;
use crate::Failure;
use crate::metrics::Metrics;
use crate::past::Past;
use crate::session::Session;
use crate::terminal::{sanitised, time};

/// How many runs a report has, the newest.
const MOST: usize = 60;

/// The runs of a pipeline under its profile, the newest first.
pub(super) struct Runs {
    pub(super) reports: Vec<RunReport>,
    /// How many older ones are left out.
    pub(super) older: usize,
}

impl Runs {
    pub(super) fn of(session: &Session) -> Result<Self, Failure> {
        let mut folders = session.project.runs()?;
        let older = folders.len().saturating_sub(MOST);
        folders.drain(..older);
        let mut reports = Vec::new();
        for folder in folders.iter().rev() {
            reports.extend(RunReport::of(folder)?);
        }
        Ok(Self { reports, older })
    }

    /// The newest run that came to its end.
    pub(super) fn last(&self) -> Option<&RunReport> {
        self.reports.iter().find(|run| !run.unfinished)
    }

    /// What the page needs at once.
    pub(super) fn index(&self) -> Value {
        let run = |run: &RunReport| json!({ "id": sanitised(&run.run), "began": time(run.started) });
        self.reports.iter().map(run).collect()
    }

    /// All that is known of each run, in the files of the report.
    pub(super) fn chunks(&self, session: &Session) -> Result<Vec<Value>, Failure> {
        let past = Past::of(&session.store, &session.root, None, None)?;
        let mut measured = Metrics::new(&past, &self.reports);
        let mut chunks = Vec::new();
        for report in &self.reports {
            let mut cells = Vec::new();
            let mut metrics = Vec::new();
            for (cell, values) in measured.of(report) {
                let of_cell = |(metric, value): (&String, &Value)| {
                    json!([sanitised(&cell), sanitised(metric), legible::value(value)])
                };
                metrics.extend(values.iter().map(of_cell));
            }
            for (name, cell) in &report.cells {
                let name = sanitised(name);
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
