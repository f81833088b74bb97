//! From a cell and the digests of what it reads to its fingerprint.

use dgpipe_cache::{Artifact, Store, StoreError};

use super::SourceSnapshots;
use crate::command;
use crate::fingerprint::{FORMAT, Fingerprint, FingerprintInput, FingerprintPort};
use crate::graph::{Cell, Coordinates, Graph, InputRef, Reading};

/// The artifact that each reading of a cell stands for, port by port. `output` gives the artifact of another
/// cell's port; nothing where that cell has not executed yet.
pub(crate) fn input_artifacts(
    graph: &Graph,
    cell: &Cell,
    sources: &SourceSnapshots,
    store: &Store,
    output: &dyn Fn(usize, &str) -> Option<Artifact>,
) -> Result<Option<Vec<Vec<Artifact>>>, InputError> {
    let mut ports = Vec::with_capacity(cell.inputs.len());
    for port in &cell.inputs {
        let mut artifacts = Vec::with_capacity(port.readings.len());
        for reading in &port.readings {
            let whole = match &reading.from {
                InputRef::Source(index) => {
                    artifacts.push(
                        sources
                            .artifact(*index, reading.path.as_deref())
                            .ok_or_else(|| InputError::missing(graph, reading))?,
                    );
                    continue;
                }
                InputRef::Cell { cell, port } => output(*cell, port),
            };
            let Some(whole) = whole else { return Ok(None) };
            artifacts.push(below(graph, reading, whole, store)?);
        }
        ports.push(artifacts);
    }
    Ok(Some(ports))
}

fn below(graph: &Graph, reading: &Reading, whole: Artifact, store: &Store) -> Result<Artifact, InputError> {
    let Some(path) = &reading.path else { return Ok(whole) };
    store.subtree(&whole, path)?.ok_or_else(|| InputError::missing(graph, reading))
}

/// An input that cannot be named by a digest.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// A source has no such part.
    #[error("{0}")]
    SourcePart(String),
    /// What another cell made has no such part.
    #[error("{0}")]
    MadePart(String),
    /// The store could not tell.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl InputError {
    fn missing(graph: &Graph, reading: &Reading) -> Self {
        let path = reading.path.as_deref().unwrap_or("");
        match &reading.from {
            InputRef::Source(index) => {
                let source = &graph.sources[*index];
                Self::SourcePart(format!("the source `{}` at `{}` has no `{path}`", source.name, source.shown))
            }
            InputRef::Cell { cell, .. } => Self::MadePart(format!("`{}` has no `{path}`", graph.name(*cell))),
        }
    }
}

/// The fingerprint of a cell whose inputs are known.
pub(crate) fn fingerprint(graph: &Graph, cell: &Cell, artifacts: &[Vec<Artifact>]) -> Fingerprint {
    let is_command = cell.work.type_name() == command::NAME;
    let ports = cell.inputs.iter().zip(artifacts).map(|(port, artifacts)| {
        let input = |(reading, artifact): (&Reading, &Artifact)| FingerprintInput {
            artifact: *artifact,
            kind: reading.kind.as_ref().map(ToString::to_string),
            coordinates: port.labelled.then(|| coordinates(graph, reading)),
            name: is_command.then(|| {
                let mark = if reading.in_place { "./" } else { "" };
                format!("{mark}{}", reading.file_name)
            }),
        };
        let inputs = port.readings.iter().zip(artifacts).map(input).collect();
        FingerprintPort { port: port.port.clone(), inputs }
    });
    let outputs = cell.work.ports().outputs.iter();
    Fingerprint {
        format: FORMAT,
        stage_type: cell.work.type_name().to_owned(),
        version: cell.work.version(),
        config: cell.work.config(),
        inputs: ports.collect(),
        outputs: outputs.map(|port| (port.name.clone(), port.kind.to_string())).collect(),
    }
}

pub(crate) fn coordinates(graph: &Graph, reading: &Reading) -> Coordinates {
    match &reading.from {
        InputRef::Cell { cell, .. } => graph.cells[*cell].id.coordinates.clone(),
        InputRef::Source(_) => Coordinates::default(),
    }
}
