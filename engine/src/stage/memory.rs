//! What an execution may know of former ones, and what it leaves for later ones beside its outputs. It decides how long
//! an execution takes and never what comes out of it.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use dgpipe_cache::{Key, Store, StoreError};

use super::{Cancel, StageError};
use crate::fingerprint::Fingerprint;

/// The memory of one execution. Executions by hand have none.
pub(crate) struct Memory<'a> {
    pub(crate) store: &'a Store,
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) key: Key,
    /// The config field that only says how far the execution goes.
    pub(crate) continues: Option<&'static str>,
    /// What computes, as far as bits depend on it.
    pub(crate) device_class: String,
    /// Whether nothing of former executions may be used: the result is to be computed anew.
    pub(crate) afresh: bool,
    /// The least time between two writes of checkpoints, or of rows.
    pub(crate) every: Duration,
    pub(crate) cancel: &'a Cancel,
    /// Whether all that was read still is what the key says, apart from what a port reads; else nothing may be kept.
    pub(crate) unchanged: &'a (dyn Fn(Option<&str>) -> bool + Sync),
    /// Whether the execution asked for checkpoints, so that there may be some to remove when it is done.
    pub(crate) has_checkpoints: AtomicBool,
    /// The milliseconds that went into the checkpoint which this execution went on from.
    pub(crate) spent_before: AtomicU64,
}

impl Memory<'_> {
    /// The checkpoints of this key, and of executions that differ from it only in going less far.
    pub(super) fn checkpoints(&self) -> dgpipe_cache::Checkpoints {
        let checkpoints = self.store.checkpoints(self.key, &self.device_class);
        match self.continues.and_then(|field| self.fingerprint.family(field)) {
            Some((family, limit)) => checkpoints.continuing(family, limit),
            None => checkpoints,
        }
    }

    /// Tells of a failure that costs time and nothing else.
    pub(super) fn warn(&self, what: &str, error: StoreError) {
        self.store.warn(format!("{what}: {}", StageError::from(error)));
    }
}
