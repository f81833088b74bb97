//! Where a config value comes from: the param that it refers to, and the line or `--set` that gives the value.

use crate::command;
use crate::graph::Graph;
use crate::spec::{Node, PipelineSpec, StageSpec, Template};

/// The param that a value of a cell's config refers to, and where it is set: `param plus, --set, over pacs.yaml:3`.
pub(crate) fn origin(graph: &Graph, cell: usize, path: &str) -> Option<String> {
    let stage = graph.spec.stages.get(&graph.cells[cell].id.stage)?;
    let Some(written) = Written::find(stage, &graph.spec, path) else {
        return (stage.uses.0 != command::NAME).then(|| "default".to_owned());
    };
    let last = path.rsplit('.').next().unwrap_or(path);
    let place = written.place(graph);
    Some(match written.param {
        Some(name) if name != last => format!("param {name}, {place}"),
        _ => place,
    })
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

    fn followed(mut self, stage: &StageSpec, spec: &'a PipelineSpec) -> Self {
        while let Some(name) = only_param(self.node, stage, spec) {
            let mut parts = name.split('.');
            let first = parts.next().and_then(|first| Some(&spec.params.get(first)?.node));
            let Some(value) = parts.fold(first, |node, part| node?.get(part)) else { break };
            (self.node, self.param) = (value, Some(name));
        }
        self
    }

    fn place(&self, graph: &Graph) -> String {
        // `--set a=…` also replaces what `${a.b}` refers to.
        let above = |name: &str| {
            let mut ends = name.match_indices('.').map(|(end, _)| end).chain([name.len()]);
            ends.find_map(|end| graph.spec.overridden.get(&name[..end]).copied())
        };
        match self.param.as_deref().and_then(above) {
            Some(over) => format!("--set, over {}", graph.texts.describe(over)),
            None => graph.texts.describe(self.node.place),
        }
    }
}

/// The param that a text refers to, where it refers to one alone.
fn only_param(node: &Node, stage: &StageSpec, spec: &PipelineSpec) -> Option<String> {
    let template = Template::parse(node.as_text()?, node.place).ok()?;
    let is_param = |name: &&str| {
        let first = name.split('.').next().unwrap_or(name);
        spec.params.contains_key(first) && !stage.axes.contains_key(first)
    };
    let mut params = template.references().filter(is_param);
    let first = params.next()?.to_owned();
    params.all(|other| other == first).then_some(first)
}
