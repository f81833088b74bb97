//! `dgpipe plan`: shows decisions, reasons and times, and executes nothing.

use std::path::PathBuf;

use clap::Args;
use dgpipe_engine::graph::Graph;
use dgpipe_engine::plan::{Decision, Plan, PlannedCell};
use serde_json::json;

use crate::arguments::Common;
use crate::session::Session;
use crate::terminal::{Screen, duration, print, sanitised};
use crate::{ExitStatus, Failure, Program};

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
}

impl PlanCommand {
    pub(crate) fn new(file: PathBuf, targets: Vec<String>, force: Vec<String>) -> Self {
        Self { file, targets, force }
    }

    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let session = Session::look(program, &self.file, common)?;
        let plan = session.plan(&self.targets, &self.force)?;
        session.store.source_memo().save().ok();
        if common.json {
            print(&format!("{}\n", as_json(&session.graph, &plan)));
        } else {
            print(&as_text(&session.graph, &plan, Screen::new(common), common.verbose));
        }
        Ok(ExitStatus::Done)
    }
}

fn as_json(graph: &Graph, plan: &Plan) -> serde_json::Value {
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
    json!({ "cells": cells })
}

fn as_text(graph: &Graph, plan: &Plan, screen: Screen, verbose: bool) -> String {
    let mut text = String::new();
    for cell in &plan.cells {
        let planned = &plan.decisions[cell];
        if planned.decision == Decision::Reuse && !verbose {
            continue;
        }
        text.push_str(&line(graph, *cell, planned, screen));
    }
    let (execute, waiting, reuse) = (plan.count("execute"), plan.count("await"), plan.count("reuse"));
    let known = |planned: &&PlannedCell| planned.decision != Decision::Reuse;
    let seconds: f64 = plan.decisions.values().filter(known).filter_map(|planned| planned.seconds).sum();
    let time =
        if seconds > 0.0 { format!(", about {} of work by past records", duration(seconds)) } else { String::new() };
    text.push_str(&format!("{execute} to execute, {waiting} await those and may be reused, {reuse} to reuse{time}\n"));
    text
}

fn line(graph: &Graph, cell: usize, planned: &PlannedCell, screen: Screen) -> String {
    let word = screen.paint(
        match planned.decision {
            Decision::Reuse => "2",
            Decision::Execute(_) => "33",
            Decision::Await(_) => "36",
        },
        &format!("{:8}", planned.decision.word()),
    );
    let why = match &planned.decision {
        Decision::Reuse => String::new(),
        Decision::Execute(reasons) => reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Decision::Await(on) => match on.as_slice() {
            [] => String::new(),
            [one] => format!("waits for {}", graph.name(*one)),
            [one, rest @ ..] => format!("waits for {} and {} more", graph.name(*one), rest.len()),
        },
    };
    format!("{word} {}  {}\n", sanitised(&graph.name(cell)), sanitised(&why)).replace("  \n", "\n")
}
