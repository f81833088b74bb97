//! `dgpipe runs`: the past, newest last.

use std::path::PathBuf;

use clap::Args;
use dgpipe_engine::run::RunReport;

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{duration, print, time};
use crate::{ExitStatus, Failure, Program};

/// What `runs` takes.
#[derive(Debug, Args)]
pub struct Runs {
    /// The pipeline file
    file: PathBuf,
    /// How many runs to show, the newest
    #[arg(long, short = 'n', default_value_t = 20)]
    number: usize,
}

impl Runs {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let reports = reports(&session)?;
        let shown = &reports[reports.len().saturating_sub(self.number)..];
        if common.json {
            let list: Vec<serde_json::Value> = shown.iter().map(short).collect();
            print(&format!("{:#}\n", serde_json::Value::from(list)));
        } else {
            print(&shown.iter().map(line).collect::<String>());
        }
        Ok(ExitStatus::Done)
    }
}

/// All finished runs of a pipeline under its profile, the oldest first.
pub(crate) fn reports(session: &Session) -> Result<Vec<RunReport>, Failure> {
    let mut reports = Vec::new();
    for folder in session.project.runs()? {
        reports.extend(RunReport::of(&folder)?);
    }
    Ok(reports)
}

fn line(report: &RunReport) -> String {
    let counts = &report.counts;
    let failed = match counts.failed + counts.blocked + counts.cancelled {
        0 => String::new(),
        _ => format!(", {} failed, {} blocked, {} cancelled", counts.failed, counts.blocked, counts.cancelled),
    };
    format!(
        "{}  {}  {:>8}  {} executed, {} reused{failed}\n",
        report.run,
        time(report.started),
        duration(report.seconds),
        counts.executed,
        counts.reused
    )
}

fn short(report: &RunReport) -> serde_json::Value {
    serde_json::json!({
        "run": report.run, "started": report.started, "seconds": report.seconds,
        "params": report.params, "counts": report.counts,
    })
}
