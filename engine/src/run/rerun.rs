//! Executes cached cells again, in scratch, and compares the bytes with those that are recorded. Nothing of it is kept.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_cache::{Artifact, EntryContent, Form, Key, Manifest, Outputs, Store, Transaction};
use serde::Serialize;

use super::attempt::Attempts;
use super::executor::{Assignment, Ended, Executor};
use super::{Event, RunError, RunOptions};
use crate::graph::{Graph, InputRef};
use crate::plan::{Decision, InputError, Plan, Provenance, fingerprint, input_artifacts};

/// What came of executing a cached cell again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rerun {
    /// The cell.
    pub cell: String,
    /// Its stage type.
    pub stage_type: String,
    /// Its key.
    pub key: Key,
    /// What computed the recorded bytes.
    pub recorded_device: String,
    /// What computed now.
    pub device: String,
    /// How that went.
    pub result: RerunResult,
}

/// How executing a cached cell again went.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum RerunResult {
    /// All bytes were the same, every time.
    Same,
    /// Bytes were not the same.
    Different {
        /// Files that differ, by output; the empty name is the output itself.
        files: BTreeMap<String, Vec<String>>,
    },
    /// It failed.
    Failed {
        /// Why.
        error: String,
    },
    /// It could not be executed.
    Skipped {
        /// Why.
        reason: String,
    },
}

impl Rerun {
    /// Tells whether something is wrong with the cell.
    pub fn is_bad(&self) -> bool {
        matches!(self.result, RerunResult::Different { .. } | RerunResult::Failed { .. })
    }
}

/// Chooses cached cells of a plan, in its order: of each stage a share from 0 to 1, at least one. The choice is by keys,
/// so that it is the same for the same results.
pub fn sample(graph: &Graph, plan: &Plan, share: f64) -> Vec<usize> {
    let mut stages: BTreeMap<&str, Vec<(Key, usize)>> = BTreeMap::new();
    for (cell, planned) in &plan.decisions {
        if let (Decision::Reuse, Some(key)) = (&planned.decision, &planned.key) {
            stages.entry(&graph.cells[*cell].id.stage).or_default().push((*key, *cell));
        }
    }
    let mut chosen = BTreeSet::new();
    for cells in stages.values_mut() {
        cells.sort_unstable();
        let number = (cells.len() as f64 * share).ceil().max(1.0) as usize;
        chosen.extend(cells.iter().take(number).map(|(_, cell)| *cell));
    }
    plan.cells.iter().copied().filter(|cell| chosen.contains(cell)).collect()
}

/// Executes cells of a plan again, one after the other, and hands over what came of each. Ends early when asked to stop.
pub fn rerun(
    graph: &Graph,
    store: &Store,
    plan: &Plan,
    options: &RunOptions,
    cells: &[usize],
    times: u32,
    hear: &mut dyn FnMut(Rerun),
) -> Result<(), RunError> {
    let attempts = Attempts::default();
    let quiet = |_: &Event| {};
    let (sources, run) = (&plan.sources, "verify");
    let (attempts, listener, spares) = (&attempts, &quiet, std::sync::Mutex::default());
    let executor = Executor { graph, store, options, sources, attempts, listener, run, keeps: false, spares };
    for cell in cells {
        let Some(key) = plan.key(*cell) else { continue };
        let result = match assignment(&executor, plan, *cell)? {
            Ok(artifacts) => {
                let assign = || Assignment {
                    cell: *cell,
                    fingerprint: fingerprint(graph, &graph.cells[*cell], &artifacts),
                    key,
                    artifacts: artifacts.clone(),
                    provenance: Provenance::default(),
                    reasons: Vec::new(),
                    replace: false,
                };
                let mut result = Some(RerunResult::Same);
                // Stops at the first that is not the same.
                for _ in 0..times {
                    if result == Some(RerunResult::Same) {
                        result = execute(&executor, &assign(), &plan.decisions[cell].outputs)?;
                    }
                }
                result
            }
            Err(reason) => Some(RerunResult::Skipped { reason }),
        };
        let Some(result) = result else { return Ok(()) };
        let record = store.record(&key)?;
        hear(Rerun {
            cell: graph.name(*cell),
            stage_type: graph.cells[*cell].work.type_name().to_owned(),
            key,
            recorded_device: record.map(|record| record.device).unwrap_or_default(),
            device: options.device.clone(),
            result,
        });
        if options.cancel.is_cancelled() {
            return Ok(());
        }
    }
    Ok(())
}

/// What a cell reads, or why it cannot be executed.
fn assignment(
    executor: &Executor<'_>,
    plan: &Plan,
    cell: usize,
) -> Result<Result<Vec<Vec<Artifact>>, String>, RunError> {
    let Executor { graph, store, .. } = *executor;
    if !graph.cells[cell].work.project_outputs().is_empty() {
        return Ok(Err("it works in the project's own folder".to_owned()));
    }
    let output = |other: usize, port: &str| Some(plan.decisions.get(&other)?.outputs.get(port)?.artifact);
    let artifacts = match input_artifacts(graph, &graph.cells[cell], &plan.sources, store, &output) {
        Ok(Some(artifacts)) => artifacts,
        Err(InputError::Store(error)) if !error.is_miss() => return Err(error.into()),
        Ok(None) | Err(_) => return Ok(Err("its inputs are not in the store".to_owned())),
    };
    let readings = graph.cells[cell].inputs.iter().flat_map(|port| &port.readings);
    let made =
        readings.zip(artifacts.iter().flatten()).filter(|(reading, _)| matches!(reading.from, InputRef::Cell { .. }));
    let all_there = made.into_iter().all(|(_, artifact)| store.contains(artifact));
    Ok(if all_there { Ok(artifacts) } else { Err("bytes of its inputs are not in the store".to_owned()) })
}

/// Executes once and compares; nothing when it was asked to stop. A disk that refuses says nothing about the cell.
fn execute(
    executor: &Executor<'_>,
    assignment: &Assignment,
    recorded: &Outputs,
) -> Result<Option<RerunResult>, RunError> {
    match executor.execute(assignment) {
        Ended::Cancelled => Ok(None),
        Ended::Failed { error, .. } => Ok(Some(RerunResult::Failed { error })),
        Ended::Refused { error } => {
            let cell = executor.graph.name(assignment.cell);
            Err(RunError::Refused { cell, error })
        }
        Ended::Sealed { transaction, .. } => Ok(Some(compare(executor.store, &transaction, recorded))),
    }
}

fn compare(store: &Store, transaction: &Transaction, recorded: &Outputs) -> RerunResult {
    let mut files = BTreeMap::new();
    for (port, now) in transaction.outputs() {
        let then = recorded.get(port).map(|output| output.artifact);
        if then != Some(now.artifact) {
            let mut differing = Vec::new();
            different_files(store, transaction, then, Some(now.artifact), String::new(), &mut differing);
            differing.sort();
            files.insert(port.clone(), differing);
        }
    }
    if files.is_empty() { RerunResult::Same } else { RerunResult::Different { files } }
}

/// Gathers the files in which two artifacts differ.
fn different_files(
    store: &Store,
    transaction: &Transaction,
    then: Option<Artifact>,
    now: Option<Artifact>,
    at: String,
    files: &mut Vec<String>,
) {
    let manifest = |artifact: Option<Artifact>, is_new: bool| -> Option<Manifest> {
        let artifact = artifact.filter(|artifact| artifact.form == Form::Folder)?;
        if is_new { transaction.manifest(&artifact).ok() } else { Some((*store.manifest(&artifact).ok()?).clone()) }
    };
    let (Some(old), Some(new)) = (manifest(then, false), manifest(now, true)) else {
        files.push(at);
        return;
    };
    let names: BTreeSet<&String> = old.entries().iter().chain(new.entries()).map(|entry| &entry.name).collect();
    for name in names {
        let content = |manifest: &Manifest| manifest.get(name).map(|entry| entry.content.clone());
        let (then, now) = (content(&old), content(&new));
        if then != now {
            let folder = |content: Option<EntryContent>| match content {
                Some(EntryContent::Folder { digest, size }) => Some(Artifact::folder(digest, size)),
                _ => None,
            };
            let at = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            different_files(store, transaction, folder(then), folder(now), at, files);
        }
    }
}
