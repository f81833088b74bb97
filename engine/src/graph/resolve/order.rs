//! Which cells wait for which, and an order in which all can execute.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::graph::{Cell, InputRef};
use crate::spec::{Mistake, Place};

/// An edge from each cell to each that reads it.
pub(super) fn edges(cells: &[Cell]) -> DiGraph<(), ()> {
    let mut edges = DiGraph::with_capacity(cells.len(), cells.len() * 2);
    for _ in cells {
        edges.add_node(());
    }
    for (index, cell) in cells.iter().enumerate() {
        for reading in cell.inputs.iter().flat_map(|port| &port.readings) {
            if let InputRef::Cell { cell, .. } = &reading.from {
                edges.add_edge(NodeIndex::new(*cell), NodeIndex::new(index), ());
            }
        }
    }
    edges
}

/// Every cell after all that it reads, and otherwise in the order of the file, which is the order people expect.
pub(super) fn order(edges: &DiGraph<(), ()>, cells: &[Cell], mistakes: &mut Vec<Mistake>) -> Vec<usize> {
    let mut open: Vec<usize> = edges.node_indices().map(|node| edges.edges_directed(node, Incoming).count()).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..cells.len()).filter(|cell| open[*cell] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(cells.len());
    while let Some(Reverse(cell)) = ready.pop() {
        order.push(cell);
        for reader in edges.neighbors_directed(NodeIndex::new(cell), Outgoing).map(NodeIndex::index) {
            open[reader] -= 1;
            if open[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() < cells.len() {
        // This one keeps its own stack: a circle with a long tail would be too deep for that of the thread.
        for circle in petgraph::algo::kosaraju_scc(edges) {
            let itself = circle.len() == 1 && edges.contains_edge(circle[0], circle[0]);
            if circle.len() > 1 || itself {
                mistakes.push(circle_mistake(&circle, cells));
            }
        }
    }
    order
}

/// More stages of a circle than this help nobody.
const MOST_SHOWN: usize = 12;

fn circle_mistake(circle: &[NodeIndex], cells: &[Cell]) -> Mistake {
    let mut stages: Vec<(&str, Place)> =
        circle.iter().map(|node| (cells[node.index()].id.stage.as_str(), cells[node.index()].place)).collect();
    stages.sort_by_key(|(_, place)| *place);
    stages.dedup();
    let names: Vec<&str> = stages.iter().take(MOST_SHOWN).map(|(name, _)| *name).collect();
    let more = if stages.len() > MOST_SHOWN { format!(", … {} in all", stages.len()) } else { String::new() };
    let message = format!("stages read one another in a circle: [{}{more}]", names.join(", "));
    let mut mistake = Mistake::new("circle", message).at(stages[0].1, "this stage");
    for (_, place) in stages.iter().take(MOST_SHOWN).skip(1) {
        mistake = mistake.also(*place, "and this one");
    }
    mistake
}
