//! Reading objects. Nothing is served before it was hashed by this process; what is damaged is moved
//! to quarantine and reported as a miss.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use fs_err::File;
use rayon::prelude::*;

use super::store::lock;
use super::{Store, StoreError};
use crate::content::{Artifact, Digest, Form, Manifest, ManifestEntry};
use crate::filesystem::{FileError, FileKind, Stat, hash_file, read_to_end};

impl Store {
    /// Tells whether the store holds an artifact, whole and of the right size. Nothing is hashed but
    /// manifests that this process has not seen.
    pub fn contains(&self, artifact: &Artifact) -> bool {
        match artifact.form {
            Form::File => self.has_object(&artifact.digest, artifact.size),
            Form::Folder => self
                .objects_of(artifact)
                .is_some_and(|objects| objects.iter().all(|(digest, size)| self.has_object(digest, *size))),
        }
    }

    /// Hashes an artifact with all that is in it, but nothing that this process has found good.
    pub fn verify(&self, artifact: &Artifact) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        let mut level = vec![*artifact];
        // Level by level, because a tree may be deeper than a stack.
        while !level.is_empty() {
            let below: Vec<Vec<Artifact>> =
                level.par_iter().map(|part| self.verify_alone(part)).collect::<Result<_, _>>()?;
            level = below.into_iter().flatten().collect();
            level.retain(|part| seen.insert(*part));
        }
        Ok(())
    }

    /// Hashes a file, or the manifest of a folder, and returns what is in it.
    fn verify_alone(&self, part: &Artifact) -> Result<Vec<Artifact>, StoreError> {
        if part.form == Form::File {
            self.verify_object(&part.digest, Some(part.size))?;
            return Ok(Vec::new());
        }
        self.verify_object(&part.digest, None)?;
        let manifest = self.manifest(part)?;
        let parts = manifest.entries().iter();
        Ok(parts.filter_map(ManifestEntry::artifact).collect())
    }

    /// Returns the entries of a folder.
    pub fn manifest(&self, artifact: &Artifact) -> Result<Arc<Manifest>, StoreError> {
        self.sized_manifest(artifact).map(|(manifest, _)| manifest)
    }

    /// Returns what lies at a path in a folder, such as `a/b`. A link is nothing.
    pub fn subtree(&self, artifact: &Artifact, path: &str) -> Result<Option<Artifact>, StoreError> {
        let mut place = *artifact;
        for step in path.split('/').filter(|step| !step.is_empty() && *step != ".") {
            if place.form == Form::File {
                return Ok(None);
            }
            let manifest = self.manifest(&place)?;
            match manifest.get(step).and_then(ManifestEntry::artifact) {
                Some(below) => place = below,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    /// Opens a file for reading.
    pub fn open_object(&self, artifact: &Artifact) -> Result<std::fs::File, StoreError> {
        self.need_file(artifact)?;
        self.verify_object(&artifact.digest, Some(artifact.size))?;
        Ok(self.open_path(&artifact.digest)?.into_file())
    }

    /// Reads a whole file.
    pub fn read(&self, artifact: &Artifact) -> Result<Vec<u8>, StoreError> {
        self.need_file(artifact)?;
        let bytes = self.read_object(&artifact.digest)?;
        if bytes.len() as u64 != artifact.size {
            return Err(self.misnamed(&artifact.digest));
        }
        Ok(bytes)
    }

    /// Returns where the bytes of a file lie, for showing it to a person. Whoever writes there
    /// damages the store. A folder has no such place: its files lie apart.
    pub fn object_path(&self, artifact: &Artifact) -> Option<PathBuf> {
        let held = artifact.form == Form::File && self.contains(artifact);
        held.then(|| self.layout().object(&artifact.digest))
    }

    /// Has every object be hashed again when it is next used.
    pub(crate) fn forget_verified(&self) {
        lock(&self.shared.verified).clear();
    }

    /// Hashes an object unless this process did so and it has not been touched since.
    pub(crate) fn verify_object(&self, digest: &Digest, size: Option<u64>) -> Result<(), StoreError> {
        let path = self.layout().object(digest);
        let Some(stat) = self.filesystem().stat(&path)? else {
            lock(&self.shared.verified).remove(digest);
            return Err(self.missing(digest));
        };
        if lock(&self.shared.verified).get(digest) != Some(&stat.stamp) {
            if stat.kind != FileKind::File {
                return Err(self.bad(digest, "it is not a file", &stat));
            }
            let mut file = self.open_path(digest)?;
            // The open file counts, in case another process just healed the object.
            let stat = self.filesystem().stat_open(&file)?;
            let found = match hash_file(self.filesystem(), &mut file) {
                Err(error) if error.is_device_failure() => {
                    let reason = format!("it cannot be read ({})", error.source);
                    return Err(self.bad(digest, &reason, &stat));
                }
                found => found?.0,
            };
            if found != *digest {
                let reason = describe(&stat, size, &found);
                return Err(self.bad(digest, &reason, &stat));
            }
            lock(&self.shared.verified).insert(*digest, stat.stamp);
        }
        if size.is_some_and(|size| size != stat.stamp.size) {
            return Err(self.misnamed(digest));
        }
        Ok(())
    }

    /// Reads an object, hashing the very bytes that are returned.
    fn read_object(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut file = self.open_path(digest)?;
        let stat = self.filesystem().stat_open(&file)?;
        let bytes = match read_to_end(self.filesystem(), &mut file) {
            Err(error) if error.is_device_failure() => {
                let reason = format!("it cannot be read ({})", error.source);
                return Err(self.bad(digest, &reason, &stat));
            }
            bytes => bytes?,
        };
        let found = Digest::of(&bytes);
        if found != *digest {
            return Err(self.bad(digest, &describe(&stat, None, &found), &stat));
        }
        lock(&self.shared.verified).insert(*digest, stat.stamp);
        Ok(bytes)
    }

    fn sized_manifest(&self, artifact: &Artifact) -> Result<(Arc<Manifest>, u64), StoreError> {
        let digest = artifact.digest;
        if artifact.form != Form::Folder {
            let path = self.root().to_owned();
            return Err(StoreError::NotAFolder { digest, path });
        }
        if let Some(sized) = lock(&self.shared.manifests).get(&digest) {
            return Ok(sized.clone());
        }
        let bytes = self.read_object(&digest)?;
        let manifest = Manifest::decode(&bytes).map_err(|source| StoreError::Manifest {
            digest,
            path: self.layout().object(&digest),
            source,
        })?;
        let sized = (Arc::new(manifest), bytes.len() as u64);
        lock(&self.shared.manifests).insert(digest, sized.clone());
        Ok(sized)
    }

    /// Returns all objects of a folder with their sizes on disk, manifests included.
    fn objects_of(&self, folder: &Artifact) -> Option<Arc<Vec<(Digest, u64)>>> {
        if let Some(objects) = lock(self.index()).folder(&folder.digest) {
            return Some(objects);
        }
        let mut objects = Vec::new();
        let mut rest = vec![*folder];
        while let Some(part) = rest.pop() {
            if part.form == Form::File {
                objects.push((part.digest, part.size));
                continue;
            }
            let (manifest, size) = self.sized_manifest(&part).ok()?;
            objects.push((part.digest, size));
            rest.extend(manifest.entries().iter().filter_map(ManifestEntry::artifact));
        }
        objects.sort_unstable();
        objects.dedup();
        let objects = Arc::new(objects);
        lock(self.index()).insert_folder(folder.digest, objects.clone());
        Some(objects)
    }

    /// Adds all objects that an artifact needs, as far as its manifests can be read.
    pub(crate) fn reach(&self, artifact: &Artifact, objects: &mut BTreeSet<Digest>) -> Result<(), StoreError> {
        let mut rest = vec![*artifact];
        while let Some(part) = rest.pop() {
            if !objects.insert(part.digest) || part.form == Form::File {
                continue;
            }
            let known = lock(self.index()).folder(&part.digest);
            if let Some(known) = known {
                objects.extend(known.iter().map(|(digest, _)| *digest));
                continue;
            }
            match self.manifest(&part) {
                Ok(manifest) => rest.extend(manifest.entries().iter().filter_map(ManifestEntry::artifact)),
                // Who needs the folder has all of it made again.
                Err(error) if error.is_miss() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Touches an object that is about to be used anew, so that who removes old objects leaves it alone. Whether it is
    /// still there is to be asked after that.
    pub(super) fn renew(&self, digest: &Digest) -> Result<(), StoreError> {
        let file = self.open_path(digest)?;
        let filesystem = self.filesystem();
        let before = filesystem.stat_open(&file)?.stamp;
        filesystem.touch(&file)?;
        if lock(&self.shared.verified).get(digest) == Some(&before) {
            let now = filesystem.stat_open(&file)?.stamp;
            lock(&self.shared.verified).insert(*digest, now);
        }
        Ok(())
    }

    pub(super) fn has_object(&self, digest: &Digest, size: u64) -> bool {
        let stat = self.filesystem().stat(&self.layout().object(digest));
        matches!(stat, Ok(Some(stat)) if stat.is_file_of(size))
    }

    pub(super) fn need_file(&self, artifact: &Artifact) -> Result<(), StoreError> {
        match artifact.form {
            Form::File => Ok(()),
            Form::Folder => Err(StoreError::NotAFile { digest: artifact.digest, path: self.root().to_owned() }),
        }
    }

    pub(super) fn open_path(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.layout().object(digest);
        self.filesystem().open(&path).map_err(|error| match error {
            FileError { source, .. } if source.kind() == std::io::ErrorKind::NotFound => self.missing(digest),
            error => error.into(),
        })
    }

    fn missing(&self, digest: &Digest) -> StoreError {
        StoreError::Missing { digest: *digest, path: self.layout().object(digest) }
    }

    /// The object is what its name says, but not what the artifact says.
    pub(super) fn misnamed(&self, digest: &Digest) -> StoreError {
        StoreError::Bad {
            digest: *digest,
            path: self.layout().object(digest),
            reason: "its size is not the one recorded".to_owned(),
        }
    }

    /// Moves a damaged object to quarantine, unless it was replaced since it was looked at.
    pub(super) fn bad(&self, digest: &Digest, reason: &str, seen: &Stat) -> StoreError {
        let path = self.layout().object(digest);
        lock(&self.shared.verified).remove(digest);
        lock(&self.shared.manifests).remove(digest);
        let now = self.filesystem().stat(&path);
        if matches!(now, Ok(Some(now)) if now.stamp.inode == seen.stamp.inode) {
            self.quarantine(&path, &format!("object-{digest}"), reason);
        }
        StoreError::Bad { digest: *digest, path, reason: reason.to_owned() }
    }
}

fn describe(stat: &Stat, size: Option<u64>, found: &Digest) -> String {
    match (stat.stamp.size, size) {
        (0, _) => "it is empty".to_owned(),
        (now, Some(size)) if now != size => format!("it has {now} bytes instead of {size}"),
        _ => format!("its bytes hash to `{found}`"),
    }
}
