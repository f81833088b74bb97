//! A tree whose digests are known: the meaning of the files at a path.

use std::collections::BTreeMap;

use super::Tree;
use crate::content::{Artifact, Digest, EntryContent, Manifest, ManifestEntry};

/// What matters of a file after it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashedFile {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    pub(crate) executable: bool,
}

/// A file, a folder with all in it, or a link, with digests.
#[derive(Debug, Clone)]
pub(crate) enum Hashed {
    File { artifact: Artifact, executable: bool },
    Folder { artifact: Artifact, children: BTreeMap<String, Hashed> },
    Link(String),
}

impl Hashed {
    /// Puts a tree and its hashed files together. The files are those of [`Tree::files`] in its order;
    /// every manifest is shown to `sealed`.
    pub(crate) fn new<E>(
        tree: Tree,
        files: &mut impl Iterator<Item = HashedFile>,
        sealed: &mut impl FnMut(Artifact, Vec<u8>) -> Result<(), E>,
    ) -> Result<Self, E> {
        match tree {
            Tree::File(_) => {
                let file = files.next().expect("every file was hashed");
                Ok(Self::File { artifact: Artifact::file(file.digest, file.size), executable: file.executable })
            }
            Tree::Folder(trees) => {
                let mut children = BTreeMap::new();
                for (name, tree) in trees {
                    children.insert(name, Self::new(tree, files, sealed)?);
                }
                let manifest = manifest_of(&children);
                let bytes = manifest.encode();
                let artifact = Artifact::folder(Digest::of(&bytes), manifest.size());
                sealed(artifact, bytes)?;
                Ok(Self::Folder { artifact, children })
            }
            Tree::Link(target) => Ok(Self::Link(target)),
        }
    }

    /// Returns the artifact; a link is none.
    pub(crate) fn artifact(&self) -> Option<Artifact> {
        match self {
            Self::File { artifact, .. } | Self::Folder { artifact, .. } => Some(*artifact),
            Self::Link(_) => None,
        }
    }

    /// Returns what lies at a path below, such as `a/b`.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        let mut place = self;
        for step in path.split('/').filter(|step| !step.is_empty() && *step != ".") {
            let Self::Folder { children, .. } = place else {
                return None;
            };
            place = children.get(step)?;
        }
        Some(place)
    }

    /// Returns the manifest, where this is a folder.
    pub(crate) fn manifest(&self) -> Option<Manifest> {
        match self {
            Self::Folder { children, .. } => Some(manifest_of(children)),
            _ => None,
        }
    }
}

fn manifest_of(children: &BTreeMap<String, Hashed>) -> Manifest {
    let entry = |(name, child): (&String, &Hashed)| ManifestEntry {
        name: name.clone(),
        content: match child {
            Hashed::File { artifact, executable } => {
                EntryContent::File { digest: artifact.digest, size: artifact.size, executable: *executable }
            }
            Hashed::Folder { artifact, .. } => EntryContent::Folder { digest: artifact.digest, size: artifact.size },
            Hashed::Link(target) => EntryContent::Link { target: target.clone() },
        },
    };
    Manifest::new(children.iter().map(entry).collect())
}
