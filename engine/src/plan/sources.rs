//! The digests of the sources that a plan needs, and the check that they stay as they were.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use dgpipe_cache::{Artifact, Digest, EntryContent, HashOptions, Manifest, Snapshot, SourceMemo, TreeError, hash_path};
use rayon::prelude::*;

use crate::graph::{Graph, InputRef};

/// Sources as they were when they were hashed.
#[derive(Debug, Default)]
pub struct SourceSnapshots {
    snapshots: BTreeMap<usize, (PathBuf, Snapshot)>,
    /// Manifests of all folders, made when they are first asked for.
    listings: OnceLock<BTreeMap<Digest, Manifest>>,
}

/// A source that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is nothing at its path.
    #[error("the source `{name}` is not there: `{shown}` does not exist")]
    Missing {
        /// The source.
        name: String,
        /// Its path.
        shown: String,
    },
    /// It is there and cannot be read.
    #[error("the source `{name}` cannot be read: {source}{}", reason(source))]
    Unreadable {
        /// The source.
        name: String,
        /// What went wrong.
        source: TreeError,
    },
}

impl SourceError {
    /// Whether the disk or the permissions refuse, and not what the project says or has.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Unreadable { source: TreeError::File(_), .. })
    }
}

/// What the operating system said, which the message of the error leaves to its cause.
fn reason(error: &TreeError) -> String {
    std::error::Error::source(error).map(|reason| format!(": {reason}")).unwrap_or_default()
}

impl SourceSnapshots {
    /// Hashes the sources that the given cells read. Unchanged files are known from the memo.
    pub fn take(graph: &Graph, cells: &[usize], memo: &SourceMemo) -> Result<Self, Vec<SourceError>> {
        let readings = cells.iter().flat_map(|cell| &graph.cells[*cell].inputs).flat_map(|port| &port.readings);
        let mut needed: Vec<usize> = readings
            .filter_map(|reading| if let InputRef::Source(index) = reading.from { Some(index) } else { None })
            .collect();
        needed.sort_unstable();
        needed.dedup();
        let taken: Vec<_> = needed.par_iter().map(|index| take_one(graph, *index, memo)).collect();
        let (mut snapshots, mut errors) = (BTreeMap::new(), Vec::new());
        for (index, result) in needed.into_iter().zip(taken) {
            match result {
                Ok(snapshot) => drop(snapshots.insert(index, snapshot)),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self { snapshots, listings: OnceLock::new() }) } else { Err(errors) }
    }

    /// The artifact that a source is, or a part of it.
    pub fn artifact(&self, source: usize, path: Option<&str>) -> Option<Artifact> {
        let (_, snapshot) = self.snapshots.get(&source)?;
        match path {
            None => Some(snapshot.artifact()),
            Some(path) => snapshot.at(path),
        }
    }

    /// Where a source is read, after stepping into lone folders.
    pub fn root(&self, source: usize) -> Option<&PathBuf> {
        self.snapshots.get(&source).map(|(root, _)| root)
    }

    /// The snapshot of a source.
    pub(crate) fn snapshot(&self, source: usize) -> Option<&Snapshot> {
        self.snapshots.get(&source).map(|(_, snapshot)| snapshot)
    }

    /// The manifest of a folder of some source.
    pub fn listing(&self, digest: &Digest) -> Option<Manifest> {
        let all = || self.snapshots.values().flat_map(|(_, snapshot)| manifests(snapshot)).collect();
        self.listings.get_or_init(all).get(digest).cloned()
    }

    /// Whether a source still is as it was hashed.
    pub fn unchanged(&self, source: usize) -> bool {
        self.snapshots.get(&source).is_none_or(|(_, snapshot)| snapshot.unchanged().unwrap_or(false))
    }
}

fn manifests(snapshot: &Snapshot) -> Vec<(Digest, Manifest)> {
    let (mut found, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(path) = open.pop() {
        let Some(manifest) = snapshot.manifest(&path) else { continue };
        let folders = manifest.entries().iter().filter(|entry| matches!(entry.content, EntryContent::Folder { .. }));
        open.extend(folders.map(|entry| format!("{path}/{}", entry.name)));
        found.push((manifest.artifact().digest, manifest));
    }
    found
}

fn take_one(graph: &Graph, index: usize, memo: &SourceMemo) -> Result<(PathBuf, Snapshot), SourceError> {
    let source = &graph.sources[index];
    let root = source.root();
    // What cannot be looked at is told by the walk.
    if matches!(root.try_exists(), Ok(false)) {
        return Err(SourceError::Missing { name: source.name.clone(), shown: source.shown.clone() });
    }
    let snapshot = hash_path(&root, HashOptions { hidden: source.hidden, links: false }, memo)
        .map_err(|error| SourceError::Unreadable { name: source.name.clone(), source: error })?;
    Ok((root, snapshot))
}
