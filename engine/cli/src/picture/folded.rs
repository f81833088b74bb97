//! A graph with cells folded into their stage; where there are very many stages, those of one depth into one node.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_engine::graph::{Graph, InputRef};

/// How many nodes a picture has before stages of one depth become one node.
const MOST_NODES: usize = 150;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Source,
    Stage,
    /// Several stages of one depth.
    Stages,
}

/// A node of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    /// The name of the source or stage; of several stages the first and the last.
    pub(crate) name: String,
    /// What stands below the name: kind of a source, type and fan-out of a stage.
    pub(crate) detail: String,
    /// The stages, in an order in which they can be done.
    pub(crate) stages: Vec<String>,
    /// The cells, in their order.
    pub(crate) cells: Vec<usize>,
}

/// Nodes, every one after those that it reads, and edges from what is read to the reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folded {
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: BTreeSet<(usize, usize)>,
}

impl Folded {
    /// One node a stage and source, however many there are.
    pub(crate) fn stages(graph: &Graph) -> Self {
        let mut folded = Self::default();
        for source in graph.sources.iter().filter(|source| graph.spec.sources.contains_key(&source.name)) {
            let (name, detail) = (source.name.clone(), format!("source, {}", source.kind));
            let (stages, cells) = (Vec::new(), Vec::new());
            folded.nodes.push(Node { kind: NodeKind::Source, name, detail, stages, cells });
        }
        let sources: BTreeMap<String, usize> =
            folded.nodes.iter().enumerate().map(|(index, node)| (node.name.clone(), index)).collect();
        let mut stages: BTreeMap<&str, usize> = BTreeMap::new();
        for cell in graph.order() {
            let name = graph.cells[*cell].id.stage.as_str();
            stages.entry(name).or_insert_with(|| {
                folded.nodes.push(stage_node(graph, name));
                folded.nodes.len() - 1
            });
        }
        for cell in &graph.cells {
            let reader = stages[cell.id.stage.as_str()];
            for reading in cell.inputs.iter().flat_map(|port| &port.readings) {
                let from = match &reading.from {
                    InputRef::Cell { cell, .. } => stages.get(graph.cells[*cell].id.stage.as_str()),
                    InputRef::Source(source) => sources.get(&graph.sources[*source].name),
                };
                folded.edges.extend(from.map(|from| (*from, reader)));
            }
        }
        folded
    }

    /// As many nodes as a person can take in.
    pub(crate) fn readable(graph: &Graph) -> Self {
        let stages = Self::stages(graph);
        if stages.nodes.len() <= MOST_NODES { stages } else { stages.layers() }
    }

    /// The names of what a node reads, in the order of their letters.
    pub(crate) fn reads(&self, node: usize) -> BTreeSet<&str> {
        let edges = self.edges.iter().filter(|(_, reader)| *reader == node);
        edges.map(|(from, _)| self.nodes[*from].name.as_str()).collect()
    }

    fn layers(&self) -> Self {
        let mut depth = vec![0usize; self.nodes.len()];
        let mut by_reader: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (from, reader) in &self.edges {
            by_reader[*reader].push(*from);
        }
        let mut layers: Vec<Vec<usize>> = Vec::new();
        for node in 0..self.nodes.len() {
            depth[node] = by_reader[node].iter().map(|from| depth[*from] + 1).max().unwrap_or(0);
            layers.resize_with(layers.len().max(depth[node] + 1), Vec::new);
            layers[depth[node]].push(node);
        }
        let merged = |members: &Vec<usize>| {
            let members: Vec<&Node> = members.iter().map(|node| &self.nodes[*node]).collect();
            let name = match members.as_slice() {
                [one] => one.name.clone(),
                [first, .., last] => format!("{} … {}", first.name, last.name),
                [] => String::new(),
            };
            let stages: Vec<String> = members.iter().flat_map(|node| node.stages.clone()).collect();
            let cells: Vec<usize> = members.iter().flat_map(|node| node.cells.clone()).collect();
            let detail = format!("{} stages, {} cells", stages.len(), cells.len());
            Node { kind: NodeKind::Stages, name, detail, stages, cells }
        };
        let edges = self.edges.iter().map(|(from, reader)| (depth[*from], depth[*reader])).collect();
        Self { nodes: layers.iter().map(merged).collect(), edges }
    }
}

fn stage_node(graph: &Graph, name: &str) -> Node {
    let stage = &graph.stages[name];
    let cells: Vec<usize> = stage.cells.values().copied().collect();
    let uses = if stage.uses == name { String::new() } else { stage.uses.clone() };
    let fan =
        if stage.axes.is_empty() { String::new() } else { format!("×{} {}", cells.len(), stage.axes.join(", ")) };
    let parts: Vec<String> = [uses, fan].into_iter().filter(|part| !part.is_empty()).collect();
    let (name, detail) = (name.to_owned(), parts.join(" · "));
    Node { kind: NodeKind::Stage, detail, stages: vec![name.clone()], name, cells }
}
