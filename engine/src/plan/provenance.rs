//! Where the inputs of an execution came from, kept with its record: names for people and keys to go on from.
//! Nothing of it enters a key.

use std::collections::BTreeMap;

use dgpipe_cache::{Key, Record};
use serde::{Deserialize, Serialize};

use crate::graph::{Cell, Graph, InputRef, Reading};

/// The field of a [`Record`] that holds it.
const FIELD: &str = "provenance";

/// Which cell an execution was for, and who provided what it read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The pipeline.
    pub pipeline: String,
    /// The profiles.
    pub profile: String,
    /// The cell.
    pub cell: String,
    /// By port, in the order of the inputs.
    pub inputs: BTreeMap<String, Vec<Provider>>,
}

/// Who provided one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// A cell or a source.
    pub name: String,
    /// The part of it that was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The output of the cell; a source has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    /// The record of the cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
}

impl Provenance {
    /// The provenance of a cell. `key` gives the record of another cell, where it has one.
    pub(crate) fn of(graph: &Graph, cell: &Cell, key: &dyn Fn(usize) -> Option<Key>) -> Self {
        let provider = |reading: &Reading| match &reading.from {
            InputRef::Cell { cell, port } => Provider {
                name: graph.name(*cell),
                path: reading.path.clone(),
                port: Some(port.clone()),
                key: key(*cell),
            },
            InputRef::Source(index) => {
                let name = graph.sources[*index].name.clone();
                Provider { name, path: reading.path.clone(), port: None, key: None }
            }
        };
        let ports = cell.inputs.iter();
        let inputs = ports.map(|port| (port.port.clone(), port.readings.iter().map(provider).collect())).collect();
        let (pipeline, profile) = (graph.spec.name.clone(), graph.spec.profile.clone());
        Self { pipeline, profile, cell: cell.id.to_string(), inputs }
    }

    /// The provenance in a record.
    pub fn read(record: &Record) -> Option<Self> {
        serde_json::from_value(record.extra.get(FIELD)?.clone()).ok()
    }

    /// Puts it into a record.
    pub(crate) fn write(&self, record: &mut Record) -> Result<(), serde_json::Error> {
        record.extra.insert(FIELD.to_owned(), serde_json::to_value(self)?);
        Ok(())
    }
}

impl Provider {
    /// Whether it is a source.
    pub(crate) fn is_source(&self) -> bool {
        self.port.is_none()
    }
}
