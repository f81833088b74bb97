//! Stages: fanned out into cells, each bound to its config, with what it needs.

use std::time::Duration;

use super::binder::{Binder, Shared};
use super::resolver::{Resolver, note, place};
use crate::command;
use crate::graph::axes::fan_out;
use crate::graph::needs::duration;
use crate::graph::params::{CellScope, references};
use crate::graph::{Cell, CellId, Needs, StageNode};
use crate::spec::{Mistake, Node, NodeMap, StageSpec, Value, decode, substitute};

impl<'a> Resolver<'a> {
    pub(super) fn stage(&mut self, name: &str, stage: &'a StageSpec) {
        let coordinates = match fan_out(name, stage, self.params) {
            Ok(coordinates) => coordinates,
            Err(mut mistakes) => {
                self.mistakes.append(&mut mistakes);
                return;
            }
        };
        let Some(mut binder) = self.binder(stage) else { return };
        let tuning = self.tuning(stage);
        let mut node = StageNode {
            uses: stage.uses.0.clone(),
            axes: stage.axes.keys().cloned().collect(),
            ..StageNode::default()
        };
        node.axes.sort();
        let (mut noted, mut cells) = (Vec::new(), Vec::new());
        for coordinates in coordinates {
            let scope = CellScope { params: self.params, coordinates: &coordinates, place: stage.place };
            let work = match binder.bind(&scope) {
                Ok(work) => work,
                Err(mistakes) => {
                    note(&mut noted, mistakes);
                    continue;
                }
            };
            if cells.is_empty() {
                node.ports = work.ports().clone();
            }
            cells.push((coordinates.clone(), self.cells.len()));
            let (needs, timeout, retries) = tuning;
            let mut needs: Needs = needs;
            if work.slots().contains(&"gpu") && !stage.tuning.contains_key("needs") {
                needs.gpu = 1;
            }
            let id = CellId { stage: name.to_owned(), coordinates };
            let inputs = Vec::new();
            self.cells.push(Cell { id, work, inputs, needs, timeout, retries, place: stage.place });
        }
        // They are sorted, and a map made of all at once compares each only with the next.
        node.cells = cells.into_iter().collect();
        self.mistakes.extend(noted.into_iter().map(|mistake| with_user(mistake, stage)));
        if !node.cells.is_empty() {
            self.stages.insert(name.to_owned(), node);
        } else if self.mistakes.is_empty() {
            let message = format!("every cell of stage `{name}` is excluded");
            self.mistakes.push(Mistake::new("empty-stage", message).at(stage.place, "here"));
        }
    }

    fn binder(&mut self, stage: &'a StageSpec) -> Option<Binder<'a>> {
        let (uses, place) = &stage.uses;
        if uses == command::NAME {
            if let Some(config) = &stage.config {
                let mistake = Mistake::new("unknown-key", "`command` takes no `config`");
                self.mistakes.push(mistake.at(config.place, "here").help("pass values as arguments in `run`"));
            }
            let (environment, kinds, root) = (self.environment, self.kinds, self.root);
            return Some(Binder::Command { stage, environment, kinds, root });
        }
        let Some(registered) = self.registry.stage_type(uses) else {
            let mistake = Mistake::new("unknown-stage-type", format!("there is no stage type `{uses}`"));
            self.mistakes.push(mistake.at(*place, "here").suggest(uses, self.registry.names()));
            return None;
        };
        let empty = Node::new(Value::Map(NodeMap::new()), stage.place);
        let config = stage.config.clone().unwrap_or(empty);
        // What is no reference is reported where the config is bound.
        let names = references(&config).unwrap_or_default();
        let uses_axes = names.iter().any(|name| stage.axes.contains_key(name));
        Some(Binder::Native {
            bind: registered.bind,
            config,
            shared: if uses_axes { Shared::Never } else { Shared::NotYet },
        })
    }

    fn tuning(&mut self, stage: &StageSpec) -> (Needs, Option<Duration>, u32) {
        let mut read = |key: &str| -> Option<Node> {
            let node = &stage.tuning.get(key)?.node;
            match substitute(node, self.params) {
                Ok(node) => Some(node),
                Err(mistake) => {
                    self.mistakes.push(mistake);
                    None
                }
            }
        };
        let (needs, timeout, retries, sandbox) = (read("needs"), read("timeout"), read("retries"), read("sandbox"));
        let needs = self.keep(needs.map(|node| Needs::read(&node))).unwrap_or_default();
        let timeout = self.keep(timeout.map(|node| duration(&node)));
        let retries = self.keep(retries.map(|node| decode::<u32>(&node))).unwrap_or(0);
        self.keep(sandbox.map(|node| sandbox_value(&node)));
        (needs, timeout, retries)
    }
}

/// A value that came from a param has its mistake where it is written; that alone does not say who uses it.
fn with_user(mistake: Mistake, stage: &StageSpec) -> Mistake {
    let own = stage.config.iter().chain(stage.command.values().map(|entry| &entry.node));
    match place(&mistake) {
        Some(at) if at != stage.place && !own.clone().any(|node| node.contains(at)) => {
            mistake.also(stage.place, "used by this stage")
        }
        _ => mistake,
    }
}

/// Whether a stage asks for a sandbox.
pub(crate) fn sandbox_value(node: &Node) -> Result<bool, Mistake> {
    match &node.value {
        Value::Truth(wanted) => Ok(*wanted),
        Value::Text(text) if text == "on" => Ok(true),
        Value::Text(text) if text == "off" => Ok(false),
        _ => Err(Mistake::new("wrong-value", "`sandbox` is `on` or `off`").at(node.place, "here")),
    }
}
