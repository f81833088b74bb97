//! The cells of a report: in the order of their stages, each with its state, and with all that is known of it.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_cache::{Key, Record};
use dgpipe_engine::fingerprint::Fingerprint;
use dgpipe_engine::graph::InputRef;
use dgpipe_engine::plan::{Decision, Plan, Reason};
use dgpipe_engine::run::{Outcome, RunReport};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CellState, legible};
use crate::Failure;
use crate::picture::Folded;
use crate::session::Session;
use crate::terminal::{sanitised, time};

/// How many cells share a file of the report.
const CHUNK: usize = 200;
/// How many readers of a cell are named.
const MOST_READERS: usize = 40;

/// All cells, and what the plan and the store say of them.
pub(super) struct Cells<'a> {
    session: &'a Session,
    plan: &'a Plan,
    last: Option<&'a RunReport>,
    /// The stages with their cells, in an order in which they can be done.
    stages: Vec<(String, Vec<usize>)>,
    /// The place of each cell in the report.
    places: BTreeMap<usize, usize>,
    states: Vec<CellState>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Log {
    stdout: String,
    stderr: String,
    notes: String,
}

impl<'a> Cells<'a> {
    pub(super) fn new(session: &'a Session, plan: &'a Plan, last: Option<&'a RunReport>) -> Self {
        let nodes = Folded::stages(&session.graph).nodes.into_iter();
        let stages: Vec<_> = nodes.filter(|node| !node.cells.is_empty()).map(|node| (node.name, node.cells)).collect();
        let order: Vec<usize> = stages.iter().flat_map(|(_, cells)| cells.clone()).collect();
        let places = order.iter().enumerate().map(|(place, cell)| (*cell, place)).collect();
        let state = |cell: &usize| {
            let name = session.graph.name(*cell);
            let outcome = last.and_then(|report| report.cells.get(&name)).map(|cell| cell.outcome);
            let decision = plan.decisions.get(cell).map(|planned| &planned.decision);
            CellState::of(decision, outcome, session.latest.contains_key(&name))
        };
        let states = order.iter().map(state).collect();
        Self { session, plan, last, stages, places, states }
    }

    /// The state of a cell, by its index in the graph.
    pub(super) fn state(&self, cell: usize) -> CellState {
        self.states[self.places[&cell]]
    }

    /// How many cells are in each state that there is, in the order of states.
    pub(super) fn shares(&self, cells: &mut dyn Iterator<Item = usize>) -> Vec<(CellState, usize)> {
        let mut counts = [0; CellState::ALL.len()];
        cells.for_each(|cell| counts[self.state(cell) as usize] += 1);
        CellState::ALL.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// What the page needs at once: stages, names, states and times.
    pub(super) fn index(&self, folded: &Folded) -> Value {
        let graph = &self.session.graph;
        let mut first = 0;
        let stages: Vec<Value> = self
            .stages
            .iter()
            .map(|(name, cells)| {
                let stage = &graph.stages[name];
                first += cells.len();
                let axes: Vec<String> = stage.axes.iter().map(|axis| sanitised(axis)).collect();
                json!({ "name": sanitised(name), "uses": sanitised(&stage.uses), "axes": axes, "first": first - cells.len(), "count": cells.len() })
            })
            .collect();
        let numbers: BTreeMap<&str, usize> =
            self.stages.iter().enumerate().map(|(number, (name, _))| (name.as_str(), number)).collect();
        let nodes = folded.nodes.iter().map(|node| node.stages.iter().map(|name| numbers[name.as_str()]).collect());
        let nodes: Vec<Vec<usize>> = nodes.collect();
        let order = || self.stages.iter().flat_map(|(_, cells)| cells);
        let values = |cell: &usize| {
            let coordinates = &graph.cells[*cell].id.coordinates;
            coordinates.values().map(|value| sanitised(&value.to_string())).collect::<Vec<_>>()
        };
        let seconds = |cell: &usize| {
            let seconds = self.plan.decisions.get(cell).and_then(|planned| planned.seconds);
            seconds.map(|seconds| (seconds * 1000.0).round() / 1000.0)
        };
        json!({
            "chunk": CHUNK, "stages": stages, "nodes": nodes,
            "names": order().map(|cell| sanitised(&graph.name(*cell))).collect::<Vec<_>>(),
            "values": order().map(values).collect::<Vec<_>>(),
            "seconds": order().map(seconds).collect::<Vec<_>>(),
            "states": self.states.iter().map(|state| state.digit()).collect::<String>(),
            "classes": CellState::ALL.map(CellState::class), "words": CellState::ALL.map(CellState::word),
        })
    }

    /// All that is known of the cells, in the files of the report.
    pub(super) fn chunks(&self) -> Result<Vec<Value>, Failure> {
        let order: Vec<usize> = self.stages.iter().flat_map(|(_, cells)| cells.clone()).collect();
        let chunk = |cells: &[usize]| -> Result<Value, Failure> {
            Ok(Value::Array(cells.iter().map(|cell| self.detail(*cell)).collect::<Result<_, _>>()?))
        };
        order.chunks(CHUNK).map(chunk).collect()
    }

    fn detail(&self, cell: usize) -> Result<Value, Failure> {
        let (graph, store) = (&self.session.graph, &self.session.store);
        let name = graph.name(cell);
        let planned = self.plan.decisions.get(&cell);
        let now = planned.and_then(|planned| planned.key);
        let recorded = self.recorded(cell, now);
        let record = recorded.map(|key| store.record(&key)).transpose()?.flatten();
        let ended = self.last.and_then(|report| report.cells.get(&name));
        let failed = ended.filter(|cell| cell.outcome == Outcome::Failed);
        // What failed wrote its log under the key that it would have had.
        let log_key = if failed.is_some() { now } else { recorded };
        let log = log_key.map(|key| store.log(&key)).transpose()?.flatten();
        let log: Log = log.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let (readers, more) = self.readers(cell);
        Ok(json!({
            "uses": sanitised(graph.cells[cell].work.type_name()),
            "about": graph.spec.stages.get(&graph.cells[cell].id.stage).and_then(|stage| stage.about.as_deref()).map(sanitised),
            "why": self.why(cell),
            "error": failed.and_then(|cell| cell.error.as_deref()).map(legible::log),
            "record": record.as_ref().map(described),
            "config": record.as_ref().map(|record| rows(&record.fingerprint["config"])),
            "metrics": record.as_ref().map(|record| record.metrics.iter().map(|(name, value)| [sanitised(name), legible::value(value)]).collect::<Vec<_>>()),
            "reads": self.reads(cell, record.as_ref()),
            "outputs": record.as_ref().map(outputs),
            "readers": readers, "more_readers": more,
            "stdout": legible::log(&log.stdout), "stderr": legible::log(&log.stderr), "notes": legible::log(&log.notes),
        }))
    }

    /// The key of the record to show: what it is now, else what it was last.
    fn recorded(&self, cell: usize, now: Option<Key>) -> Option<Key> {
        let reused = self.plan.decisions.get(&cell).is_some_and(|planned| planned.decision == Decision::Reuse);
        let latest = self.session.latest.get(&self.session.graph.name(cell)).copied();
        if reused { now } else { latest }
    }

    /// Why it would execute now, a line each.
    fn why(&self, cell: usize) -> Vec<String> {
        match self.plan.decisions.get(&cell).map(|planned| &planned.decision) {
            Some(Decision::Execute(reasons)) => reasons.iter().map(|reason| sanitised(&reason.to_string())).collect(),
            Some(Decision::Await(on)) => {
                let first = on.first().map(|cell| self.session.graph.name(*cell)).unwrap_or_default();
                let more = if on.len() > 1 { format!(" and {} more", on.len() - 1) } else { String::new() };
                vec![sanitised(&format!("waits for {first}{more}"))]
            }
            _ => Vec::new(),
        }
    }

    /// Port, provider, its place in the report where it is a cell, and the digest that was read.
    fn reads(&self, cell: usize, record: Option<&Record>) -> Vec<Value> {
        let graph = &self.session.graph;
        let fingerprint =
            record.and_then(|record| serde_json::from_value::<Fingerprint>(record.fingerprint.clone()).ok());
        let mut reads = Vec::new();
        for port in &graph.cells[cell].inputs {
            let read = fingerprint.as_ref().and_then(|read| read.inputs.iter().find(|read| read.port == port.port));
            let read = read.filter(|read| read.inputs.len() == port.readings.len());
            for (index, reading) in port.readings.iter().enumerate() {
                let below = reading.path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
                let (name, place) = match &reading.from {
                    InputRef::Cell { cell, port } => (format!("{}.{port}", graph.name(*cell)), self.places.get(cell)),
                    InputRef::Source(source) => (graph.sources[*source].name.clone(), None),
                };
                let digest = read.map(|read| read.inputs[index].artifact.digest.short());
                reads.push(json!([sanitised(&port.port), sanitised(&format!("{name}{below}")), place, digest]));
            }
        }
        reads
    }

    fn readers(&self, cell: usize) -> (Vec<usize>, usize) {
        let readers: BTreeSet<usize> =
            self.session.graph.readers(cell).iter().map(|reader| self.places[reader]).collect();
        let more = readers.len().saturating_sub(MOST_READERS);
        (readers.into_iter().take(MOST_READERS).collect(), more)
    }
}

/// When, where and why a record came about, as rows.
fn described(record: &Record) -> Vec<[String; 2]> {
    let reasons: Vec<Reason> = serde_json::from_value(record.reasons.clone()).unwrap_or_default();
    let host = record.host.as_object().into_iter().flatten().map(|(_, value)| legible::value(value));
    let place: Vec<String> =
        std::iter::once(sanitised(&record.device)).chain(host).filter(|text| !text.is_empty()).collect();
    let version = &record.fingerprint["version"];
    let rows = [
        ("executed", time(record.started)),
        ("took", crate::terminal::duration(record.seconds)),
        ("because", reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        ("on", place.join(", ")),
        ("run", record.run.clone()),
        ("dgpipe", record.engine.clone()),
        ("type version", if version.is_null() { String::new() } else { version.to_string() }),
        ("key", record.key.to_string()),
    ];
    let shown = rows.into_iter().filter(|(_, text)| !text.is_empty());
    shown.map(|(name, text)| [name.to_owned(), sanitised(&text)]).collect()
}

/// Port, kind, size and digest of what was made.
fn outputs(record: &Record) -> Vec<[String; 4]> {
    let row = |(port, output): (&String, &dgpipe_cache::Output)| {
        let (size, digest) = (output.artifact.size, output.artifact.digest.short());
        [sanitised(port), sanitised(&output.kind), crate::terminal::bytes(size), digest]
    };
    record.outputs.iter().map(row).collect()
}

/// The settings of a config, a row each.
fn rows(config: &Value) -> Vec<[String; 2]> {
    let rows = config.as_object().into_iter().flatten();
    rows.map(|(name, value)| [sanitised(name), legible::value(value)]).collect()
}
