//! Putting artifacts where the user wants them. Bytes are shared where the disk can, else copied,
//! never linked; what is at a path is always the old or the new thing, whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err::File;
use rayon::prelude::*;

use super::store::lock;
use super::{Store, StoreError};
use crate::content::{Artifact, EntryContent, Form, ManifestEntry, link_stays_inside};
use crate::filesystem::{Filesystem, Placement, copy_hashed};
use crate::tree::TreeError;

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

/// Files that take the place of those of an artifact, or lie beside them, by their place on disk.
type Overlay<'a> = BTreeMap<PathBuf, &'a [u8]>;

/// What all parts of one building have in common.
#[derive(Clone, Copy)]
struct Building<'a> {
    /// Where it is built: the store's own file system, or the tree of a user.
    tree: &'a dyn Filesystem,
    access: Access,
    overlay: &'a Overlay<'a>,
}

impl Store {
    /// Puts an artifact at a path, in place of what is there. In a folder nothing else is left.
    pub fn restore(&self, artifact: &Artifact, dest: &Path) -> Result<RestoreMethod, StoreError> {
        self.restore_with(artifact, &BTreeMap::new(), dest)
    }

    /// Puts an artifact at a path with some files written anew: `files` has their bytes by their path in the
    /// artifact, the empty path being the artifact itself. They take the place of its files or lie beside them.
    pub fn restore_with(
        &self,
        artifact: &Artifact,
        files: &BTreeMap<String, Vec<u8>>,
        dest: &Path,
    ) -> Result<RestoreMethod, StoreError> {
        let mut restoring = self.restoring(self.filesystem_handle());
        restoring.add(artifact, files, dest, None)?;
        restoring.finish().pop().expect("there are as many results as artifacts")
    }

    /// Builds an artifact at a path of a tree where nothing is, with some files written anew.
    pub(super) fn build_with(
        &self,
        tree: &dyn Filesystem,
        artifact: &Artifact,
        files: &BTreeMap<String, Vec<u8>>,
        draft: &Path,
    ) -> Result<RestoreMethod, StoreError> {
        let at = |path: &String| if path.is_empty() { draft.to_owned() } else { draft.join(path) };
        let overlay: Overlay<'_> = files.iter().map(|(path, bytes)| (at(path), bytes.as_slice())).collect();
        let building = Building { tree, access: Access::Writable, overlay: &overlay };
        let method = self.build(artifact, draft, building)?;
        for (path, bytes) in &overlay {
            let file = tree.create(path, Access::Writable.mode(false));
            let written = file.and_then(|mut file| tree.write(&mut file, bytes).and_then(|()| tree.close(file)));
            written.map_err(|error| self.explain(error))?;
        }
        Ok(method)
    }

    /// Puts an artifact at a path where nothing is, with files that cannot be written to.
    ///
    /// A crash can leave a part of it, so the path is one that nobody else looks at, such as one in scratch.
    pub fn materialise(&self, artifact: &Artifact, dest: &Path) -> Result<RestoreMethod, StoreError> {
        if self.filesystem().stat(dest)?.is_some() {
            return Err(StoreError::Exists { path: dest.to_owned() });
        }
        let building = Building { tree: self.filesystem(), access: Access::ReadOnly, overlay: &Overlay::new() };
        self.build(artifact, dest, building).inspect_err(|_| {
            // The first error is the one to tell.
            drop(self.filesystem().remove_tree(dest));
        })
    }

    /// Puts the bytes of a file artifact into a file that nobody else uses, in place of what is in it, and makes it
    /// read-only. What saves the disk an inode: some file systems are slow to make files after many were removed.
    pub fn overwrite(&self, artifact: &Artifact, dest: &Path) -> Result<RestoreMethod, StoreError> {
        let mode = Access::ReadOnly.mode(false);
        let file = self.filesystem().reopen(dest, mode)?;
        self.fill_file(self.filesystem(), artifact, file, dest, mode).inspect_err(|_| {
            // The first error is the one to tell.
            drop(self.filesystem().remove_file(dest));
        })
    }

    fn build(&self, artifact: &Artifact, path: &Path, building: Building<'_>) -> Result<RestoreMethod, StoreError> {
        match artifact.form {
            Form::File if building.overlay.contains_key(path) => Ok(RestoreMethod::Copied),
            Form::File => self.build_file(building.tree, artifact, path, building.access.mode(false)),
            Form::Folder => self.build_folder(artifact, path, building, 0),
        }
    }

    fn build_folder(
        &self,
        folder: &Artifact,
        path: &Path,
        building: Building<'_>,
        depth: usize,
    ) -> Result<RestoreMethod, StoreError> {
        let manifest = self.manifest(folder)?;
        if building.tree.create_folder(path, 0o777)? == Placement::Taken {
            return Err(StoreError::Exists { path: path.to_owned() });
        }
        let entries = manifest.entries().par_iter();
        entries
            .map(|entry| self.build_entry(entry, path.join(&entry.name), building, depth))
            .try_reduce(|| RestoreMethod::Reflinked, |one, other| Ok(one.max(other)))
    }

    fn build_entry(
        &self,
        entry: &ManifestEntry,
        path: PathBuf,
        building: Building<'_>,
        depth: usize,
    ) -> Result<RestoreMethod, StoreError> {
        match &entry.content {
            EntryContent::File { .. } if building.overlay.contains_key(&path) => Ok(RestoreMethod::Copied),
            EntryContent::File { digest, size, executable } => {
                let file = Artifact::file(*digest, *size);
                self.build_file(building.tree, &file, &path, building.access.mode(*executable))
            }
            EntryContent::Folder { digest, size } => {
                self.build_folder(&Artifact::folder(*digest, *size), &path, building, depth + 1)
            }
            // A sub-tree is an artifact, but a link in it may point to what is beside it.
            EntryContent::Link { target } if !link_stays_inside(target, depth) => {
                let target = target.clone();
                Err(TreeError::Escapes { path, target }.into())
            }
            EntryContent::Link { target } => {
                building.tree.create_link(target, &path)?;
                Ok(RestoreMethod::Reflinked)
            }
        }
    }

    fn build_file(
        &self,
        tree: &dyn Filesystem,
        artifact: &Artifact,
        path: &Path,
        mode: u32,
    ) -> Result<RestoreMethod, StoreError> {
        let file = tree.create(path, mode)?;
        self.fill_file(tree, artifact, file, path, mode)
    }

    /// Writes the bytes of an artifact to an empty file, which is at that path.
    fn fill_file(
        &self,
        tree: &dyn Filesystem,
        artifact: &Artifact,
        mut file: File,
        path: &Path,
        mode: u32,
    ) -> Result<RestoreMethod, StoreError> {
        let Artifact { digest, size, .. } = artifact;
        let mut object = self.open_path(digest)?;
        if *size > 0 && tree.reflink(&object, &file).is_ok() {
            self.verify_object(digest, Some(*size))?;
            let shared = self.filesystem().stat_open(&object)?.stamp;
            if lock(&self.shared.verified).get(digest) == Some(&shared) {
                return Ok(RestoreMethod::Reflinked);
            }
            // The object was healed after it was opened, so other bytes than these were verified.
            tree.remove_file(path)?;
            file = tree.create(path, mode)?;
            object = self.open_path(digest)?;
        }
        let stat = self.filesystem().stat_open(&object)?;
        let copied = copy_hashed(tree, &mut object, &mut file);
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
        tree.close(file).map_err(|error| self.explain(error))?;
        lock(&self.shared.verified).insert(*digest, stat.stamp);
        Ok(RestoreMethod::Copied)
    }
}
