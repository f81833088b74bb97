//! `dgpipe doctor`: what this machine offers, and what is missing.

use std::path::{Path, PathBuf};

use clap::Args;
use dgpipe_engine::project_root;
use serde_json::json;

use crate::arguments::Common;
use crate::doctor::{Finding, State, disk, machine, pipeline};
use crate::session::store_folder;
use crate::terminal::{Screen, counted, print, sanitised};
use crate::{ExitStatus, Failure, Program};

/// What `doctor` takes.
#[derive(Debug, Args)]
pub struct Doctor {
    /// A pipeline file whose sources and programs are looked for, too
    file: Option<PathBuf>,
}

impl Doctor {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let of_pipeline = match &self.file {
            Some(file) => pipeline(program, file, common)?,
            None => Vec::new(),
        };
        let place = std::path::absolute(self.file.as_deref().unwrap_or(Path::new("any.yaml")))?;
        let store = std::path::absolute(store_folder(&project_root(&place), common))?;
        let mut findings = vec![Finding::ok("program", format!("{} {}", program.name, program.version))];
        findings.extend(machine(program, common));
        findings.extend(disk(&store));
        findings.extend(of_pipeline);
        let problems = findings.iter().filter(|finding| finding.state == State::Problem).count();
        if common.json {
            print(&format!("{:#}\n", json!({ "findings": findings, "problems": problems })));
        } else {
            print(&lines(&findings, Screen::of_stdout(common), common.quiet));
            if problems > 0 {
                print(&format!("{} to solve before this can run\n", counted(problems, "problem")));
            }
        }
        Ok(if problems > 0 { ExitStatus::Environment } else { ExitStatus::Done })
    }
}

/// A line for each finding, and one below for what to do. Whoever wants it quiet sees problems alone.
fn lines(findings: &[Finding], screen: Screen, quiet: bool) -> String {
    let mut text = String::new();
    for finding in findings.iter().filter(|finding| !quiet || finding.state == State::Problem) {
        let (colour, word) = match finding.state {
            State::Ok => ("32", "ok"),
            State::Note => ("36", "note"),
            State::Problem => ("31;1", "problem"),
        };
        let word = screen.paint(colour, &format!("{word:8}"));
        text.push_str(&format!("{word} {:9} {}\n", finding.what, sanitised(&finding.text)));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("{:19}{}\n", "", screen.paint("2", &sanitised(hint))));
        }
    }
    text
}
