//! What is put into the project: published paths and outputs of commands that run there, each with one owner.

use std::collections::BTreeMap;

use dgpipe_cache::Form;

use super::inputs::selector_text;
use super::resolver::Resolver;
use crate::graph::project_path::project_path;
use crate::graph::{InputRef, Member, Publication, Source};
use crate::passport::SIDECAR;
use crate::spec::{Mistake, Place, Scope, Selector, Template, scalar_text};

impl Resolver<'_> {
    /// Commands that run in the project root write at fixed places, which nothing else may own.
    pub(super) fn project_outputs(&mut self) {
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

    pub(super) fn publications(&mut self) -> Vec<Publication> {
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
