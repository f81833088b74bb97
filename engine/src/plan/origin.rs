//! Where a config value comes from: the params that it refers to, and the line, profile or `--set` that gives them.

use serde_json::Value;

use super::ParamChange;
use super::rendered::{Part, Rendered};
use super::stretches::stretches;
use crate::command;
use crate::graph::{AxisValue, Graph};
use crate::spec::{Node, Piece, PipelineSpec, Place, StageSpec, Template};

/// What is known about why a value of a config is another one.
#[derive(Default)]
pub(super) struct Explained {
    /// Where the value stands: `param plus, --set, over pacs.yaml:3`.
    pub(super) origin: Option<String>,
    /// The params in a text that explain all of the change.
    pub(super) params: Vec<ParamChange>,
}

/// Where a changed value of a cell's config comes from.
pub(super) fn explained(graph: &Graph, cell: usize, path: &str, was: &Value, now: &Value) -> Explained {
    let only = |origin: Option<String>| Explained { origin, params: Vec::new() };
    let Some(stage) = graph.spec.stages.get(&graph.cells[cell].id.stage) else { return Explained::default() };
    let is_command = stage.uses.0 == command::NAME;
    let Some(written) = Written::find(stage, &graph.spec, path) else {
        return only((!is_command).then(|| "default".to_owned()));
    };
    let last = path.rsplit('.').next().unwrap_or(path);
    let place = written.described(graph, last);
    let texts = was.as_str().zip(now.as_str());
    let (Some((was, now)), Some(text)) = (texts, written.node.as_text()) else { return only(Some(place)) };
    let scope = Scope { graph, stage, cell, doubled: is_command && path.split('.').next() == Some("run") };
    let Some(rendered) = scope.rendered(text, written.node.place).filter(|rendered| rendered.text() == now) else {
        return only(Some(place));
    };
    let params = scope.changes(&rendered, was);
    if !params.is_empty() {
        return Explained { origin: None, params };
    }
    only(Some(scope.behind(&rendered, was, place)))
}

/// Where the values of an axis of a stage stand: its list, or what `include:` adds to it.
pub(super) fn axis_origin(graph: &Graph, stage: &str, axis: &str, value: &AxisValue) -> Option<String> {
    let stage = graph.spec.stages.get(stage)?;
    let spec = &graph.spec;
    let written = |node| Written { node, param: None }.followed(stage, spec);
    let included = stage.include.iter().filter_map(|node| Some(written(written(node).node.get(axis)?)));
    let is_value =
        |written: &Written<'_>| scalar(&written.node.to_json()).is_some_and(|text| text == value.to_string());
    let list = stage.axes.get(axis).map(|entry| written(&entry.node));
    // A list that is put together of params is taken to have every value that no `include:` has.
    let found = included.into_iter().find(is_value).or(list)?;
    Some(found.described(graph, axis))
}

/// A value as the file has it, after following references.
struct Written<'a> {
    node: &'a Node,
    /// The last param that was followed.
    param: Option<String>,
}

impl<'a> Written<'a> {
    /// What the file says at a path of a cell's config; of a command the config is what stands beside `uses:`.
    fn find(stage: &'a StageSpec, spec: &'a PipelineSpec, path: &str) -> Option<Self> {
        let mut parts = path.split('.');
        let top = match &stage.config {
            Some(config) => config,
            None => &stage.command.get(parts.next()?)?.node,
        };
        let mut written = Self { node: top, param: None }.followed(stage, spec);
        for part in parts {
            written.node = match written.node.as_list() {
                Some(list) => list.get(part.parse::<usize>().ok()?)?,
                None => written.node.get(part)?,
            };
            if let Some(param) = &mut written.param {
                *param = format!("{param}.{part}");
            }
            written = written.followed(stage, spec);
        }
        Some(written)
    }

    /// What a param has.
    fn param(spec: &'a PipelineSpec, name: &str) -> Option<Self> {
        let mut parts = name.split('.');
        let first = parts.next().and_then(|first| Some(&spec.params.get(first)?.node));
        let node = parts.fold(first, |node, part| node?.get(part))?;
        Some(Self { node, param: Some(name.to_owned()) })
    }

    /// Goes on to the param where the value is exactly a reference to one.
    fn followed(mut self, stage: &StageSpec, spec: &'a PipelineSpec) -> Self {
        while let Some(name) = whole_param(self.node, stage, spec) {
            let Some(next) = Self::param(spec, &name) else { break };
            self = next;
        }
        self
    }

    /// The param, where it has another name than what it is for, and the place.
    fn described(&self, graph: &Graph, name: &str) -> String {
        let place = self.place(graph);
        match self.param.as_deref() {
            Some(param) if param != name => format!("param {param}, {place}"),
            _ => place,
        }
    }

    fn place(&self, graph: &Graph) -> String {
        // `--set a=…` also replaces what `${a.b}` refers to.
        let above = |name: &str| {
            let mut ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
            ends.find_map(|end| graph.spec.overridden.get(&name[..end]).copied())
        };
        match self.param.as_deref().and_then(above) {
            Some(over) => format!("--set, over {}", graph.texts.describe(over)),
            None => place_with_profile(graph, self.node.place),
        }
    }
}

/// A place, and the profile that it belongs to, where it is in one.
fn place_with_profile(graph: &Graph, place: Place) -> String {
    let described = graph.texts.describe(place);
    let of = graph.spec.merged.iter().rev().find(|(_, changes)| holds(changes, place));
    of.map_or_else(|| described.clone(), |(profile, _)| format!("profile {profile}, {described}"))
}

fn holds(node: &Node, place: Place) -> bool {
    match (node.as_map(), node.as_list()) {
        (Some(map), _) => map.values().any(|entry| holds(&entry.node, place)),
        (_, Some(list)) => node.place == place || list.iter().any(|node| holds(node, place)),
        _ => node.place == place,
    }
}

/// The param that a value is, where it is a reference to one and nothing else.
fn whole_param(node: &Node, stage: &StageSpec, spec: &PipelineSpec) -> Option<String> {
    let template = Template::parse(node.as_text()?, node.place).ok()?;
    template.as_reference().filter(|name| is_param(name, stage, spec)).map(str::to_owned)
}

fn is_param(name: &str, stage: &StageSpec, spec: &PipelineSpec) -> bool {
    let first = name.split('.').next().unwrap_or(name);
    spec.params.contains_key(first) && !stage.axes.contains_key(first)
}

/// A scalar as it is written inside other text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => Some(number.as_f64()?.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What the names in a text of a cell mean.
struct Scope<'a> {
    graph: &'a Graph,
    stage: &'a StageSpec,
    cell: usize,
    /// Whether a dollar is written twice, as it is in the arguments of a command.
    doubled: bool,
}

impl Scope<'_> {
    /// A text as it enters the config, with the stretches that params fill; nothing where it has no param.
    fn rendered(&self, text: &str, place: Place) -> Option<Rendered> {
        let mut parts = Vec::new();
        for piece in Template::parse(text, place).ok()?.pieces {
            let part = match piece {
                Piece::Text(text) => Part::Fixed(self.written(&text)),
                Piece::Reference(name) => self.reference(name)?,
            };
            parts.push(part);
        }
        let rendered = Rendered::new(parts);
        (!rendered.params().is_empty()).then_some(rendered)
    }

    fn reference(&self, name: String) -> Option<Part> {
        if let Some(value) = self.graph.cells[self.cell].id.coordinates.get(&name) {
            return Some(Part::Fixed(self.written(&value.to_string())));
        }
        if !is_param(&name, self.stage, &self.graph.spec) {
            return self.doubled.then(|| Part::Fixed(format!("${{{name}}}")));
        }
        let mut parts = name.split('.');
        let first = self.graph.params.get(parts.next()?)?;
        let now = self.written(&scalar(parts.try_fold(first, |value, part| value.get(part))?)?);
        Some(Part::Param { name, now })
    }

    fn written(&self, text: &str) -> String {
        if self.doubled { text.replace('$', "$$") } else { text.to_owned() }
    }

    fn plain(&self, text: &str) -> String {
        if self.doubled { text.replace("$$", "$") } else { text.to_owned() }
    }

    /// The params by which a text was another one, where they explain all of it.
    fn changes(&self, rendered: &Rendered, was: &str) -> Vec<ParamChange> {
        let mut changes: Vec<ParamChange> = Vec::new();
        for (name, was, now) in rendered.changed(was).unwrap_or_default() {
            for change in self.change(name, was, now) {
                // Two params can be made of one and the same.
                if !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
        changes
    }

    /// The change of a param, or of the params that it is made of.
    fn change(&self, name: &str, was: &str, now: &str) -> Vec<ParamChange> {
        let Some(written) = Written::param(&self.graph.spec, name) else { return Vec::new() };
        let written = written.followed(self.stage, &self.graph.spec);
        if let Some(text) = written.node.as_text()
            && let Some(rendered) = self.rendered(text, written.node.place).filter(|rendered| rendered.text() == now)
        {
            let deeper = self.changes(&rendered, was);
            if !deeper.is_empty() {
                return deeper;
            }
        }
        let (origin, name) = (written.place(self.graph), written.param.unwrap_or_else(|| name.to_owned()));
        vec![ParamChange { name, was: self.plain(was), now: self.plain(now), origin }]
    }

    /// Where the stretches come from in which a text differs that was written in another way before: from params,
    /// or from where the text itself stands.
    fn behind(&self, rendered: &Rendered, was: &str, place: String) -> String {
        let (mut places, mut all) = (Vec::new(), true);
        for (_, now) in stretches(was, rendered.text()) {
            let mut inside = false;
            for (name, span) in rendered.spans() {
                let meets = span.start < now.end.max(now.start + 1) && now.start < span.end;
                if !meets {
                    continue;
                }
                inside |= span.start <= now.start && now.end <= span.end;
                let written = Written::param(&self.graph.spec, name);
                let written = written.map(|written| written.followed(self.stage, &self.graph.spec));
                let described = written.map(|written| written.described(self.graph, ""));
                places
                    .extend(described.filter(|described| !places.contains(described)).into_iter().collect::<Vec<_>>());
            }
            all &= inside;
        }
        if !all || places.is_empty() {
            places.push(place);
        }
        places.join("; ")
    }
}
