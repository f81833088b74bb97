//! A plan as a file: what a run is allowed to do. It pins the graph, the digests of the sources and the keys that
//! were decided. The format is described in `docs/commands.md`.

use std::collections::BTreeMap;

use dgpipe_cache::{Artifact, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Decision, Plan, Reason};
use crate::graph::{Cell, Graph, InputRef, Publication, Reading};
use crate::run::Estimate;

/// Raised when the format changes.
const VERSION: u32 = 1;

/// What the call was that made a plan. A run of the plan repeats it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCall {
    /// `--profile`; nothing means the file's own.
    pub profile: Option<Vec<String>>,
    /// `--set`, in order.
    pub set: Vec<String>,
    /// Targets; none means everything.
    pub targets: Vec<String>,
    /// `--force`.
    pub force: Vec<String>,
}

/// A plan as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// The version of the format.
    pub plan: u32,
    /// The version of dgpipe that wrote it.
    pub dgpipe: String,
    /// The pipeline.
    pub pipeline: String,
    /// The profiles, joined.
    pub profile: String,
    /// The call.
    pub call: PlannedCall,
    /// The sources that are read, by name.
    pub sources: BTreeMap<String, Artifact>,
    /// Published paths, with the outputs that are put there.
    pub publish: BTreeMap<String, Vec<String>>,
    /// The cells that a run looks at, each after all that it reads.
    pub cells: Vec<PinnedCell>,
    /// How long it would take, by past records.
    pub estimate: Estimate,
}

/// One cell of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedCell {
    /// Its name.
    pub cell: String,
    /// What is to be done.
    pub decision: Pinned,
    /// Its key, where all that it reads is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// Why it executes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The cells that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub awaits: Vec<String>,
    /// How long it took before, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The stage type.
    pub uses: String,
    /// Its version.
    pub version: u32,
    /// The config, decoded and with its defaults.
    pub config: Value,
    /// What each port reads: cells with their output, sources, parts of them.
    pub inputs: BTreeMap<String, Vec<String>>,
    /// Kinds of the outputs by port.
    pub outputs: BTreeMap<String, String>,
}

/// The word of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pinned {
    /// A record was found.
    Reuse,
    /// It has to execute.
    Execute,
    /// It waits for cells that execute first.
    Await,
}

impl PlanFile {
    /// Pins a plan.
    pub fn of(graph: &Graph, plan: &Plan, call: PlannedCall, version: &str, jobs: usize) -> Self {
        let published = plan.targets.publications.iter().map(|index| &graph.publications[*index]);
        let file = Self {
            plan: VERSION,
            dgpipe: version.to_owned(),
            pipeline: graph.spec.name.clone(),
            profile: graph.spec.profile.clone(),
            call,
            sources: sources(graph, plan),
            publish: published.map(|publication| (publication.path.clone(), members(graph, publication))).collect(),
            cells: plan.cells.iter().map(|cell| PinnedCell::of(graph, plan, *cell)).collect(),
            estimate: Estimate::of(graph, plan, jobs),
        };
        // As it reads: reading a number back may change its last digit, and plans are compared.
        Self::read(&file.text()).unwrap_or(file)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        format!("{:#}\n", serde_json::to_value(self).expect("a plan is made of plain values"))
    }

    /// Reads a plan file. The error says what is wrong with the text.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            plan: u32,
        }
        let Version { plan } = serde_json::from_str(text).map_err(|error| format!("it is not a plan: {error}"))?;
        if plan > VERSION {
            return Err(format!("a newer dgpipe wrote it (plan version {plan})"));
        }
        serde_json::from_str(text).map_err(|error| format!("it is not a plan: {error}"))
    }

    /// The cells that the plan allows to execute.
    pub fn permitted(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().filter(|pinned| pinned.decision != Pinned::Reuse).map(|pinned| pinned.cell.as_str())
    }
}

impl PinnedCell {
    fn of(graph: &Graph, plan: &Plan, index: usize) -> Self {
        let (cell, planned) = (&graph.cells[index], &plan.decisions[&index]);
        let (decision, reasons, awaits) = match &planned.decision {
            Decision::Reuse => (Pinned::Reuse, Vec::new(), Vec::new()),
            Decision::Execute(reasons) => (Pinned::Execute, reasons.clone(), Vec::new()),
            Decision::Await(on) => {
                (Pinned::Await, Vec::new(), on.iter().map(|cell| graph.name(*cell)).collect::<Vec<_>>())
            }
        };
        Self {
            cell: cell.id.to_string(),
            decision,
            key: plan.key(index),
            reasons,
            awaits,
            seconds: planned.seconds,
            uses: cell.work.type_name().to_owned(),
            version: cell.work.version(),
            config: cell.work.config(),
            inputs: inputs(graph, cell),
            outputs: cell.work.ports().outputs.iter().map(|port| (port.name.clone(), port.kind.to_string())).collect(),
        }
    }
}

fn sources(graph: &Graph, plan: &Plan) -> BTreeMap<String, Artifact> {
    let readings = plan.cells.iter().flat_map(|cell| &graph.cells[*cell].inputs).flat_map(|port| &port.readings);
    let artifact = |reading: &Reading| {
        let source = reading.source()?;
        Some((graph.sources[source].name.clone(), plan.sources.artifact(source, None)?))
    };
    readings.filter_map(artifact).collect()
}

fn members(graph: &Graph, publication: &Publication) -> Vec<String> {
    publication.members.iter().map(|member| format!("{}.{}", graph.name(member.cell), member.port)).collect()
}

fn inputs(graph: &Graph, cell: &Cell) -> BTreeMap<String, Vec<String>> {
    let read = |reading: &Reading| {
        let from = match &reading.from {
            InputRef::Cell { cell, port } => format!("{}.{port}", graph.name(*cell)),
            InputRef::Source(index) => graph.sources[*index].name.clone(),
        };
        reading.path.as_ref().map_or_else(|| from.clone(), |path| format!("{from}/{path}"))
    };
    cell.inputs.iter().map(|port| (port.port.clone(), port.readings.iter().map(read).collect())).collect()
}
