//! A view of a run, made from its events and kept with it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Event, Outcome, PublishHow};
use crate::plan::Reason;

/// How many cells ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Cells that executed.
    pub executed: usize,
    /// Cells that were reused.
    pub reused: usize,
    /// Published paths that were brought up to date.
    pub restored: usize,
    /// Cells that failed.
    pub failed: usize,
    /// Cells that could not start because of a failure.
    pub blocked: usize,
    /// Cells that were stopped or never started.
    pub cancelled: usize,
    /// Published paths that were left alone because they were edited.
    pub edited: usize,
}

/// What became of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellReport {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it executed, in seconds.
    pub seconds: f64,
    /// When it began to execute, in seconds since the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<f64>,
    /// Why it executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Its key, where it got so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Its name.
    pub run: String,
    /// The pipeline.
    pub pipeline: String,
    /// The profiles.
    pub profile: String,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// How long it took.
    pub seconds: f64,
    /// The params it ran with.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// How cells ended.
    pub counts: Counts,
    /// What became of each cell. Cells that were reused in a run that executed nothing are only counted.
    pub cells: BTreeMap<String, CellReport>,
    /// Published paths that were touched or refused.
    pub published: BTreeMap<String, PublishHow>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl RunReport {
    /// Takes one more event in, which happened so long after the run began.
    pub fn hear(&mut self, event: &Event, at: Duration) {
        match event {
            Event::RunStarted { run, pipeline, profile, .. } => {
                self.run.clone_from(run);
                self.pipeline.clone_from(pipeline);
                self.profile.clone_from(profile);
            }
            Event::CellStarted { cell, reasons, .. } => {
                let report = self.cell(cell);
                report.reasons.clone_from(reasons);
                report.began = Some(at.as_secs_f64());
            }
            Event::CellFinished { cell, outcome, seconds, error, .. } => {
                let report = self.cell(cell);
                (report.outcome, report.seconds) = (*outcome, *seconds);
                report.error.clone_from(error);
            }
            Event::Published { path, how } => drop(self.published.insert(path.clone(), how.clone())),
            Event::Warning { text } => self.warnings.push(text.clone()),
            Event::RunFinished { seconds, .. } => self.seconds = *seconds,
            Event::CellProgress { .. }
            | Event::CellNote { .. }
            | Event::CellWaiting { .. }
            | Event::CellRetried { .. } => {}
        }
    }

    fn cell(&mut self, cell: &str) -> &mut CellReport {
        self.cells.entry(cell.to_owned()).or_insert_with(|| CellReport {
            outcome: Outcome::Cancelled,
            seconds: 0.0,
            began: None,
            reasons: Vec::new(),
            error: None,
            key: None,
        })
    }

    /// Counts what is in it.
    pub fn count(&mut self) {
        let of = |outcome: Outcome| self.cells.values().filter(|cell| cell.outcome == outcome).count();
        let published = |touched: bool| self.published.values().filter(|how| how.is_written() == touched).count();
        self.counts = Counts {
            executed: of(Outcome::Executed),
            reused: of(Outcome::Reused),
            restored: published(true),
            failed: of(Outcome::Failed),
            blocked: of(Outcome::Blocked),
            cancelled: of(Outcome::Cancelled),
            edited: published(false),
        };
    }

    /// Whether everything that was asked for is done.
    pub fn succeeded(&self) -> bool {
        let Counts { failed, blocked, cancelled, edited, .. } = self.counts;
        failed + blocked + cancelled + edited == 0
    }

    /// The last event of a run.
    pub fn finished(&self) -> Event {
        let Counts { executed, reused, restored, failed, blocked, cancelled, .. } = self.counts;
        let (run, seconds) = (self.run.clone(), self.seconds);
        Event::RunFinished { run, executed, reused, restored, failed, blocked, cancelled, seconds }
    }
}
