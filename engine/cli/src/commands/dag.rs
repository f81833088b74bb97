//! `dgpipe dag`: the graph of stages, cells folded into their stage.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dgpipe_engine::graph::{Graph, InputRef};
use serde_json::json;

use crate::arguments::Common;
use crate::session::Pipeline;
use crate::terminal::{print, sanitised};
use crate::{ExitStatus, Failure, Program};

/// What `dag` takes.
#[derive(Debug, Args)]
pub struct Dag {
    /// The pipeline file
    file: PathBuf,
    /// How to draw it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Indented lines, for reading
    Text,
    /// For graphviz
    Dot,
    /// For Markdown
    Mermaid,
    /// For programs; every cell with what it reads
    Json,
}

impl Dag {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let graph = Pipeline::open(program, &self.file, common)?.graph;
        let format = if common.json { Format::Json } else { self.format };
        print(&match format {
            Format::Text => sanitised(&text(&graph)),
            Format::Dot => dot(&graph),
            Format::Mermaid => mermaid(&graph),
            Format::Json => format!("{:#}\n", as_json(&graph)),
        });
        Ok(ExitStatus::Done)
    }
}

/// For each stage, in an order in which they can be done, the stages and sources that it reads.
fn folded(graph: &Graph) -> Vec<(String, BTreeSet<String>)> {
    let mut reads: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for cell in graph.order() {
        let cell = &graph.cells[*cell];
        let entry = reads.entry(&cell.id.stage).or_default();
        if !order.contains(&cell.id.stage.as_str()) {
            order.push(&cell.id.stage);
        }
        for reading in cell.inputs.iter().flat_map(|port| &port.readings) {
            entry.insert(match &reading.from {
                InputRef::Cell { cell, .. } => graph.cells[*cell].id.stage.clone(),
                InputRef::Source(source) => graph.sources[*source].name.clone(),
            });
        }
    }
    order.into_iter().map(|stage| (stage.to_owned(), reads[stage].clone())).collect()
}

fn cells(graph: &Graph, stage: &str) -> usize {
    graph.stages[stage].cells.len()
}

fn text(graph: &Graph) -> String {
    let stages = folded(graph);
    let label = |stage: &str| {
        let node = &graph.stages[stage];
        match node.axes.as_slice() {
            [] => stage.to_owned(),
            axes => format!("{stage} [{}] ×{}", axes.join(", "), node.cells.len()),
        }
    };
    let widest = stages.iter().map(|(stage, _)| label(stage).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for source in graph.sources.iter().filter(|source| graph.spec.sources.contains_key(&source.name)) {
        text.push_str(&format!("{}  source {} at {}\n", source.name, source.kind, source.shown));
    }
    for (stage, reads) in &stages {
        let label = label(stage);
        let pad = " ".repeat(widest.saturating_sub(label.chars().count()));
        text.push_str(&wrapped(&format!("{label}{pad}  ← "), reads));
    }
    text
}

/// Lines of at most 100 columns, the list indented under its beginning.
fn wrapped(head: &str, reads: &BTreeSet<String>) -> String {
    if reads.is_empty() {
        return format!("{}\n", head.trim_end_matches(" ← ").trim_end());
    }
    let indent = head.chars().count();
    let mut lines = vec![head.to_owned()];
    for (index, read) in reads.iter().enumerate() {
        let last = index + 1 == reads.len();
        let word = if last { read.clone() } else { format!("{read}, ") };
        let current = lines.last().map_or(0, |line| line.chars().count());
        if current > indent && current + word.trim_end().chars().count() > 100 {
            lines.push(" ".repeat(indent));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(&word);
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn shown(graph: &Graph, stage: &str) -> String {
    match cells(graph, stage) {
        1 => stage.to_owned(),
        count => format!("{stage} ×{count}"),
    }
}

fn dot(graph: &Graph) -> String {
    let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];\n", graph.spec.name);
    for name in graph.spec.sources.keys() {
        text.push_str(&format!("  \"{name}\" [shape=folder];\n"));
    }
    for (stage, reads) in folded(graph) {
        text.push_str(&format!("  \"{stage}\" [label=\"{}\"];\n", shown(graph, &stage)));
        for read in reads {
            text.push_str(&format!("  \"{read}\" -> \"{stage}\";\n"));
        }
    }
    text + "}\n"
}

fn mermaid(graph: &Graph) -> String {
    let id = |name: &str| format!("s_{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let mut text = "flowchart LR\n".to_owned();
    for name in graph.spec.sources.keys() {
        text.push_str(&format!("  {}[(\"{name}\")]\n", id(name)));
    }
    for (stage, reads) in folded(graph) {
        text.push_str(&format!("  {}[\"{}\"]\n", id(&stage), shown(graph, &stage)));
        for read in reads {
            text.push_str(&format!("  {} --> {}\n", id(&read), id(&stage)));
        }
    }
    text
}

fn as_json(graph: &Graph) -> serde_json::Value {
    let cell = |cell: &usize| {
        let cell = &graph.cells[*cell];
        let reads: Vec<serde_json::Value> = cell
            .inputs
            .iter()
            .flat_map(|port| port.readings.iter().map(move |reading| (port, reading)))
            .map(|(port, reading)| {
                let from = match &reading.from {
                    InputRef::Cell { cell, port } => json!({ "cell": graph.name(*cell), "port": port }),
                    InputRef::Source(source) => json!({ "source": graph.sources[*source].name }),
                };
                json!({ "port": port.port, "from": from, "path": reading.path })
            })
            .collect();
        json!({
            "cell": cell.id.to_string(), "stage": cell.id.stage, "coordinates": cell.id.coordinates,
            "uses": cell.work.type_name(), "reads": reads,
        })
    };
    let cells: Vec<serde_json::Value> = graph.order().iter().map(cell).collect();
    let source = |source: &dgpipe_engine::graph::Source| json!({ "source": source.name, "kind": source.kind, "path": source.shown });
    let sources: Vec<serde_json::Value> = graph.sources.iter().map(source).collect();
    json!({ "pipeline": graph.spec.name, "profile": graph.spec.profile, "sources": sources, "cells": cells })
}
