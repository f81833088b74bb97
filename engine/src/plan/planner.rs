//! Makes a [`Plan`]: keys from the sources downwards, then needed bytes from the targets upwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use dgpipe_cache::{Artifact, Digest, Key, Record, Store, StoreError};

use super::axis_change::AxisChanges;
use super::difference::{Identified, reasons_between};
use super::identity::InputError;
use super::origin::explained;
use super::{
    Cause, Decision, FileChanges, Plan, PlannedCell, Provenance, Reason, Remembered, SourceError, SourceSnapshots,
    fingerprint, input_artifacts,
};
use crate::fingerprint::Fingerprint;
use crate::graph::{Graph, InputRef, Targets};

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
    /// Made when the first cell is found to be new or gone.
    axes: OnceLock<AxisChanges>,
}

impl<'a> Planner<'a> {
    /// A planner over a graph, a store, and the last records of this project's cells.
    pub fn new(graph: &'a Graph, store: &'a Store, latest: &'a BTreeMap<String, Key>) -> Self {
        Self { graph, store, latest, axes: OnceLock::new() }
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
                return Ok(PlannedCell { decision, key: None, outputs: Arc::default(), seconds: None });
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
            (None, false) => {
                Decision::Execute(self.reasons(cell, &fingerprint, &plan.sources, &|cell| plan.key(cell))?)
            }
        };
        let (seconds, outputs) = match found {
            Some(found) => (Some(found.seconds), found.outputs),
            None => (self.last_seconds(cell), Arc::default()),
        };
        Ok(PlannedCell { decision, key: Some(key), outputs, seconds })
    }

    /// The fingerprint of a cell whose key is known.
    pub(crate) fn fingerprint(&self, plan: &Plan, cell: usize) -> Result<Option<Fingerprint>, StoreError> {
        let output = |other: usize, port: &str| Some(plan.decisions.get(&other)?.outputs.get(port)?.artifact);
        let artifacts = match plan.key(cell) {
            Some(_) => input_artifacts(self.graph, &self.graph.cells[cell], &plan.sources, self.store, &output),
            None => return Ok(None),
        };
        match artifacts {
            Ok(artifacts) => {
                Ok(artifacts.map(|artifacts| fingerprint(self.graph, &self.graph.cells[cell], &artifacts)))
            }
            Err(InputError::Store(error)) if !error.is_miss() => Err(error),
            // A part that was there when the key was made.
            Err(_) => Ok(None),
        }
    }

    fn awaiting(&self, plan: &Plan, cell: usize) -> PlannedCell {
        let undecided = |other: &usize| plan.decisions.get(other).is_some_and(|cell| cell.decision != Decision::Reuse);
        let on = self.graph.reads(cell).into_iter().filter(undecided).collect();
        let seconds = self.last_seconds(cell);
        PlannedCell { decision: Decision::Await(on), key: None, outputs: Arc::default(), seconds }
    }

    fn last_seconds(&self, cell: usize) -> Option<f64> {
        Some(self.store.lookup(&self.last_record(cell)?).ok()??.seconds)
    }

    /// The key of the last record of a cell under this profile.
    pub(crate) fn last_record(&self, cell: usize) -> Option<Key> {
        self.latest.get(&self.graph.name(cell)).copied()
    }

    /// Why a cell without a record has to execute: what differs from its last one under this profile. `keys` gives
    /// the records of the cells that it reads.
    pub(crate) fn reasons(
        &self,
        cell: usize,
        now: &Fingerprint,
        sources: &SourceSnapshots,
        keys: &dyn Fn(usize) -> Option<Key>,
    ) -> Result<Vec<Reason>, StoreError> {
        let Some(last) = self.last_record(cell) else {
            let id = &self.graph.cells[cell].id;
            return Ok(vec![Reason::NewCell { axes: self.axes().added(&id.stage, &id.coordinates) }]);
        };
        let record = self.store.record(&last)?.filter(|_| last != now.key());
        let Some(was) = record.as_ref().and_then(Remembered::of) else { return Ok(vec![Reason::RecordMissing]) };
        let provenance = Provenance::of(self.graph, &self.graph.cells[cell], keys);
        let now = Identified { fingerprint: &now.as_recorded(), provenance: Some(&provenance) };
        Ok(self.named(cell, self.between(&was, now, sources)))
    }

    /// Why a cell that awaits others executes whatever comes of them, as far as that is known.
    pub(crate) fn expected_reasons(&self, plan: &Plan, cell: usize) -> Result<Vec<Reason>, StoreError> {
        let undecided = |other: usize| plan.decisions.get(&other).is_none_or(|cell| cell.decision != Decision::Reuse);
        // What is not made yet is taken to come out as it last did.
        let unknown = Artifact::file(Digest::of(b"not made yet"), 0);
        let output = |other: usize, port: &str| {
            let planned = plan.decisions.get(&other).and_then(|planned| planned.outputs.get(port).cloned());
            let last = || self.store.lookup(&self.last_record(other)?).ok()??.outputs.get(port).cloned();
            Some(planned.or_else(last).map_or(unknown, |output| output.artifact))
        };
        let artifacts = input_artifacts(self.graph, &self.graph.cells[cell], &plan.sources, self.store, &output);
        let Ok(Some(artifacts)) = artifacts else { return Ok(Vec::new()) };
        let fingerprint = fingerprint(self.graph, &self.graph.cells[cell], &artifacts);
        if self.last_record(cell) == Some(fingerprint.key()) {
            return Ok(Vec::new());
        }
        let mut reasons = self.reasons(cell, &fingerprint, &plan.sources, &|cell| plan.key(cell))?;
        reasons.retain(|reason| match reason {
            Reason::InputChanged { from, was: Some(_), now: Some(_), .. } => {
                !self.graph.find(from).is_some_and(undecided)
            }
            _ => true,
        });
        Ok(reasons)
    }

    /// The run that made a record.
    pub(crate) fn run_of(&self, key: Option<Key>) -> Result<String, StoreError> {
        let record = key.map(|key| self.store.record(&key)).transpose()?.flatten();
        Ok(record.map(|record| record.run).unwrap_or_default())
    }

    /// How a record of the same stage type differs from a cell now.
    pub(crate) fn compared(&self, plan: &Plan, cell: usize, now: &Fingerprint, record: &Record) -> Option<Vec<Reason>> {
        let was = Remembered::of(record).filter(|was| was.fingerprint.stage_type == now.stage_type)?;
        let provenance = Provenance::of(self.graph, &self.graph.cells[cell], &|cell| plan.key(cell));
        let now = Identified { fingerprint: &now.as_recorded(), provenance: Some(&provenance) };
        Some(self.between(&was, now, &plan.sources))
    }

    pub(crate) fn graph(&self) -> &Graph {
        self.graph
    }

    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    /// Why the record of a cell is another than it was, whether it executed for that or was found.
    pub(crate) fn cause(
        &self,
        (cell, was, now): (&str, Key, Key),
        sources: &SourceSnapshots,
        current: &dyn Fn(usize) -> Option<Key>,
    ) -> Result<Option<Cause>, StoreError> {
        let Some(record) = self.store.record(&now)? else { return Ok(None) };
        let then = if was == now { None } else { self.store.record(&was)? };
        let (then, today) = (then.as_ref().and_then(Remembered::of), Remembered::of(&record));
        let reasons = match (then, today) {
            (Some(then), Some(today)) => self.between(&then, today.identified(), sources),
            // Nothing is left to compare with, so what was said when it executed has to do.
            _ => serde_json::from_value(record.reasons.clone()).unwrap_or_default(),
        };
        // The file says where a value comes from only as far as it is the file of now.
        let reasons = match self.graph.find(cell).filter(|cell| current(*cell) == Some(now)) {
            Some(cell) => self.named(cell, reasons),
            None => reasons,
        };
        Ok(Some(Cause { cell: cell.to_owned(), was, now, run: record.run, reasons }))
    }

    /// What differs between a record and another fingerprint.
    pub(crate) fn between(&self, was: &Remembered, now: Identified<'_>, sources: &SourceSnapshots) -> Vec<Reason> {
        let listing = |digest: &Digest| self.store.listing(digest).or_else(|| sources.listing(digest));
        reasons_between(was.identified(), now, &|was, now| FileChanges::between(was, now, &listing))
    }

    fn axes(&self) -> &AxisChanges {
        self.axes.get_or_init(|| AxisChanges::of(self.graph, self.latest))
    }

    /// Says of changed values and sources where they stand.
    pub(crate) fn named(&self, cell: usize, mut reasons: Vec<Reason>) -> Vec<Reason> {
        for reason in &mut reasons {
            match reason {
                Reason::ConfigChanged { path, was, now, origin, params } => {
                    let found = explained(self.graph, cell, path, was, now);
                    (*origin, *params) = (found.origin, found.params);
                }
                Reason::InputChanged { from, now: None, axes, .. } if self.graph.find(from).is_none() => {
                    *axes = self.axes().removed(from);
                }
                Reason::SourceChanged { source, at, .. } => *at = self.place_of(source),
                _ => {}
            }
        }
        reasons
    }

    /// Where a source lies, where its name is another than its path.
    fn place_of(&self, source: &str) -> Option<String> {
        let name = source.split('/').next().unwrap_or(source);
        let found = self.graph.sources.iter().find(|found| found.name == name)?;
        (found.shown != found.name).then(|| found.shown.clone())
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
