//! Which files of a source folder differ between two moments.

use std::fmt;

use dgpipe_cache::{Artifact, Digest, EntryContent, Manifest};
use serde::{Deserialize, Serialize};

/// More names than this of a kind are only counted.
const MOST: usize = 20;

/// Files of a folder that were added, changed or removed, by their paths in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileChanges {
    /// Files that were not there before.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub added: Names,
    /// Files with other bytes, or another executable bit.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub changed: Names,
    /// Files that are not there any more.
    #[serde(skip_serializing_if = "Names::is_empty")]
    pub removed: Names,
}

/// Some names, the first of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub first: Vec<String>,
}

impl Names {
    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn add(&mut self, name: String) {
        self.count += 1;
        if self.first.len() < MOST {
            self.first.push(name);
        }
    }
}

impl FileChanges {
    /// Compares two folders. `listing` gives the manifest of a folder by its digest; nothing where one is not known.
    pub fn between(was: &Digest, now: &Digest, listing: &dyn Fn(&Digest) -> Option<Manifest>) -> Option<Self> {
        let mut changes = Self::default();
        changes.compare("", Some(*was), Some(*now), listing)?;
        Some(changes)
    }

    fn compare(
        &mut self,
        below: &str,
        was: Option<Digest>,
        now: Option<Digest>,
        listing: &dyn Fn(&Digest) -> Option<Manifest>,
    ) -> Option<()> {
        if was == now {
            return Some(());
        }
        let read = |digest: Option<Digest>| digest.map_or_else(|| Some(Manifest::default()), |digest| listing(&digest));
        let (was, now) = (read(was)?, read(now)?);
        let mut names: Vec<&str> = was.entries().iter().chain(now.entries()).map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let content = |manifest: &Manifest| manifest.get(name).map(|entry| entry.content.clone());
            let (was, now) = (content(&was), content(&now));
            if was == now {
                continue;
            }
            let path = format!("{below}{name}");
            let (folder_was, folder_now) = (folder(was.as_ref()), folder(now.as_ref()));
            if folder_was.is_some() || folder_now.is_some() {
                self.compare(&format!("{path}/"), folder_was, folder_now, listing)?;
            }
            match (was.filter(|_| folder_was.is_none()), now.filter(|_| folder_now.is_none())) {
                (None, Some(_)) => self.added.add(path),
                (Some(_), None) => self.removed.add(path),
                (Some(_), Some(_)) => self.changed.add(path),
                (None, None) => {}
            }
        }
        Some(())
    }
}

fn folder(content: Option<&EntryContent>) -> Option<Digest> {
    if let Some(EntryContent::Folder { digest, .. }) = content { Some(*digest) } else { None }
}

/// Whether two artifacts are folders, whose files can be compared.
pub(crate) fn are_folders(was: &Artifact, now: &Artifact) -> bool {
    was.is_folder() && now.is_folder()
}

impl fmt::Display for FileChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [(&self.added, "added"), (&self.changed, "changed"), (&self.removed, "removed")];
        let said: Vec<String> =
            kinds.iter().filter(|(names, _)| !names.is_empty()).map(|(names, verb)| said(names, verb)).collect();
        if said.is_empty() { f.write_str("empty folders changed") } else { f.write_str(&said.join(", ")) }
    }
}

fn said(names: &Names, verb: &str) -> String {
    match names.first.as_slice() {
        [one] if names.count == 1 => format!("{one} {verb}"),
        [first, ..] => format!("{} files {verb} ({first}, …)", names.count),
        [] => format!("{} files {verb}", names.count),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dgpipe_cache::ManifestEntry;

    use super::*;

    fn file(name: &str, content: &str) -> ManifestEntry {
        let content = EntryContent::File { digest: Digest::of(content.as_bytes()), size: 1, executable: false };
        ManifestEntry { name: name.to_owned(), content }
    }

    fn holding(name: &str, manifest: &Manifest) -> ManifestEntry {
        let content = EntryContent::Folder { digest: manifest.artifact().digest, size: 1 };
        ManifestEntry { name: name.to_owned(), content }
    }

    fn between(was: &Manifest, now: &Manifest, known: &[&Manifest]) -> Option<FileChanges> {
        let known: BTreeMap<Digest, Manifest> =
            known.iter().map(|manifest| (manifest.artifact().digest, (*manifest).clone())).collect();
        let listing = |digest: &Digest| known.get(digest).cloned();
        FileChanges::between(&was.artifact().digest, &now.artifact().digest, &listing)
    }

    #[test]
    fn files_are_named_by_what_happened_to_them() {
        let (dogs, more) = (Manifest::new(vec![file("a", "1")]), Manifest::new(vec![file("a", "2"), file("b", "1")]));
        let was = Manifest::new(vec![holding("dogs", &dogs), file("old", "1"), file("same", "1")]);
        let now = Manifest::new(vec![holding("dogs", &more), file("same", "1")]);
        let changes = between(&was, &now, &[&was, &now, &dogs, &more]).unwrap();
        assert_eq!(changes.to_string(), "dogs/b added, dogs/a changed, old removed");
    }

    #[test]
    fn a_folder_that_becomes_a_file_loses_its_files() {
        let inner = Manifest::new(vec![file("a", "1"), file("b", "1")]);
        let (was, now) = (Manifest::new(vec![holding("x", &inner)]), Manifest::new(vec![file("x", "1")]));
        let changes = between(&was, &now, &[&was, &now, &inner]).unwrap();
        assert_eq!(changes.to_string(), "x added, 2 files removed (x/a, …)");
    }

    #[test]
    fn without_the_listing_of_then_nothing_is_said() {
        let (was, now) = (Manifest::new(vec![file("a", "1")]), Manifest::new(vec![file("a", "2")]));
        assert_eq!(between(&was, &now, &[&now]), None);
    }
}
