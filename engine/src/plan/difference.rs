//! What differs between two fingerprints, as reasons.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_cache::{Artifact, Digest};
use serde_json::Value;

use super::file_changes::are_folders;
use super::{FileChanges, Provenance, Provider, Reason};
use crate::command;
use crate::fingerprint::{Fingerprint, FingerprintInput};

/// A fingerprint, and who provided what it reads, where that is known.
#[derive(Clone, Copy)]
pub(crate) struct Identified<'a> {
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) provenance: Option<&'a Provenance>,
}

/// Says which files of a folder changed, where it is known what was there before.
pub(crate) type Files<'a> = &'a dyn Fn(&Digest, &Digest) -> Option<FileChanges>;

/// What differs between an execution and what would be executed now.
pub(crate) fn reasons_between(was: Identified<'_>, now: Identified<'_>, files: Files<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let (then, today) = (was.fingerprint, now.fingerprint);
    if then.format != today.format {
        reasons.push(Reason::FormatChanged);
    }
    if then.stage_type != today.stage_type {
        let (was, now) = (then.stage_type.clone(), today.stage_type.clone());
        reasons.push(Reason::StageTypeChanged { was, now });
    } else if then.version != today.version {
        let stage_type = today.stage_type.clone();
        reasons.push(Reason::VersionChanged { stage_type, was: then.version, now: today.version });
    }
    reasons.append(&mut config_reasons(&then.config, &today.config, &today.stage_type));
    inputs(was, now, files, &mut reasons);
    if then.outputs != today.outputs {
        reasons.push(outputs_changed(&then.outputs, &today.outputs));
    }
    reasons
}

/// Which outputs are new, gone, or of another kind.
fn outputs_changed(was: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Reason {
    let only = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        one.keys().filter(|port| !other.contains_key(*port)).cloned().collect()
    };
    let is_other = |port: &&String| was.get(*port).is_some_and(|kind| now[*port] != *kind);
    let changed = now.keys().filter(is_other).cloned().collect();
    Reason::OutputsChanged { added: only(now, was), removed: only(was, now), changed }
}

/// What differs between two configs of a stage type.
pub(crate) fn config_reasons(was: &Value, now: &Value, stage_type: &str) -> Vec<Reason> {
    let is_command = stage_type == command::NAME;
    let is_shell = is_command && now["shell"] == true;
    let mut config = Config { is_command, is_shell, path: Vec::new(), reasons: Vec::new() };
    config.compare(was, now);
    if config.reasons.is_empty() && was != now {
        let (path, was, now) = ("config".to_owned(), was.clone(), now.clone());
        config.reasons.push(Reason::ConfigChanged { path, was, now, origin: None, params: Vec::new() });
    }
    config.reasons
}

struct Config {
    is_command: bool,
    is_shell: bool,
    path: Vec<String>,
    reasons: Vec<Reason>,
}

impl Config {
    fn compare(&mut self, was: &Value, now: &Value) {
        if was == now {
            return;
        }
        let empty = Value::Object(serde_json::Map::new());
        // What is in a map that is new or gone is named one by one, at the first level of a command's keys.
        let filled = |value: &'_ Value| value.is_null() && self.is_command && self.path.len() == 1;
        let was = if filled(was) && now.is_object() { &empty } else { was };
        let now = if filled(now) && was.is_object() { &empty } else { now };
        if let (Value::Object(before), Value::Object(after)) = (was, now) {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                let (was, now) = (of(before), of(after));
                if was == now && before.contains_key(key) != after.contains_key(key) {
                    self.path.push(key.clone());
                    self.reasons.push(self.reason(&was, &now));
                    self.path.pop();
                } else {
                    self.below(key.clone(), &was, &now);
                }
            }
            return;
        }
        if let (Value::Array(before), Value::Array(after)) = (was, now)
            && before.len() == after.len()
        {
            for (index, (was, now)) in before.iter().zip(after).enumerate() {
                self.below(index.to_string(), was, now);
            }
            return;
        }
        self.reasons.push(self.reason(was, now));
    }

    fn below(&mut self, key: String, was: &Value, now: &Value) {
        self.path.push(key);
        self.compare(was, now);
        self.path.pop();
    }

    fn reason(&self, was: &Value, now: &Value) -> Reason {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let short = |value: &Value| value.as_str().map(|digest| digest.chars().take(12).collect());
        match self.path.as_slice() {
            [key, name] if self.is_command && key == "env" => {
                Reason::VariableChanged { name: name.clone(), was: text(was), now: text(now) }
            }
            [key, name] if self.is_command && key == "tools" => {
                Reason::ToolChanged { name: name.clone(), was: short(was), now: short(now) }
            }
            path => {
                // A shell command is one text, and a list of one in the key.
                let is_shell = self.is_shell && path == ["run", "0"];
                let path = if is_shell { "run".to_owned() } else { path.join(".") };
                Reason::ConfigChanged { path, was: was.clone(), now: now.clone(), origin: None, params: Vec::new() }
            }
        }
    }
}

fn inputs(was: Identified<'_>, now: Identified<'_>, files: Files<'_>, reasons: &mut Vec<Reason>) {
    let ports = was.fingerprint.inputs.iter().chain(&now.fingerprint.inputs);
    let ports: BTreeSet<&String> = ports.map(|port| &port.port).collect();
    for port in ports {
        let (before, after) = (Inputs::of(was, port), Inputs::of(now, port));
        if before.inputs != after.inputs {
            port_changes(port, &before, &after, files, reasons);
        }
    }
}

/// What one port reads, with the providers where they are known.
struct Inputs<'a> {
    inputs: &'a [FingerprintInput],
    providers: Option<&'a [Provider]>,
}

impl<'a> Inputs<'a> {
    fn of(identified: Identified<'a>, port: &str) -> Self {
        let found = identified.fingerprint.inputs.iter().find(|inputs| inputs.port == port);
        let inputs = found.map_or(&[][..], |found| found.inputs.as_slice());
        let providers = identified.provenance.and_then(|provenance| provenance.inputs.get(port));
        // A list that does not fit is of another cell.
        let providers = providers.map(Vec::as_slice).filter(|providers| providers.len() == inputs.len());
        Self { inputs, providers: providers.or(inputs.is_empty().then_some(&[])) }
    }

    fn provider(&self, index: usize) -> Option<&'a Provider> {
        self.providers?.get(index)
    }
}

/// Finds pairs, so that one added member is one reason and not a shift of all: first what the same cell or source
/// provides; then equal inputs, whoever provides them now; without names, one after the other.
fn port_changes(port: &str, was: &Inputs<'_>, now: &Inputs<'_>, files: Files<'_>, reasons: &mut Vec<Reason>) {
    let mut gone: BTreeSet<usize> = (0..was.inputs.len()).collect();
    let named = |index: usize| Some((identity(was.provider(index)?), index));
    let by_name: BTreeMap<_, usize> = gone.iter().filter_map(|index| named(*index)).collect();
    let mut changes = Changes { port, was, now, files, reasons: Vec::new() };
    let mut nameless = Vec::new();
    for index in 0..now.inputs.len() {
        let name = now.provider(index).map(identity);
        match name.and_then(|name| by_name.get(&name)).filter(|other| gone.remove(other)) {
            Some(other) => changes.changed(*other, index),
            None => nameless.push(index),
        }
    }
    let mut by_digest: BTreeMap<Digest, Vec<usize>> = BTreeMap::new();
    for index in &gone {
        by_digest.entry(was.inputs[*index].artifact.digest).or_default().push(*index);
    }
    nameless.retain(|index| {
        let input = &now.inputs[*index];
        let Some(candidates) = by_digest.get_mut(&input.artifact.digest) else { return true };
        let Some(place) = candidates.iter().position(|other| was.inputs[*other] == *input) else { return true };
        gone.remove(&candidates.remove(place));
        false
    });
    for index in nameless {
        match gone.first().copied().filter(|_| was.providers.is_none() || now.providers.is_none()) {
            Some(other) => {
                gone.remove(&other);
                changes.changed(other, index);
            }
            None => changes.added(index),
        }
    }
    gone.into_iter().for_each(|index| changes.removed(index));
    if changes.reasons.is_empty() {
        changes.reasons.push(Reason::OrderChanged { port: port.to_owned() });
    }
    reasons.append(&mut changes.reasons);
}

fn identity(provider: &Provider) -> (&String, &Option<String>, &Option<String>) {
    (&provider.name, &provider.path, &provider.port)
}

struct Changes<'a> {
    port: &'a str,
    was: &'a Inputs<'a>,
    now: &'a Inputs<'a>,
    files: Files<'a>,
    reasons: Vec<Reason>,
}

impl Changes<'_> {
    fn changed(&mut self, was: usize, now: usize) {
        let (before, after) = (&self.was.inputs[was], &self.now.inputs[now]);
        if before == after {
            return;
        }
        if before.artifact == after.artifact
            && let (Some(was), Some(now)) = (&before.name, &after.name)
            && was != now
        {
            let (port, was, now) = (self.port.to_owned(), was.clone(), now.clone());
            self.reasons.push(Reason::InputRenamed { port, was, now });
            return;
        }
        let providers = (self.was.provider(was), self.now.provider(now));
        self.push(Some(&before.artifact), Some(&after.artifact), providers);
    }

    fn added(&mut self, now: usize) {
        self.push(None, Some(&self.now.inputs[now].artifact), (None, self.now.provider(now)));
    }

    fn removed(&mut self, was: usize) {
        self.push(Some(&self.was.inputs[was].artifact), None, (self.was.provider(was), None));
    }

    fn push(
        &mut self,
        was: Option<&Artifact>,
        now: Option<&Artifact>,
        (before, after): (Option<&Provider>, Option<&Provider>),
    ) {
        let short = |artifact: Option<&Artifact>| artifact.map(|artifact| artifact.digest.short());
        let port = self.port.to_owned();
        let provider = after.or(before);
        let name = provider.map_or_else(|| short(was.or(now)).unwrap_or_default(), |provider| provider.name.clone());
        let path = provider.and_then(|provider| provider.path.clone());
        if provider.is_some_and(Provider::is_source) {
            let source = path.map_or_else(|| name.clone(), |path| format!("{name}/{path}"));
            let folders = was.zip(now).filter(|(was, now)| are_folders(was, now));
            let files = folders.and_then(|(was, now)| (self.files)(&was.digest, &now.digest));
            let (was, now) = (short(was), short(now));
            self.reasons.push(Reason::SourceChanged { port, source, at: None, was, now, files });
            return;
        }
        let (was_key, now_key) = (before.and_then(|before| before.key), after.and_then(|after| after.key));
        let (from, was, now, axes) = (name, short(was), short(now), Vec::new());
        self.reasons.push(Reason::InputChanged { port, from, path, was, now, was_key, now_key, axes });
    }
}
