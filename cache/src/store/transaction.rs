//! What one execution wants to leave in the store. Until the commit all of it lies in a scratch
//! folder of its own, so that dropping a transaction, or dying, leaves nothing behind.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Store, StoreError};
use crate::content::{Artifact, Digest, Key, Manifest};
use crate::filesystem::{FileError, copy_hashed, hash_file, read_to_end};
use crate::layout::Layout;
use crate::lease::Lease;
use crate::record::{Output, Record};
use crate::tree::{Hashed, HashedFile, Links, Tree, TreeError, TreeFile, Walk};

/// How bytes get from where they were written into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// The file itself is taken, made read-only and hashed: for writers that are known to be dead.
    /// What has other names, or lies on another disk, is copied all the same.
    Move,
    /// The bytes are hashed while they are copied to a new file: for writers that may still live.
    Copy,
}

/// What one execution wants to leave in the store.
#[derive(Debug)]
pub struct Transaction {
    pub(super) store: Store,
    pub(super) key: Key,
    replaces: bool,
    lease: Option<Lease>,
    pub(super) record: Option<Record>,
    /// New objects: size, and the file to be renamed.
    pub(super) staged: BTreeMap<Digest, (u64, PathBuf)>,
    /// Objects that were there already, with their sizes.
    pub(super) present: BTreeMap<Digest, u64>,
    pub(super) log: Option<PathBuf>,
    /// Paths that were given out for drafts; what the commit leaves of them is removed.
    reserved: Vec<PathBuf>,
}

impl Store {
    /// Starts to gather what the execution of a key leaves.
    pub fn begin(&self, key: Key) -> Transaction {
        Transaction {
            store: self.clone(),
            key,
            replaces: false,
            lease: None,
            record: None,
            staged: BTreeMap::new(),
            present: BTreeMap::new(),
            log: None,
            reserved: Vec::new(),
        }
    }
}

impl Transaction {
    /// Returns the key.
    pub fn key(&self) -> Key {
        self.key
    }

    /// Returns the store that it will be committed to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Has the record replace one that exists: for executions that were forced, and for records
    /// whose artifacts cannot be served.
    pub fn replace(&mut self) {
        self.replaces = true;
    }

    /// Has the lease of the key end with this, so that whoever waits for it finds the record. A lease that was lost
    /// meanwhile gives no right to replace what another execution has left.
    pub fn under(&mut self, lease: Lease) {
        self.lease = Some(lease);
    }

    /// Tells whether a record that exists is to be replaced.
    pub(super) fn replaces(&self) -> bool {
        self.replaces && self.lease.as_ref().is_none_or(Lease::is_valid)
    }

    /// Takes a file or folder. With [`Seal::Move`] its files may be gone from `path` afterwards, also
    /// where this fails half-way.
    pub fn put(&mut self, path: &Path, seal: Seal) -> Result<Artifact, StoreError> {
        let store = self.store.clone();
        let tree = Tree::walk(store.filesystem(), path, Walk { hidden: true, links: Links::Keep })?;
        if let Tree::Link(target) = tree {
            let path = path.to_owned();
            return Err(TreeError::Escapes { path, target }.into());
        }
        let places = self.reserve(tree.files().len())?;
        let sealed = tree
            .files()
            .par_iter()
            .zip(&places)
            .map(|(file, place)| seal_file(&store, file, seal, place))
            .collect::<Result<Vec<_>, _>>()?;
        let mut files = Vec::with_capacity(sealed.len());
        for ((file, held), place) in sealed.into_iter().zip(places) {
            self.hold(&file, place, held)?;
            files.push(file);
        }
        let hashed = Hashed::new(tree, &mut files.into_iter(), &mut |artifact, bytes| {
            self.stage_bytes(artifact.digest, &bytes)
        })?;
        Ok(hashed.artifact().expect("a link was refused above"))
    }

    /// Takes the bytes of a file.
    pub fn put_bytes(&mut self, bytes: &[u8]) -> Result<Artifact, StoreError> {
        let artifact = Artifact::file(Digest::of(bytes), bytes.len() as u64);
        self.stage_bytes(artifact.digest, bytes)?;
        Ok(artifact)
    }

    /// Keeps what the execution wrote to stdout and stderr.
    pub fn log(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let place = self.place()?;
        let written = self.store.write_draft(&place, bytes, Layout::FILE_MODE);
        written.map_err(|error| self.store.explain(error))?;
        self.log = Some(place);
        Ok(())
    }

    /// Keeps a file in the store's scratch with what the execution wrote to stdout and stderr.
    pub fn log_file(&mut self, path: &Path) -> Result<(), StoreError> {
        let place = self.place()?;
        self.store.filesystem().rename(path, &place)?;
        self.store.filesystem().set_mode(&place, Layout::FILE_MODE)?;
        self.log = Some(place);
        Ok(())
    }

    /// Sets the record. Whether there is a log is filled in by the commit.
    pub fn record(&mut self, record: Record) {
        self.record = Some(record);
    }

    /// Returns the outputs that the record names.
    pub fn outputs(&self) -> impl Iterator<Item = (&String, &Output)> {
        self.record.iter().flat_map(|record| record.outputs.iter())
    }

    /// Returns the entries of a folder that was taken.
    pub fn manifest(&self, folder: &Artifact) -> Result<Manifest, StoreError> {
        let Some((_, draft)) = self.staged.get(&folder.digest) else {
            return Ok((*self.store.manifest(folder)?).clone());
        };
        let filesystem = self.store.filesystem();
        let bytes = read_to_end(filesystem, &mut filesystem.open(draft)?)?;
        let read = Manifest::decode(&bytes);
        read.map_err(|source| StoreError::Manifest { digest: folder.digest, path: draft.clone(), source })
    }

    /// Returns how many bytes are on their way into the store.
    pub fn size(&self) -> u64 {
        self.staged.values().map(|(size, _)| size).sum()
    }

    /// Returns an unused path in the folder of this transaction.
    pub(super) fn place(&mut self) -> Result<PathBuf, StoreError> {
        Ok(self.reserve(1)?.swap_remove(0))
    }

    fn reserve(&mut self, count: usize) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.store.staging()?;
        let name = |_| folder.join(self.store.number().to_string());
        let places: Vec<PathBuf> = (0..count).map(name).collect();
        self.reserved.extend(places.iter().cloned());
        Ok(places)
    }

    fn stage_bytes(&mut self, digest: Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let size = bytes.len() as u64;
        if self.staged.contains_key(&digest) || self.present.contains_key(&digest) {
            return Ok(());
        }
        if self.store.verify_object(&digest, Some(size)).is_ok() {
            self.present.insert(digest, size);
            return Ok(());
        }
        let place = self.place()?;
        let written = self.store.write_draft(&place, bytes, Layout::OBJECT_MODE);
        written.map_err(|error| self.store.explain(error))?;
        self.staged.insert(digest, (size, place));
        Ok(())
    }

    /// Notes a sealed file, dropping it where its bytes are there already.
    fn hold(&mut self, file: &HashedFile, place: PathBuf, held: bool) -> Result<(), StoreError> {
        if held {
            self.present.insert(file.digest, file.size);
        } else if let Entry::Vacant(vacant) = self.staged.entry(file.digest) {
            vacant.insert((file.size, place));
            return Ok(());
        }
        Ok(self.store.filesystem().remove_file(&place)?)
    }

    /// Returns all objects that the record may name.
    pub(super) fn objects(&self) -> BTreeSet<(Digest, u64)> {
        let staged = self.staged.iter().map(|(digest, (size, _))| (*digest, *size));
        let present = self.present.iter().map(|(digest, size)| (*digest, *size));
        staged.chain(present).collect()
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        for path in &self.reserved {
            // Most of them have been renamed into place; what stays behind is removed by the next process.
            drop(self.store.filesystem().remove_file(path));
        }
    }
}

/// Gets a file to where nobody else can write to it; tells too whether the store has its bytes.
fn seal_file(store: &Store, file: &TreeFile, seal: Seal, place: &Path) -> Result<(HashedFile, bool), StoreError> {
    let moved = seal == Seal::Move && file.stat.links == 1 && take(store, &file.path, place)?;
    let hashed = if moved { hash_moved(store, place) } else { copy_sealed(store, &file.path, place) };
    let (digest, size) = hashed?.ok_or_else(|| TreeError::Changing { path: file.path.clone() })?;
    let held = store.verify_object(&digest, Some(size)).is_ok();
    let hashed = HashedFile { digest, size, executable: file.stat.executable() };
    Ok((hashed, held))
}

/// Renames a file into the store; `false` where it has to be copied.
fn take(store: &Store, path: &Path, place: &Path) -> Result<bool, FileError> {
    let filesystem = store.filesystem();
    match filesystem.rename(path, place) {
        Ok(()) => {
            filesystem.set_mode(place, Layout::OBJECT_MODE)?;
            Ok(true)
        }
        // Another disk, or a folder that may not be changed.
        Err(error) if matches!(error.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::PermissionDenied) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Hashes a file that was taken; `None` where it changed meanwhile, so that its writer lives.
fn hash_moved(store: &Store, place: &Path) -> Result<Option<(Digest, u64)>, StoreError> {
    let filesystem = store.filesystem();
    let mut file = filesystem.open(place)?;
    let before = filesystem.stat_open(&file)?.stamp;
    let hashed = hash_file(filesystem, &mut file)?;
    let same = before == filesystem.stat_open(&file)?.stamp && before.size == hashed.1;
    Ok(same.then_some(hashed))
}

/// Copies and hashes a file; `None` where it changed meanwhile, so that the copy may be torn.
fn copy_sealed(store: &Store, path: &Path, place: &Path) -> Result<Option<(Digest, u64)>, StoreError> {
    let filesystem = store.filesystem();
    let mut from = filesystem.open(path)?;
    let before = filesystem.stat_open(&from)?.stamp;
    let mut to = filesystem.create(place, Layout::OBJECT_MODE)?;
    let copied = copy_hashed(filesystem, &mut from, &mut to);
    let copied = copied.and_then(|copied| filesystem.close(to).map(|()| copied));
    let copied = copied.map_err(|error| store.explain(error))?;
    let same = before == filesystem.stat_open(&from)?.stamp && before.size == copied.1;
    Ok(same.then_some(copied))
}
