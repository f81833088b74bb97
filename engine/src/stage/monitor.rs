//! The wires between a running stage and whoever watches it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Hears what a running stage has to say.
pub trait Monitor: Send + Sync {
    /// `done` of `total` `unit`s are finished, `unit` in the plural, such as `images`.
    fn progress(&self, done: u64, total: u64, unit: &str);
    /// A remark worth keeping with the result.
    fn note(&self, text: &str);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Monitor for Silent {
    fn progress(&self, _done: u64, _total: u64, _unit: &str) {}
    fn note(&self, _text: &str) {}
}

/// A request to stop, shared by everything that runs.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everything that holds this to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether stopping was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// The flag itself, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}
