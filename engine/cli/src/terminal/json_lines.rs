//! One JSON object a line on stdout.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use dgpipe_engine::run::{Event, Listener};

/// Prints every event as a line of JSON.
#[derive(Default)]
pub(crate) struct JsonLines(Mutex<()>);

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        let _one_at_a_time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = serde_json::to_string(event).unwrap_or_default();
        // Whoever closes the pipe has read enough.
        writeln!(std::io::stdout(), "{line}").ok();
    }
}
