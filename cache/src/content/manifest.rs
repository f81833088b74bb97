//! The list of what lies in a folder. Two folders are the same exactly when the bytes of their
//! manifests are: entries are sorted by name and every manifest has one encoding.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::manifest_entry::{is_component, link_stays_inside};
use super::{Artifact, Digest, EntryContent, ManifestEntry};

/// Raised when the encoding changes; it is part of every folder's digest.
const VERSION: u32 = 1;

/// No tree is deeper than this, so a link in it cannot step further up.
const DEEPEST: usize = 4096;

/// What is wrong with the bytes of a manifest. The caller adds the path.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The bytes are no manifest.
    #[error("it is not a manifest")]
    Syntax(#[source] serde_json::Error),
    /// A newer format than this program knows.
    #[error("a newer dgpipe wrote it (manifest version {version})")]
    Newer {
        /// The version found.
        version: u32,
    },
    /// A name or a link that could lead out of the folder.
    #[error("its entry `{name}` is not allowed")]
    Entry {
        /// The name of the entry.
        name: String,
    },
    /// Unsorted, doubled or spelt in another way than this program does.
    #[error("it is not in canonical form")]
    NotCanonical,
}

/// The sorted entries of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    entries: Vec<ManifestEntry>,
}

#[derive(Serialize)]
struct Written<'a> {
    manifest: u32,
    entries: &'a [ManifestEntry],
}

#[derive(Deserialize)]
struct Head {
    manifest: u32,
}

#[derive(Deserialize)]
struct Read {
    entries: Vec<ManifestEntry>,
}

impl Manifest {
    /// Makes a manifest of entries in any order.
    ///
    /// The names must differ: they come from a folder, where they do.
    pub fn new(mut entries: Vec<ManifestEntry>) -> Self {
        entries.sort_by(|one, other| one.name.as_bytes().cmp(other.name.as_bytes()));
        Self { entries }
    }

    /// Returns the entries, sorted by the bytes of their names.
    pub fn entries(&self) -> &[ManifestEntry] {
        &self.entries
    }

    /// Returns the entry of that name.
    pub fn get(&self, name: &str) -> Option<&ManifestEntry> {
        let place = self.entries.binary_search_by(|entry| entry.name.as_bytes().cmp(name.as_bytes()));
        place.ok().map(|place| &self.entries[place])
    }

    /// Returns the bytes of all files below the folder together.
    pub fn size(&self) -> u64 {
        let artifacts = self.entries.iter().filter_map(ManifestEntry::artifact);
        artifacts.fold(0, |sum, artifact| sum.saturating_add(artifact.size))
    }

    /// Returns the folder as an artifact.
    pub fn artifact(&self) -> Artifact {
        Artifact::folder(Digest::of(&self.encode()), self.size())
    }

    /// Returns the bytes that are stored, and hashed, for this folder.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&Written { manifest: VERSION, entries: &self.entries })
            .expect("texts, numbers and booleans can be written as JSON")
    }

    /// Reads what [`Manifest::encode`] wrote, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        let head: Head = serde_json::from_slice(bytes).map_err(ManifestError::Syntax)?;
        if head.manifest > VERSION {
            return Err(ManifestError::Newer { version: head.manifest });
        }
        let read: Read = serde_json::from_slice(bytes).map_err(ManifestError::Syntax)?;
        for entry in &read.entries {
            let target_ok = match &entry.content {
                EntryContent::Link { target } => link_stays_inside(target, DEEPEST),
                _ => true,
            };
            if !is_component(&entry.name) || !target_ok {
                return Err(ManifestError::Entry { name: entry.name.clone() });
            }
        }
        let manifest = Self { entries: read.entries };
        let names = || manifest.entries.iter().map(|entry| entry.name.as_bytes());
        let sorted = names().zip(names().skip(1)).all(|(one, next)| one < next);
        if !sorted || manifest.encode() != bytes {
            return Err(ManifestError::NotCanonical);
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> ManifestEntry {
        ManifestEntry {
            name: name.to_owned(),
            content: EntryContent::File { digest: Digest::of(name.as_bytes()), size: 1, executable: false },
        }
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        let one = Manifest::new(vec![file("a"), file("b"), file("a.b")]);
        let other = Manifest::new(vec![file("a.b"), file("b"), file("a")]);
        assert_eq!(one.encode(), other.encode());
        assert_eq!(Manifest::decode(&one.encode()).unwrap(), one);
        assert!(one.get("a.b").is_some());
        assert!(one.get("c").is_none());
    }

    #[test]
    fn the_encoding_is_what_it_was() {
        let manifest = Manifest::new(vec![file(
            "a\"
",
        )]);
        insta::assert_snapshot!(String::from_utf8(manifest.encode()).unwrap(), @r#"{"manifest":1,"entries":[{"name":"a\"\n","content":{"file":{"digest":"2927c59e25cfa65981c24fce5dabc55340da5b8ff4179b23603ff641ff1cc0a5","size":1,"executable":false}}}]}"#);
        insta::assert_snapshot!(Manifest::default().artifact().digest, @"e7ae397dab2b9bc341e06952a186a89b9580f41c0c1ee9db412f185bb4ce21a2");
    }

    #[test]
    fn e6_hostile_manifests_are_refused() {
        for name in ["..", ".", "", "a/b", "/etc"] {
            let bytes = Manifest::new(vec![file(name)]).encode();
            assert!(matches!(Manifest::decode(&bytes), Err(ManifestError::Entry { .. })));
        }
        let doubled = Manifest::new(vec![file("a"), file("a")]).encode();
        assert!(matches!(Manifest::decode(&doubled), Err(ManifestError::NotCanonical)));
        assert!(matches!(
            Manifest::decode(br#"{"manifest":2,"packed":"?"}"#),
            Err(ManifestError::Newer { version: 2 })
        ));
        assert!(Manifest::decode(b"").is_err());
        assert!(Manifest::decode(&[0xff; 40]).is_err());
    }

    #[test]
    fn e6_another_spelling_of_the_same_manifest_is_refused() {
        let mut bytes = Manifest::new(vec![file("a")]).encode();
        bytes.push(b' ');
        assert!(matches!(Manifest::decode(&bytes), Err(ManifestError::NotCanonical)));
    }
}
