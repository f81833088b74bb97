//! `dgpipe log`: what a cell wrote when it executed, also when that failed.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{print, say};
use crate::{ExitStatus, Failure, Program};

/// What `log` takes.
#[derive(Debug, Args)]
pub struct Log {
    /// The pipeline file
    file: PathBuf,
    /// The cell, such as `prepare` or `train[seed=1]`
    cell: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Text {
    stdout: String,
    stderr: String,
    notes: String,
}

impl Log {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let cell = session.cell(&self.cell)?;
        let name = session.graph.name(cell);
        let key = session.key(cell)?;
        let log = match &key {
            Some(key) => session.store.log(key)?,
            None => None,
        };
        let Some(bytes) = log else {
            let recorded = key.and_then(|key| session.store.lookup(&key).ok().flatten());
            if recorded.is_some() {
                say(&format!("`{name}` wrote nothing\n"));
                return Ok(ExitStatus::Done);
            }
            let message = format!("`{name}` has no record, and nothing that it wrote was kept");
            return Err(Failure::call(message).hint("it has not executed yet, or failed without a word"));
        };
        let text: Text = serde_json::from_slice(&bytes).unwrap_or_default();
        print(&text.stdout);
        // Whoever closes stderr does not want it.
        std::io::stderr().write_all(format!("{}{}", text.stderr, text.notes).as_bytes()).ok();
        Ok(ExitStatus::Done)
    }
}
