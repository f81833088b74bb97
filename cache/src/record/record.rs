//! What a successful execution left. The store reads only key and outputs; the rest is the engine's.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::content::{Artifact, Key};

/// One output of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// What it contains, with the version of its format, such as `embeddings/1`.
    pub kind: String,
    /// Where its bytes are.
    pub artifact: Artifact,
}

/// Outputs by port, in the order of the ports' names. Most stages have one or two, and a large pipeline has as many of
/// these as cells: a leaf of a B-tree would have room for eleven.
pub type Outputs = IndexMap<String, Output>;

/// What a successful execution left.
///
/// Make one with [`Record::new`] and set what is known. Fields that this program does not know are
/// passed over when reading, so that later ones can be added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The digest of the fingerprint.
    pub key: Key,
    /// The readable list of all that decided the result.
    #[serde(default)]
    pub fingerprint: Value,
    /// What it made. Shared, since whoever keeps many records keeps these of each.
    #[serde(default)]
    pub outputs: Arc<Outputs>,
    /// Numbers and texts that the execution reported.
    #[serde(default)]
    pub metrics: Map<String, Value>,
    /// Remarks that the execution made.
    #[serde(default)]
    pub notes: Vec<String>,
    /// When it started, in milliseconds since 1970.
    #[serde(default)]
    pub started: u64,
    /// How long it took.
    #[serde(default)]
    pub seconds: f64,
    /// What computed it.
    #[serde(default)]
    pub device: String,
    /// Where: machine, instruction set, versions of what computes.
    #[serde(default)]
    pub host: Value,
    /// The run that executed it.
    #[serde(default)]
    pub run: String,
    /// The version of dgpipe.
    #[serde(default)]
    pub engine: String,
    /// Whether its stdout and stderr were kept.
    #[serde(default)]
    pub log: bool,
    /// Why it executed.
    #[serde(default)]
    pub reasons: Value,
    /// Room for what has no field of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Value>,
}

impl Record {
    /// Makes a record with nothing in it.
    pub fn new(key: Key) -> Self {
        Self {
            key,
            fingerprint: Value::Null,
            outputs: Arc::default(),
            metrics: Map::new(),
            notes: Vec::new(),
            started: 0,
            seconds: 0.0,
            device: String::new(),
            host: Value::Null,
            run: String::new(),
            engine: String::new(),
            log: false,
            reasons: Value::Null,
            extra: BTreeMap::new(),
        }
    }
}
