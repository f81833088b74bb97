//! Which labelled items went into an artifact: the evidence by which leakage is decided, by content and never by name.

use std::collections::BTreeSet;
use std::path::Path;

use dgpipe_engine::stage::{FormatError, View};
use serde::{Deserialize, Serialize};

use super::json;

/// The items whose labels were seen, in groups: one group per training that contributed, such as one per domain.
///
/// Empty where nothing was seen. Lies as `seen.json` in weights, importance and masks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// One group per training that contributed.
    pub groups: Vec<Group>,
}

/// The items that one training saw with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Digests of the items' bytes, as [`Embeddings::digests`](super::Embeddings::digests) gives them.
    pub items: BTreeSet<String>,
}

impl Seen {
    /// The name of its file.
    pub const FILE: &'static str = "seen.json";

    /// One group of these items.
    pub fn of(digests: impl IntoIterator<Item = String>) -> Self {
        Self { groups: vec![Group { items: digests.into_iter().collect() }] }
    }

    /// The groups of several artifacts one after another: what all of them together saw.
    pub fn joined<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        Self { groups: parts.into_iter().flat_map(|part| part.groups.iter().cloned()).collect() }
    }

    /// Whether an item with this digest was seen.
    pub fn contains(&self, digest: &str) -> bool {
        self.groups.iter().any(|group| group.items.contains(digest))
    }

    /// Whether any of these items was seen.
    pub fn contains_any<'a>(&self, digests: impl IntoIterator<Item = &'a String>) -> bool {
        digests.into_iter().any(|digest| self.contains(digest))
    }

    /// Reads `seen.json` in a folder; a folder without it has seen nothing.
    pub(crate) fn read_in(folder: &View) -> Result<Self, FormatError> {
        folder.find(Self::FILE)?.map_or_else(|| Ok(Self::default()), |file| json::read(&file))
    }

    /// Writes `seen.json` into a folder.
    pub(crate) fn write_in(&self, folder: &Path) -> Result<(), FormatError> {
        json::write(&folder.join(Self::FILE), self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_seen_in_any_group_is_seen() {
        let one = Seen::of(["b".to_owned(), "a".to_owned()]);
        let two = Seen::of(["c".to_owned()]);
        let both = Seen::joined([&one, &two]);
        assert_eq!(both.groups.len(), 2);
        assert!(both.contains("c") && both.contains("a") && !both.contains("d"));
        assert!(both.contains_any(&["x".to_owned(), "b".to_owned()]));
        assert!(!Seen::default().contains("a"));
    }

    #[test]
    fn items_are_written_in_order_whatever_order_they_came_in() {
        let text = serde_json::to_string(&Seen::of(["b".to_owned(), "a".to_owned()])).unwrap();
        assert_eq!(text, r#"{"groups":[{"items":["a","b"]}]}"#);
    }
}
