//! Restoring many artifacts at the price of one: each is built beside its place, then all are made durable, then
//! each gets its place in one step. Bytes are durable before they have their names, and names before what they replace
//! goes, so that a power cut leaves the old or the new thing, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::replacing::{ASIDE, GONE, Kept, Place, Replacement, keep_beside, mark_gone};
use super::scratch::{is_dead, process_mark};
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
    /// Folders in which edits were moved aside, which is durable before anything has their place.
    moved_in: BTreeSet<PathBuf>,
    /// The drafts that are left in folders that were swept: those of processes that live, or may.
    swept: BTreeMap<PathBuf, BTreeSet<String>>,
    /// What nothing is lost with, to be removed once all names are durable.
    gone: Vec<PathBuf>,
    kept: Vec<Kept>,
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
        Restoring {
            store: self.clone(),
            tree,
            drafts: Vec::new(),
            folders: BTreeSet::new(),
            moved_in: BTreeSet::new(),
            swept: BTreeMap::new(),
            gone: Vec::new(),
            kept: Vec::new(),
        }
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
        if !self.swept.contains_key(folder) {
            let left = match self.tree.stat_target(folder)? {
                None => BTreeSet::new(),
                Some(_) => self.sweep(folder)?,
            };
            self.swept.insert(folder.to_owned(), left);
        }
        Ok(())
    }

    /// Whether a draft beside a path is gone, as far as is known after sweeping.
    pub fn is_gone(&self, dest: &Path, draft: &str) -> bool {
        self.swept.get(folder_of(dest)).is_some_and(|left| !left.contains(draft) && !left.contains(&aside(draft)))
    }

    /// Moves what lies at a path beside it, and returns where it is.
    pub fn move_aside(&mut self, path: &Path) -> Result<PathBuf, StoreError> {
        let to = keep_beside(&*self.tree, path, path)?;
        self.moved_in.insert(folder_of(path).to_owned());
        self.kept.push(Kept { path: path.to_owned(), to: to.clone() });
        Ok(to)
    }

    /// Takes the edits that were moved beside the paths they were made at: on request, because a dead process had replaced
    /// them unseen, or because their paths were saved again meanwhile.
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
        let all =
            |parts: fn(&Draft) -> &BTreeSet<PathBuf>| drafts.iter().flat_map(parts).cloned().collect::<BTreeSet<_>>();
        let (files, mut folders) = (all(|draft| &draft.files), all(|draft| &draft.folders));
        folders.append(&mut self.moved_in);
        let synced = self.make_durable(&files, &folders);
        fail_all(&mut drafts, synced);
        if drafts.iter().any(|draft| draft.outcome.is_ok()) {
            fail_all(&mut drafts, ready());
        }

        let memo = self.store.source_memo();
        let mut kept = Vec::new();
        for draft in &mut drafts {
            draft.step(|draft| {
                let replaced = self.place(draft, &memo).put(&draft.path, &mut kept)?;
                draft.replaced = replaced.map(|path| mark_gone(&*self.tree, &path)).transpose()?;
                self.folders.insert(folder_of(&draft.dest).to_owned());
                Ok(())
            });
            if draft.outcome.is_err() {
                // The first error is the one to tell, and what stays is a matter of the next process.
                drop(self.give_up(draft, &memo));
            }
        }
        self.kept.append(&mut kept);
        let synced = self.make_durable(&BTreeSet::new(), &self.folders);
        if synced.is_ok() {
            let replaced =
                drafts.iter().filter(|draft| draft.outcome.is_ok()).filter_map(|draft| draft.replaced.as_ref());
            // What stays is removed by the next process: on some disks, what is open somewhere cannot be.
            self.gone.iter().chain(replaced).for_each(|path| drop(self.tree.remove_tree(path)));
            self.gone.clear();
        }
        fail_all(&mut drafts, synced);
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
        loop {
            let draft = folder.join(format!("{DRAFT}{}{}{}", process_mark(), self.store_mark(), self.store.number()));
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
    /// at since may be an edit, and is kept beside the path it was made at. Returns the drafts that stay.
    fn sweep(&mut self, folder: &Path) -> Result<BTreeSet<String>, StoreError> {
        let names = self.tree.list(folder)?.into_iter().filter_map(|name| name.into_string().ok());
        let mut left: BTreeSet<String> = names.filter(|name| name.starts_with(DRAFT)).collect();
        let dead: Vec<String> = left.iter().filter(|name| is_dead(&name[DRAFT.len()..])).cloned().collect();
        if dead.is_empty() {
            return Ok(left);
        }
        self.folders.insert(folder.to_owned());
        let (gone, dead): (Vec<String>, Vec<String>) = dead.into_iter().partition(|name| name.ends_with(GONE));
        self.gone.extend(gone.iter().map(|name| folder.join(name)));
        let told = self.store.told_replacements()?;
        for name in dead {
            let draft = name.strip_suffix(&aside("")).unwrap_or(&name);
            let path = folder.join(&name);
            let is_swept = match self.sweep_one(&path, draft, told.get(draft)) {
                // A run of another pipeline was faster.
                Err(_) if self.tree.stat(&path)?.is_none() => true,
                swept => swept?,
            };
            if is_swept {
                left.remove(&name);
            }
        }
        Ok(left)
    }

    /// Removes what a process that died left at a path, where nothing is lost with it. `told` is what the draft was to
    /// replace, and the name of what that lay at. Returns whether it is gone.
    fn sweep_one(
        &mut self,
        path: &Path,
        draft: &str,
        told: Option<&(String, Replacement)>,
    ) -> Result<bool, StoreError> {
        let Some((of, replacement)) = told else {
            // What another store knows of its drafts is not known here.
            let own = draft.contains(&self.store_mark());
            if own {
                self.tree.remove_tree(path)?;
            }
            return Ok(own);
        };
        let (of, memo) = (path.with_file_name(of), self.store.source_memo());
        let place = Place { tree: &*self.tree, memo: &memo, path: &of, replacement: Some(*replacement) };
        if place.is_known(path)? {
            self.let_go(path)?;
        } else {
            self.kept.push(place.keep(path)?);
            self.moved_in.insert(folder_of(path).to_owned());
        }
        Ok(true)
    }

    /// What the names of this store's drafts have in common.
    fn store_mark(&self) -> String {
        format!("-{}-", Digest::of(self.store.root().as_os_str().as_encoded_bytes()).short())
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

/// The name of what a draft could not be exchanged with.
fn aside(draft: &str) -> String {
    format!("{draft}.{ASIDE}")
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
