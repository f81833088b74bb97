//! `dgpipe show`: what a past run did, cell by cell, with the metrics.

use std::path::PathBuf;

use clap::Args;
use dgpipe_engine::run::{Outcome, RunReport};

use super::runs::reports;
use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{duration, print, sanitised, time};
use crate::{ExitStatus, Failure, Program};

/// What `show` takes.
#[derive(Debug, Args)]
pub struct Show {
    /// The pipeline file
    file: PathBuf,
    /// The run, or the beginning of its name (default: the last one)
    run: Option<String>,
}

impl Show {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let reports = reports(&session)?;
        let matches = |report: &&RunReport| self.run.as_ref().is_none_or(|run| report.run.starts_with(run.as_str()));
        let Some(report) = reports.iter().rfind(matches) else {
            let what = self.run.as_deref().unwrap_or("any");
            return Err(Failure::call(format!("there is no run `{what}`")).hint("`dgpipe runs FILE` lists them"));
        };
        if common.json {
            print(&format!("{:#}\n", serde_json::to_value(report).unwrap_or_default()));
        } else {
            print(&sanitised(&text(&session, report)?));
        }
        Ok(ExitStatus::Done)
    }
}

fn text(session: &Session, report: &RunReport) -> Result<String, Failure> {
    let mut text = format!("run {} of {} ({})\n", report.run, report.pipeline, report.profile);
    text.push_str(&format!("  began {}, took {}\n", time(report.started), duration(report.seconds)));
    for (name, value) in &report.params {
        text.push_str(&format!("  {name}: {value}\n"));
    }
    for (cell, report) in &report.cells {
        if report.outcome == Outcome::Reused {
            continue;
        }
        text.push_str(&format!("{} {cell}  {}\n", report.outcome, duration(report.seconds)));
        for reason in &report.reasons {
            text.push_str(&format!("  because {reason}\n"));
        }
        if let Some(error) = &report.error {
            text.push_str(&format!("  {}\n", error.replace('\n', "\n  ")));
        }
        let record = report.key.map(|key| session.store.record(&key)).transpose()?.flatten();
        for (name, value) in record.map(|record| record.metrics).unwrap_or_default() {
            text.push_str(&format!("  {name} = {value}\n"));
        }
    }
    let counts = &report.counts;
    text.push_str(&format!("{} executed, {} reused, {} published\n", counts.executed, counts.reused, counts.restored));
    Ok(text)
}
