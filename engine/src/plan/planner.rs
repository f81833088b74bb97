//! Makes a [`Plan`]: keys from the sources downwards, then needed bytes from the targets upwards.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_cache::{Artifact, Key, Store, StoreError};

use super::identity::InputError;
use super::{
    Decision, Plan, PlannedCell, Reason, SourceError, SourceSnapshots, fingerprint, input_artifacts, reasons_between,
};
use crate::fingerprint::Fingerprint;
use crate::graph::{Graph, InputRef, Targets};
use crate::spec::{Node, PipelineSpec, StageSpec, Template};

/// What a plan is for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// What must be up to date at the end.
    pub targets: Targets,
    /// Cells that execute whatever is recorded.
    pub force: BTreeSet<usize>,
}

/// A plan that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Sources are not there or cannot be read.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Sources(Vec<SourceError>),
    /// An input names a part that is not there.
    #[error("{cell}: {what}")]
    Input {
        /// The cell that reads it.
        cell: String,
        /// What is missing.
        what: String,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Decides what to do about cells.
#[derive(Debug)]
pub struct Planner<'a> {
    graph: &'a Graph,
    store: &'a Store,
    latest: &'a BTreeMap<String, Key>,
}

impl<'a> Planner<'a> {
    /// A planner over a graph, a store, and the last records of this project's cells.
    pub fn new(graph: &'a Graph, store: &'a Store, latest: &'a BTreeMap<String, Key>) -> Self {
        Self { graph, store, latest }
    }

    /// Decides about everything that the targets need. Writes nothing but the memo of source digests.
    pub fn plan(&self, request: Request) -> Result<Plan, PlanError> {
        let wanted = self.upstream(&request.targets.cells);
        let cells: Vec<usize> = self.graph.order().iter().copied().filter(|cell| wanted.contains(cell)).collect();
        let sources =
            SourceSnapshots::take(self.graph, &cells, &self.store.source_memo()).map_err(PlanError::Sources)?;
        let mut plan =
            Plan { targets: request.targets, cells, decisions: BTreeMap::new(), forced: request.force, sources };
        for cell in plan.cells.clone() {
            let decided = self.decide(&plan, cell)?;
            plan.decisions.insert(cell, decided);
        }
        self.demand_bytes(&mut plan);
        Ok(plan)
    }

    /// The given cells and all that they read, directly or not.
    fn upstream(&self, cells: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut wanted = BTreeSet::new();
        let mut open: Vec<usize> = cells.iter().copied().collect();
        while let Some(cell) = open.pop() {
            if wanted.insert(cell) {
                open.extend(self.graph.reads(cell));
            }
        }
        wanted
    }

    fn decide(&self, plan: &Plan, cell: usize) -> Result<PlannedCell, PlanError> {
        let output = |other: usize, port: &str| -> Option<Artifact> {
            let other = plan.decisions.get(&other)?;
            if other.decision == Decision::Reuse { Some(other.outputs.get(port)?.artifact) } else { None }
        };
        let known = input_artifacts(self.graph, &self.graph.cells[cell], &plan.sources, self.store, &output);
        let artifacts = match known {
            Ok(artifacts) => artifacts,
            Err(InputError::SourcePart(what)) => return Err(PlanError::Input { cell: self.graph.name(cell), what }),
            // Only this cell and what reads it are lost; the run says so where everybody looks.
            Err(InputError::MadePart(what)) => {
                let decision = Decision::Execute(vec![Reason::PartMissing { what }]);
                return Ok(PlannedCell { decision, identity: None, outputs: BTreeMap::new(), seconds: None });
            }
            // A folder's manifest that cannot be read is found again below, as bytes that are needed and missing.
            Err(InputError::Store(error)) if error.is_miss() => None,
            Err(InputError::Store(error)) => return Err(error.into()),
        };
        let Some(artifacts) = artifacts else { return Ok(self.awaiting(plan, cell)) };
        let fingerprint = fingerprint(self.graph, &self.graph.cells[cell], &artifacts);
        let key = fingerprint.key();
        let found = self.store.lookup(&key)?;
        let forced = plan.forced.contains(&cell);
        let decision = match (&found, forced) {
            (Some(_), false) => Decision::Reuse,
            (_, true) => Decision::Execute(vec![Reason::Forced]),
            (None, false) => Decision::Execute(self.reasons(cell, &fingerprint, key)?),
        };
        let (seconds, outputs) = match found {
            Some(found) => (Some(found.seconds), found.outputs),
            None => (self.last_seconds(cell), BTreeMap::new()),
        };
        Ok(PlannedCell { decision, identity: Some((fingerprint, key)), outputs, seconds })
    }

    fn awaiting(&self, plan: &Plan, cell: usize) -> PlannedCell {
        let undecided = |other: &usize| plan.decisions.get(other).is_some_and(|cell| cell.decision != Decision::Reuse);
        let on = self.graph.reads(cell).into_iter().filter(undecided).collect();
        let seconds = self.last_seconds(cell);
        PlannedCell { decision: Decision::Await(on), identity: None, outputs: BTreeMap::new(), seconds }
    }

    fn last_seconds(&self, cell: usize) -> Option<f64> {
        Some(self.store.lookup(&self.last_record(cell)?).ok()??.seconds)
    }

    /// The key of the last record of a cell under this profile.
    pub(crate) fn last_record(&self, cell: usize) -> Option<Key> {
        self.latest.get(&self.graph.name(cell)).copied()
    }

    /// Why a cell without a record has to execute.
    pub(crate) fn reasons(&self, cell: usize, now: &Fingerprint, key: Key) -> Result<Vec<Reason>, StoreError> {
        let Some(last) = self.latest.get(&self.graph.name(cell)) else { return Ok(vec![Reason::NewCell]) };
        let record = self.store.record(last)?;
        let was = record.and_then(|record| serde_json::from_value::<Fingerprint>(record.fingerprint).ok());
        let Some(was) = was.filter(|_| *last != key) else { return Ok(vec![Reason::RecordMissing]) };
        let from = |port: &str, index: usize| self.provider(cell, port, index);
        let mut reasons = reasons_between(&was, now, &from);
        for reason in &mut reasons {
            if let Reason::ConfigChanged { path, origin, .. } = reason {
                *origin = self.origin(cell, path);
            }
        }
        Ok(reasons)
    }

    fn provider(&self, cell: usize, port: &str, index: usize) -> String {
        let port = self.graph.cells[cell].inputs.iter().find(|inputs| inputs.port == port);
        let Some(reading) = port.and_then(|port| port.readings.get(index)) else { return "?".to_owned() };
        match &reading.from {
            InputRef::Cell { cell, .. } => self.graph.name(*cell),
            InputRef::Source(index) => {
                let below = reading.path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
                format!("{}{below}", self.graph.sources[*index].name)
            }
        }
    }

    /// Where a config value comes from: the param it refers to and the line that sets it.
    fn origin(&self, cell: usize, path: &str) -> Option<String> {
        let spec = &self.graph.spec;
        let stage = spec.stages.get(&self.graph.cells[cell].id.stage)?;
        let mut node: &Node = written(stage, path)?;
        let mut param = None;
        while let Some(name) = node.as_text().and_then(|text| only_param(text, node, spec)) {
            let mut parts = name.split('.');
            let first = parts.next().and_then(|first| Some(&spec.params.get(first)?.node));
            let Some(value) = parts.fold(first, |node, part| node?.get(part)) else { break };
            (node, param) = (value, Some(name));
        }
        let place = self.graph.texts.describe(node.place);
        // `--set a=…` also replaces what `${a.b}` refers to.
        let above = |name: &str| {
            let mut ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
            ends.find_map(|end| spec.overridden.get(&name[..end]).copied())
        };
        let set_over = param.as_deref().and_then(above);
        let place = match set_over {
            Some(over) => format!("--set, over {}", self.graph.texts.describe(over)),
            None => place,
        };
        let last = path.rsplit('.').next().unwrap_or(path);
        Some(match param {
            Some(name) if name != last => format!("param {name}, {place}"),
            _ => place,
        })
    }

    /// Finds cells whose bytes are needed and are not there, and makes them execute. They need bytes in turn.
    fn demand_bytes(&self, plan: &mut Plan) {
        for cell in plan.cells.clone().into_iter().rev() {
            let planned = &plan.decisions[&cell];
            if planned.decision != Decision::Reuse {
                continue;
            }
            let Some(port) = self.missing_port(plan, cell) else { continue };
            let planned = plan.decisions.get_mut(&cell).expect("every cell of the plan has a decision");
            planned.decision = Decision::Execute(vec![Reason::ArtifactMissing { port }]);
        }
    }

    /// An output that somebody needs and that the store does not have.
    fn missing_port(&self, plan: &Plan, cell: usize) -> Option<String> {
        let outputs = &plan.decisions[&cell].outputs;
        let is_target = plan.targets.cells.contains(&cell);
        let read_by_executing = |port: &str| {
            self.graph.readers(cell).into_iter().any(|reader| {
                let executes = plan.decisions.get(&reader).is_some_and(|cell| cell.decision != Decision::Reuse);
                executes && reads_port(self.graph, reader, cell, port)
            })
        };
        let needed = |port: &str| is_target || read_by_executing(port);
        let missing = |(port, output): (&String, &dgpipe_cache::Output)| {
            (needed(port) && !self.store.contains(&output.artifact)).then(|| port.clone())
        };
        outputs.iter().find_map(missing)
    }
}

fn reads_port(graph: &Graph, reader: usize, cell: usize, port: &str) -> bool {
    let mut readings = graph.cells[reader].inputs.iter().flat_map(|inputs| &inputs.readings);
    readings.any(|reading| reading.from == InputRef::Cell { cell, port: port.to_owned() })
}

/// What the file says at a path of a cell's config; of a command the config is what stands beside `uses:`.
fn written<'a>(stage: &'a StageSpec, path: &str) -> Option<&'a Node> {
    let mut parts = path.split('.');
    let top = match &stage.config {
        Some(config) => config.get(parts.next()?)?,
        None => &stage.command.get(parts.next()?)?.node,
    };
    parts.try_fold(top, |node, part| match node.as_list() {
        Some(list) => list.get(part.parse::<usize>().ok()?),
        // A shell command is one text, and a list of one in the key.
        None if part == "0" && node.as_text().is_some() => Some(node),
        None => node.get(part),
    })
}

/// The param that a text refers to, where it refers to one alone.
fn only_param(text: &str, node: &Node, spec: &PipelineSpec) -> Option<String> {
    let template = Template::parse(text, node.place).ok()?;
    let is_param = |name: &&str| spec.params.contains_key(name.split('.').next().unwrap_or(name));
    let mut params = template.references().filter(is_param);
    let first = params.next()?.to_owned();
    params.all(|other| other == first).then_some(first)
}
