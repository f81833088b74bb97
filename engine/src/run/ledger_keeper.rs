//! The one owner of the publish ledger: brings published paths up to date and never loses an edit.
//!
//! A path is *current* when it is what would be published now; *stale* when it is what the ledger says was put
//! there, or what a killed run was about to put there, or intact by its own passports; *edited* when it is none of these. Edited paths block themselves and
//! nothing else. Figures and tables are stamped here; the store has them without their stamps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dgpipe_cache::{
    Artifact, Digest, EntryContent, Filesystem, Form, HashOptions, Intended, Key, Ledger, LedgerEntry, ManifestEntry,
    Project, Replacement, Snapshot, SourceMemo, Store, StoreError, hash_path, published_digest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::publishing::{Publishing, Written};
use super::{Event, Listener, RunError, RunOptions};
use crate::graph::{Graph, Publication, Targets};
use crate::passport::{OutputOf, SIDECAR, Stamper, Wanted, is_intact};
use crate::plan::SourceSnapshots;
use crate::stage::StageError;

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

/// In the ledger: the digest of all that decides a path's stamps.
const STAMP: &str = "stamp";
/// In the ledger: the artifact in the store that was stamped.
const OBJECT: &str = "object";
/// In the ledger: the digests of the files that differ from the store's, by path.
const FILES: &str = "files";

pub(super) struct LedgerKeeper<'a> {
    graph: &'a Graph,
    store: &'a Store,
    project: &'a Project,
    options: &'a RunOptions,
    sources: &'a SourceSnapshots,
    /// The project, as far as it is written to: nothing outside of it is.
    tree: Arc<dyn Filesystem>,
    memo: SourceMemo,
    ledger: Ledger,
    /// What runs were about to put where, this one among them, and the ledger in the store does not say.
    intended: Intended,
    /// What this run put where.
    noted: BTreeMap<String, LedgerEntry>,
}

/// What is to lie at one path.
struct Content<'c> {
    /// The artifact that lies there in the end.
    artifact: Artifact,
    /// The one in the store that it is made from.
    object: Artifact,
    /// Files that differ from the store's or lie beside them.
    files: &'c BTreeMap<String, Vec<u8>>,
    /// The key of the cell that it comes from.
    key: Option<Key>,
    /// What decides the stamps.
    stamp: Option<Digest>,
}

impl<'a> LedgerKeeper<'a> {
    pub(super) fn open(
        graph: &'a Graph,
        store: &'a Store,
        project: &'a Project,
        options: &'a RunOptions,
        sources: &'a SourceSnapshots,
    ) -> Result<Self, StoreError> {
        let (memo, ledger) = (store.source_memo(), project.ledger()?);
        let (tree, intended) = (store.tree(&options.root)?, project.intended(&ledger)?);
        Ok(Self { graph, store, project, options, sources, tree, memo, ledger, intended, noted: BTreeMap::new() })
    }

    /// Brings the targets' paths up to date. Returns cells and ports whose bytes turned out missing or bad.
    pub(super) fn publish(
        &mut self,
        targets: &Targets,
        output: OutputOf<'_>,
        listener: &dyn Listener,
    ) -> Result<Vec<(usize, String)>, RunError> {
        let (root, file) = (&self.options.root, &self.options.file);
        let stamper = Stamper::new(self.graph, self.store, self.sources, output, (root, file));
        let mut open: Vec<usize> = targets.publications.iter().copied().collect();
        let mut first = true;
        loop {
            let missed = self.publish_once(&open, &stamper, listener)?;
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

    fn publish_once(
        &mut self,
        open: &[usize],
        stamper: &Stamper<'_>,
        listener: &dyn Listener,
    ) -> Result<Vec<(usize, StoreError)>, RunError> {
        let mut publishing = Publishing::new(&self.options.root, self.store.restoring(self.tree.clone()));
        // A run that was killed in the middle has left there what it had replaced.
        for path in self.intended.paths() {
            if let Err(error) = publishing.restoring.sweep_beside(&self.options.root.join(path)) {
                let left = "what a killed run left beside it cannot be cleared away, and stays until the next run";
                self.store.warn(format!("`{path}`: {left}: {}", StageError::from(error)));
            }
        }
        self.intended.forget(|path, draft| publishing.restoring.is_gone(&self.options.root.join(path), draft));
        for index in open {
            if let Err(error) = self.publish_one(stamper, *index, &mut publishing) {
                publishing.refused(*index, &self.graph.publications[*index].path, error);
            }
        }
        let hear = |path, how| listener.hear(&Event::Published { path, how });
        for (path, draft, replacement) in publishing.intended() {
            self.intended.add(path, draft, replacement, &self.ledger);
        }
        let (project, intended) = (self.project, self.intended.clone());
        let intend = || project.intend(&intended);
        let store = self.store;
        let keep = |path: &str, to: &str| store.warn(format!("`{path}` was edited: the edit is in `{to}` now"));
        publishing.finish(intend, |path, entry| self.note(path, entry), hear, keep)
    }

    fn publish_one(
        &mut self,
        stamper: &Stamper<'_>,
        index: usize,
        publishing: &mut Publishing<'_>,
    ) -> Result<(), RunError> {
        let publication = &self.graph.publications[index];
        let wanted = match stamper.wanted(publication)? {
            None => return Ok(()),
            Some(Ok(wanted)) => wanted,
            Some(Err(name)) => {
                publishing.say(index, &publication.path, PublishHow::Clash { name });
                return Ok(());
            }
        };
        if let Some(folder) = wanted.combined.as_ref().filter(|_| !self.store.contains(&wanted.object)) {
            self.store.put_manifest(folder)?;
        }
        if !stamper.carries(publication) {
            let (object, key) = (wanted.object, stamper.key(publication.members[0].cell));
            let content = Content { artifact: object, object, files: &BTreeMap::new(), key, stamp: None };
            self.settle(index, &publication.path, &content, true, publishing)?;
            return Ok(());
        }
        let stamp = stamper.stamp_key(publication, &wanted);
        if self.is_as_stamped(publication, stamp)? {
            return Ok(());
        }
        self.publish_stamped(stamper, index, &wanted, stamp, publishing)
    }

    /// Whether what lies at a path was stamped with all that would decide its stamps today.
    fn is_as_stamped(&self, publication: &Publication, stamp: Digest) -> Result<bool, RunError> {
        let beside = format!("{}{SIDECAR}", publication.path);
        let stamped = |entry: &&LedgerEntry| entry.extra.get(STAMP) == Some(&Value::from(stamp.to_string()));
        let Some(main) = self.ledger.entries.get(&publication.path).filter(stamped) else { return Ok(false) };
        let beside = self.ledger.entries.get_key_value(&beside).filter(|(_, entry)| stamped(entry));
        for (path, entry) in beside.into_iter().chain([(&publication.path, main)]) {
            if published_digest(&self.options.root.join(path), &self.memo)? != Some(entry.artifact.digest) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn publish_stamped(
        &mut self,
        stamper: &Stamper<'_>,
        index: usize,
        wanted: &Wanted,
        stamp: Digest,
        publishing: &mut Publishing<'_>,
    ) -> Result<(), RunError> {
        let publication = &self.graph.publications[index];
        let (artifact, stamped) = stamper.stamped(publication, wanted)?;
        let (key, stamp) = (stamper.key(publication.members[0].cell), Some(stamp));
        let content = Content { artifact, object: wanted.object, files: &stamped.files, key, stamp };
        let is_written = self.settle(index, &publication.path, &content, true, publishing)?;
        // A passport beside a file that is not the one it speaks of would lie.
        if let Some(bytes) = stamped.beside.filter(|_| is_written) {
            let path = format!("{}{SIDECAR}", publication.path);
            let artifact = Artifact::file(Digest::of(&bytes), bytes.len() as u64);
            let files = BTreeMap::from([(String::new(), bytes)]);
            let content = Content { artifact, object: artifact, files: &files, key, stamp };
            self.settle(index, &path, &content, false, publishing)?;
        }
        Ok(())
    }

    /// Has content put at a path unless it is there already or an edit forbids it. Returns whether it is there in the
    /// end; where it is put there, that is said only where it is to be told.
    fn settle(
        &mut self,
        publication: usize,
        shown: &str,
        content: &Content<'_>,
        told: bool,
        publishing: &mut Publishing<'_>,
    ) -> Result<bool, RunError> {
        let path = self.options.root.join(shown);
        let found = published_digest(&path, &self.memo)?;
        let entry = self.entry(publication, content);
        if found == Some(content.artifact.digest) {
            self.note(shown.to_owned(), entry);
            return Ok(true);
        }
        let last = self.ledger.entries.get(shown).cloned();
        let how = match found {
            None if last.is_some() => PublishHow::Restored,
            None => PublishHow::Created,
            Some(found) if Some(found) == last.as_ref().map(|last| last.artifact.digest) => PublishHow::Updated,
            // What a run put there that was killed before it noted it has no edit in it.
            Some(found) if self.intended.has(shown, &found) => PublishHow::Updated,
            // What dgpipe published before it stamped, or what lost its stamps, has no edit in it.
            Some(found) if found == content.object.digest => PublishHow::Updated,
            // Deleting a file of a published folder loses nothing, so it needs no decision.
            Some(_) if last.as_ref().is_some_and(|last| self.lacks_only(&path, last)) => PublishHow::Restored,
            Some(_) if content.stamp.is_some() && is_intact(&path, shown) => PublishHow::Updated,
            Some(_) => match self.options.edits {
                EditPolicy::Block => {
                    let how = if last.is_none() { PublishHow::Occupied } else { PublishHow::Edited };
                    publishing.say(publication, shown, how);
                    return Ok(false);
                }
                EditPolicy::Discard => PublishHow::Discarded,
                EditPolicy::Keep => {
                    let to = publishing.restoring.move_aside(&path)?;
                    PublishHow::MovedAside { to: publishing.shown(&to) }
                }
            },
        };
        // What was moved aside is not there any more.
        let found = found.filter(|_| !matches!(how, PublishHow::MovedAside { .. }));
        let replacement = Replacement { found, put: content.artifact.digest };
        let draft = publishing.restoring.add(&content.object, content.files, &path, Some(replacement))?;
        let (path, how) = (shown.to_owned(), told.then_some(how));
        publishing.write(Written { publication, path, draft, replacement, entry, how });
        Ok(true)
    }

    /// Whether every file at a path is one of those that were published there, so that at most some are missing.
    fn lacks_only(&self, path: &Path, last: &LedgerEntry) -> bool {
        let options = HashOptions { hidden: true, links: true };
        let Ok(snapshot) = hash_path(path, options, &self.memo) else { return false };
        let object = last.extra.get(OBJECT).and_then(|object| serde_json::from_value(object.clone()).ok());
        let published = object.unwrap_or(last.artifact);
        last.artifact.form == Form::Folder
            && snapshot.artifact().form == Form::Folder
            && self.is_part(&snapshot, "", &published, last).unwrap_or(false)
    }

    fn is_part(
        &self,
        snapshot: &Snapshot,
        below: &str,
        published: &Artifact,
        last: &LedgerEntry,
    ) -> Result<bool, StoreError> {
        let Some(found) = snapshot.manifest(below) else { return Ok(false) };
        let published = self.store.manifest(published)?;
        for entry in found.entries() {
            let path = if below.is_empty() { entry.name.clone() } else { format!("{below}/{}", entry.name) };
            let other = published.get(&entry.name);
            let stamped = last.extra.get(FILES).and_then(|files| files.get(&path));
            let same = match &entry.content {
                EntryContent::Folder { .. } => {
                    let folder = other.and_then(ManifestEntry::artifact).filter(|other| other.form == Form::Folder);
                    folder.map_or(Ok(false), |folder| self.is_part(snapshot, &path, &folder, last))?
                }
                EntryContent::File { digest, .. } if stamped.is_some() => {
                    stamped == Some(&Value::from(digest.to_string()))
                }
                content => other.is_some_and(|other| *content == other.content),
            };
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the ledger says of content at its path.
    fn entry(&self, publication: usize, content: &Content<'_>) -> LedgerEntry {
        let member = &self.graph.publications[publication].members[0];
        let mut extra = BTreeMap::new();
        if let Some(stamp) = content.stamp {
            extra.insert(STAMP.to_owned(), stamp.to_string().into());
            extra.insert(OBJECT.to_owned(), json!(content.object));
            let digest = |(path, bytes): (&String, &Vec<u8>)| (path.clone(), Digest::of(bytes).to_string().into());
            extra.insert(FILES.to_owned(), content.files.iter().map(digest).collect::<Map<_, _>>().into());
        }
        let (cell, port) = (self.graph.name(member.cell), member.port.clone());
        LedgerEntry { artifact: content.artifact, cell, port, key: content.key, extra }
    }

    fn note(&mut self, path: String, entry: LedgerEntry) {
        if self.ledger.entries.get(&path) != Some(&entry) {
            self.ledger.entries.insert(path.clone(), entry.clone());
            self.noted.insert(path, entry);
        }
    }

    /// Adds what this run put where to the ledger.
    pub(super) fn close(self) -> Result<(), StoreError> {
        self.project.add_to_ledger(self.noted)
    }
}
