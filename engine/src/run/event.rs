//! What happens during a run. Every view, the terminal's included, is a function of these.

use dgpipe_cache::Key;
use serde::{Deserialize, Serialize};

use super::{GitState, Outcome, PublishHow};
use crate::plan::{Cause, Reason};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Its name.
        run: String,
        /// The pipeline.
        pipeline: String,
        /// The profiles.
        profile: String,
        /// When, in milliseconds since 1970.
        started: u64,
        /// The params, with every reference resolved.
        params: serde_json::Map<String, serde_json::Value>,
        /// The commit of the project's tree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        git: Option<GitState>,
        /// Cells that it looks at.
        cells: usize,
        /// Cells that certainly execute.
        execute: usize,
        /// Cells that wait for those, and may be reused.
        waiting: usize,
    },
    /// A cell begins to execute.
    CellStarted {
        /// The cell.
        cell: String,
        /// The stage type.
        stage_type: String,
        /// Why.
        reasons: Vec<Reason>,
        /// Its last record under this profile.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<Key>,
        /// What is behind the reasons, as far as no other cell of this run says so.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        causes: Vec<Cause>,
    },
    /// A running cell got further.
    CellProgress {
        /// The cell.
        cell: String,
        /// Units that are done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What is counted, in the plural.
        unit: String,
    },
    /// A running cell has a remark.
    CellNote {
        /// The cell.
        cell: String,
        /// The remark.
        text: String,
    },
    /// A cell waits for another run that executes the same key.
    CellWaiting {
        /// The cell.
        cell: String,
        /// Who executes it.
        holder: String,
        /// Since when, in milliseconds since 1970, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
    },
    /// A failed attempt is repeated.
    CellRetried {
        /// The cell.
        cell: String,
        /// The attempt that failed, counted from 1.
        attempt: u32,
        /// Why it failed.
        error: String,
    },
    /// A cell came to its end.
    CellFinished {
        /// The cell.
        cell: String,
        /// How.
        outcome: Outcome,
        /// How long it executed; for a reused cell, how long that took once.
        seconds: f64,
        /// The error of a failed cell, with hint and places to look at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// Whether it ran again and gave the same bytes as before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        same_bytes: bool,
        /// What an executed cell measured.
        #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
        metrics: serde_json::Map<String, serde_json::Value>,
    },
    /// A path in the user's tree was brought up to date, or could not be.
    Published {
        /// The path.
        path: String,
        /// What was done.
        how: PublishHow,
    },
    /// The run waits for something that another process has.
    RunWaiting {
        /// For what.
        text: String,
    },
    /// Something that a person should know.
    Warning {
        /// What.
        text: String,
    },
    /// The run ends.
    RunFinished {
        /// Its name.
        run: String,
        /// Cells that executed.
        executed: usize,
        /// Cells that were reused.
        reused: usize,
        /// Published paths that were brought up to date.
        restored: usize,
        /// Cells that failed.
        failed: usize,
        /// Cells that could not start because of a failure.
        blocked: usize,
        /// Cells that were stopped, or never started, because of a request to stop.
        cancelled: usize,
        /// How long all took.
        seconds: f64,
    },
}

/// Hears the events of a run.
pub trait Listener: Send + Sync {
    /// Hears one event. Called from several threads, one at a time per thread.
    fn hear(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Listener for F {
    fn hear(&self, event: &Event) {
        self(event);
    }
}
