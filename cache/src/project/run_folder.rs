//! The folder of one run. Events are only ever added, a line each; what a crash left of a last line
//! is not read.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::filesystem::read_if_there;
use crate::store::{Store, StoreError};

const EVENTS: &str = "events.jsonl";
const IN_USE: &str = "in-use";
const REPORT: &str = "report.json";

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunFolder {
    store: Store,
    id: String,
    path: PathBuf,
}

impl RunFolder {
    pub(super) fn new(store: Store, id: String, path: PathBuf) -> Self {
        Self { store, id, path }
    }

    /// Returns the id of the run.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn in_use_path(&self) -> PathBuf {
        self.path.join(IN_USE)
    }

    /// Opens the list of events for adding to its end. It is made durable by [`Store::sync`].
    pub fn append_events(&self) -> Result<std::fs::File, StoreError> {
        let path = self.path.join(EVENTS);
        let file = self.store.filesystem().append(&path)?;
        self.store.sync_later(&path);
        self.store.sync_later(&self.path);
        Ok(file.into_file())
    }

    /// Reads the events, a JSON value each. Lines that are none are passed over.
    pub fn events(&self) -> Result<Vec<Value>, StoreError> {
        Ok(self.events_from(0)?.0)
    }

    /// Reads the events behind a place in the list, and returns the place up to which it is read now: for whoever
    /// follows a run that goes on.
    pub fn events_from(&self, place: u64) -> Result<(Vec<Value>, u64), StoreError> {
        let bytes = read_if_there(self.store.filesystem(), &self.path.join(EVENTS))?.unwrap_or_default();
        let new = usize::try_from(place).ok().and_then(|place| bytes.get(place..)).unwrap_or_default();
        let lines = new.split_inclusive(|byte| *byte == b'\n');
        let whole: Vec<&[u8]> = lines.filter(|line| line.ends_with(b"\n")).collect();
        let read = whole.iter().map(|line| line.len() as u64).sum::<u64>();
        Ok((whole.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect(), place + read))
    }

    /// Reads the report; one that cannot be read is none, because events tell the same.
    pub fn report(&self) -> Result<Option<Value>, StoreError> {
        let bytes = read_if_there(self.store.filesystem(), &self.path.join(REPORT))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Replaces the report. From then on it tells what the run used.
    pub fn set_report(&self, report: &impl Serialize) -> Result<(), StoreError> {
        let path = self.path.join(REPORT);
        let bytes =
            serde_json::to_vec_pretty(report).map_err(|source| StoreError::Encode { path: path.clone(), source })?;
        self.store.write_whole(&path, &bytes)?;
        // What stays behind is of a run that has a report, so it says nothing.
        drop(self.store.filesystem().remove_file(&self.in_use_path()));
        Ok(())
    }
}
