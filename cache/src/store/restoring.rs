//! Restoring many artifacts at the price of one: each is built beside its place, then all are made durable, then
//! each gets its place in one step. Bytes are durable before they have their names, and names before what they replace
//! goes, so that a power cut leaves the old or the new thing, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scratch::{is_dead, process_mark};
use super::store::lock;
use super::{RestoreMethod, Store, StoreError};
use crate::content::{Artifact, Digest, Form};
use crate::filesystem::{Filesystem, Placement};

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
}

/// Something built beside its place; the first error ends it.
#[derive(Debug)]
struct Draft {
    path: PathBuf,
    dest: PathBuf,
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
        Restoring { store: self.clone(), tree, drafts: Vec::new(), folders: BTreeSet::new() }
    }
}

impl Restoring {
    /// Builds an artifact beside a path, with some files written anew as [`Store::restore_with`] has them.
    pub fn add(
        &mut self,
        artifact: &Artifact,
        files: &BTreeMap<String, Vec<u8>>,
        dest: &Path,
    ) -> Result<(), StoreError> {
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
        self.drafts.push(Draft { path, dest: dest.to_owned(), files: inner, folders, replaced: None, outcome });
        Ok(())
    }

    /// Removes what processes that died while restoring left beside a path. [`Restoring::add`] does so by itself; this is
    /// for paths that have what they should have already. What cannot be removed stays until the next time.
    pub fn sweep_beside(&self, dest: &Path) {
        let folder = folder_of(dest);
        if self.tree.stat_target(folder).is_ok_and(|stat| stat.is_some())
            && lock(&self.store.shared.swept).insert(folder.to_owned())
        {
            drop(self.sweep(folder));
        }
    }

    /// Puts all of them at their paths, in place of what is there, and returns how each went, in order.
    pub fn finish(&mut self) -> Vec<Result<RestoreMethod, StoreError>> {
        self.finish_where(&|_, _| true, &|| Ok(()))
    }

    /// The same, with something done once all is durable and before anything is replaced, which does not happen where that
    /// fails. And nothing is replaced that its owner changed meanwhile: `is_as_known` tells by the number of an
    /// artifact whether what lies at a path is still what may be replaced. It is asked just before that, and again about
    /// what was there, which is put back if need be; the error is [`StoreError::Changed`].
    pub fn finish_where(
        &mut self,
        is_as_known: &dyn Fn(usize, &Path) -> bool,
        ready: &dyn Fn() -> Result<(), StoreError>,
    ) -> Vec<Result<RestoreMethod, StoreError>> {
        let mut drafts = std::mem::take(&mut self.drafts);
        let all = |parts: fn(&Draft) -> &BTreeSet<PathBuf>| drafts.iter().flat_map(parts).cloned().collect();
        let synced = self.make_durable(&all(|draft| &draft.files), &all(|draft| &draft.folders));
        fail_all(&mut drafts, synced);
        if drafts.iter().any(|draft| draft.outcome.is_ok()) {
            fail_all(&mut drafts, ready());
        }

        for (number, draft) in drafts.iter_mut().enumerate() {
            draft.step(|draft| {
                let changed = StoreError::Changed { path: draft.dest.clone() };
                if !is_as_known(number, &draft.dest) {
                    return Err(changed);
                }
                draft.replaced = self.replace(&draft.path, &draft.dest)?;
                if let Some(replaced) = draft.replaced.clone().filter(|replaced| !is_as_known(number, replaced)) {
                    // Where this fails, what was there stays where it is now.
                    self.put_back(&replaced, draft)?;
                    draft.replaced = None;
                    return Err(changed);
                }
                self.folders.insert(folder_of(&draft.dest).to_owned());
                Ok(())
            });
        }
        let synced = self.make_durable(&BTreeSet::new(), &self.folders);
        fail_all(&mut drafts, synced);
        for draft in &mut drafts {
            draft.step(|draft| Ok(draft.replaced.iter().try_for_each(|path| self.tree.remove_tree(path))?));
        }
        drafts.into_iter().map(|draft| self.end(draft)).collect()
    }

    fn end(&self, draft: Draft) -> Result<RestoreMethod, StoreError> {
        if draft.outcome.is_err() && draft.replaced.is_none() {
            // The first error is the one to tell.
            drop(self.tree.remove_tree(&draft.path));
        }
        draft.outcome
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

    /// Puts the draft at its place in one step, and returns where what was there is now, if anything was: what comes out
    /// of the replacement is all that tells what was replaced.
    fn replace(&self, draft: &Path, dest: &Path) -> Result<Option<PathBuf>, StoreError> {
        let filesystem = &self.tree;
        // Where nothing was a moment ago, another process may have put something by now.
        if filesystem.stat(dest)?.is_none() && filesystem.rename_new(draft, dest)? == Placement::Placed {
            return Ok(None);
        }
        if filesystem.exchange(draft, dest)? {
            return Ok(Some(draft.to_owned()));
        }
        // Without an exchange there is a moment with nothing at the path; a crash in it leaves what was there beside,
        // and the next restore brings the new thing.
        let aside = draft.with_extension("old");
        filesystem.rename(dest, &aside)?;
        match filesystem.rename_new(draft, dest) {
            Ok(Placement::Placed) => Ok(Some(aside)),
            // Its owner put something there in that moment, which is an edit.
            Ok(Placement::Taken) => Err(StoreError::Changed { path: dest.to_owned() }),
            Err(error) => {
                filesystem.rename(&aside, dest)?;
                Err(error.into())
            }
        }
    }

    /// Gives what was replaced its place again, and the draft its own.
    fn put_back(&self, replaced: &Path, draft: &Draft) -> Result<(), StoreError> {
        if replaced != draft.path || !self.tree.exchange(replaced, &draft.dest)? {
            self.tree.rename(&draft.dest, &draft.path)?;
            // What its owner put there in that moment is younger.
            let _ = self.tree.rename_new(replaced, &draft.dest)?;
        }
        Ok(())
    }

    /// Returns an unused name beside a path, and sees to the folder they are in.
    fn draft_beside(&mut self, dest: &Path) -> Result<PathBuf, StoreError> {
        let folder = folder_of(dest);
        self.make_folder(folder)?;
        if lock(&self.store.shared.swept).insert(folder.to_owned()) {
            self.sweep(folder)?;
        }
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

    /// Removes what processes that died while restoring left beside their destinations.
    fn sweep(&self, folder: &Path) -> Result<(), StoreError> {
        for name in self.tree.list(folder)? {
            let id = name.to_str().and_then(|name| name.strip_prefix(DRAFT));
            if id.is_some_and(is_dead) {
                self.tree.remove_tree(&folder.join(&name))?;
            }
        }
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
