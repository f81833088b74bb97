//! What a run is about to put where, told before it replaces anything. The ledger says so only afterwards, so that what a
//! killed run has put at a path would be taken for an edit otherwise.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Ledger;
use crate::content::Digest;
use crate::store::Replacement;

/// What runs were about to put where and have not noted in the ledger yet, by path.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Intended(BTreeMap<String, Intent>);

/// What may lie at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Intent {
    /// What the ledger says meanwhile. Once it says anything else, `put` is of the past.
    ledger: Option<Digest>,
    /// What was about to be put there; several where several runs were killed, one after the other.
    put: BTreeSet<Digest>,
    /// The drafts beside the path. After the replacement, a draft's name holds what lay at the path. They are told of until
    /// they are gone, whatever the ledger says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    drafts: BTreeMap<String, Replacement>,
}

impl Intended {
    /// Notes that a draft is about to be put at a path of which the ledger says what it says.
    pub fn add(&mut self, path: &str, draft: &str, replacement: Replacement, ledger: &Ledger) {
        let new = || Intent { ledger: digest_in(ledger, path), put: BTreeSet::new(), drafts: BTreeMap::new() };
        let intent = self.0.entry(path.to_owned()).or_insert_with(new);
        intent.put.insert(replacement.put);
        intent.drafts.insert(draft.to_owned(), replacement);
    }

    /// The paths where runs were about to put something.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Tells whether a run was about to put at a path what lies there.
    pub fn has(&self, path: &str, found: &Digest) -> bool {
        self.0.get(path).is_some_and(|intent| intent.put.contains(found))
    }

    /// The drafts that were about to be put at paths: path, name of the draft, and what it was to replace.
    pub(crate) fn drafts(&self) -> impl Iterator<Item = (&str, &str, Replacement)> {
        self.0.iter().flat_map(|(path, intent)| {
            intent.drafts.iter().map(move |(draft, replacement)| (path.as_str(), draft.as_str(), *replacement))
        })
    }

    /// Forgets the drafts that are gone, by path and name.
    pub fn forget(&mut self, is_gone: impl Fn(&str, &str) -> bool) {
        self.0.retain(|path, intent| {
            intent.drafts.retain(|draft, _| !is_gone(path, draft));
            !intent.drafts.is_empty() || !intent.put.is_empty()
        });
    }

    /// Adds what another run has told, as far as the ledger does not know better by now.
    pub(super) fn join(&mut self, other: Self, ledger: &Ledger) {
        for (path, mut intent) in other.0 {
            let now = digest_in(ledger, &path);
            if intent.ledger != now {
                intent.ledger = now;
                intent.put.clear();
            }
            match self.0.get_mut(&path) {
                Some(known) => {
                    known.put.extend(intent.put);
                    known.drafts.extend(intent.drafts);
                }
                None => drop(self.0.insert(path, intent)),
            }
        }
    }
}

fn digest_in(ledger: &Ledger, path: &str) -> Option<Digest> {
    ledger.entries.get(path).map(|entry| entry.artifact.digest)
}
