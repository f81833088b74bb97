//! `dgpipe plan`: shows decisions, reasons and times, and executes nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use dgpipe_engine::graph::Graph;
use dgpipe_engine::plan::{Decision, Plan, PlanFile, PlannedCall, in_short};
use dgpipe_engine::run::{Estimate, RunOptions};
use serde_json::json;

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{Screen, counted, duration, print, sanitised, say};
use crate::{ExitStatus, Failure, Program};

/// Fewer cells that say the same have a line each.
const ALIKE: usize = 3;

/// What `plan` takes.
#[derive(Debug, Args)]
pub struct PlanCommand {
    /// The pipeline file
    file: PathBuf,
    /// What to plan for: selectors or published paths (default: everything published, else the leaves)
    targets: Vec<String>,
    /// Cells that would be forced
    #[arg(long, value_name = "CELL")]
    force: Vec<String>,
    /// Write the plan to a file, which `run --plan` carries out exactly or not at all
    #[arg(long, value_name = "PLAN")]
    out: Option<PathBuf>,
}

impl PlanCommand {
    pub(crate) fn new(file: PathBuf, targets: Vec<String>, force: Vec<String>) -> Self {
        Self { file, targets, force, out: None }
    }

    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let plan = session.plan(&self.targets, &self.force)?;
        session.store.source_memo().save().ok();
        let jobs = jobs(common);
        let estimate = Estimate::of(&session.graph, &plan, jobs);
        if let Some(out) = &self.out {
            let file = PlanFile::of(&session.graph, &plan, self.call(common), program.version, jobs);
            write(out, &file.text())?;
        }
        if common.json {
            print(&format!("{}\n", as_json(&session.graph, &plan, &estimate)));
        } else {
            print(&as_text(&session.graph, &plan, &estimate, Screen::new(common), common.verbose));
        }
        if let Some(out) = self.out.as_ref().filter(|_| !common.quiet) {
            let (file, out) = (self.file.display(), out.display());
            say(&sanitised(&format!("`dgpipe run {file} --plan {out}` does exactly this, or refuses\n")));
        }
        Ok(ExitStatus::Done)
    }

    fn call(&self, common: &Common) -> PlannedCall {
        let (targets, force) = (self.targets.clone(), self.force.clone());
        PlannedCall { profile: common.profile.clone(), set: common.set.clone(), targets, force }
    }
}

/// How many cells execute at the same time, at most.
pub(crate) fn jobs(common: &Common) -> usize {
    common.jobs.map_or_else(|| RunOptions::default().jobs, usize::from)
}

/// Writes a file so that there is the old or the new one, whole.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let explain = |error: std::io::Error| {
        Failure::from(std::io::Error::new(error.kind(), format!("cannot write the plan `{}`: {error}", path.display())))
    };
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(explain)?;
    std::io::Write::write_all(&mut draft, text.as_bytes()).map_err(explain)?;
    // Others may read it as any file that a person writes.
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    draft.as_file().set_permissions(mode).map_err(explain)?;
    draft.persist(path).map_err(|error| explain(error.error))?;
    Ok(())
}

fn as_json(graph: &Graph, plan: &Plan, estimate: &Estimate) -> serde_json::Value {
    let cell = |cell: &usize| {
        let planned = &plan.decisions[cell];
        let mut value = json!({ "cell": graph.name(*cell), "decision": planned.decision.word() });
        let map = value.as_object_mut().expect("a literal map is a map");
        match &planned.decision {
            Decision::Reuse => {}
            Decision::Execute(reasons) => drop(map.insert("reasons".to_owned(), json!(reasons))),
            Decision::Await(on) => {
                let names: Vec<String> = on.iter().map(|cell| graph.name(*cell)).collect();
                map.insert("awaits".to_owned(), json!(names));
            }
        }
        if let Some(seconds) = planned.seconds {
            map.insert("seconds".to_owned(), json!(seconds));
        }
        value
    };
    let cells: Vec<serde_json::Value> = plan.cells.iter().map(cell).collect();
    json!({ "cells": cells, "estimate": estimate })
}

fn as_text(graph: &Graph, plan: &Plan, estimate: &Estimate, screen: Screen, all: bool) -> String {
    let rows = rows(graph, plan, all);
    let longest = rows.iter().map(|row| row.name.chars().count()).filter(|length| *length <= 48).max().unwrap_or(0);
    let times = rows.iter().map(|row| row.time.chars().count()).max().unwrap_or(0);
    let lines: String = rows.iter().map(|row| row.line(longest, times, screen)).collect();
    let (execute, waiting, reuse) = (plan.count("execute"), plan.count("await"), plan.count("reuse"));
    let sum = format!("{execute} to execute, {waiting} await those and may be reused, {reuse} to reuse\n");
    lines + &sum + &times_in_all(estimate)
}

/// What all of it costs, by past records, and what of that is not certain.
fn times_in_all(estimate: &Estimate) -> String {
    if estimate.work() <= 0.0 {
        let unknown = counted(estimate.unknown, "cell");
        return if estimate.unknown == 0 {
            String::new()
        } else {
            format!("nothing is known of the time of {unknown}\n")
        };
    }
    let sure =
        if estimate.possible > 0.0 { format!(", {} of it certain", duration(estimate.certain)) } else { String::new() };
    let (work, jobs) = (duration(estimate.work()), counted(estimate.jobs, "job"));
    let mut text = format!("about {work} of work by past records{sure}\n");
    text.push_str(&format!("about {} with {jobs}", duration(estimate.elapsed)));
    text.push_str(&format!("; the longest chain takes {}\n", duration(estimate.critical_path)));
    if estimate.unknown > 0 {
        text.push_str(&format!("{} never ran, and count as nothing\n", counted(estimate.unknown, "cell")));
    }
    text
}

/// One cell, or several of a stage that say the same.
struct Row {
    word: &'static str,
    name: String,
    time: String,
    why: String,
}

fn rows(graph: &Graph, plan: &Plan, all: bool) -> Vec<Row> {
    let shown = plan.cells.iter().copied().filter(|cell| all || plan.decisions[cell].decision != Decision::Reuse);
    // Groups stand where their first cell stands.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for cell in shown {
        let alone = all.then(|| graph.name(cell));
        let says = alone.unwrap_or_else(|| says(graph, plan, cell, true));
        let group = *known.entry((&graph.cells[cell].id.stage, says)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(cell);
    }
    let mut rows = Vec::new();
    for group in &groups {
        if group.len() < ALIKE {
            rows.extend(group.iter().map(|cell| row(graph, plan, &[*cell])));
        } else {
            rows.push(row(graph, plan, group));
        }
    }
    rows
}

fn row(graph: &Graph, plan: &Plan, cells: &[usize]) -> Row {
    let first = cells[0];
    let stage = &graph.cells[first].id.stage;
    let name = match cells {
        [one] => graph.name(*one),
        several if several.len() == graph.stages[stage].cells.len() => format!("{stage}[*], {} cells", several.len()),
        several => format!("{stage}, {} of {} cells", several.len(), graph.stages[stage].cells.len()),
    };
    let seconds: Vec<f64> = cells.iter().filter_map(|cell| plan.decisions[cell].seconds).collect();
    let time = if seconds.is_empty() { String::new() } else { duration(seconds.iter().sum()) };
    let word = plan.decisions[&first].decision.word();
    Row { word, name, time, why: says(graph, plan, first, cells.len() > 1) }
}

/// Why, in short; of cells that are alike only what they have in common.
fn says(graph: &Graph, plan: &Plan, cell: usize, in_common: bool) -> String {
    match &plan.decisions[&cell].decision {
        Decision::Reuse => String::new(),
        Decision::Execute(reasons) => in_short(reasons),
        Decision::Await(on) if in_common => {
            let mut stages: Vec<&str> = on.iter().map(|cell| graph.cells[*cell].id.stage.as_str()).collect();
            stages.sort_unstable();
            stages.dedup();
            format!("waits for {}", stages.join(", "))
        }
        Decision::Await(on) => match on.as_slice() {
            [] => String::new(),
            [one] => format!("waits for {}", graph.name(*one)),
            [one, rest @ ..] => format!("waits for {} and {} more", graph.name(*one), rest.len()),
        },
    }
}

impl Row {
    fn line(&self, names: usize, times: usize, screen: Screen) -> String {
        let colour = match self.word {
            "execute" => "33",
            "await" => "36",
            _ => "2",
        };
        let word = screen.paint(colour, &format!("{:8}", self.word));
        let (name, time, why) = (sanitised(&self.name), &self.time, sanitised(&self.why));
        let space = " ".repeat(names.saturating_sub(name.chars().count()));
        let time = if times == 0 { String::new() } else { format!("  {time:>times$}") };
        let length = 9 + name.chars().count() + space.len() + time.chars().count() + 2 + why.chars().count();
        let apart = match screen.columns {
            // On a terminal that is too narrow, why stands below.
            Some(columns) if length > columns => "\n             ",
            _ => "  ",
        };
        let line = format!("{word} {name}{space}{time}{apart}{why}");
        format!("{}\n", line.trim_end())
    }
}
