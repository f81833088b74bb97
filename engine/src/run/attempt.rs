//! The attempts that are running, so that they can be stopped when their time is up or the run is.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::stage::Cancel;

/// One running attempt.
#[derive(Clone, Debug)]
struct Attempt {
    cancel: Cancel,
    deadline: Option<Instant>,
    timed_out: bool,
}

/// All running attempts by cell.
#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<BTreeMap<usize, Attempt>>);

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers an attempt and returns the request to stop that it has to obey.
    pub(super) fn begin(&self, cell: usize, timeout: Option<Duration>) -> Cancel {
        let cancel = Cancel::default();
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        self.lock().insert(cell, Attempt { cancel: cancel.clone(), deadline, timed_out: false });
        cancel
    }

    /// Forgets an attempt and tells whether its time was up.
    pub(super) fn end(&self, cell: usize) -> bool {
        self.lock().remove(&cell).is_some_and(|attempt| attempt.timed_out)
    }

    /// Stops what is over its time; stops everything where `all` is set.
    pub(super) fn stop(&self, all: bool) {
        let now = Instant::now();
        for attempt in self.lock().values_mut() {
            if attempt.deadline.is_some_and(|deadline| deadline <= now) {
                attempt.timed_out = true;
                attempt.cancel.cancel();
            }
            if all {
                attempt.cancel.cancel();
            }
        }
    }
}
