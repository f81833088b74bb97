//! What a caller hands to a run, and why a run as a whole can fail.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use dgpipe_cache::StoreError;

use super::{EditPolicy, GitState};
use crate::plan::PlanError;
use crate::stage::{Ambient, Cancel};

/// How a run is carried out. Nothing of it decides a result.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The project root, to which published paths are relative.
    pub root: PathBuf,
    /// The pipeline file as the caller named it, for messages that say what to call.
    pub file: PathBuf,
    /// Cells that execute at the same time, at most.
    pub jobs: usize,
    /// Graphics processors that can be occupied.
    pub gpus: u32,
    /// Bytes of memory that can be occupied.
    pub memory: u64,
    /// Whether the first failure stops everything that has not started.
    pub fail_fast: bool,
    /// What to do with published paths that were edited by hand.
    pub edits: EditPolicy,
    /// What the program lends to stages.
    pub ambient: Ambient,
    /// What computes, for records.
    pub device: String,
    /// The least time between two checkpoints of an execution.
    pub checkpoint_every: Duration,
    /// The version of the program, for records.
    pub version: String,
    /// The commit of the project's tree, for the report.
    pub git: Option<GitState>,
    /// The cells that may execute; nothing means all. Where another one would have to, it fails.
    pub permitted: Option<BTreeSet<usize>>,
    /// The request to stop.
    pub cancel: Cancel,
}

impl Default for RunOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            root: PathBuf::from("."),
            file: PathBuf::from("pipeline.yaml"),
            jobs: cores,
            gpus: 1,
            memory: u64::MAX,
            fail_fast: false,
            edits: EditPolicy::Block,
            ambient: Ambient::default(),
            device: "cpu".to_owned(),
            checkpoint_every: Duration::from_secs(10),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git: None,
            permitted: None,
            cancel: Cancel::default(),
        }
    }
}

impl RunOptions {
    /// What computes, as far as bits depend on it: two devices of a class give the same.
    pub(super) fn device_class(&self) -> String {
        let kind = self.device.split(':').next().unwrap_or_default();
        format!("{kind}-{}", std::env::consts::ARCH)
    }
}

/// A run that could not be carried out. Failing cells are no such error; they are in the report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Decisions could not be made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk or the store refused what a cell needs.
    #[error("`{cell}` cannot be executed: {error}")]
    Refused {
        /// The cell.
        cell: String,
        /// What was refused, and why.
        error: String,
    },
    /// A file of the project could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
