//! Knows a graph and its results well enough to issue passports. What is asked for often is remembered.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dgpipe_cache::{Artifact, Digest, Form, Key, Store};
use serde_json::{Value, json};

use super::{Passport, Wanted};
use crate::graph::{Graph, InputRef, Member, Publication};
use crate::plan::SourceSnapshots;
use crate::spec::{Node, StageSpec, Template, Value as Written};
use crate::stage::{Kind, OutputPort};

/// Raised when stamps change while what they are made from does not.
const VERSION: u32 = 1;
/// Names of the kinds whose files all carry passports.
const KINDS: [&str; 2] = ["figure", "table"];
/// Endings of single files that carry passports though all that is known of them is that they are files.
const ENDINGS: [&str; 6] = ["png", "svg", "pdf", "csv", "md", "tex"];

/// Where results come from: a cell and a port, to an artifact and its key.
pub(crate) type OutputOf<'a> = &'a dyn Fn(usize, &str) -> Option<(Artifact, Key)>;

/// Issues passports.
pub(crate) struct Stamper<'a> {
    pub(super) graph: &'a Graph,
    pub(super) store: &'a Store,
    pub(super) sources: &'a SourceSnapshots,
    pub(super) output: OutputOf<'a>,
    /// The pipeline file, relative to the project root.
    pub(super) file: Option<String>,
    pub(super) recipes: OnceCell<Vec<Key>>,
    pub(super) passports: RefCell<BTreeMap<(usize, String), Passport>>,
    ancestries: OnceCell<Vec<Digest>>,
    params: OnceCell<BTreeMap<String, BTreeSet<String>>>,
}

impl<'a> Stamper<'a> {
    pub(crate) fn new(
        graph: &'a Graph,
        store: &'a Store,
        sources: &'a SourceSnapshots,
        output: OutputOf<'a>,
        (root, file): (&Path, &Path),
    ) -> Self {
        Self {
            graph,
            store,
            sources,
            output,
            file: inside(root, file),
            recipes: OnceCell::new(),
            passports: RefCell::default(),
            ancestries: OnceCell::new(),
            params: OnceCell::new(),
        }
    }

    /// Whether something at a published path carries a passport.
    pub(crate) fn carries(&self, publication: &Publication) -> bool {
        publication.members.iter().any(|member| self.member_carries(publication, member))
    }

    /// Whether the files of a member carry passports.
    pub(super) fn member_carries(&self, publication: &Publication, member: &Member) -> bool {
        let port = self.port(member);
        let kind = port.kind.as_str().split('/').next().unwrap_or("");
        let name = if publication.members.len() > 1 { &port.file_name } else { &publication.path };
        let ending = || name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        KINDS.contains(&kind)
            || (port.form == Form::File && port.kind == Kind::FILE && ENDINGS.contains(&ending().as_str()))
    }

    pub(super) fn port(&self, member: &Member) -> &OutputPort {
        let ports = self.graph.cells[member.cell].work.ports();
        ports.output(&member.port).expect("what is published was found among the outputs")
    }

    /// The key of a cell, where it is known.
    pub(crate) fn key(&self, cell: usize) -> Option<Key> {
        let port = self.graph.cells[cell].work.ports().main_output()?;
        (self.output)(cell, &port.name).map(|(_, key)| key)
    }

    /// The digest of everything that decides the stamps at a published path: as long as it is the same, what was
    /// published before need not be stamped again to be known.
    pub(crate) fn stamp_key(&self, publication: &Publication, wanted: &Wanted) -> Digest {
        let spec = &self.graph.spec;
        let member = |member: &Member| -> Value {
            let params: Vec<_> = self.params(&self.graph.cells[member.cell].id.stage).collect();
            json!([
                self.ancestry(member.cell),
                self.graph.name(member.cell),
                member.port,
                self.port(member).kind,
                params
            ])
        };
        let members: Vec<Value> = publication.members.iter().map(member).collect();
        let all = json!([
            VERSION,
            Passport::VERSION,
            spec.name,
            spec.profile,
            self.file,
            publication.path,
            wanted.object,
            members
        ]);
        Digest::of(all.to_string().as_bytes())
    }

    /// The digest of the names and keys of a cell and of all that led to it.
    fn ancestry(&self, cell: usize) -> Digest {
        self.ancestries.get_or_init(|| self.all_ancestries())[cell]
    }

    fn all_ancestries(&self) -> Vec<Digest> {
        let mut ancestries = vec![Digest::of(b""); self.graph.cells.len()];
        for cell in self.graph.order() {
            let read = |from: &InputRef| match from {
                InputRef::Cell { cell, .. } => ancestries[*cell].to_string(),
                InputRef::Source(source) => self.graph.sources[*source].name.clone(),
            };
            let readings = self.graph.cells[*cell].inputs.iter().flat_map(|port| &port.readings);
            let readings: Vec<_> = readings.map(|reading| (read(&reading.from), &reading.path)).collect();
            let all = json!([self.graph.name(*cell), self.key(*cell), readings]);
            ancestries[*cell] = Digest::of(all.to_string().as_bytes());
        }
        ancestries
    }

    /// Cells and all that they read, every one after what it reads.
    pub(super) fn above(&self, cells: &[usize]) -> Vec<usize> {
        let mut found = BTreeSet::new();
        let mut open = cells.to_vec();
        while let Some(cell) = open.pop() {
            if found.insert(cell) {
                open.extend(self.graph.reads(cell));
            }
        }
        self.graph.order().iter().copied().filter(|cell| found.contains(cell)).collect()
    }

    /// The params that a stage, or one above it, refers to, with their values.
    pub(super) fn params(&self, stage: &str) -> impl Iterator<Item = (&str, &Value)> {
        let referred = self.params.get_or_init(|| params_by_stage(self.graph)).get(stage);
        let names = referred.into_iter().flatten();
        names.filter_map(|name| Some((name.as_str(), self.graph.params.get(name)?)))
    }
}

/// For each stage the params that it or a stage above it refers to.
fn params_by_stage(graph: &Graph) -> BTreeMap<String, BTreeSet<String>> {
    let mut reads: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for cell in &graph.cells {
        let from = |reading: &crate::graph::Reading| match &reading.from {
            InputRef::Cell { cell, .. } => Some(graph.cells[*cell].id.stage.as_str()),
            InputRef::Source(_) => None,
        };
        let stages = cell.inputs.iter().flat_map(|port| &port.readings).filter_map(from);
        reads.entry(&cell.id.stage).or_default().extend(stages);
    }
    let referred = |stage: &str| {
        let mut above = BTreeSet::new();
        let mut open = vec![stage];
        while let Some(stage) = open.pop() {
            if above.insert(stage) {
                open.extend(reads.get(stage).into_iter().flatten());
            }
        }
        let specs = above.into_iter().filter_map(|stage| graph.spec.stages.get(stage));
        params_of(graph, specs.flat_map(nodes))
    };
    graph.stages.keys().map(|stage| (stage.clone(), referred(stage))).collect()
}

/// Everything of a stage that can enter a key or choose its cells.
fn nodes(stage: &StageSpec) -> impl Iterator<Item = &Node> {
    let maps = [&stage.axes, &stage.inputs, &stage.command];
    let entries = maps.into_iter().flat_map(|map| map.values().map(|entry| &entry.node));
    entries.chain(&stage.exclude).chain(&stage.include).chain(&stage.config)
}

/// The params that values refer to, directly or through other params.
fn params_of<'a>(graph: &'a Graph, nodes: impl Iterator<Item = &'a Node>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&Node> = nodes.collect();
    while let Some(node) = open.pop() {
        match &node.value {
            Written::List(list) => open.extend(list),
            Written::Map(map) => open.extend(map.values().map(|entry| &entry.node)),
            Written::Text(text) => {
                let template = Template::parse(text, node.place);
                for name in template.iter().flat_map(Template::references) {
                    let name = name.split('.').next().unwrap_or(name);
                    if let Some(entry) = graph.spec.params.get(name).filter(|_| found.insert(name.to_owned())) {
                        open.push(&entry.node);
                    }
                }
            }
            _ => {}
        }
    }
    found.retain(|name| graph.spec.params.contains_key(name));
    found
}

/// A file's path below the project root, with `/` between names.
fn inside(root: &Path, file: &Path) -> Option<String> {
    let (root, file) = (std::path::absolute(root).ok()?, std::path::absolute(file).ok()?);
    let inside = file.strip_prefix(root).ok()?;
    Some(inside.to_str()?.replace(std::path::MAIN_SEPARATOR, "/"))
}
