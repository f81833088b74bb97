//! Putting artifacts where the user wants them. Bytes are shared where the disk can, else copied,
//! never linked; what is at a path is always the old or the new thing, whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err::File;
use rayon::prelude::*;

use super::scratch::{is_dead, process_mark};
use super::store::lock;
use super::{Store, StoreError};
use crate::content::{Artifact, Digest, EntryContent, Form, ManifestEntry, link_stays_inside};
use crate::filesystem::{FileKind, Placement, copy_hashed};
use crate::tree::TreeError;

/// Start of the names under which things are built beside their final place.
const DRAFT: &str = ".dgpipe-";

/// How the bytes came to their new place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestoreMethod {
    /// The disk shares them with the store until one side changes.
    Reflinked,
    /// They were copied, at least some of them.
    Copied,
}

/// Whether what is restored may be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    Writable,
    ReadOnly,
}

impl Access {
    fn mode(self, executable: bool) -> u32 {
        match (self, executable) {
            (Self::Writable, false) => 0o644,
            (Self::Writable, true) => 0o755,
            (Self::ReadOnly, false) => 0o444,
            (Self::ReadOnly, true) => 0o555,
        }
    }
}

/// Something on its way to a path; the first error ends it.
struct Draft<'a> {
    artifact: &'a Artifact,
    dest: &'a Path,
    /// Where it is built, beside the path.
    path: PathBuf,
    /// What was at the path, where it could not be replaced in the same step.
    replaced: Option<PathBuf>,
    outcome: Result<RestoreMethod, StoreError>,
}

impl Draft<'_> {
    fn step(&mut self, step: impl FnOnce(&mut Self) -> Result<(), StoreError>) {
        if self.outcome.is_ok()
            && let Err(error) = step(self)
        {
            self.outcome = Err(error);
        }
    }
}

impl Store {
    /// Puts an artifact at a path, in place of what is there. In a folder nothing else is left.
    pub fn restore(&self, artifact: &Artifact, dest: &Path) -> Result<RestoreMethod, StoreError> {
        let mut restored = self.restore_all(&[(*artifact, dest.to_owned())]);
        restored.pop().expect("there are as many results as artifacts")
    }

    /// Puts artifacts at paths, each in place of what is there, and makes them durable at the price of one: bytes
    /// before they have their names, names before what they replace is removed.
    pub fn restore_all(&self, wanted: &[(Artifact, PathBuf)]) -> Vec<Result<RestoreMethod, StoreError>> {
        let mut folders = BTreeSet::new();
        let mut drafts: Vec<Draft<'_>> =
            wanted.iter().map(|(artifact, dest)| self.draft(artifact, dest, &mut folders)).collect();
        let (mut files, mut inner) = (BTreeSet::new(), BTreeSet::new());
        for draft in drafts.iter().filter(|draft| draft.outcome.is_ok()) {
            self.parts(draft.artifact, &draft.path, &mut files, &mut inner);
        }
        let synced = self.make_published_durable(&files, &inner);
        fail_all(&mut drafts, synced);

        for draft in &mut drafts {
            draft.step(|draft| {
                draft.replaced = self.replace(&draft.path, draft.dest)?;
                folders.insert(folder_of(draft.dest).to_owned());
                Ok(())
            });
        }
        let synced = self.make_published_durable(&BTreeSet::new(), &folders);
        fail_all(&mut drafts, synced);
        for draft in &mut drafts {
            draft.step(|draft| Ok(draft.replaced.iter().try_for_each(|path| self.filesystem().remove_tree(path))?));
        }
        drafts.into_iter().map(|draft| self.end(draft)).collect()
    }

    /// Builds an artifact beside the path that it is for.
    fn draft<'a>(&self, artifact: &'a Artifact, dest: &'a Path, made: &mut BTreeSet<PathBuf>) -> Draft<'a> {
        let (path, outcome) = match self.draft_beside(dest, made) {
            Ok(path) => (path.clone(), self.build(artifact, &path, Access::Writable)),
            Err(error) => (PathBuf::new(), Err(error)),
        };
        Draft { artifact, dest, path, replaced: None, outcome }
    }

    fn end(&self, draft: Draft<'_>) -> Result<RestoreMethod, StoreError> {
        if draft.outcome.is_err() && draft.replaced.is_none() && !draft.path.as_os_str().is_empty() {
            // The first error is the one to tell.
            drop(self.filesystem().remove_tree(&draft.path));
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
        if let Ok(manifest) = self.manifest(artifact) {
            for entry in manifest.entries() {
                if let Some(artifact) = entry.artifact() {
                    self.parts(&artifact, &path.join(&entry.name), files, folders);
                }
            }
        }
    }

    /// Makes files and folders of the user durable, disk by disk.
    fn make_published_durable(&self, files: &BTreeSet<PathBuf>, folders: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let mut disks: BTreeMap<u64, (BTreeSet<PathBuf>, BTreeSet<PathBuf>)> = BTreeMap::new();
        let device = |path: &Path| Ok::<_, StoreError>(self.filesystem().stat(path)?.map_or(0, |stat| stat.device));
        for path in files {
            disks.entry(device(path)?).or_default().0.insert(path.clone());
        }
        for path in folders {
            disks.entry(device(path)?).or_default().1.insert(path.clone());
        }
        disks.values().try_for_each(|(files, folders)| {
            let Some(disk) = files.first().or(folders.first()) else { return Ok(()) };
            self.make_durable_on(disk, files, folders)
        })
    }

    /// Puts an artifact at a path where nothing is, with files that cannot be written to.
    ///
    /// A crash can leave a part of it, so the path is one that nobody else looks at, such as one in scratch.
    pub fn materialise(&self, artifact: &Artifact, dest: &Path) -> Result<RestoreMethod, StoreError> {
        if self.filesystem().stat(dest)?.is_some() {
            return Err(StoreError::Exists { path: dest.to_owned() });
        }
        self.build(artifact, dest, Access::ReadOnly).inspect_err(|_| {
            // The first error is the one to tell.
            drop(self.filesystem().remove_tree(dest));
        })
    }

    /// Puts the bytes of a file artifact into a file that nobody else uses, in place of what is in it, and makes it
    /// read-only. What saves the disk an inode: some file systems are slow to make files after many were removed.
    pub fn overwrite(&self, artifact: &Artifact, dest: &Path) -> Result<RestoreMethod, StoreError> {
        let mode = Access::ReadOnly.mode(false);
        let file = self.filesystem().reopen(dest, mode)?;
        self.fill_file(artifact, file, dest, mode).inspect_err(|_| {
            // The first error is the one to tell.
            drop(self.filesystem().remove_file(dest));
        })
    }

    fn build(&self, artifact: &Artifact, path: &Path, access: Access) -> Result<RestoreMethod, StoreError> {
        match artifact.form {
            Form::File => self.build_file(artifact, path, access.mode(false)),
            Form::Folder => self.build_folder(artifact, path, access, 0),
        }
    }

    fn build_folder(
        &self,
        folder: &Artifact,
        path: &Path,
        access: Access,
        depth: usize,
    ) -> Result<RestoreMethod, StoreError> {
        let manifest = self.manifest(folder)?;
        if self.filesystem().create_folder(path, 0o777)? == Placement::Taken {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        let entries = manifest.entries().par_iter();
        entries
            .map(|entry| self.build_entry(entry, path.join(&entry.name), access, depth))
            .try_reduce(|| RestoreMethod::Reflinked, |one, other| Ok(one.max(other)))
    }

    fn build_entry(
        &self,
        entry: &ManifestEntry,
        path: PathBuf,
        access: Access,
        depth: usize,
    ) -> Result<RestoreMethod, StoreError> {
        match &entry.content {
            EntryContent::File { digest, size, executable } => {
                self.build_file(&Artifact::file(*digest, *size), &path, access.mode(*executable))
            }
            EntryContent::Folder { digest, size } => {
                self.build_folder(&Artifact::folder(*digest, *size), &path, access, depth + 1)
            }
            // A sub-tree is an artifact, but a link in it may point to what is beside it.
            EntryContent::Link { target } if !link_stays_inside(target, depth) => {
                let target = target.clone();
                Err(TreeError::Escapes { path, target }.into())
            }
            EntryContent::Link { target } => {
                self.filesystem().create_link(target, &path)?;
                Ok(RestoreMethod::Reflinked)
            }
        }
    }

    fn build_file(&self, artifact: &Artifact, path: &Path, mode: u32) -> Result<RestoreMethod, StoreError> {
        let file = self.filesystem().create(path, mode)?;
        self.fill_file(artifact, file, path, mode)
    }

    /// Writes the bytes of an artifact to an empty file, which is at that path.
    fn fill_file(
        &self,
        artifact: &Artifact,
        mut file: File,
        path: &Path,
        mode: u32,
    ) -> Result<RestoreMethod, StoreError> {
        let Artifact { digest, size, .. } = artifact;
        let mut object = self.open_path(digest)?;
        if *size > 0 && self.filesystem().reflink(&object, &file).is_ok() {
            self.verify_object(digest, Some(*size))?;
            let shared = self.filesystem().stat_open(&object)?.stamp;
            if lock(&self.shared.verified).get(digest) == Some(&shared) {
                return Ok(RestoreMethod::Reflinked);
            }
            // The object was healed after it was opened, so other bytes than these were verified.
            self.filesystem().remove_file(path)?;
            file = self.filesystem().create(path, mode)?;
            object = self.open_path(digest)?;
        }
        let stat = self.filesystem().stat_open(&object)?;
        let copied = copy_hashed(self.filesystem(), &mut object, &mut file);
        let (found, copied) = match copied {
            Err(error) if error.is_device_failure() => {
                let reason = format!("it cannot be read ({})", error.source);
                return Err(self.bad(digest, &reason, &stat));
            }
            copied => copied.map_err(|error| self.explain(error))?,
        };
        if found != *digest {
            let reason = if copied == *size {
                format!("its bytes hash to `{found}`")
            } else {
                format!("it has {copied} bytes instead of {size}")
            };
            return Err(self.bad(digest, &reason, &stat));
        }
        if copied != *size {
            return Err(self.misnamed(digest));
        }
        lock(&self.shared.verified).insert(*digest, stat.stamp);
        Ok(RestoreMethod::Copied)
    }

    /// Puts the draft at its place in one step, and returns where what was there is now, if it is still anywhere.
    fn replace(&self, draft: &Path, dest: &Path) -> Result<Option<PathBuf>, StoreError> {
        let filesystem = self.filesystem();
        let folder = |path| -> Result<bool, StoreError> {
            let stat = filesystem.stat(path)?;
            Ok(stat.is_some_and(|stat| stat.kind == FileKind::Folder))
        };
        let both_plain = !folder(dest)? && !folder(draft)?;
        if both_plain {
            filesystem.rename(draft, dest)?;
            return Ok(None);
        }
        // Where nothing was a moment ago, another process may have put something by now.
        if filesystem.stat(dest)?.is_none() && filesystem.rename_new(draft, dest)? == Placement::Placed {
            return Ok(None);
        }
        if filesystem.exchange(draft, dest)? {
            return Ok(Some(draft.to_owned()));
        }
        // Without an exchange there is a moment with nothing at the path; a crash in it leaves the
        // old tree beside, and the next restore brings the new one.
        let aside = draft.with_extension("old");
        filesystem.rename(dest, &aside)?;
        if let Err(error) = filesystem.rename(draft, dest) {
            filesystem.rename(&aside, dest)?;
            return Err(error.into());
        }
        Ok(Some(aside))
    }

    /// Returns an unused name beside a path, and sees to the folder they are in.
    fn draft_beside(&self, dest: &Path, made: &mut BTreeSet<PathBuf>) -> Result<PathBuf, StoreError> {
        let folder = folder_of(dest);
        self.make_user_folder(folder, made)?;
        if lock(&self.shared.swept).insert(folder.to_owned()) {
            self.sweep(folder)?;
        }
        let store = Digest::of(self.root().as_os_str().as_encoded_bytes()).short();
        loop {
            let draft = folder.join(format!("{DRAFT}{}-{store}-{}", process_mark(), self.number()));
            // Process numbers come again, most of all in containers.
            if self.filesystem().stat(&draft)?.is_none() {
                return Ok(draft);
            }
        }
    }

    /// Makes a folder of the user, and notes which folders have new names.
    fn make_user_folder(&self, folder: &Path, made: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
        if self.filesystem().stat_target(folder)?.is_some() {
            return Ok(());
        }
        if let Some(above) = folder.parent().filter(|above| !above.as_os_str().is_empty()) {
            self.make_user_folder(above, made)?;
            made.insert(above.to_owned());
        }
        // Another thread may have been faster.
        let _ = self.filesystem().create_folder(folder, 0o777)?;
        Ok(())
    }

    /// Removes what processes that died while restoring left beside their destinations.
    fn sweep(&self, folder: &Path) -> Result<(), StoreError> {
        for name in self.filesystem().list(folder)? {
            let id = name.to_str().and_then(|name| name.strip_prefix(DRAFT));
            if id.is_some_and(is_dead) {
                self.filesystem().remove_tree(&folder.join(&name))?;
            }
        }
        Ok(())
    }
}

/// The folder that a path is in.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Ends all drafts where making them durable failed: nobody can tell whose bytes were lost.
fn fail_all(drafts: &mut [Draft<'_>], synced: Result<(), StoreError>) {
    let Err(error) = synced else {
        return;
    };
    for draft in drafts {
        draft.step(|_| Err(error.again()));
    }
}
