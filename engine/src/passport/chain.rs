//! From the graph to a passport: the chain of stages that led to a cell, folded so that it stays short.

use std::collections::BTreeMap;

use dgpipe_cache::{Artifact, Digest, Key};
use serde_json::{Map, Value, json};

use super::folded::{common_and_varying, folded, folded_list};
use super::{ChainStage, Passport, PassportInput, PassportSource, Stamper};
use crate::command;
use crate::fingerprint::FORMAT;
use crate::graph::{InputRef, Member, PortInputs, Reading};
use crate::plan::fingerprint;

/// More artifacts on a port, or parts of a source, are shown by the digest of their list.
const MOST_ENTRIES: usize = 32;
/// A chain with more text than this shows the settings of its stages by their digests.
const LONGEST_CHAIN: usize = 64 << 10;

impl Stamper<'_> {
    /// The passport of what a member of a publication puts at a path.
    pub(super) fn passport(&self, member: &Member, path: &str) -> Passport {
        let mut passports = self.passports.borrow_mut();
        let known = passports.entry((member.cell, member.port.clone()));
        Passport { path: path.to_owned(), ..known.or_insert_with(|| self.issue(member)).clone() }
    }

    fn issue(&self, member: &Member) -> Passport {
        let (graph, cell) = (self.graph, &self.graph.cells[member.cell]);
        let chain = self.above(&[member.cell]);
        let params = self.params(&cell.id.stage).map(|(name, value)| (name.to_owned(), folded(value)));
        Passport {
            version: Passport::VERSION,
            pipeline: graph.spec.name.clone(),
            profile: graph.spec.profile.clone(),
            file: self.file.clone(),
            path: String::new(),
            cell: graph.name(member.cell),
            port: member.port.clone(),
            kind: self.port(member).kind.to_string(),
            key: self.key(member.cell),
            recipe: self.recipe(member.cell),
            fingerprint_format: FORMAT,
            params: params.collect(),
            inputs: cell.inputs.iter().flat_map(|port| self.inputs(port)).collect(),
            stages: self.stages(&chain),
            sources: self.sources(&chain),
            bytes: None,
        }
    }

    fn stages(&self, chain: &[usize]) -> Vec<ChainStage> {
        let mut by_stage: Vec<(&str, Vec<usize>)> = Vec::new();
        for cell in chain {
            let stage = self.graph.cells[*cell].id.stage.as_str();
            match by_stage.iter_mut().find(|(other, _)| *other == stage) {
                Some((_, cells)) => cells.push(*cell),
                None => by_stage.push((stage, vec![*cell])),
            }
        }
        let mut stages: Vec<ChainStage> = by_stage.into_iter().map(|(stage, cells)| self.stage(stage, cells)).collect();
        let length = serde_json::to_string(&stages).map_or(0, |text| text.len());
        if length > LONGEST_CHAIN {
            let last = stages.len() - 1;
            for stage in &mut stages[..last] {
                let text = json!([stage.config, stage.varying]).to_string();
                let digest = json!(Digest::of(text.as_bytes()).short());
                stage.config = Map::from_iter([("digest".to_owned(), digest)]);
                stage.varying.clear();
            }
        }
        stages
    }

    fn stage(&self, stage: &str, mut cells: Vec<usize>) -> ChainStage {
        cells.sort_unstable();
        let work = &self.graph.cells[cells[0]].work;
        let configs: Vec<Map<String, Value>> = cells.iter().map(|cell| self.config(*cell)).collect();
        let (config, varying) = common_and_varying(&configs);
        let axes = self.graph.stages[stage].axes.iter().map(|axis| {
            let mut values: Vec<Value> = Vec::new();
            for cell in &cells {
                let value = json!(self.graph.cells[*cell].id.coordinates.get(axis));
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            (axis.clone(), folded_list(&values.iter().collect::<Vec<_>>()))
        });
        ChainStage {
            stage: stage.to_owned(),
            uses: work.type_name().to_owned(),
            type_version: work.version(),
            cells: cells.len(),
            axes: axes.collect(),
            config,
            varying,
        }
    }

    /// The settings of a cell. A passport leaves the house, so values of variables are shown by their digests.
    fn config(&self, cell: usize) -> Map<String, Value> {
        let work = &self.graph.cells[cell].work;
        let Value::Object(mut config) = work.config() else { return Map::new() };
        if work.type_name() == command::NAME
            && let Some(Value::Object(variables)) = config.get_mut("env")
        {
            for value in variables.values_mut() {
                *value = json!({ "digest": Digest::of(value.to_string().as_bytes()).short() });
            }
        }
        config
    }

    fn inputs(&self, port: &PortInputs) -> Vec<PassportInput> {
        let entry = |reading: &Reading| {
            let below = reading.path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
            let (from, digest) = match &reading.from {
                InputRef::Cell { cell, port } => (
                    format!("{}.{port}", self.graph.name(*cell)),
                    (self.output)(*cell, port).and_then(|(whole, _)| self.part(whole, reading.path.as_deref())),
                ),
                InputRef::Source(source) => {
                    let artifact = self.sources.artifact(*source, reading.path.as_deref());
                    (self.graph.sources[*source].name.clone(), artifact)
                }
            };
            PassportInput {
                port: port.port.clone(),
                from: from + &below,
                digest: digest.map(|artifact| artifact.digest),
            }
        };
        let entries: Vec<PassportInput> = port.readings.iter().map(entry).collect();
        if entries.len() <= MOST_ENTRIES {
            return entries;
        }
        let from = format!("{} artifacts", entries.len());
        let digest = list_digest(entries.iter().map(|entry| entry.digest));
        vec![PassportInput { port: port.port.clone(), from, digest }]
    }

    fn part(&self, whole: Artifact, path: Option<&str>) -> Option<Artifact> {
        match path {
            None => Some(whole),
            Some(path) => self.store.subtree(&whole, path).ok().flatten(),
        }
    }

    fn sources(&self, chain: &[usize]) -> Vec<PassportSource> {
        let mut parts: BTreeMap<(&str, Option<&str>), PassportSource> = BTreeMap::new();
        let readings = chain.iter().flat_map(|cell| &self.graph.cells[*cell].inputs).flat_map(|port| &port.readings);
        for reading in readings {
            let InputRef::Source(index) = reading.from else { continue };
            let (source, part) = (&self.graph.sources[index], reading.path.as_deref());
            parts.entry((&source.name, part)).or_insert_with(|| PassportSource {
                source: source.name.clone(),
                part: part.map(str::to_owned),
                kind: source.kind.to_string(),
                digest: self.sources.artifact(index, part).map(|artifact| artifact.digest),
            });
        }
        let mut by_source: BTreeMap<String, Vec<PassportSource>> = BTreeMap::new();
        for (_, part) in parts {
            by_source.entry(part.source.clone()).or_default().push(part);
        }
        by_source
            .into_values()
            .flat_map(|parts| if parts.len() > MOST_ENTRIES { folded_parts(&parts) } else { parts })
            .collect()
    }

    /// What decides a cell's result, down to the sources: its fingerprint with the recipe of what made it in the place
    /// of each input's digest. It needs no results, and there is no early cut-off in it.
    pub(super) fn recipe(&self, cell: usize) -> Key {
        self.recipes.get_or_init(|| self.all_recipes())[cell]
    }

    fn all_recipes(&self) -> Vec<Key> {
        let mut recipes = vec![Key::of(b""); self.graph.cells.len()];
        for index in self.graph.order() {
            let cell = &self.graph.cells[*index];
            let stand_in = |reading: &Reading| match &reading.from {
                InputRef::Cell { cell, port } => {
                    let text = json!([recipes[*cell], port, reading.path]).to_string();
                    Artifact::file(Digest::of(text.as_bytes()), 0)
                }
                InputRef::Source(source) => {
                    // Cells that nobody asked about may read sources that nobody looked at.
                    let missing = Artifact::file(Digest::of(b"a source that is not there"), 0);
                    self.sources.artifact(*source, reading.path.as_deref()).unwrap_or(missing)
                }
            };
            let artifacts: Vec<Vec<Artifact>> =
                cell.inputs.iter().map(|port| port.readings.iter().map(stand_in).collect()).collect();
            recipes[*index] = fingerprint(self.graph, cell, &artifacts).key();
        }
        recipes
    }
}

fn folded_parts(parts: &[PassportSource]) -> Vec<PassportSource> {
    let part = Some(format!("{} parts", parts.len()));
    let digest = list_digest(parts.iter().map(|part| part.digest));
    parts.first().map(|first| PassportSource { part, digest, ..first.clone() }).into_iter().collect()
}

/// The digest of a list of digests, where all are known.
fn list_digest(digests: impl Iterator<Item = Option<Digest>>) -> Option<Digest> {
    let texts: Option<Vec<String>> = digests.map(|digest| digest.map(|digest| digest.to_string())).collect();
    texts.map(|texts| Digest::of(texts.join("\n").as_bytes()))
}
