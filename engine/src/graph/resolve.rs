//! From [`PipelineSpec`] to [`Graph`]: every name is looked up, every mistake is reported. After this no
//! spelling mistake is left to be found.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::{BTreeMap, BinaryHeap};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use dgpipe_cache::Form;
use indexmap::IndexMap;
use petgraph::Direction::{Incoming, Outgoing};
use petgraph::graph::{DiGraph, NodeIndex};

use super::axes::fan_out;
use super::needs::duration;
use super::params::{CellScope, Params, references};
use super::project_path::project_path;
use super::{
    Cell, CellId, Coordinates, Graph, InputRef, Member, Needs, PortInputs, Publication, Reading, Source, StageNode,
};
use crate::command::{self, CommandStage};
use crate::environment::Environment;
use crate::passport::SIDECAR;
use crate::registry::Registry;
use crate::spec::{
    Comparison, Constraint, ECHO, Loaded, Mistake, Mistakes, Node, NodeMap, Piece, PipelineSpec, Place, Scope,
    Selector, SourceSpec, StageSpec, Template, Value, decode, scalar_text, substitute, substitute_all, unknown,
};
use crate::stage::{Bind, BoundStage, InputPort, Kind};

/// Resolves a pipeline. `root` is the project root; `environment` is what `${env.X}` and commands see.
pub fn resolve(loaded: Loaded, registry: &Registry, environment: &Environment, root: &Path) -> Result<Graph, Mistakes> {
    let Loaded { spec, texts, mut mistakes } = loaded;
    let params = Params::resolve(&spec.params, &mut mistakes);
    let kinds = registry.kinds();
    let mut resolver = Resolver {
        spec: &spec,
        registry,
        environment,
        root,
        params: &params,
        kinds: &kinds,
        mistakes,
        stages: IndexMap::new(),
        cells: Vec::new(),
        sources: Vec::new(),
        source_index: BTreeMap::new(),
    };
    resolver.sources();
    for (name, stage) in &spec.stages {
        resolver.stage(name, stage);
    }
    for (name, stage) in &spec.stages {
        resolver.inputs(name, stage);
    }
    resolver.project_outputs();
    let publications = resolver.publications();
    let Resolver { mut mistakes, stages, cells, sources, .. } = resolver;
    let edges = edges(&cells);
    let order = order(&edges, &cells, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(distinct(without_echoes(mistakes), texts));
    }
    let params = params.to_json();
    let (names, by_name) = (OnceLock::new(), OnceLock::new());
    Ok(Graph { spec, texts, params, stages, cells, sources, publications, edges, order, names, by_name })
}

/// What reads a stage that has mistakes of its own is wrong only because of them.
fn without_echoes(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    if mistakes.iter().any(|mistake| mistake.code != ECHO) {
        mistakes.retain(|mistake| mistake.code != ECHO);
    }
    let is_old = |mistake: &&Mistake| mistake.code == "old-boolean";
    let old: Vec<Option<Place>> = mistakes.iter().filter(is_old).map(place).collect();
    mistakes.retain(|mistake| is_old(&mistake) || !old.contains(&place(mistake)));
    mistakes
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

/// The same mistake in several stages, as of a param that they share, is one mistake.
fn distinct(mut mistakes: Vec<Mistake>, texts: crate::spec::Texts) -> Mistakes {
    let mut seen = BTreeSet::new();
    mistakes.retain(|mistake| {
        mistake.place.is_none() || seen.insert((place(mistake), mistake.code, mistake.message.clone()))
    });
    Mistakes::new(mistakes, texts)
}

/// Adds the mistakes of one more cell. What an earlier cell has at the same place is the same mistake, whatever value
/// it names.
fn note(noted: &mut Vec<Mistake>, mut mistakes: Vec<Mistake>) {
    let known: BTreeSet<_> = noted.iter().map(|mistake| (mistake.code, place(mistake))).collect();
    mistakes.retain(|mistake| !known.contains(&(mistake.code, place(mistake))));
    noted.append(&mut mistakes);
}

fn place(mistake: &Mistake) -> Option<Place> {
    mistake.place.as_ref().map(|(place, _)| *place)
}

struct Resolver<'a> {
    spec: &'a PipelineSpec,
    registry: &'a Registry,
    environment: &'a Environment,
    root: &'a Path,
    params: &'a Params,
    /// Every kind that this program knows.
    kinds: &'a BTreeSet<Kind>,
    mistakes: Vec<Mistake>,
    stages: IndexMap<String, StageNode>,
    cells: Vec<Cell>,
    sources: Vec<Source>,
    source_index: BTreeMap<String, usize>,
}

impl<'a> Resolver<'a> {
    fn sources(&mut self) {
        for (name, source) in &self.spec.sources {
            match self.source(name, source) {
                Ok(source) => {
                    self.source_index.insert(name.clone(), self.sources.len());
                    self.sources.push(source);
                }
                Err(mistake) => self.mistakes.push(mistake),
            }
        }
    }

    fn source(&self, name: &str, source: &SourceSpec) -> Result<Source, Mistake> {
        let (text, place) = &source.kind;
        let kind = known_kind(text, *place, self.kinds)?;
        let (text, place) = &source.path;
        let path = Template::parse(text, *place)?.render(|reference| match reference.strip_prefix("env.") {
            Some(variable) => self.variable(variable, *place),
            None => {
                let node = self.params.value(reference).ok_or_else(|| unknown(reference, *place, self.params))?;
                scalar_text(&node, reference, *place)
            }
        })?;
        let special = self.registry.source_kind(&kind);
        Ok(Source {
            name: name.to_owned(),
            path: self.root.join(&path),
            shown: path,
            hidden: special.is_none(),
            steps_into: special.map_or(&[], |special| special.steps_into),
            kind,
            place: *place,
        })
    }

    fn variable(&self, reference: &str, place: Place) -> Result<String, Mistake> {
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        let value = self.environment.get(name).filter(|value| !value.is_empty()).or(default);
        value.map(str::to_owned).ok_or_else(|| {
            Mistake::new("unset-variable", format!("the environment variable `{name}` is not set"))
                .at(place, "needed here")
                .help(format!("set it, or give a default: `${{env.{name}:-path}}`"))
        })
    }

    fn stage(&mut self, name: &str, stage: &'a StageSpec) {
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
        let mut noted = Vec::new();
        for coordinates in coordinates {
            let scope = CellScope { params: self.params, coordinates: &coordinates, place: stage.place };
            let work = match binder.bind(&scope) {
                Ok(work) => work,
                Err(mistakes) => {
                    note(&mut noted, mistakes);
                    continue;
                }
            };
            if node.cells.is_empty() {
                node.ports = work.ports().clone();
            }
            node.cells.insert(coordinates.clone(), self.cells.len());
            let (needs, timeout, retries) = tuning;
            let mut needs: Needs = needs;
            if work.slots().contains(&"gpu") && !stage.tuning.contains_key("needs") {
                needs.gpu = 1;
            }
            let id = CellId { stage: name.to_owned(), coordinates };
            let inputs = Vec::new();
            self.cells.push(Cell { id, work, inputs, needs, timeout, retries, place: stage.place });
        }
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

    fn keep<T>(&mut self, result: Option<Result<T, Mistake>>) -> Option<T> {
        match result? {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }

    fn inputs(&mut self, name: &str, stage: &StageSpec) {
        let Some(node) = self.stages.get(name) else { return };
        let ports = node.ports.clone();
        let cells: Vec<usize> = node.cells.values().copied().collect();
        for (port, entry) in &stage.inputs {
            if ports.input(port).is_none() {
                let known = ports.inputs.iter().map(|port| port.name.as_str());
                let mistake = Mistake::new("unknown-port", format!("`{}` has no input `{port}`", stage.uses.0));
                self.mistakes.push(mistake.at(entry.key, "here").suggest(port, known));
            }
        }
        for port in &ports.inputs {
            let Some(entry) = stage.inputs.get(&port.name) else {
                if port.required {
                    let message = format!("stage `{name}` does not connect the input `{}`", port.name);
                    let kinds = port.kinds.iter().map(Kind::as_str).collect::<Vec<_>>().join(" or ");
                    let help = format!("add `inputs: {{ {}: … }}`, which takes {kinds}", port.name);
                    let mistake = Mistake::new("missing-input", message).at(stage.place, "this stage");
                    self.mistakes.push(mistake.help(help));
                }
                continue;
            };
            let mut noted = Vec::new();
            for cell in &cells {
                note(&mut noted, self.port(*cell, port, &entry.node));
            }
            self.mistakes.append(&mut noted);
        }
    }

    /// Connects one input port of one cell. Returns what is wrong.
    fn port(&mut self, cell: usize, port: &InputPort, node: &Node) -> Vec<Mistake> {
        let nodes = match &node.value {
            Value::List(list) => list.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let (mut readings, mut mistakes) = (Vec::new(), Vec::new());
        for node in nodes {
            match self.readings(cell, port, node) {
                Ok(found) => readings.extend(found),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if readings.len() != 1 && !port.many && mistakes.is_empty() {
            mistakes.push(self.not_single(cell, port, node, &readings));
        }
        // What is right is connected all the same, so that circles are found beside other mistakes.
        let labelled = port.labelled;
        self.cells[cell].inputs.push(PortInputs { port: port.name.clone(), labelled, readings });
        mistakes
    }

    fn readings(&mut self, cell: usize, port: &InputPort, node: &Node) -> Result<Vec<Reading>, Mistake> {
        if let Some(map) = node.as_map() {
            let reading = self.file_reading(cell, map, node.place)?;
            check_kind(port, &reading, &reading.file_name, node.place)?;
            return Ok(vec![reading]);
        }
        let Some(text) = node.as_text() else {
            let message = format!("an input is a selector or a list of selectors, found {}", node.describe());
            return Err(Mistake::new("wrong-type", message).at(node.place, "here"));
        };
        let scope = self.scope(cell);
        let text = selector_text(&Template::parse(text, node.place)?, &scope, node.place)?;
        let selector = Selector::parse(&text, node.place)?;
        let readings = self.select_readings(&selector)?;
        for reading in &readings {
            check_kind(port, reading, &selector.name, selector.place)?;
        }
        Ok(readings)
    }

    fn scope(&self, cell: usize) -> CellScope<'_> {
        let cell = &self.cells[cell];
        CellScope { params: self.params, coordinates: &cell.id.coordinates, place: cell.place }
    }

    /// `{ file: scripts/prepare.py }` or `{ folder: scripts }`: a source without a name of its own.
    fn file_reading(&mut self, cell: usize, map: &NodeMap, place: Place) -> Result<Reading, Mistake> {
        let form = |key: &str| map.get(key).map(|entry| (key.to_owned(), entry.node.clone()));
        let (Some((form, node)), 1) = (form("file").or_else(|| form("folder")), map.len()) else {
            let mistake = Mistake::new("wrong-value", "an input map has exactly one key, `file` or `folder`");
            return Err(mistake.at(place, "here"));
        };
        let kind = if form == "file" { Kind::FILE } else { Kind::FOLDER };
        let resolved = substitute(&node, &self.scope(cell))?;
        let Some(path) = resolved.as_text() else {
            let mistake = Mistake::new("wrong-type", format!("a path is text, found {}", resolved.describe()));
            return Err(mistake.at(node.place, "here"));
        };
        let path = project_path(path, node.place)?;
        let key = format!("{form} {path}");
        let index = match self.source_index.get(&key) {
            Some(index) => *index,
            None => {
                let source = Source {
                    name: path.clone(),
                    path: self.root.join(&path),
                    shown: path.clone(),
                    kind: kind.clone(),
                    steps_into: &[],
                    hidden: true,
                    place: node.place,
                };
                self.sources.push(source);
                self.source_index.insert(key, self.sources.len() - 1);
                self.sources.len() - 1
            }
        };
        let from = InputRef::Source(index);
        Ok(Reading { from, path: None, kind: Some(kind), file_name: path, in_place: true })
    }

    fn select_readings(&self, selector: &Selector) -> Result<Vec<Reading>, Mistake> {
        if let Some(index) =
            self.source_index.get(&selector.name).filter(|_| self.spec.sources.contains_key(&selector.name))
        {
            return self.source_reading(*index, selector).map(|reading| vec![reading]);
        }
        let Some(stage) = self.stages.get(&selector.name) else { return Err(self.unknown_stage(selector)) };
        let output = match &selector.port {
            Some(port) => stage.ports.output(port).ok_or_else(|| {
                let known = stage.ports.outputs.iter().map(|port| port.name.as_str());
                Mistake::new("unknown-port", format!("stage `{}` has no output `{port}`", selector.name))
                    .at(selector.place, "here")
                    .suggest(port, known)
            })?,
            // The order of a command's outputs means nothing, so none of several is the main one.
            None if stage.uses == command::NAME && stage.ports.outputs.len() > 1 => {
                let ports: Vec<String> =
                    stage.ports.outputs.iter().map(|port| format!("`{}.{}`", selector.name, port.name)).collect();
                return Err(Mistake::new("unclear-port", format!("`{}` has several outputs", selector.name))
                    .at(selector.place, "here")
                    .help(format!("name one of [{}]", ports.join(", "))));
            }
            None => stage.ports.main_output().ok_or_else(|| {
                Mistake::new("unknown-port", format!("stage `{}` has no outputs", selector.name))
                    .at(selector.place, "here")
            })?,
        };
        let base = |path: &Option<String>| path.as_ref().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
        let reading = |cell: usize| Reading {
            from: InputRef::Cell { cell, port: output.name.clone() },
            path: selector.path.clone(),
            kind: if selector.path.is_some() { None } else { Some(output.kind.clone()) },
            file_name: base(&selector.path).unwrap_or_else(|| output.file_name.clone()),
            in_place: false,
        };
        Ok(select(stage, selector)?.into_iter().map(reading).collect())
    }

    fn source_reading(&self, index: usize, selector: &Selector) -> Result<Reading, Mistake> {
        let source = &self.sources[index];
        if selector.port.is_some() || !selector.constraints.is_empty() {
            let message = format!("`{}` is a source, which has neither ports nor axes", selector.name);
            let help = format!("a part of it is `{}/path`", selector.name);
            return Err(Mistake::new("bad-selector", message).at(selector.place, "here").help(help));
        }
        let path = selector.path.as_deref().unwrap_or(&source.shown);
        let file_name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path).to_owned();
        let kind = if selector.path.is_some() { None } else { Some(source.kind.clone()) };
        Ok(Reading { from: InputRef::Source(index), path: selector.path.clone(), kind, file_name, in_place: false })
    }

    fn unknown_stage(&self, selector: &Selector) -> Mistake {
        let (name, spec) = (&selector.name, self.spec);
        if spec.stages.contains_key(name) || spec.sources.contains_key(name) || spec.broken.contains(name) {
            // It exists and has a mistake of its own, which is reported where it stands.
            return Mistake::new(ECHO, format!("`{name}` has mistakes of its own")).at(selector.place, "read here");
        }
        let known = spec.stages.keys().chain(spec.sources.keys()).map(String::as_str);
        Mistake::new("unknown-stage", format!("there is no stage or source `{name}`"))
            .at(selector.place, "read here")
            .suggest(name, known)
    }

    fn not_single(&self, cell: usize, port: &InputPort, node: &Node, readings: &[Reading]) -> Mistake {
        let message = format!("the input `{}` takes one artifact, and this gives {}", port.name, readings.len());
        let mistake = Mistake::new("not-single", message).at(node.place, "here");
        let read = readings.iter().filter_map(|reading| match &reading.from {
            InputRef::Cell { cell, .. } => Some(&self.cells[*cell].id.coordinates),
            InputRef::Source(_) => None,
        });
        let read: Vec<&Coordinates> = read.collect();
        let varies = |axis: &&String| read.iter().any(|other| other.get(*axis) != read[0].get(*axis));
        let axes: Vec<&String> = read.first().into_iter().flat_map(|first| first.keys()).filter(varies).collect();
        if axes.is_empty() {
            return mistake;
        }
        let own = &self.cells[cell].id.coordinates;
        let condition = |axis: &&String| {
            if own.contains_key(*axis) { format!("{axis}=${{{axis}}}") } else { format!("{axis}=…") }
        };
        let conditions: Vec<String> = axes.iter().map(condition).collect();
        mistake.help(format!("choose one with `[{}]`", conditions.join(", ")))
    }

    /// Commands that run in the project root write at fixed places, which nothing else may own.
    fn project_outputs(&mut self) {
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        let mut mistakes = Vec::new();
        for (index, cell) in self.cells.iter().enumerate() {
            for path in cell.work.project_outputs() {
                let overlaps = |other: &str| {
                    other == path || other.starts_with(&format!("{path}/")) || path.starts_with(&format!("{other}/"))
                };
                let owner = owners.iter().find(|(other, _)| overlaps(other)).map(|(_, owner)| *owner);
                let written = self.root.join(&path);
                let near = |source: &&Source| written.starts_with(&source.path) || source.path.starts_with(&written);
                let source = self.sources.iter().find(near);
                let other = match (owner, source) {
                    (Some(owner), _) => Some((format!("`{}`", self.cells[owner].id), self.cells[owner].place)),
                    (None, Some(source)) => Some((format!("the source `{}`", source.name), source.place)),
                    (None, None) => None,
                };
                if let Some((other, place)) = other {
                    let message = format!("`{}` writes `{path}` in the project, which belongs to {other}", cell.id);
                    let mistake = Mistake::new("output-overlap", message).at(cell.place, "this stage");
                    let mistake = if place == cell.place { mistake } else { mistake.also(place, "the other") };
                    mistakes.push(mistake.help("with `cwd: project`, put the values of the axes in the output's path"));
                } else {
                    owners.insert(path, index);
                }
            }
        }
        self.mistakes.append(&mut mistakes);
    }

    fn publications(&mut self) -> Vec<Publication> {
        let spec = self.spec;
        let mut by_path: BTreeMap<String, Publication> = BTreeMap::new();
        for publish in &spec.publish {
            let (text, place) = &publish.path;
            for (selector, selector_place) in &publish.selectors {
                if let Err(mistake) = self.publish_one(text, *place, selector, *selector_place, &mut by_path) {
                    self.mistakes.push(mistake);
                }
            }
        }
        let publications: Vec<Publication> = by_path.into_values().collect();
        self.overlaps(&publications);
        self.name_clashes(&publications);
        publications
    }

    fn publish_one(
        &self,
        path: &str,
        place: Place,
        selector: &str,
        selector_place: Place,
        by_path: &mut BTreeMap<String, Publication>,
    ) -> Result<(), Mistake> {
        let selector = self.publish_selector(selector, selector_place)?;
        if self.source_index.contains_key(&selector.name) && self.spec.sources.contains_key(&selector.name) {
            let mistake = Mistake::new("bad-publish", format!("`{}` is a source and is not published", selector.name));
            return Err(mistake.at(selector_place, "here"));
        }
        if selector.path.is_some() {
            let mistake = Mistake::new("bad-publish", "whole artifacts are published, not parts of them");
            return Err(mistake.at(selector_place, "here"));
        }
        let template = Template::parse(path, place)?;
        for reading in self.select_readings(&selector)? {
            let InputRef::Cell { cell, port } = reading.from else { continue };
            let rendered = self.publish_path(&template, place, cell)?;
            let new = || Publication { path: rendered.clone(), members: Vec::new(), place };
            let publication = by_path.entry(rendered.clone()).or_insert_with(new);
            let same_stage =
                |member: &&Member| self.cells[member.cell].id.stage == self.cells[cell].id.stage && member.port == port;
            if publication.place != place || publication.members.iter().find(same_stage).is_some() {
                return Err(self.unbound(&rendered, place, cell, &template));
            }
            publication.members.push(Member { cell, port });
        }
        Ok(())
    }

    fn publish_selector(&self, text: &str, place: Place) -> Result<Selector, Mistake> {
        Selector::parse(&selector_text(&Template::parse(text, place)?, self.params, place)?, place)
    }

    fn publish_path(&self, template: &Template, place: Place, cell: usize) -> Result<String, Mistake> {
        let scope = self.scope(cell);
        let rendered = template.render(|name| match name {
            "pipeline" => Ok(self.spec.name.clone()),
            "profile" => Ok(self.spec.profile.clone()),
            _ => {
                let value = scope.value(name).ok_or_else(|| {
                    let stage = &self.cells[cell].id.stage;
                    let message = format!("`${{{name}}}` is neither a param nor an axis of `{stage}`");
                    let names = scope.names();
                    let known = names.iter().map(String::as_str);
                    Mistake::new("unknown-name", message).at(place, "here").suggest(name, known)
                })?;
                scalar_text(&value, name, place)
            }
        })?;
        if rendered.ends_with(SIDECAR) {
            let message = format!("names that end in `{SIDECAR}` are kept for passports");
            return Err(Mistake::new("bad-publish", message).at(place, "here"));
        }
        project_path(&rendered, place)
    }

    fn unbound(&self, path: &str, place: Place, cell: usize, template: &Template) -> Mistake {
        let id = &self.cells[cell].id;
        let bound: Vec<&str> = template.references().collect();
        let missing: Vec<&str> =
            id.coordinates.keys().map(String::as_str).filter(|axis| !bound.contains(axis)).collect();
        let mistake =
            Mistake::new("publish-overlap", format!("several artifacts of `{}` are published at `{path}`", id.stage));
        let mistake = mistake.at(place, "here");
        match missing.first() {
            Some(axis) => mistake.help(format!("name the axis in the path: `${{{axis}}}`")),
            None => mistake,
        }
    }

    /// Files that share a published folder have names of their own. What folders contain is known only when they are
    /// made, and is checked then.
    fn name_clashes(&mut self, publications: &[Publication]) {
        for publication in publications.iter().filter(|publication| publication.members.len() > 1) {
            let mut owners: BTreeMap<&str, &Member> = BTreeMap::new();
            for member in &publication.members {
                let ports = self.cells[member.cell].work.ports();
                let file = ports.output(&member.port).filter(|port| port.form == Form::File);
                let Some(name) = file.map(|port| port.file_name.as_str()) else { continue };
                let Some(other) = owners.insert(name, member) else { continue };
                let artifact = |member: &Member| format!("`{}.{}`", self.cells[member.cell].id, member.port);
                let (path, one, two) = (&publication.path, artifact(other), artifact(member));
                let message = format!("{one} and {two} would both be `{path}/{name}`");
                let mistake = Mistake::new("publish-overlap", message).at(publication.place, "here");
                self.mistakes.push(mistake.help("publish one of them at a path of its own"));
            }
        }
    }

    fn overlaps(&mut self, publications: &[Publication]) {
        let by_path: BTreeMap<&str, Place> =
            publications.iter().map(|publication| (publication.path.as_str(), publication.place)).collect();
        for Publication { path, place, .. } in publications {
            let above = path.match_indices('/').map(|(end, _)| &path[..end]);
            for (outer, outer_place) in above.filter_map(|outer| by_path.get_key_value(outer)) {
                let message = format!("`{path}` lies inside `{outer}`, which is published too");
                let mistake = Mistake::new("publish-overlap", message).at(*place, "here");
                self.mistakes.push(mistake.also(*outer_place, "and here"));
            }
        }
        for publication in publications {
            let published = self.root.join(&publication.path);
            for source in &self.sources {
                if published.starts_with(&source.path) || source.path.starts_with(&published) {
                    let message = format!("`{}` overlaps the source `{}`", publication.path, source.name);
                    let mistake = Mistake::new("publish-overlap", message).at(publication.place, "here");
                    self.mistakes.push(mistake.also(source.place, "the source"));
                }
            }
        }
    }
}

/// A selector with its references rendered: a value in which a character means something to selectors is quoted.
fn selector_text(template: &Template, scope: &dyn Scope, place: Place) -> Result<String, Mistake> {
    template.pieces.iter().try_fold(String::new(), |text, piece| match piece {
        Piece::Text(plain) => Ok(text + plain),
        Piece::Reference(name) => {
            let value = scope.value(name).ok_or_else(|| unknown(name, place, scope))?;
            let value = scalar_text(&value, name, place)?;
            let quoted = text.ends_with('"') || !value.contains(['[', ']', '(', ')', ',', '=']);
            Ok(if quoted { text + &value } else { format!("{text}\"{value}\"") })
        }
    })
}

/// Makes the work of a stage's cells; a config without axes is decoded once.
enum Binder<'a> {
    Native { bind: Bind, config: Node, shared: Shared },
    Command { stage: &'a StageSpec, environment: &'a Environment, kinds: &'a BTreeSet<Kind>, root: &'a Path },
}

enum Shared {
    Never,
    NotYet,
    Bound(Arc<dyn BoundStage>),
}

impl Binder<'_> {
    fn bind(&mut self, scope: &CellScope<'_>) -> Result<Arc<dyn BoundStage>, Vec<Mistake>> {
        match self {
            Self::Native { shared: Shared::Bound(work), .. } => Ok(Arc::clone(work)),
            Self::Native { bind, config, shared } => {
                let mut mistakes = Vec::new();
                let substituted = substitute_all(config, scope, &mut mistakes);
                let bound = bind(&substituted);
                if !mistakes.is_empty() {
                    // A reference that means nothing fits no type either.
                    let places: BTreeSet<_> = mistakes.iter().map(place).collect();
                    let others = bound.err().unwrap_or_default();
                    mistakes.extend(others.into_iter().filter(|mistake| !places.contains(&place(mistake))));
                    return Err(mistakes);
                }
                let work: Arc<dyn BoundStage> = bound?.into();
                if matches!(shared, Shared::NotYet) {
                    *shared = Shared::Bound(Arc::clone(&work));
                }
                Ok(work)
            }
            Self::Command { stage, environment, kinds, root } => {
                Ok(Arc::new(CommandStage::bind(stage, scope, environment, kinds, root)?))
            }
        }
    }
}

/// The cells of a stage that a selector means, in order.
pub(super) fn select(stage: &StageNode, selector: &Selector) -> Result<Vec<usize>, Mistake> {
    for constraint in &selector.constraints {
        if !stage.axes.contains(&constraint.axis) {
            let message = format!("stage `{}` has no axis `{}`", selector.name, constraint.axis);
            let known = stage.axes.iter().map(String::as_str);
            return Err(Mistake::new("unknown-axis", message)
                .at(selector.place, "here")
                .suggest(&constraint.axis, known));
        }
    }
    if let Some(cell) = exact(stage, selector) {
        return Ok(vec![cell]);
    }
    let cells = matching(stage, selector);
    if cells.is_empty() { Err(no_match(stage, selector)) } else { Ok(cells) }
}

/// The cells that satisfy all conditions, in order. Of many cells, only those are looked at that satisfy the condition
/// with the fewest: else a fan-in for each of many values would be quadratic.
fn matching(stage: &StageNode, selector: &Selector) -> Vec<usize> {
    let cells_of = |constraint: &Constraint| -> Vec<&[usize]> {
        constraint.values.iter().map(|value| stage.with_value(&constraint.axis, value)).collect()
    };
    let conditions: Vec<(Comparison, Vec<&[usize]>)> =
        selector.constraints.iter().map(|constraint| (constraint.comparison, cells_of(constraint))).collect();
    let accepts = |cell: &usize| {
        conditions.iter().all(|(comparison, sets)| {
            let has = sets.iter().any(|set| set.binary_search(cell).is_ok());
            has == (*comparison != Comparison::NotEqual)
        })
    };
    let equal = conditions.iter().filter(|(comparison, _)| *comparison == Comparison::Equal);
    match equal.map(|(_, sets)| sets[0]).min_by_key(|set| set.len()) {
        Some(fewest) => fewest.iter().copied().filter(accepts).collect(),
        None => stage.cells.values().copied().filter(accepts).collect(),
    }
}

/// The shortcut for selectors that name every axis, so that large fan-outs stay linear.
fn exact(stage: &StageNode, selector: &Selector) -> Option<usize> {
    let equal = selector.constraints.iter().all(|constraint| constraint.comparison == Comparison::Equal);
    if !equal || selector.constraints.len() != stage.axes.len() {
        return None;
    }
    let coordinates: Coordinates =
        selector.constraints.iter().map(|constraint| (constraint.axis.clone(), constraint.values[0].clone())).collect();
    stage.cells.get(&coordinates).copied()
}

fn no_match(stage: &StageNode, selector: &Selector) -> Mistake {
    let mistake = |message: String| Mistake::new("no-match", message).at(selector.place, "here");
    let lacking = selector
        .constraints
        .iter()
        .find(|constraint| !stage.cells.keys().any(|coordinates| constraint.accepts(&coordinates[&constraint.axis])));
    let Some(constraint) = lacking else {
        return mistake(format!("no cell of `{}` matches all of these conditions", selector.name));
    };
    let mut values: Vec<String> =
        stage.cells.keys().map(|coordinates| coordinates[&constraint.axis].to_string()).collect();
    values.sort();
    values.dedup();
    let written = constraint.values.first().map(ToString::to_string).unwrap_or_default();
    let mistake = match constraint.comparison {
        Comparison::NotEqual => mistake(format!("no cell of `{}` is left", selector.name)),
        Comparison::Equal | Comparison::In => {
            mistake(format!("no cell of `{}` has the {} `{written}`", selector.name, constraint.axis))
        }
    };
    mistake.suggest(&written, values.iter().map(String::as_str))
}

fn check_kind(port: &InputPort, reading: &Reading, from: &str, place: Place) -> Result<(), Mistake> {
    let Some(kind) = &reading.kind else { return Ok(()) };
    if port.kinds.is_empty() || port.kinds.contains(kind) {
        return Ok(());
    }
    let expected = port.kinds.iter().map(Kind::as_str).collect::<Vec<_>>().join("` or `");
    let message = format!("the input `{}` takes `{expected}`, and `{from}` gives `{kind}`", port.name);
    let mistake = Mistake::new("wrong-kind", message).at(place, "here");
    if reading.in_place {
        let help = format!("name it under `sources:` as `{{ path: {from}, kind: {expected} }}`, and read that");
        return Err(mistake.help(help));
    }
    Err(mistake)
}

/// Reads a kind that must be one of those this program knows.
pub(crate) fn known_kind(text: &str, place: Place, kinds: &BTreeSet<Kind>) -> Result<Kind, Mistake> {
    let kind = Kind::parse(text).map_err(|error| Mistake::new("bad-kind", error.to_string()).at(place, "here"))?;
    if kinds.contains(&kind) {
        return Ok(kind);
    }
    let mistake = Mistake::new("unknown-kind", format!("there is no kind `{text}`")).at(place, "here");
    Err(mistake.suggest(text, kinds.iter().map(Kind::as_str)))
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

fn edges(cells: &[Cell]) -> DiGraph<(), ()> {
    let mut edges = DiGraph::with_capacity(cells.len(), cells.len() * 2);
    for _ in cells {
        edges.add_node(());
    }
    for (index, cell) in cells.iter().enumerate() {
        for reading in cell.inputs.iter().flat_map(|port| &port.readings) {
            if let InputRef::Cell { cell, .. } = &reading.from {
                edges.add_edge(NodeIndex::new(*cell), NodeIndex::new(index), ());
            }
        }
    }
    edges
}

/// Every cell after all that it reads, and otherwise in the order of the file, which is the order people expect.
fn order(edges: &DiGraph<(), ()>, cells: &[Cell], mistakes: &mut Vec<Mistake>) -> Vec<usize> {
    let mut open: Vec<usize> = edges.node_indices().map(|node| edges.edges_directed(node, Incoming).count()).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..cells.len()).filter(|cell| open[*cell] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(cells.len());
    while let Some(Reverse(cell)) = ready.pop() {
        order.push(cell);
        for reader in edges.neighbors_directed(NodeIndex::new(cell), Outgoing).map(NodeIndex::index) {
            open[reader] -= 1;
            if open[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() < cells.len() {
        for circle in petgraph::algo::tarjan_scc(edges) {
            let itself = circle.len() == 1 && edges.contains_edge(circle[0], circle[0]);
            if circle.len() > 1 || itself {
                mistakes.push(circle_mistake(&circle, cells));
            }
        }
    }
    order
}

fn circle_mistake(circle: &[NodeIndex], cells: &[Cell]) -> Mistake {
    let mut stages: Vec<(&str, Place)> =
        circle.iter().map(|node| (cells[node.index()].id.stage.as_str(), cells[node.index()].place)).collect();
    stages.sort_by_key(|(_, place)| *place);
    stages.dedup();
    let names: Vec<&str> = stages.iter().map(|(name, _)| *name).collect();
    let message = format!("stages read one another in a circle: [{}]", names.join(", "));
    let mut mistake = Mistake::new("circle", message).at(stages[0].1, "this stage");
    for (_, place) in &stages[1..] {
        mistake = mistake.also(*place, "and this one");
    }
    mistake
}
