//! The one owner of the publish ledger: brings published paths up to date and never loses an edit.
//!
//! A path is *current* when it is what would be published now; *stale* when it is what the ledger says was put
//! there; *edited* when it is neither. Edited paths block themselves and nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dgpipe_cache::{
    Artifact, Digest, EntryContent, Form, HashOptions, Key, Ledger, LedgerEntry, Manifest, ManifestEntry, Project,
    Snapshot, SourceMemo, Store, StoreError, TreeError, hash_path,
};
use serde::{Deserialize, Serialize};

use super::{Event, Listener, RunError, RunOptions};
use crate::graph::{Graph, Publication, Targets};

/// What to do with a published path that was edited by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EditPolicy {
    /// Leave it alone; the run does not succeed.
    #[default]
    Block,
    /// Replace it.
    Discard,
    /// Move it aside, then publish.
    Keep,
}

/// What was done about a published path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum PublishHow {
    /// It was not there and never had been.
    Created,
    /// It had been published and was not there any more.
    Restored,
    /// What was published before was replaced.
    Updated,
    /// An edit was thrown away on request.
    Discarded,
    /// An edit was moved aside on request.
    MovedAside {
        /// Where it is now.
        to: String,
    },
    /// It was edited and is left alone.
    Edited,
    /// Something is there that was never published, and is left alone.
    Occupied,
    /// The path cannot be written to.
    Impossible {
        /// Why.
        error: String,
    },
    /// Two of its artifacts have a file name in common.
    Clash {
        /// The name.
        name: String,
    },
}

impl PublishHow {
    /// Whether the path is up to date now.
    pub fn is_written(&self) -> bool {
        !matches!(self, Self::Edited | Self::Occupied | Self::Impossible { .. } | Self::Clash { .. })
    }
}

/// Where the artifacts to publish come from: a cell and a port, to an artifact and its key.
pub(super) type OutputOf<'a> = &'a dyn Fn(usize, &str) -> Option<(Artifact, Key)>;

/// What is to be done about a published path.
enum Decided {
    /// Nothing: what would be published is not known.
    Unknown,
    /// Nothing, for this reason.
    Leave(PublishHow),
    /// Nothing: it is what would be published.
    Current { artifact: Artifact, key: Key },
    /// The artifact is put there.
    Write { artifact: Artifact, key: Key, how: PublishHow },
}

pub(super) struct LedgerKeeper<'a> {
    graph: &'a Graph,
    store: &'a Store,
    project: &'a Project,
    options: &'a RunOptions,
    memo: SourceMemo,
    ledger: Ledger,
    /// What this run put where.
    noted: BTreeMap<String, LedgerEntry>,
}

impl<'a> LedgerKeeper<'a> {
    pub(super) fn open(
        graph: &'a Graph,
        store: &'a Store,
        project: &'a Project,
        options: &'a RunOptions,
    ) -> Result<Self, StoreError> {
        let (memo, ledger) = (store.source_memo(), project.ledger()?);
        Ok(Self { graph, store, project, options, memo, ledger, noted: BTreeMap::new() })
    }

    /// Brings the targets' paths up to date. Returns cells and ports whose bytes turned out missing or bad.
    pub(super) fn publish(
        &mut self,
        targets: &Targets,
        output: OutputOf<'_>,
        listener: &dyn Listener,
    ) -> Result<Vec<(usize, String)>, RunError> {
        let mut open: Vec<usize> = targets.publications.iter().copied().collect();
        let mut first = true;
        loop {
            let missed = self.publish_once(&open, output, listener)?;
            let members = missed.iter().flat_map(|(index, _)| &self.graph.publications[*index].members);
            let mut bad: Vec<(usize, String)> = members.map(|member| (member.cell, member.port.clone())).collect();
            // Only members whose bytes really are gone have to be made again.
            bad.retain(|(cell, port)| output(*cell, port).is_some_and(|(artifact, _)| !self.store.contains(&artifact)));
            if !bad.is_empty() {
                return Ok(bad);
            }
            // What is bad is the list of files of a folder that was put together, which is put together anew.
            open = missed.iter().map(|(index, _)| *index).collect();
            match missed.into_iter().next() {
                None => return Ok(bad),
                Some((_, error)) if !first => return Err(error.into()),
                Some(_) => first = false,
            }
        }
    }

    /// Tries to bring paths up to date, all at once, because making them durable one by one takes long. Returns those
    /// whose bytes turned out missing or bad.
    fn publish_once(
        &mut self,
        open: &[usize],
        output: OutputOf<'_>,
        listener: &dyn Listener,
    ) -> Result<Vec<(usize, StoreError)>, RunError> {
        let decided: Vec<_> = open.iter().map(|index| self.decide(&self.graph.publications[*index], output)).collect();
        let write = |(index, decided): (&usize, &Result<Decided, RunError>)| match decided {
            Ok(Decided::Write { artifact, .. }) => {
                Some((*artifact, self.options.root.join(&self.graph.publications[*index].path)))
            }
            _ => None,
        };
        let wanted: Vec<(Artifact, PathBuf)> = open.iter().zip(&decided).filter_map(write).collect();
        let mut restored = self.store.restore_all(&wanted).into_iter();
        let (mut missed, mut fatal) = (Vec::new(), None);
        for (index, decided) in open.iter().zip(decided) {
            let publication = &self.graph.publications[*index];
            let done = decided.and_then(|decided| match decided {
                Decided::Unknown => Ok(None),
                Decided::Leave(how) => Ok(Some(how)),
                Decided::Current { artifact, key } => {
                    self.note(publication, key, artifact);
                    Ok(None)
                }
                Decided::Write { artifact, key, how } => {
                    restored.next().expect("there are as many results as artifacts")?;
                    self.note(publication, key, artifact);
                    Ok(Some(how))
                }
            });
            match done {
                Ok(Some(how)) => listener.hear(&Event::Published { path: publication.path.clone(), how }),
                Ok(None) => {}
                Err(RunError::Store(error)) if error.is_miss() => missed.push((*index, error)),
                Err(error) => match only_this_path(&error) {
                    Some(error) => {
                        let (path, how) = (publication.path.clone(), PublishHow::Impossible { error });
                        listener.hear(&Event::Published { path, how });
                    }
                    None => fatal = fatal.or(Some(error)),
                },
            }
        }
        fatal.map_or(Ok(missed), Err)
    }

    /// Looks at a path and decides what to do about it. An edit that is to be kept is moved aside here.
    fn decide(&self, publication: &Publication, output: OutputOf<'_>) -> Result<Decided, RunError> {
        let Some(members) = members(publication, output) else { return Ok(Decided::Unknown) };
        let Some((_, key)) = members.first().copied() else { return Ok(Decided::Unknown) };
        let artifact = match self.wanted(publication, &members)? {
            Ok(artifact) => artifact,
            Err(name) => return Ok(Decided::Leave(PublishHow::Clash { name })),
        };
        let path = self.options.root.join(&publication.path);
        let found = self.found(&path)?;
        if found == Some(artifact.digest) {
            return Ok(Decided::Current { artifact, key });
        }
        let last = self.ledger.entries.get(&publication.path).map(|entry| entry.artifact);
        let how = match found {
            None if last.is_some() => PublishHow::Restored,
            None => PublishHow::Created,
            Some(found) if Some(found) == last.map(|last| last.digest) => PublishHow::Updated,
            // Deleting a file of a published folder loses nothing, so it needs no decision.
            Some(_) if last.is_some_and(|last| self.lacks_only(&path, &last)) => PublishHow::Restored,
            Some(_) => match self.options.edits {
                EditPolicy::Block if last.is_none() => return Ok(Decided::Leave(PublishHow::Occupied)),
                EditPolicy::Block => return Ok(Decided::Leave(PublishHow::Edited)),
                EditPolicy::Discard => PublishHow::Discarded,
                EditPolicy::Keep => PublishHow::MovedAside { to: move_aside(&path, &publication.path)? },
            },
        };
        Ok(Decided::Write { artifact, key, how })
    }

    /// The artifact that lies at the path in the end: the only member, or a folder with the files of all.
    fn wanted(
        &self,
        publication: &Publication,
        members: &[(Artifact, Key)],
    ) -> Result<Result<Artifact, String>, RunError> {
        if let [(artifact, _)] = members {
            return Ok(Ok(*artifact));
        }
        let mut entries: Vec<ManifestEntry> = Vec::new();
        for (member, (artifact, _)) in publication.members.iter().zip(members) {
            match artifact.form {
                Form::Folder => entries.extend(self.store.manifest(artifact)?.entries().iter().cloned()),
                Form::File => {
                    let ports = self.graph.cells[member.cell].work.ports();
                    let name = ports.output(&member.port).map_or(&member.port, |port| &port.file_name).clone();
                    let (digest, size) = (artifact.digest, artifact.size);
                    let content = EntryContent::File { digest, size, executable: false };
                    entries.push(ManifestEntry { name, content });
                }
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        // Stage types that record the same side file in several outputs may share it.
        entries.dedup();
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Ok(Err(pair[0].name.clone()));
        }
        let manifest = Manifest::new(entries);
        let artifact = manifest.artifact();
        if !self.store.contains(&artifact) {
            self.store.put_manifest(&manifest)?;
        }
        Ok(Ok(artifact))
    }

    /// What lies at a path. What cannot have been published has a digest that no artifact has.
    fn found(&self, path: &Path) -> Result<Option<Digest>, RunError> {
        let foreign = Digest::of(b"neither a file nor a folder as dgpipe publishes them");
        match path.symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
            Ok(metadata) if metadata.is_symlink() => return Ok(Some(foreign)),
            Ok(_) => {}
        }
        match hash_path(path, HashOptions { hidden: true, links: true }, &self.memo) {
            Ok(snapshot) => Ok(Some(snapshot.artifact().digest)),
            Err(TreeError::File(error)) => Err(RunError::Io(std::io::Error::other(error))),
            Err(_) => Ok(Some(foreign)),
        }
    }

    /// Whether every file at a path is one of those that were published there, so that at most some are missing.
    fn lacks_only(&self, path: &Path, published: &Artifact) -> bool {
        let options = HashOptions { hidden: true, links: true };
        let Ok(snapshot) = hash_path(path, options, &self.memo) else { return false };
        published.form == Form::Folder
            && snapshot.artifact().form == Form::Folder
            && self.is_part(&snapshot, "", published).unwrap_or(false)
    }

    fn is_part(&self, snapshot: &Snapshot, below: &str, published: &Artifact) -> Result<bool, StoreError> {
        let Some(found) = snapshot.manifest(below) else { return Ok(false) };
        let published = self.store.manifest(published)?;
        for entry in found.entries() {
            let same = match (&entry.content, published.get(&entry.name)) {
                (_, None) => false,
                (EntryContent::Folder { .. }, Some(other)) => match other.artifact() {
                    Some(folder) if folder.form == Form::Folder => {
                        let below =
                            if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
                        self.is_part(snapshot, &below, &folder)?
                    }
                    _ => false,
                },
                (content, Some(other)) => *content == other.content,
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn note(&mut self, publication: &Publication, key: Key, artifact: Artifact) {
        let Some(member) = publication.members.first() else { return };
        let entry = LedgerEntry {
            artifact,
            cell: self.graph.name(member.cell),
            port: member.port.clone(),
            key: Some(key),
            extra: BTreeMap::new(),
        };
        if self.ledger.entries.get(&publication.path) != Some(&entry) {
            self.ledger.entries.insert(publication.path.clone(), entry.clone());
            self.noted.insert(publication.path.clone(), entry);
        }
    }

    /// Adds what this run put where to the ledger.
    pub(super) fn close(self) -> Result<(), StoreError> {
        self.project.add_to_ledger(self.noted)
    }
}

/// The artifacts to publish at one path, where all of them are known.
fn members(publication: &Publication, output: OutputOf<'_>) -> Option<Vec<(Artifact, Key)>> {
    publication.members.iter().map(|member| output(member.cell, &member.port)).collect()
}

/// The message of an error that lies in one path of the user's tree, and not in the disk or the store.
fn only_this_path(error: &RunError) -> Option<String> {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let (kind, text) = match error {
        RunError::Io(error) => (error.kind(), error.to_string()),
        RunError::Store(StoreError::File(error)) => (error.kind(), error.to_string()),
        RunError::Store(_) | RunError::Plan(_) | RunError::Refused { .. } => return None,
    };
    matches!(kind, IsADirectory | NotADirectory | PermissionDenied | ReadOnlyFilesystem).then_some(text)
}

/// Moves what lies at a path beside it, under a name that is free, and returns how messages call that.
fn move_aside(path: &Path, shown: &str) -> Result<String, RunError> {
    let aside = |number: u32| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.with_file_name(format!("{name}.edited-{number}"))
    };
    let free = |to: &PathBuf| to.symlink_metadata().is_err();
    let to = (1..=u32::MAX).map(aside).find(free).unwrap_or_else(|| aside(0));
    crate::files::move_path(path, &to)?;
    let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(match shown.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{name}"),
        None => name,
    })
}
