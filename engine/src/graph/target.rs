//! What a call asks for: selectors and published paths.

use std::collections::BTreeSet;

use super::resolve::select;
use super::{Graph, Publication};
use crate::spec::{Place, Selector, nearest};

/// The cells that must be up to date at the end, and the paths to publish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Cells whose bytes are needed.
    pub cells: BTreeSet<usize>,
    /// Indexes of the publications that are brought up to date.
    pub publications: BTreeSet<usize>,
}

/// A target that means nothing in this pipeline.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct TargetError {
    message: String,
}

impl Targets {
    /// What `run` does without a target: what `publish` reaches, or the leaves where nothing is published.
    pub fn all(graph: &Graph) -> Self {
        if graph.publications.is_empty() {
            return Self { cells: graph.leaves().into_iter().collect(), publications: BTreeSet::new() };
        }
        let members = graph.publications.iter().flat_map(|publication| &publication.members);
        let cells = members.map(|member| member.cell).collect();
        Self { cells, publications: (0..graph.publications.len()).collect() }
    }

    /// Reads targets: each a selector or a published path. No text means everything.
    pub fn parse(graph: &Graph, texts: &[String]) -> Result<Self, TargetError> {
        if texts.is_empty() {
            return Ok(Self::all(graph));
        }
        let mut targets = Self::default();
        for text in texts {
            targets.add(graph, text)?;
        }
        targets.complete_publications(graph);
        Ok(targets)
    }

    fn add(&mut self, graph: &Graph, text: &str) -> Result<(), TargetError> {
        let path = text.trim_end_matches('/').trim_start_matches("./");
        let published = |publication: &Publication| {
            publication.path == path
                || publication.path.starts_with(&format!("{path}/"))
                || path.starts_with(&format!("{}/", publication.path))
        };
        let found: Vec<usize> =
            (0..graph.publications.len()).filter(|index| published(&graph.publications[*index])).collect();
        if !found.is_empty() {
            let members = found.iter().flat_map(|index| &graph.publications[*index].members);
            self.cells.extend(members.map(|member| member.cell));
            self.publications.extend(found);
            return Ok(());
        }
        self.cells.extend(cells(graph, text)?);
        Ok(())
    }

    /// A path all of whose cells are targets is published too.
    fn complete_publications(&mut self, graph: &Graph) {
        for (index, publication) in graph.publications.iter().enumerate() {
            if publication.members.iter().all(|member| self.cells.contains(&member.cell)) {
                self.publications.insert(index);
            }
        }
    }
}

/// The publication at a path; nothing where no such path is published, or where a stage has that name.
pub fn published<'a>(graph: &'a Graph, text: &str) -> Option<&'a Publication> {
    if graph.stages.contains_key(text) {
        return None;
    }
    let path = text.trim_end_matches('/').trim_start_matches("./");
    graph.publications.iter().find(|publication| publication.path == path)
}

/// The cells that make a published path; nothing where no such path is published, or where a stage has that name.
pub fn published_cells(graph: &Graph, text: &str) -> Option<Vec<usize>> {
    let members = published(graph, text)?.members.iter();
    Some(members.map(|member| member.cell).collect::<BTreeSet<_>>().into_iter().collect())
}

/// The cells that a selector on the command line means.
pub fn cells(graph: &Graph, text: &str) -> Result<Vec<usize>, TargetError> {
    let error = |message: String| TargetError { message };
    if let Some(cells) = published_cells(graph, text) {
        let first = cells.first().map(|cell| format!("`{}`", graph.name(*cell))).unwrap_or_default();
        let more = if cells.len() > 1 { format!(" and {} more", cells.len() - 1) } else { String::new() };
        return Err(error(format!("`{text}` is a published path, made by {first}{more}; name a cell")));
    }
    let selector = Selector::parse(text, Place::default()).map_err(|mistake| error(mistake.message))?;
    let Some(stage) = graph.stages.get(&selector.name) else {
        let names = graph.stages.keys().map(String::as_str);
        let paths = graph.publications.iter().map(|publication| publication.path.as_str());
        let near = nearest(text, names.chain(paths));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(error(format!("`{text}` is neither a stage nor a published path{hint}")));
    };
    select(stage, &selector).map_err(|mistake| {
        let help = mistake.help.map_or_else(String::new, |help| format!("; {help}"));
        error(format!("{}{help}", mistake.message))
    })
}
