//! What the folders of sources looked like when something read them: their manifests, without the files. They let
//! a later plan say which files changed; without them it only says that some did.

use super::{Store, StoreError};
use crate::content::{Digest, EntryContent, Manifest};
use crate::filesystem::read_if_there;
use crate::source::Snapshot;

impl Store {
    /// Keeps the manifests of a source folder, those of unchanged folders in it only once. Not made durable: a
    /// damaged one is none.
    pub fn keep_listing(&self, source: &Snapshot) -> Result<(), StoreError> {
        let (mut open, mut new) = (vec![String::new()], Vec::new());
        while let Some(path) = open.pop() {
            let Some(manifest) = source.manifest(&path) else { continue };
            let bytes = manifest.encode();
            let file = self.layout().listing(&Digest::of(&bytes));
            if self.filesystem().stat(&file)?.is_none() {
                let below = manifest.entries().iter();
                let below = below.filter(|entry| matches!(entry.content, EntryContent::Folder { .. }));
                let joined = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
                open.extend(below.map(|entry| joined(&entry.name)));
                new.push((file, bytes));
            }
        }
        // Inner folders first: where an outer one is kept, those in it are.
        for (file, bytes) in new.into_iter().rev() {
            self.make_folder(file.parent().unwrap_or(&file))?;
            self.write_beside(&file, &bytes, |_| Ok(()))?;
        }
        Ok(())
    }

    /// Reads the manifest of a source folder as it once was, where it was kept.
    pub fn listing(&self, digest: &Digest) -> Option<Manifest> {
        let bytes = read_if_there(self.filesystem(), &self.layout().listing(digest)).ok().flatten()?;
        if Digest::of(&bytes) == *digest { Manifest::decode(&bytes).ok() } else { None }
    }
}
