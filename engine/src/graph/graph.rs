//! All cells of a pipeline and how they depend on one another.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use indexmap::IndexMap;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{AxisValue, Cell, Coordinates, Publication, Source};
use crate::spec::{PipelineSpec, Texts};
use crate::stage::Ports;

/// The meaning of a pipeline file. Cells are referred to by their index.
#[derive(Debug)]
pub struct Graph {
    /// The text it comes from.
    pub spec: PipelineSpec,
    /// The texts of `spec`, for messages.
    pub texts: Texts,
    /// Params with every reference resolved.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// Stages in the order of the file.
    pub stages: IndexMap<String, StageNode>,
    /// All cells, stage by stage, in their order.
    pub cells: Vec<Cell>,
    /// All sources.
    pub sources: Vec<Source>,
    /// What is published, by path.
    pub publications: Vec<Publication>,
    /// Edges go from a cell to those that read it. Node `n` is cell `n`.
    pub(super) edges: DiGraph<(), ()>,
    /// Every cell after all that it reads.
    pub(super) order: Vec<usize>,
    /// Names of cells, made when one is first asked for.
    pub(super) names: OnceLock<Vec<String>>,
    /// Cells by name, made when one is first looked for.
    pub(super) by_name: OnceLock<BTreeMap<String, usize>>,
}

/// A stage with its fan-out.
#[derive(Clone, Debug, Default)]
pub struct StageNode {
    /// The stage type.
    pub uses: String,
    /// Inputs and outputs.
    pub ports: Ports,
    /// Its axes, by name.
    pub axes: Vec<String>,
    /// The index of the cell at each of its coordinates.
    pub cells: BTreeMap<Coordinates, usize>,
    /// The cells of each value of each axis as it is written, made when a selector first asks.
    pub(super) by_value: OnceLock<CellsByValue>,
}

/// For each axis and value, the cells that have it, ascending.
pub(super) type CellsByValue = BTreeMap<String, BTreeMap<String, Vec<usize>>>;

impl StageNode {
    /// The cells that have a value, which is compared as it is written; ascending, which is their order.
    pub(super) fn with_value(&self, axis: &str, value: &AxisValue) -> &[usize] {
        let all = || {
            let mut by_value = CellsByValue::new();
            for (coordinates, cell) in &self.cells {
                for (axis, value) in coordinates {
                    let of_axis = by_value.entry(axis.clone()).or_default();
                    of_axis.entry(value.to_string()).or_default().push(*cell);
                }
            }
            by_value
        };
        let cells = self.by_value.get_or_init(all).get(axis).and_then(|values| values.get(&value.to_string()));
        cells.map_or(&[], Vec::as_slice)
    }
}

impl Graph {
    /// Every cell after all that it reads.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The cells that a cell reads, each once.
    pub fn reads(&self, cell: usize) -> Vec<usize> {
        self.neighbours(cell, Direction::Incoming)
    }

    /// The cells that read a cell, each once.
    pub fn readers(&self, cell: usize) -> Vec<usize> {
        self.neighbours(cell, Direction::Outgoing)
    }

    fn neighbours(&self, cell: usize, direction: Direction) -> Vec<usize> {
        let mut cells: Vec<usize> =
            self.edges.neighbors_directed(NodeIndex::new(cell), direction).map(NodeIndex::index).collect();
        cells.sort_unstable();
        cells.dedup();
        cells
    }

    /// The cells that nothing reads.
    pub fn leaves(&self) -> Vec<usize> {
        (0..self.cells.len()).filter(|cell| self.readers(*cell).is_empty()).collect()
    }

    /// The name of a cell.
    pub fn name(&self, cell: usize) -> String {
        let all = || self.cells.iter().map(|cell| cell.id.to_string()).collect();
        self.names.get_or_init(all)[cell].clone()
    }

    /// The index of the cell of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        let all = || (0..self.cells.len()).map(|cell| (self.name(cell), cell)).collect();
        self.by_name.get_or_init(all).get(name).copied()
    }
}
