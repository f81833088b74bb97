//! Restoring many artifacts at the price of one: each is built beside its place, then all are made durable, then
//! each gets its place in one step. Bytes are durable before they have their names, and names before what they replace
//! goes, so that a power cut leaves the old or the new thing, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::replacing::{ASIDE, GONE, Place, Replacement, keep_beside, mark_gone};
use super::scratch::{is_dead, process_mark};
use super::store::lock;
use super::{RestoreMethod, Store, StoreError};
use crate::content::{Artifact, Digest, Form};
use crate::filesystem::Filesystem;
use crate::source::SourceMemo;

/// Start of the names under which things are built beside their final place.
const DRAFT: &str = ".dgpipe-";

/// Artifacts on their way to paths of the user. What is not finished is removed when this is dropped.
#[derive(Debug)]
pub struct Restoring {
    store: Store,
    /// Where the paths are.
    tree: Arc<dyn Filesystem>,
    drafts: Vec<Draft>,
    /// Folders that get new names.
    folders: BTreeSet<PathBuf>,
    /// What nothing is lost with, to be removed once all names are durable.
    gone: Vec<PathBuf>,
    kept: Vec<Kept>,
}

/// An edit that a killed process had replaced before it could look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The path that was edited.
    pub path: PathBuf,
    /// Where the edit is now.
    pub to: PathBuf,
}

/// Something built beside its place; the first error ends it.
#[derive(Debug)]
struct Draft {
    path: PathBuf,
    dest: PathBuf,
    /// What may be replaced there; none where it may be anything.
    replacement: Option<Replacement>,
    /// The files and folders that it consists of.
    files: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    /// What was at the place, where it could not be replaced in the same step.
    replaced: Option<PathBuf>,
    outcome: Result<RestoreMethod, StoreError>,
}

impl Draft {
    fn step(&mut self, step: impl FnOnce(&mut Self) -> Result<(), StoreError>) {
        if self.outcome.is_ok()
            && let Err(error) = step(self)
        {
            self.outcome = Err(error);
        }
    }
}

impl Store {
    /// What lies beneath a folder of the user, on the file system of this store: see [`Filesystem::beneath`].
    pub fn tree(&self, root: &Path) -> Result<Arc<dyn Filesystem>, StoreError> {
        Ok(self.filesystem().beneath(root)?)
    }

    /// Starts to restore artifacts to paths of a tree.
    pub fn restoring(&self, tree: Arc<dyn Filesystem>) -> Restoring {
        let (drafts, folders, gone, kept) = (Vec::new(), BTreeSet::new(), Vec::new(), Vec::new());
        Restoring { store: self.clone(), tree, drafts, folders, gone, kept }
    }
}

impl Restoring {
    /// Builds an artifact beside a path, with some files written anew as [`Store::restore_with`] has them, and returns
    /// the name of the draft. `replacement` says what may be replaced there; without it, whatever there is.
    pub fn add(
        &mut self,
        artifact: &Artifact,
        files: &BTreeMap<String, Vec<u8>>,
        dest: &Path,
        replacement: Option<Replacement>,
    ) -> Result<String, StoreError> {
        let (store, tree) = (self.store.clone(), self.tree.clone());
        let path = self.draft_beside(dest)?;
        let built = store.build_with(&*tree, artifact, files, &path);
        if built.is_err() {
            // The first error is the one to tell.
            drop(tree.remove_tree(&path));
        }
        let outcome = Ok(built?);
        let (mut inner, mut folders) = (BTreeSet::new(), BTreeSet::new());
        self.parts(artifact, &path, &mut inner, &mut folders);
        inner.extend(files.keys().map(|file| if file.is_empty() { path.clone() } else { path.join(file) }));
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dest = dest.to_owned();
        self.drafts.push(Draft { path, dest, replacement, files: inner, folders, replaced: None, outcome });
        Ok(name)
    }

    /// Removes what processes that died while restoring left beside a path, but what may be an edit, which is kept.
    /// [`Restoring::add`] does so by itself; this is for paths that have what they should have already.
    pub fn sweep_beside(&mut self, dest: &Path) -> Result<(), StoreError> {
        let folder = folder_of(dest);
        if lock(&self.store.shared.swept).contains(folder) || self.tree.stat_target(folder)?.is_none() {
            return Ok(());
        }
        self.sweep(folder)?;
        lock(&self.store.shared.swept).insert(folder.to_owned());
        Ok(())
    }

    /// Moves what lies at a path beside it, and returns where it is.
    pub fn move_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        keep_beside(&*self.tree, path, path)
    }

    /// Takes the edits that were found among what dead processes had left, and moved beside the paths they were made at.
    pub fn take_kept(&mut self) -> Vec<Kept> {
        std::mem::take(&mut self.kept)
    }

    /// Puts all of them at their paths, in place of what is there, and returns how each went, in order: the error is
    /// [`StoreError::Changed`] where something lies that may not be replaced.
    pub fn finish(&mut self) -> Vec<Result<RestoreMethod, StoreError>> {
        self.finish_once(&|| Ok(()))
    }

    /// The same, with something done once all is durable and before anything is replaced, which does not happen where that
    /// fails.
    pub fn finish_once(
        &mut self,
        ready: &dyn Fn() -> Result<(), StoreError>,
    ) -> Vec<Result<RestoreMethod, StoreError>> {
        let mut drafts = std::mem::take(&mut self.drafts);
        let all = |parts: fn(&Draft) -> &BTreeSet<PathBuf>| drafts.iter().flat_map(parts).cloned().collect();
        let synced = self.make_durable(&all(|draft| &draft.files), &all(|draft| &draft.folders));
        fail_all(&mut drafts, synced);
        if drafts.iter().any(|draft| draft.outcome.is_ok()) {
            fail_all(&mut drafts, ready());
        }

        let memo = self.store.source_memo();
        for draft in &mut drafts {
            draft.step(|draft| {
                let replaced = self.place(draft, &memo).put(&draft.path)?;
                draft.replaced = replaced.map(|path| mark_gone(&*self.tree, &path)).transpose()?;
                self.folders.insert(folder_of(&draft.dest).to_owned());
                Ok(())
            });
            if draft.outcome.is_err() {
                // The first error is the one to tell, and what stays is a matter of the next process.
                drop(self.give_up(draft, &memo));
            }
        }
        let synced = self.make_durable(&BTreeSet::new(), &self.folders);
        if synced.is_ok() {
            self.gone.drain(..).for_each(|path| drop(self.tree.remove_tree(&path)));
        }
        fail_all(&mut drafts, synced);
        for draft in &mut drafts {
            draft.step(|draft| Ok(draft.replaced.iter().try_for_each(|path| self.tree.remove_tree(path))?));
        }
        drafts.into_iter().map(|draft| draft.outcome).collect()
    }

    fn place<'a>(&'a self, draft: &'a Draft, memo: &'a SourceMemo) -> Place<'a> {
        Place { tree: &*self.tree, memo, path: &draft.dest, replacement: draft.replacement }
    }

    /// Has a draft that did not get its place removed, but nothing that lies under its name instead of it: the next process
    /// looks at that again.
    fn give_up(&mut self, draft: &Draft, memo: &SourceMemo) -> Result<(), StoreError> {
        for path in [draft.path.clone(), draft.path.with_extension(ASIDE)] {
            if self.place(draft, memo).is_known(&path)? {
                self.let_go(&path)?;
            }
        }
        Ok(())
    }

    /// Has something removed that nothing is lost with, once its name says so durably.
    fn let_go(&mut self, path: &Path) -> Result<(), StoreError> {
        self.gone.push(mark_gone(&*self.tree, path)?);
        self.folders.insert(folder_of(path).to_owned());
        Ok(())
    }

    /// Gathers the files and folders that an artifact consists of when it is built at a path.
    fn parts(&self, artifact: &Artifact, path: &Path, files: &mut BTreeSet<PathBuf>, folders: &mut BTreeSet<PathBuf>) {
        if artifact.form == Form::File {
            files.insert(path.to_owned());
            return;
        }
        folders.insert(path.to_owned());
        // It was read when the folder was built.
        if let Ok(manifest) = self.store.manifest(artifact) {
            for entry in manifest.entries() {
                if let Some(artifact) = entry.artifact() {
                    self.parts(&artifact, &path.join(&entry.name), files, folders);
                }
            }
        }
    }

    /// Makes files and folders of the user durable, disk by disk.
    fn make_durable(&self, files: &BTreeSet<PathBuf>, folders: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let mut disks: BTreeMap<u64, (BTreeSet<PathBuf>, BTreeSet<PathBuf>)> = BTreeMap::new();
        let device = |path: &Path| Ok::<_, StoreError>(self.tree.stat(path)?.map_or(0, |stat| stat.device));
        for path in files {
            disks.entry(device(path)?).or_default().0.insert(path.clone());
        }
        for path in folders {
            disks.entry(device(path)?).or_default().1.insert(path.clone());
        }
        disks.values().try_for_each(|(files, folders)| {
            let Some(disk) = files.first().or(folders.first()) else { return Ok(()) };
            self.store.make_durable_on(&*self.tree, disk, files, folders)
        })
    }

    /// Returns an unused name beside a path, and sees to the folder they are in.
    fn draft_beside(&mut self, dest: &Path) -> Result<PathBuf, StoreError> {
        let folder = folder_of(dest);
        self.make_folder(folder)?;
        self.sweep_beside(dest)?;
        let store = Digest::of(self.store.root().as_os_str().as_encoded_bytes()).short();
        loop {
            let draft = folder.join(format!("{DRAFT}{}-{store}-{}", process_mark(), self.store.number()));
            // Process numbers come again, most of all in containers.
            if self.tree.stat(&draft)?.is_none() {
                return Ok(draft);
            }
        }
    }

    /// Makes a folder of the user, and notes which folders have new names.
    fn make_folder(&mut self, folder: &Path) -> Result<(), StoreError> {
        if self.tree.stat_target(folder)?.is_some() {
            return Ok(());
        }
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            self.make_folder(above)?;
            self.folders.insert(above.to_owned());
        }
        // Another thread may have been faster.
        let _ = self.tree.create_folder(folder, 0o777)?;
        Ok(())
    }

    /// Removes what processes that died while restoring left in a folder. What had its place taken and nobody has looked
    /// at since may be an edit, and is kept beside the path it was made at.
    fn sweep(&mut self, folder: &Path) -> Result<(), StoreError> {
        let names = self.tree.list(folder)?;
        let dead = |name: &&str| name.strip_prefix(DRAFT).is_some_and(is_dead);
        let left: Vec<&str> = names.iter().filter_map(|name| name.to_str()).filter(dead).collect();
        if left.is_empty() {
            return Ok(());
        }
        let (gone, left): (Vec<&str>, Vec<&str>) = left.into_iter().partition(|name| name.ends_with(GONE));
        self.gone.extend(gone.into_iter().map(|name| folder.join(name)));
        self.folders.insert(folder.to_owned());
        let (memo, told) = (self.store.source_memo(), self.store.told_replacements()?);
        for name in left {
            let draft = name.strip_suffix(ASIDE).map_or(name, |name| name.trim_end_matches('.'));
            match self.sweep_one(&folder.join(name), told.get(draft), &memo) {
                // A run of another pipeline was faster.
                Err(StoreError::File(error)) if error.kind() == ErrorKind::NotFound => {}
                swept => swept?,
            }
        }
        Ok(())
    }

    /// Removes what a process that died left at a path, where nothing is lost with it. `told` is what it was to replace,
    /// and the name of what that lay at.
    fn sweep_one(
        &mut self,
        path: &Path,
        told: Option<&(String, Replacement)>,
        memo: &SourceMemo,
    ) -> Result<(), StoreError> {
        let Some((of, replacement)) = told else {
            return Ok(self.tree.remove_tree(path)?);
        };
        let of = path.with_file_name(of);
        let place = Place { tree: &*self.tree, memo, path: &of, replacement: Some(*replacement) };
        if place.is_known(path)? {
            return self.let_go(path);
        }
        let to = keep_beside(&*self.tree, path, &of)?;
        self.kept.push(Kept { path: of, to });
        Ok(())
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        for draft in &self.drafts {
            // What stays behind is removed by the next process.
            drop(self.tree.remove_tree(&draft.path));
        }
    }
}

/// The folder that a path is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Ends all drafts where making them durable failed: nobody can tell whose bytes were lost.
fn fail_all(drafts: &mut [Draft], synced: Result<(), StoreError>) {
    let Err(error) = synced else {
        return;
    };
    for draft in drafts {
        draft.step(|_| Err(error.again()));
    }
}
