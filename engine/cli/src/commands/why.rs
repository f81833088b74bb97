//! `dgpipe why`: the chain of causes of an execution, pending or past.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use dgpipe_engine::plan::{Decision, Plan, Reason};
use serde_json::json;

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{print, sanitised};
use crate::{ExitStatus, Failure, Program};

/// What `why` takes.
#[derive(Debug, Args)]
pub struct Why {
    /// The pipeline file
    file: PathBuf,
    /// The cell, such as `mask[target=sketch, seed=42]`
    cell: String,
}

/// A cell with why it executes, and the cells that are behind it.
struct Cause {
    cell: String,
    what: String,
    reasons: Vec<Reason>,
    behind: Vec<Cause>,
}

impl Why {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let cell = session.cell(&self.cell)?;
        let plan = session.plan(&[session.graph.name(cell)], &[])?;
        let cause = match plan.decisions[&cell].decision {
            Decision::Reuse => past(&session, cell, &mut BTreeSet::new())?,
            Decision::Execute(_) | Decision::Await(_) => pending(&session, &plan, cell, &mut BTreeSet::new()),
        };
        if common.json {
            print(&format!("{}\n", cause.as_json()));
        } else {
            print(&sanitised(&cause.as_text(0)));
        }
        Ok(ExitStatus::Done)
    }
}

/// Why a cell would execute now, down to the first change.
fn pending(session: &Session, plan: &Plan, cell: usize, seen: &mut BTreeSet<usize>) -> Cause {
    let name = session.graph.name(cell);
    seen.insert(cell);
    match &plan.decisions[&cell].decision {
        Decision::Reuse => Cause { cell: name, what: "is reused".to_owned(), reasons: Vec::new(), behind: Vec::new() },
        Decision::Execute(reasons) => {
            Cause { cell: name, what: "executes".to_owned(), reasons: reasons.clone(), behind: Vec::new() }
        }
        Decision::Await(on) => {
            let behind = on.iter().filter(|cell| !seen.contains(cell)).copied().collect::<Vec<_>>();
            let behind = behind.into_iter().map(|cell| pending(session, plan, cell, seen)).collect();
            Cause {
                cell: name,
                what: "awaits what it reads, and may be reused".to_owned(),
                reasons: Vec::new(),
                behind,
            }
        }
    }
}

/// Why a cell executed when its record was made; what it read is followed within the same run.
fn past(session: &Session, cell: usize, seen: &mut BTreeSet<usize>) -> Result<Cause, Failure> {
    let name = session.graph.name(cell);
    seen.insert(cell);
    let record = match session.key(cell)? {
        Some(key) => session.store.record(&key)?,
        None => None,
    };
    let Some(record) = record else {
        let what = "has no record and no pending execution".to_owned();
        return Ok(Cause { cell: name, what, reasons: Vec::new(), behind: Vec::new() });
    };
    let reasons: Vec<Reason> = serde_json::from_value(record.reasons.clone()).unwrap_or_default();
    let mut behind = Vec::new();
    for reason in &reasons {
        let Reason::InputChanged { from, .. } = reason else { continue };
        let Some(other) = session.graph.find(from).filter(|other| !seen.contains(other)) else { continue };
        let key = session.key(other)?;
        let same_run = key.and_then(|key| session.store.record(&key).ok().flatten());
        if same_run.is_some_and(|other| other.run == record.run) {
            behind.push(past(session, other, seen)?);
        }
    }
    let what = format!("is up to date; it executed in run {}", record.run);
    Ok(Cause { cell: name, what, reasons, behind })
}

impl Cause {
    fn as_text(&self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        let mut text = format!("{indent}{} {}\n", self.cell, self.what);
        for reason in &self.reasons {
            text.push_str(&format!("{indent}  because {reason}\n"));
        }
        self.behind.iter().fold(text, |text, cause| text + &cause.as_text(depth + 1))
    }

    fn as_json(&self) -> serde_json::Value {
        let behind: Vec<serde_json::Value> = self.behind.iter().map(Self::as_json).collect();
        json!({ "cell": self.cell, "what": self.what, "reasons": self.reasons, "behind": behind })
    }
}
