//! A pipeline as it is written: every key known and of the right shape, references not yet resolved.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::{Mistake, Node, NodeMap, Place, Value, nearest};

/// The text of a pipeline after `extends`, profiles and `--set`.
#[derive(Clone, Debug)]
pub struct PipelineSpec {
    /// The name, for published paths and the store's bookkeeping.
    pub name: String,
    /// One sentence for people.
    pub about: Option<String>,
    /// The profiles that were merged, joined by `-`.
    pub profile: String,
    /// The profiles that were merged, each with what it changes.
    pub merged: Vec<(String, Node)>,
    /// Params by name, unresolved.
    pub params: NodeMap,
    /// Params that `--set` replaced: where the replaced value stood.
    pub overridden: IndexMap<String, Place>,
    /// Stages and sources that are written and could not be read.
    pub broken: BTreeSet<String>,
    /// Sources by name.
    pub sources: IndexMap<String, SourceSpec>,
    /// Stages by name.
    pub stages: IndexMap<String, StageSpec>,
    /// What to publish where.
    pub publish: Vec<PublishSpec>,
}

/// An entry under `sources:`.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Where its name stands.
    pub place: Place,
    /// The path, with `${env.X:-default}` and params unresolved.
    pub path: (String, Place),
    /// The kind.
    pub kind: (String, Place),
}

/// An entry under `stages:`. What only some stage types take is kept as it is written.
#[derive(Clone, Debug)]
pub struct StageSpec {
    /// Where its name stands.
    pub place: Place,
    /// The stage type.
    pub uses: (String, Place),
    /// One sentence for people.
    pub about: Option<String>,
    /// Axes by name.
    pub axes: NodeMap,
    /// Partial cells that are taken out.
    pub exclude: Vec<Node>,
    /// Partial cells that are added.
    pub include: Vec<Node>,
    /// Inputs by port.
    pub inputs: NodeMap,
    /// The config, a map.
    pub config: Option<Node>,
    /// Keys that every stage type takes and that never enter a key: `needs`, `timeout`, `retries`, `sandbox`.
    pub tuning: NodeMap,
    /// Keys that only `command` takes.
    pub command: NodeMap,
}

/// An entry under `publish:`.
#[derive(Clone, Debug)]
pub struct PublishSpec {
    /// The path, with references.
    pub path: (String, Place),
    /// The selectors, with references.
    pub selectors: Vec<(String, Place)>,
}

/// Every key a stage can have.
const TUNING_KEYS: &[&str] = &["needs", "timeout", "retries", "sandbox"];
/// The keys of `command` stages.
const COMMAND_KEYS: &[&str] = &["run", "shell", "cwd", "outputs", "metrics", "env", "secrets", "tools"];
const STAGE_KEYS: &[&str] = &["uses", "about", "for", "exclude", "include", "inputs", "config"];
const TOP_KEYS: &[&str] =
    &["pipeline", "about", "extends", "params", "profile", "profiles", "sources", "stages", "publish"];

/// Walks a tree and collects what is wrong with its shape.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) mistakes: Vec<Mistake>,
    broken: BTreeSet<String>,
}

impl Reader {
    pub(super) fn pipeline(&mut self, root: &Node, profile: String) -> Option<PipelineSpec> {
        let map = self.map(root, "a pipeline file")?;
        self.known_keys(map, TOP_KEYS, "a pipeline file");
        let name = match map.get("pipeline") {
            Some(entry) => self.name(&entry.node, "the pipeline's name"),
            None => self.missing(root.place, "pipeline", "pipeline: my-pipeline"),
        };
        let sources = self.section(map, "sources", Self::source);
        let stages = self.section(map, "stages", Self::stage);
        if stages.is_empty() && self.mistakes.is_empty() {
            self.missing::<()>(root.place, "stages", "stages:");
        }
        for (name, stage) in &stages {
            if let Some(source) = sources.get(name) {
                let message = format!("`{name}` names both a source and a stage");
                self.mistakes.push(
                    Mistake::new("duplicate-name", message)
                        .at(stage.place, "the stage")
                        .also(source.place, "the source"),
                );
            }
        }
        Some(PipelineSpec {
            // Without a name nothing runs, but what else is wrong is worth finding.
            name: name.unwrap_or_else(|| "unnamed".to_owned()),
            about: map.get("about").and_then(|entry| self.text(&entry.node, "`about`")).map(|(text, _)| text),
            profile,
            params: self.owned_map(map, "params"),
            overridden: IndexMap::new(),
            merged: Vec::new(),
            broken: std::mem::take(&mut self.broken),
            sources,
            stages,
            publish: self.publish(map),
        })
    }

    fn section<T>(
        &mut self,
        map: &NodeMap,
        key: &str,
        read: fn(&mut Self, &str, Place, &Node) -> Option<T>,
    ) -> IndexMap<String, T> {
        let mut section = IndexMap::new();
        for (name, entry) in self.optional_map(map, key).into_iter().flatten() {
            if !is_name(name) {
                let message = format!("`{name}` is not a name");
                let help = "names are made of letters, digits, `-` and `_`, and begin with a letter";
                self.mistakes.push(Mistake::new("bad-name", message).at(entry.key, "here").help(help));
                continue;
            }
            match read(self, name, entry.key, &entry.node) {
                Some(value) => drop(section.insert(name.clone(), value)),
                None => drop(self.broken.insert(name.clone())),
            }
        }
        section
    }

    fn source(&mut self, name: &str, place: Place, node: &Node) -> Option<SourceSpec> {
        let map = self.map(node, &format!("source `{name}`"))?;
        self.known_keys(map, &["path", "kind", "about"], "a source");
        let path = match map.get("path") {
            Some(entry) => self.text(&entry.node, "`path`"),
            None => self.missing(place, "path", "path: data/images"),
        };
        let kind = match map.get("kind") {
            Some(entry) => self.text(&entry.node, "`kind`"),
            None => self.missing(place, "kind", "kind: folder/1"),
        };
        Some(SourceSpec { place, path: path?, kind: kind? })
    }

    fn stage(&mut self, name: &str, place: Place, node: &Node) -> Option<StageSpec> {
        let map = self.map(node, &format!("stage `{name}`"))?;
        let known: Vec<&str> = [STAGE_KEYS, TUNING_KEYS, COMMAND_KEYS].concat();
        self.known_keys(map, &known, "a stage");
        let uses = match map.get("uses") {
            Some(entry) => self.text(&entry.node, "`uses`"),
            None => self.missing(place, "uses", "uses: command"),
        };
        let config = map.get("config").map(|entry| entry.node.clone());
        if let Some(config) = config.as_ref().filter(|config| !config.is_null()) {
            self.map(config, "`config`");
        }
        let part = |keys: &[&str]| {
            let entries = map.iter().filter(|(key, _)| keys.contains(&key.as_str()));
            entries.map(|(key, entry)| (key.clone(), entry.clone())).collect::<NodeMap>()
        };
        let (tuning, command) = (part(TUNING_KEYS), part(COMMAND_KEYS));
        let uses = uses?;
        if uses.0 != crate::command::NAME
            && let Some((key, entry)) = command.first()
        {
            let message = format!("`{key}` belongs to `uses: command`, not to `{}`", uses.0);
            self.mistakes.push(Mistake::new("unknown-key", message).at(entry.key, "here").also(uses.1, "this type"));
        }
        Some(StageSpec {
            place,
            uses,
            about: map.get("about").and_then(|entry| self.text(&entry.node, "`about`")).map(|(text, _)| text),
            axes: self.owned_map(map, "for"),
            exclude: self.list(map, "exclude"),
            include: self.list(map, "include"),
            inputs: self.owned_map(map, "inputs"),
            config: config.filter(|config| !config.is_null()),
            tuning,
            command,
        })
    }

    fn publish(&mut self, map: &NodeMap) -> Vec<PublishSpec> {
        let mut publish = Vec::new();
        for (path, entry) in self.optional_map(map, "publish").into_iter().flatten() {
            let nodes = match &entry.node.value {
                Value::List(list) => list.clone(),
                _ => vec![entry.node.clone()],
            };
            let selectors: Vec<_> = nodes.iter().filter_map(|node| self.text(node, "a selector")).collect();
            publish.push(PublishSpec { path: (path.clone(), entry.key), selectors });
        }
        publish
    }

    pub(super) fn map<'a>(&mut self, node: &'a Node, what: &str) -> Option<&'a NodeMap> {
        if node.as_map().is_none() {
            let message = format!("{what} is a map of keys and values, found {}", node.describe());
            self.mistakes.push(Mistake::new("wrong-type", message).at(node.place, "here"));
        }
        node.as_map()
    }

    fn optional_map<'a>(&mut self, map: &'a NodeMap, key: &str) -> Option<&'a NodeMap> {
        let entry = map.get(key).filter(|entry| !entry.node.is_null())?;
        self.map(&entry.node, &format!("`{key}`"))
    }

    fn owned_map(&mut self, map: &NodeMap, key: &str) -> NodeMap {
        self.optional_map(map, key).cloned().unwrap_or_default()
    }

    fn list(&mut self, map: &NodeMap, key: &str) -> Vec<Node> {
        let Some(entry) = map.get(key) else { return Vec::new() };
        if let Some(list) = entry.node.as_list() {
            return list.to_vec();
        }
        let message = format!("`{key}` is a list, found {}", entry.node.describe());
        self.mistakes.push(Mistake::new("wrong-type", message).at(entry.node.place, "here"));
        Vec::new()
    }

    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<(String, Place)> {
        if let Some(text) = node.as_text() {
            return Some((text.to_owned(), node.place));
        }
        let message = format!("{what} is text, found {}", node.describe());
        self.mistakes.push(Mistake::new("wrong-type", message).at(node.place, "here"));
        None
    }

    fn name(&mut self, node: &Node, what: &str) -> Option<String> {
        let (text, place) = self.text(node, what)?;
        if is_name(&text) {
            return Some(text);
        }
        let help = "names are made of letters, digits, `-` and `_`, and begin with a letter";
        let message = format!("`{text}` is not a name");
        self.mistakes.push(Mistake::new("bad-name", message).at(place, "here").help(help));
        None
    }

    fn missing<T>(&mut self, place: Place, key: &str, example: &str) -> Option<T> {
        let mistake = Mistake::new("missing-key", format!("`{key}` is missing"));
        self.mistakes.push(mistake.at(place, "here").help(format!("add `{example}`")));
        None
    }

    pub(super) fn known_keys(&mut self, map: &NodeMap, known: &[&str], what: &str) {
        for (key, entry) in map {
            if known.contains(&key.as_str()) {
                continue;
            }
            let mistake = Mistake::new("unknown-key", format!("{what} has no key `{key}`")).at(entry.key, "here");
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are [{}]", known.join(", ")),
            };
            self.mistakes.push(mistake.help(help));
        }
    }
}

/// Whether a text can name a stage, a source or a pipeline.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}
