//! `dgpipe verify`: looks at the whole store, or executes cached cells again.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;
use dgpipe_cache::{Incomplete, Problem, Verification};
use dgpipe_engine::graph::Targets;
use dgpipe_engine::plan::Request;
use dgpipe_engine::run::{Rerun, RerunResult, rerun, sample};

use super::run::{listen, status_of};
use crate::arguments::Common;
use crate::session::{Session, store_to_look_at};
use crate::terminal::{ByteBar, Screen, bytes, counted, print, sanitised, say};
use crate::{ExitStatus, Failure, Program};

/// What `verify` takes.
#[derive(Debug, Args)]
pub struct Verify {
    /// The pipeline file; without it, the store of the project in this folder is looked at
    file: Option<PathBuf>,
    /// Execute cached cells of the pipeline again, so many times each, and compare the bytes
    #[arg(long, value_name = "N", requires = "file")]
    rerun: Option<NonZeroU32>,
    /// How many cells of each stage to execute again, at least one
    #[arg(long, value_name = "PERCENT", requires = "rerun", default_value = "100%", value_parser = share)]
    sample: f64,
}

/// Reads `5%` or `5`.
fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| "it is not a percentage".to_owned())?;
    if number > 0.0 && number <= 100.0 {
        Ok(number / 100.0)
    } else {
        Err("it must be above 0% and at most 100%".to_owned())
    }
}

impl Verify {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        match (&self.file, self.rerun) {
            (Some(file), Some(times)) => self.rerun(program, common, file, times.get()),
            (file, _) => verify(common, file.as_deref()),
        }
    }

    fn rerun(&self, program: &Program, common: &Common, file: &Path, times: u32) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, file, common)?;
        let targets = Targets { cells: (0..session.graph.cells.len()).collect(), ..Targets::default() };
        let plan = session.planner().plan(Request { targets, ..Request::default() })?;
        let cells = sample(&session.graph, &plan, self.sample);
        if cells.is_empty() {
            return Err(Failure::call("no cell of this pipeline has a record that could be compared")
                .hint(format!("dgpipe run {}", file.display())));
        }
        let (cancel, signal) = listen()?;
        let options = super::run::options(program, common, &session, file, cancel, true)?;
        let mut reruns: Vec<Rerun> = Vec::new();
        let mut hear = |rerun: Rerun| {
            if !common.json && (!common.quiet || rerun.is_bad()) {
                print(&rerun_lines(&rerun));
            }
            reruns.push(rerun);
        };
        rerun(&session.graph, &session.store, &plan, &options, &cells, times, &mut hear)?;
        let bad = reruns.iter().filter(|rerun| rerun.is_bad()).count();
        if common.json {
            print(&format!("{:#}\n", serde_json::json!({ "times": times, "cells": reruns })));
        } else if !common.quiet {
            let skipped = reruns.iter().filter(|rerun| matches!(rerun.result, RerunResult::Skipped { .. })).count();
            let same = reruns.len() - bad - skipped;
            say(&format!("{} gave the same bytes, {bad} did not, {skipped} skipped\n", counted(same, "cell")));
        }
        Ok(status_of(bad == 0, &options.cancel, &signal))
    }
}

fn verify(common: &Common, file: Option<&Path>) -> Result<ExitStatus, Failure> {
    let store = store_to_look_at(file, common)?;
    let bar = ByteBar::new(Screen::new(common), common, "verifying");
    let found = store.verify_whole(&|done, total| bar.at(done, total));
    bar.finish();
    if common.json {
        print(&format!("{:#}\n", serde_json::to_value(&found).unwrap_or_default()));
    } else {
        print(&found.problems.iter().map(problem_line).collect::<String>());
        print(&found.incomplete.iter().map(incomplete_line).collect::<String>());
        if !common.quiet {
            say(&summary(&found));
        }
    }
    let good = found.problems.is_empty() && found.incomplete.is_empty();
    Ok(if good { ExitStatus::Done } else { ExitStatus::Failed })
}

fn problem_line(problem: &Problem) -> String {
    let Problem { path, reason, quarantined } = problem;
    let what = if *quarantined { "moved to quarantine" } else { "left where it is" };
    format!("damaged     {}: {}; {what}\n", sanitised(&path.display().to_string()), sanitised(reason))
}

fn incomplete_line(incomplete: &Incomplete) -> String {
    let Incomplete { key, stage_type, run, port, reason } = incomplete;
    sanitised(&format!(
        "incomplete  the record {} of `{stage_type}` (run {run}): its output `{port}` cannot be served: {reason}; where it \
         is needed, the cell executes again\n",
        key.short()
    ))
}

fn summary(found: &Verification) -> String {
    let newer = match found.newer {
        0 => String::new(),
        newer => format!(", {newer} of a newer dgpipe left alone"),
    };
    let incomplete = match found.incomplete.len() {
        0 => String::new(),
        number => format!(", {} incomplete", counted(number, "record")),
    };
    format!(
        "{} ({}) and {} looked at{newer}: {} damaged{incomplete}\n",
        counted(found.objects, "object"),
        bytes(found.bytes),
        counted(found.records, "record"),
        found.problems.len()
    )
}

fn rerun_lines(rerun: &Rerun) -> String {
    let device = if rerun.device == rerun.recorded_device {
        format!("on {}", rerun.device)
    } else {
        format!("recorded on {}, now on {}", rerun.recorded_device, rerun.device)
    };
    let line = |word: &str, text: String| format!("{word:<10}  {}  {text}\n", rerun.cell);
    sanitised(&match &rerun.result {
        RerunResult::Same => line("same", device),
        RerunResult::Skipped { reason } => line("skipped", reason.clone()),
        RerunResult::Failed { error } => line("failed", format!("{error} ({device})")),
        RerunResult::Different { files } => {
            let mut text = line("different", format!("`{}` {device}", rerun.stage_type));
            for (port, files) in files {
                for file in files {
                    let slash = if file.is_empty() { "" } else { "/" };
                    text.push_str(&format!("            {port}{slash}{file}\n"));
                }
            }
            text
        }
    })
}
