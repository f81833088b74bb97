//! Sources: what lies in the project, or where the environment says.

use std::collections::BTreeSet;

use super::resolver::Resolver;

use crate::graph::Source;
use crate::spec::{Mistake, Place, Scope, SourceSpec, Template, scalar_text, unknown};
use crate::stage::Kind;

impl Resolver<'_> {
    pub(super) fn sources(&mut self) {
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
