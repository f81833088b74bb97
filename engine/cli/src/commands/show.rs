//! `dgpipe show`: what a past run did, cell by cell, with the metrics.

use clap::Args;
use dgpipe_engine::run::{Outcome, PublishHow, RunReport};

use super::runs::in_short;
use crate::arguments::Common;
use crate::metrics::Metrics;
use crate::past::{Past, file_first};
use crate::terminal::{counted, duration, number, print, sanitised, time};
use crate::{ExitStatus, Failure};

/// What `show` takes.
#[derive(Debug, Args)]
#[command(override_usage = "dgpipe show [OPTIONS] [FILE] [RUN]")]
pub struct Show {
    /// A pipeline file (default: all of the project), then a run: its name, the beginning of it, `latest` (the default) or `latest~1`
    #[arg(value_name = "RUN", num_args = 0..=2)]
    arguments: Vec<String>,
}

impl Show {
    pub(crate) fn execute(&self, common: &Common) -> Result<ExitStatus, Failure> {
        let (file, rest) = file_first(&self.arguments);
        let past = Past::look(file, common)?;
        let run = match rest {
            [] => "latest",
            [run] => run,
            [first, ..] => return Err(Failure::call(format!("there is no file `{first}`"))),
        };
        let report = past.run(run)?;
        if common.json {
            print(&format!("{:#}\n", serde_json::to_value(&report).unwrap_or_default()));
        } else {
            let mut metrics = Metrics::new(&past, std::slice::from_ref(&report));
            print(&sanitised(&text(&report, &mut metrics, common.verbose)));
        }
        Ok(ExitStatus::Done)
    }
}

fn text(report: &RunReport, metrics: &mut Metrics, all: bool) -> String {
    let mut text = format!("run {} of {} ({})\n", report.run, report.pipeline, report.profile);
    let took =
        if report.unfinished { "never finished".to_owned() } else { format!("took {}", duration(report.seconds)) };
    text.push_str(&format!("  began {}, {took}\n", time(report.started)));
    if let Some(git) = &report.git {
        text.push_str(&format!("  {}\n", in_short(git)));
    }
    for (name, value) in &report.params {
        text.push_str(&format!("  {name}: {value}\n"));
    }
    let measured = metrics.of(report);
    for (cell, report) in &report.cells {
        if report.outcome == Outcome::Reused && !all {
            continue;
        }
        text.push_str(&format!("{} {cell}  {}\n", report.outcome, duration(report.seconds)));
        for reason in &report.reasons {
            text.push_str(&format!("  because {reason}\n"));
        }
        if let Some(error) = &report.error {
            text.push_str(&format!("  {}\n", error.replace('\n', "\n  ")));
        }
        for (name, value) in measured.get(cell).into_iter().flatten() {
            text.push_str(&format!("  {name} = {}\n", number(value)));
        }
    }
    for warning in &report.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    let left: Vec<&String> =
        report.published.iter().filter(|(_, how)| !how.is_written()).map(|(path, _)| path).collect();
    for path in left {
        let how = match &report.published[path] {
            PublishHow::Edited => "edited by hand, left alone",
            PublishHow::Occupied => "there before, left alone",
            _ => "could not be published",
        };
        text.push_str(&format!("{path}: {how}\n"));
    }
    let counts = &report.counts;
    let others = [(counts.failed, "failed"), (counts.blocked, "blocked"), (counts.cancelled, "cancelled")];
    let others: String =
        others.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}")).collect();
    let published = counted(counts.restored, "path");
    text.push_str(&format!("{} executed, {} reused{others}, {published} published\n", counts.executed, counts.reused));
    text
}
