//! How what would be done now differs from a plan that was made before. Fewer executions are agreement.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_cache::{Artifact, Digest, Manifest};
use serde::Serialize;

use super::difference::config_reasons;
use super::plan_file::{Pinned, PinnedCell};
use super::{FileChanges, PlanFile, in_short};

/// One way in which now differs from a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// What it is about: `graph`, `source`, `key` or `decision`.
    pub about: &'static str,
    /// The cell, source or path.
    pub name: String,
    /// What differs.
    pub what: String,
}

/// Compares a plan with one that is made now; `listing` knows the manifests of source folders.
pub fn disagreements(
    planned: &PlanFile,
    now: &PlanFile,
    listing: &dyn Fn(&Digest) -> Option<Manifest>,
) -> Vec<Disagreement> {
    let mut found = Found(Vec::new());
    for (name, was, now) in
        [("pipeline", &planned.pipeline, &now.pipeline), ("profile", &planned.profile, &now.profile)]
    {
        if was != now {
            found.add("graph", name, format!("{was} → {now}"));
        }
    }
    found.maps("graph", &planned.publish, &now.publish, |was, now| rewired(Some(was), Some(now)));
    found.maps("source", &planned.sources, &now.sources, |was, now| files(was, now, listing));
    let by_name = |plan: &PlanFile| -> BTreeMap<String, PinnedCell> {
        plan.cells.iter().map(|cell| (cell.cell.clone(), cell.clone())).collect()
    };
    let (was, is) = (by_name(planned), by_name(now));
    for name in names(&was, &is) {
        match (was.get(name), is.get(name)) {
            (Some(was), Some(now)) => found.cell(was, now),
            (Some(_), None) => found.add("graph", name, "is in the plan and not there any more".to_owned()),
            (None, _) => found.add("graph", name, "is not in the plan".to_owned()),
        }
    }
    found.without_echoes()
}

struct Found(Vec<Disagreement>);

impl Found {
    fn add(&mut self, about: &'static str, name: &str, what: String) {
        self.0.push(Disagreement { about, name: name.to_owned(), what });
    }

    fn maps<V: PartialEq>(
        &mut self,
        about: &'static str,
        was: &BTreeMap<String, V>,
        now: &BTreeMap<String, V>,
        changed: impl Fn(&V, &V) -> String,
    ) {
        for name in names(was, now) {
            match (was.get(name), now.get(name)) {
                (Some(was), Some(now)) if was == now => {}
                (Some(was), Some(now)) => self.add(about, name, changed(was, now)),
                (Some(_), None) => self.add(about, name, "is in the plan and not there any more".to_owned()),
                (None, _) => self.add(about, name, "is not in the plan".to_owned()),
            }
        }
    }

    fn cell(&mut self, was: &PinnedCell, now: &PinnedCell) {
        let before = self.0.len();
        let name = &was.cell;
        if (&was.uses, was.version) != (&now.uses, now.version) {
            self.add("graph", name, format!("{} {} → {} {}", was.uses, was.version, now.uses, now.version));
        }
        let reasons = config_reasons(&was.config, &now.config, &now.uses);
        if !reasons.is_empty() {
            self.add("graph", name, in_short(&reasons));
        }
        for port in names(&was.inputs, &now.inputs) {
            if was.inputs.get(port) != now.inputs.get(port) {
                self.add(
                    "graph",
                    name,
                    format!("input {port}: {}", rewired(was.inputs.get(port), now.inputs.get(port))),
                );
            }
        }
        if was.outputs != now.outputs {
            self.add("graph", name, "declared outputs changed".to_owned());
        }
        if self.0.len() > before {
            return;
        }
        match (was.decision, now.decision) {
            (Pinned::Reuse, Pinned::Execute) => {
                self.add("decision", name, format!("reuse → execute: {}", in_short(&now.reasons)));
            }
            (Pinned::Reuse, Pinned::Await) => {
                self.add("decision", name, format!("reuse → await {}", now.awaits.join(", ")));
            }
            _ => {}
        }
        if let (Some(then), Some(today)) = (was.key, now.key)
            && then != today
        {
            self.add("key", name, format!("{} → {}", then.short(), today.short()));
        }
    }

    /// Where the graph or a source differs, keys and decisions differ because of that.
    fn without_echoes(mut self) -> Vec<Disagreement> {
        let is_root = |found: &Disagreement| matches!(found.about, "graph" | "source");
        if self.0.iter().any(is_root) {
            self.0.retain(is_root);
        }
        self.0
    }
}

fn names<'a, V>(was: &'a BTreeMap<String, V>, now: &'a BTreeMap<String, V>) -> BTreeSet<&'a String> {
    was.keys().chain(now.keys()).collect()
}

/// What a port no longer reads, and what it reads now.
fn rewired(was: Option<&Vec<String>>, now: Option<&Vec<String>>) -> String {
    let (was, now) = (was.map_or(&[][..], Vec::as_slice), now.map_or(&[][..], Vec::as_slice));
    let without = |list: &[String], other: &[String], what: &str| {
        let left: Vec<&str> = list.iter().filter(|name| !other.contains(name)).map(String::as_str).collect();
        (!left.is_empty()).then(|| format!("{} {what}", left.join(", ")))
    };
    let changes: Vec<String> =
        [without(was, now, "removed"), without(now, was, "added")].into_iter().flatten().collect();
    if changes.is_empty() { "another order".to_owned() } else { changes.join(", ") }
}

fn files(was: &Artifact, now: &Artifact, listing: &dyn Fn(&Digest) -> Option<Manifest>) -> String {
    let folders = was.is_folder() && now.is_folder();
    let changes = if folders { FileChanges::between(&was.digest, &now.digest, listing) } else { None };
    changes.map_or_else(|| format!("{} → {}", was.digest.short(), now.digest.short()), |changes| changes.to_string())
}
