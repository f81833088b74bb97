//! `dgpipe dag`: the graph of stages, cells folded into their stage.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use dgpipe_engine::graph::{Graph, InputRef};
use serde_json::json;

use crate::arguments::Common;
use crate::picture::{Drawing, Folded, Node, NodeKind};
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
    /// As a picture
    Svg,
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
            Format::Svg => Drawing::new(&Folded::readable(&graph)).alone(&graph.spec.name),
            Format::Json => format!("{:#}\n", as_json(&graph)),
        });
        Ok(ExitStatus::Done)
    }
}

fn text(graph: &Graph) -> String {
    let folded = Folded::stages(graph);
    let label = |node: &Node| match node.kind {
        NodeKind::Source => node.name.clone(),
        NodeKind::Stage | NodeKind::Stages => match graph.stages[&node.name].axes.as_slice() {
            [] => node.name.clone(),
            axes => format!("{} [{}] ×{}", node.name, axes.join(", "), node.cells.len()),
        },
    };
    let stages = || folded.nodes.iter().enumerate().filter(|(_, node)| node.kind == NodeKind::Stage);
    let widest = stages().map(|(_, node)| label(node).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for source in graph.sources.iter().filter(|source| graph.spec.sources.contains_key(&source.name)) {
        text.push_str(&format!("{}  source {} at {}\n", source.name, source.kind, source.shown));
    }
    for (index, node) in stages() {
        let label = label(node);
        let pad = " ".repeat(widest.saturating_sub(label.chars().count()));
        text.push_str(&wrapped(&format!("{label}{pad}  ← "), &folded.reads(index)));
    }
    text
}

/// Lines of at most 100 columns, the list indented under its beginning.
fn wrapped(head: &str, reads: &BTreeSet<&str>) -> String {
    if reads.is_empty() {
        return format!("{}\n", head.trim_end_matches(" ← ").trim_end());
    }
    let indent = head.chars().count();
    let mut lines = vec![head.to_owned()];
    for (index, read) in reads.iter().enumerate() {
        let last = index + 1 == reads.len();
        let word = if last { (*read).to_owned() } else { format!("{read}, ") };
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

fn shown(node: &Node) -> String {
    if node.cells.len() > 1 { format!("{} ×{}", node.name, node.cells.len()) } else { node.name.clone() }
}

fn dot(graph: &Graph) -> String {
    let folded = Folded::stages(graph);
    let mut text = format!("digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box];\n", graph.spec.name);
    for (index, node) in folded.nodes.iter().enumerate() {
        let name = &node.name;
        text.push_str(&match node.kind {
            NodeKind::Source => format!("  \"{name}\" [shape=folder];\n"),
            _ => format!("  \"{name}\" [label=\"{}\"];\n", shown(node)),
        });
        for read in folded.reads(index) {
            text.push_str(&format!("  \"{read}\" -> \"{name}\";\n"));
        }
    }
    text + "}\n"
}

fn mermaid(graph: &Graph) -> String {
    let id = |name: &str| format!("s_{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let folded = Folded::stages(graph);
    let mut text = "flowchart LR\n".to_owned();
    for (index, node) in folded.nodes.iter().enumerate() {
        text.push_str(&match node.kind {
            NodeKind::Source => format!("  {}[(\"{}\")]\n", id(&node.name), node.name),
            _ => format!("  {}[\"{}\"]\n", id(&node.name), shown(node)),
        });
        for read in folded.reads(index) {
            text.push_str(&format!("  {} --> {}\n", id(read), id(&node.name)));
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
