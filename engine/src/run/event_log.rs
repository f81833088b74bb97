//! The events of a run as lines of a file, each with `at`: the seconds since the run began. Whoever follows the file
//! while the run goes on sees every line at once, but for those that only say that something was reused.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Duration;

use serde_json::json;

use super::{Event, Outcome};

/// How often the progress of one cell is written down.
const EVERY: Duration = Duration::from_secs(2);

/// Writes events to the file of a run. The log is for people: a full disk shows itself where results are stored.
pub(super) struct EventLog {
    file: BufWriter<File>,
    /// When the progress of a running cell was last written down.
    progress: BTreeMap<String, Duration>,
}

impl EventLog {
    pub(super) fn new(file: File) -> Self {
        Self { file: BufWriter::new(file), progress: BTreeMap::new() }
    }

    /// Writes an event that happened so long after the run began.
    pub(super) fn hear(&mut self, event: &Event, at: Duration) {
        match event {
            Event::CellProgress { cell, .. } => {
                if self.progress.get(cell).is_some_and(|last| at < *last + EVERY) {
                    return;
                }
                self.progress.insert(cell.clone(), at);
            }
            Event::CellFinished { cell, .. } => drop(self.progress.remove(cell)),
            _ => {}
        }
        let mut line = json!(event);
        line["at"] = json!((at.as_secs_f64() * 1000.0).round() / 1000.0);
        serde_json::to_writer(&mut self.file, &line).ok();
        self.file.write_all(b"\n").ok();
        if !matches!(event, Event::CellFinished { outcome: Outcome::Reused, .. }) {
            self.file.flush().ok();
        }
    }
}
