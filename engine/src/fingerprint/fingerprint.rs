//! The fingerprint of a cell: everything that decides its result, and nothing else.
//!
//! | Value | In the key | Why |
//! |---|---|---|
//! | [`FORMAT`] | yes | one constant invalidates all |
//! | stage type and its version | yes | what computes |
//! | config, decoded, defaults filled in | yes | spelling, order and comments do not matter |
//! | per port: digest, form and kind of every input, in order | yes | early cut-off: equal bytes, equal key |
//! | coordinates of inputs | only on labelled ports | elsewhere a stage never sees them, so equal work is shared |
//! | names of inputs | only for `command` | the program sees them |
//! | outputs: port and kind | yes | the reader must understand them |
//! | `command`: arguments, shell, cwd, declared variables, tools | yes, in its config | they decide what it does |
//! | `needs`, `timeout`, `retries`, `sandbox` | no | tuning |
//! | names of stages and pipelines, paths, times, device, host | no | they change nothing, or are in the record |
//! | values of secrets | never, nowhere | only their names |

use std::collections::BTreeMap;

use dgpipe_cache::{Artifact, Form, Key};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::Canonical;
use crate::graph::Coordinates;

/// Raised when the encoding or the list of ingredients changes.
pub const FORMAT: u32 = 1;

/// The readable list of all that decides a cell's result. Its digest is the [`Key`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// [`FORMAT`] at the time.
    pub format: u32,
    /// The stage type.
    pub stage_type: String,
    /// Its version.
    pub version: u32,
    /// The config, decoded and with its defaults.
    pub config: Value,
    /// What is read, in the order of the declared ports.
    pub inputs: Vec<FingerprintPort>,
    /// Kinds of the outputs by port.
    pub outputs: BTreeMap<String, String>,
}

/// One input port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FingerprintPort {
    /// Its name.
    pub port: String,
    /// What is connected, in order.
    pub inputs: Vec<FingerprintInput>,
}

/// One artifact that is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FingerprintInput {
    /// Form, digest and size.
    pub artifact: Artifact,
    /// Its kind; a sub-tree has none.
    pub kind: Option<String>,
    /// Which cell made it, on labelled ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Coordinates>,
    /// The name under which a command sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Fingerprint {
    /// What all executions share that differ in nothing but one whole number of the config, and that number.
    pub fn family(&self, field: &str) -> Option<(Key, u64)> {
        let mut rest = self.clone();
        let number = rest.config.as_object_mut()?.remove(field)?.as_u64()?;
        let mut canonical = Canonical::default();
        canonical.text("dgpipe family");
        canonical.text(field);
        canonical.text(&rest.key().to_string());
        Some((Key::of(&canonical.into_bytes()), number))
    }

    /// What all rows share that executions like this make of the items of a port: all but what the port reads, with the part
    /// of the config that decides a row, and what computes.
    pub fn items(&self, port: &str, config: &Value, device_class: &str) -> Key {
        let mut canonical = Canonical::default();
        canonical.text("dgpipe items");
        canonical.count(self.format as usize);
        canonical.text(&self.stage_type);
        canonical.count(self.version as usize);
        canonical.text(port);
        canonical.value(config);
        canonical.text(device_class);
        self.inputs.iter().filter(|other| other.port != port).for_each(|other| other.encode(&mut canonical));
        Key::of(&canonical.into_bytes())
    }

    /// The same as a record would give it back: reading a real number may change its last digit, and fingerprints are
    /// compared with those of records. Its key may be another.
    pub(crate) fn as_recorded(&self) -> Self {
        let config = serde_json::from_str(&self.config.to_string()).unwrap_or_else(|_| self.config.clone());
        Self { config, ..self.clone() }
    }

    /// The digest of the canonical encoding.
    pub fn key(&self) -> Key {
        let mut canonical = Canonical::default();
        canonical.text("dgpipe fingerprint");
        canonical.count(self.format as usize);
        canonical.text(&self.stage_type);
        canonical.count(self.version as usize);
        canonical.value(&self.config);
        canonical.count(self.inputs.len());
        self.inputs.iter().for_each(|port| port.encode(&mut canonical));
        canonical.count(self.outputs.len());
        for (port, kind) in &self.outputs {
            canonical.text(port);
            canonical.text(kind);
        }
        Key::of(&canonical.into_bytes())
    }
}

impl FingerprintPort {
    fn encode(&self, canonical: &mut Canonical) {
        canonical.text(&self.port);
        canonical.count(self.inputs.len());
        self.inputs.iter().for_each(|input| input.encode(canonical));
    }
}

impl FingerprintInput {
    fn encode(&self, canonical: &mut Canonical) {
        canonical.text(match self.artifact.form {
            Form::File => "file",
            Form::Folder => "folder",
        });
        canonical.text(&self.artifact.digest.to_string());
        canonical.optional(self.kind.as_deref());
        canonical.optional(self.name.as_deref());
        let Some(coordinates) = &self.coordinates else { return canonical.optional(None) };
        canonical.optional(Some("coordinates"));
        canonical.count(coordinates.len());
        for (axis, value) in coordinates {
            canonical.text(axis);
            canonical.value(&serde_json::to_value(value).expect("an axis value is a plain value"));
        }
    }
}
