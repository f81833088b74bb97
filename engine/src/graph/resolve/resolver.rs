//! The state while a pipeline is resolved, and the mistakes at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use indexmap::IndexMap;

use super::order::{edges, order};
use crate::environment::Environment;
use crate::graph::params::Params;
use crate::graph::{Cell, Graph, Source, StageNode};
use crate::registry::Registry;
use crate::spec::{ECHO, Loaded, Mistake, Mistakes, PipelineSpec, Place, Texts};
use crate::stage::Kind;

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

/// What is known so far, and what is wrong.
pub(super) struct Resolver<'a> {
    pub(super) spec: &'a PipelineSpec,
    pub(super) registry: &'a Registry,
    pub(super) environment: &'a Environment,
    pub(super) root: &'a Path,
    pub(super) params: &'a Params,
    /// Every kind that this program knows.
    pub(super) kinds: &'a BTreeSet<Kind>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) stages: IndexMap<String, StageNode>,
    pub(super) cells: Vec<Cell>,
    pub(super) sources: Vec<Source>,
    pub(super) source_index: BTreeMap<String, usize>,
}

impl Resolver<'_> {
    /// Keeps what is right and notes what is wrong.
    pub(super) fn keep<T>(&mut self, result: Option<Result<T, Mistake>>) -> Option<T> {
        match result? {
            Ok(value) => Some(value),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }
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

/// The same mistake in several stages, as of a param that they share, is one mistake.
fn distinct(mut mistakes: Vec<Mistake>, texts: Texts) -> Mistakes {
    let mut seen = BTreeSet::new();
    mistakes.retain(|mistake| {
        mistake.place.is_none() || seen.insert((place(mistake), mistake.code, mistake.message.clone()))
    });
    Mistakes::new(mistakes, texts)
}

/// Adds the mistakes of one more cell. What an earlier cell has at the same place is the same mistake, whatever value
/// it names.
pub(super) fn note(noted: &mut Vec<Mistake>, mut mistakes: Vec<Mistake>) {
    let known: BTreeSet<_> = noted.iter().map(|mistake| (mistake.code, place(mistake))).collect();
    mistakes.retain(|mistake| !known.contains(&(mistake.code, place(mistake))));
    noted.append(&mut mistakes);
}

/// Where a mistake is.
pub(super) fn place(mistake: &Mistake) -> Option<Place> {
    mistake.place.as_ref().map(|(place, _)| *place)
}
