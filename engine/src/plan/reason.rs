//! Why a cell executes: the differences between two fingerprints, and what else can be the cause.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fingerprint::{Fingerprint, FingerprintInput};

/// One cause of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The cell never executed before under this profile, and no record has its key.
    NewCell,
    /// A value of the config changed.
    ConfigChanged {
        /// Where in the config, with dots.
        path: String,
        /// The value before; nothing where the field is new.
        was: Value,
        /// The value now; nothing where the field is gone.
        now: Value,
        /// The param it comes from, and where that stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<String>,
    },
    /// What an input port reads changed.
    InputChanged {
        /// The port.
        port: String,
        /// Who provides it: a cell or a source.
        from: String,
        /// Its digest before, shortened; nothing where it is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<String>,
        /// Its digest now, shortened; nothing where it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<String>,
    },
    /// The stage names another stage type.
    StageTypeChanged {
        /// The type before.
        was: String,
        /// The type now.
        now: String,
    },
    /// The stage type's version was raised.
    VersionChanged {
        /// The version before.
        was: u32,
        /// The version now.
        now: u32,
    },
    /// Outputs were added, removed, or have another kind.
    OutputsChanged,
    /// The record that was there before is gone.
    RecordMissing,
    /// Bytes that are needed are missing or bad in the store.
    ArtifactMissing {
        /// The output port.
        port: String,
    },
    /// A part that it reads is not in what another cell made, so that it will fail.
    PartMissing {
        /// What is missing where.
        what: String,
    },
    /// It was asked for.
    Forced,
    /// This version of dgpipe computes keys in another way.
    FormatChanged,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewCell => write!(f, "new"),
            Self::ConfigChanged { path, was, now, origin } => {
                write!(f, "{path} {} → {}", shown(was), shown(now))?;
                origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))
            }
            Self::InputChanged { port, from, was, now } => match (was, now) {
                (None, _) => write!(f, "input {port}: {from} was added"),
                (_, None) => write!(f, "input {port}: {from} was removed"),
                (Some(_), Some(_)) => write!(f, "input {port}: {from} changed"),
            },
            Self::StageTypeChanged { was, now } => write!(f, "stage type {was} → {now}"),
            Self::VersionChanged { was, now } => write!(f, "version of the stage type {was} → {now}"),
            Self::OutputsChanged => write!(f, "declared outputs changed"),
            Self::RecordMissing => write!(f, "its record is gone from the store"),
            Self::ArtifactMissing { port } => write!(f, "bytes of `{port}` are missing in the store"),
            Self::PartMissing { what } => write!(f, "{what}"),
            Self::Forced => write!(f, "forced"),
            Self::FormatChanged => write!(f, "this dgpipe computes keys in another way"),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What differs between the fingerprint of the last execution and the one now. `from` names who provides an
/// input now, by port and index.
pub fn reasons_between(was: &Fingerprint, now: &Fingerprint, from: &dyn Fn(&str, usize) -> String) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if was.format != now.format {
        reasons.push(Reason::FormatChanged);
    }
    if was.stage_type != now.stage_type {
        let (was, now) = (was.stage_type.clone(), now.stage_type.clone());
        reasons.push(Reason::StageTypeChanged { was, now });
    } else if was.version != now.version {
        reasons.push(Reason::VersionChanged { was: was.version, now: now.version });
    }
    config(&mut Vec::new(), &was.config, &now.config, &mut reasons);
    inputs(was, now, from, &mut reasons);
    if was.outputs != now.outputs {
        reasons.push(Reason::OutputsChanged);
    }
    reasons
}

fn config(path: &mut Vec<String>, was: &Value, now: &Value, reasons: &mut Vec<Reason>) {
    if was == now {
        return;
    }
    if let (Value::Object(before), Value::Object(after)) = (was, now) {
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            path.push(key.clone());
            let (was, now) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
            config(path, was, now, reasons);
            path.pop();
        }
        return;
    }
    if let (Value::Array(before), Value::Array(after)) = (was, now)
        && before.len() == after.len()
    {
        for (index, (was, now)) in before.iter().zip(after).enumerate() {
            path.push(index.to_string());
            config(path, was, now, reasons);
            path.pop();
        }
        return;
    }
    let (path, was, now) = (path.join("."), was.clone(), now.clone());
    reasons.push(Reason::ConfigChanged { path, was, now, origin: None });
}

fn inputs(was: &Fingerprint, now: &Fingerprint, from: &dyn Fn(&str, usize) -> String, reasons: &mut Vec<Reason>) {
    let by_port = |fingerprint: &Fingerprint| -> BTreeMap<String, Vec<FingerprintInput>> {
        fingerprint.inputs.iter().map(|port| (port.port.clone(), port.inputs.clone())).collect()
    };
    let (before, after) = (by_port(was), by_port(now));
    let ports: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for port in ports {
        let (was, now) = (before.get(port), after.get(port));
        if was != now {
            port_changes(port, was.map_or(&[], Vec::as_slice), now.map_or(&[], Vec::as_slice), from, reasons);
        }
    }
}

/// Compares two lists of inputs as multisets first, so that one added member is one reason and not a shift of all.
fn port_changes(
    port: &str,
    was: &[FingerprintInput],
    now: &[FingerprintInput],
    from: &dyn Fn(&str, usize) -> String,
    reasons: &mut Vec<Reason>,
) {
    let mut gone: Vec<&FingerprintInput> = was.iter().collect();
    let mut added = Vec::new();
    for (index, input) in now.iter().enumerate() {
        match gone.iter().position(|other| *other == input) {
            Some(same) => drop(gone.remove(same)),
            None => added.push((index, input)),
        }
    }
    let short = |input: &FingerprintInput| Some(input.artifact.digest.short());
    let before = reasons.len();
    for (index, input) in added {
        let was = if gone.is_empty() { None } else { short(gone.remove(0)) };
        let (port, from) = (port.to_owned(), from(port, index));
        reasons.push(Reason::InputChanged { port, from, was, now: short(input) });
    }
    for input in gone {
        let from = input.name.clone().unwrap_or_else(|| input.artifact.digest.short());
        reasons.push(Reason::InputChanged { port: port.to_owned(), from, was: short(input), now: None });
    }
    if reasons.len() == before {
        let (was, now) = (was.first().and_then(short), now.first().and_then(short));
        let (port, from) = (port.to_owned(), "the order of its cells".to_owned());
        reasons.push(Reason::InputChanged { port, from, was, now });
    }
}
