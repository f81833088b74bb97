//! Inputs of cells: which artifacts each port of each cell reads.

use super::resolver::{Resolver, note};
use super::selection::select;
use crate::command;
use crate::graph::params::CellScope;
use crate::graph::project_path::project_path;
use crate::graph::{Coordinates, InputRef, PortInputs, Reading, Source};
use crate::spec::{
    ECHO, Mistake, Node, NodeMap, Piece, Place, Scope, Selector, StageSpec, Template, Value, scalar_text, substitute,
    unknown,
};
use crate::stage::{InputPort, Kind};

impl Resolver<'_> {
    pub(super) fn inputs(&mut self, name: &str, stage: &StageSpec) {
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

    /// What references in a cell mean.
    pub(super) fn scope(&self, cell: usize) -> CellScope<'_> {
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

    /// What a selector means.
    pub(super) fn select_readings(&self, selector: &Selector) -> Result<Vec<Reading>, Mistake> {
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
}

/// A selector with its references rendered: a value in which a character means something to selectors is quoted.
pub(super) fn selector_text(template: &Template, scope: &dyn Scope, place: Place) -> Result<String, Mistake> {
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
