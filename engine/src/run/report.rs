//! A view of a run, made from its events and kept with it.

use std::collections::BTreeMap;
use std::time::Duration;

use dgpipe_cache::{Artifact, Key, RunFolder, StoreError};
use serde::{Deserialize, Serialize};

use super::{Event, GitState, Outcome, PublishHow};
use crate::plan::{Cause, Reason};

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
    pub key: Option<Key>,
    /// The key of its record before, where it executed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Key>,
    /// What it measured, where it executed. What a reused cell measured stands in its record, until that is replaced,
    /// and in the report of the run that executed it.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub metrics: serde_json::Map<String, serde_json::Value>,
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
    /// Whether it never came to its end: it was killed, or it still goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// The params it ran with.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// The commit of the project's tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitState>,
    /// How cells ended.
    pub counts: Counts,
    /// What became of each cell, also of those that were reused.
    pub cells: BTreeMap<String, CellReport>,
    /// Published paths that were touched or refused.
    pub published: BTreeMap<String, PublishHow>,
    /// What stood for each published path, up to date or not: the digests of its artifacts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub artifacts: BTreeMap<String, Vec<Artifact>>,
    /// Why inputs changed that no cell of this run made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl RunReport {
    /// The report of a past run: the one that it left, else what its events tell.
    pub fn of(folder: &RunFolder) -> Result<Option<Self>, StoreError> {
        if let Some(report) = folder.report()?.and_then(|report| serde_json::from_value(report).ok()) {
            return Ok(Some(report));
        }
        let mut report = Self::default();
        for value in folder.events()? {
            let at = value["at"].as_f64().and_then(|at| Duration::try_from_secs_f64(at).ok()).unwrap_or_default();
            if let Ok(event) = serde_json::from_value::<Event>(value) {
                report.hear(&event, at);
                report.seconds = at.as_secs_f64();
            }
        }
        report.count();
        // Without its first event nothing is known of a run.
        Ok((!report.run.is_empty()).then_some(report))
    }

    /// Takes one more event in, which happened so long after the run began.
    pub fn hear(&mut self, event: &Event, at: Duration) {
        match event {
            Event::RunStarted { run, pipeline, profile, started, params, git, .. } => {
                self.run.clone_from(run);
                self.pipeline.clone_from(pipeline);
                self.profile.clone_from(profile);
                self.started = *started;
                self.params.clone_from(params);
                self.git.clone_from(git);
                self.unfinished = true;
            }
            Event::CellStarted { cell, reasons, was, causes, .. } => {
                let report = self.cell(cell);
                report.reasons.clone_from(reasons);
                report.began = Some(at.as_secs_f64());
                report.was = *was;
                self.causes.extend(causes.iter().cloned());
            }
            Event::CellFinished { cell, outcome, seconds, error, metrics, .. } => {
                let report = self.cell(cell);
                (report.outcome, report.seconds) = (*outcome, *seconds);
                report.error.clone_from(error);
                report.metrics.clone_from(metrics);
            }
            Event::Published { path, how } => drop(self.published.insert(path.clone(), how.clone())),
            Event::Warning { text } => self.warnings.push(text.clone()),
            Event::RunFinished { seconds, .. } => (self.seconds, self.unfinished) = (*seconds, false),
            Event::CellProgress { .. }
            | Event::CellNote { .. }
            | Event::CellWaiting { .. }
            | Event::RunWaiting { .. }
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
            was: None,
            metrics: serde_json::Map::new(),
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
