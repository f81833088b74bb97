//! What is to lie at a published path: the artifact from the store, and the same with passports.

use std::collections::BTreeMap;

use dgpipe_cache::{Artifact, Digest, EntryContent, Form, Manifest, ManifestEntry, StoreError};

use super::carrier::Carrier;
use super::{SIDECAR, Stamper};
use crate::graph::{Member, Publication};

/// The artifact for a published path, as the store has it.
pub(crate) struct Wanted {
    /// The only member, or a folder with the files of all.
    pub(crate) object: Artifact,
    /// That folder, which the store may not have yet.
    pub(crate) combined: Option<Manifest>,
    /// Which member a name in that folder comes from.
    owners: BTreeMap<String, usize>,
}

/// An artifact with passports.
#[derive(Default)]
pub(crate) struct Stamped {
    /// The files that differ from the store's or lie beside them, by their path below the published one.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The path of every file that carries a passport, with the digest of the file as it is published.
    pub(crate) carriers: BTreeMap<String, Digest>,
    /// The file beside the published path, where that is a file which cannot carry a passport inside.
    pub(crate) beside: Option<Vec<u8>>,
}

impl Stamper<'_> {
    /// What is to lie at a published path. Nothing while a member is unknown; the name of a file where two of them
    /// have one in common.
    pub(crate) fn wanted(&self, publication: &Publication) -> Result<Option<Result<Wanted, String>>, StoreError> {
        let artifact = |member: &Member| (self.output)(member.cell, &member.port).map(|(artifact, _)| artifact);
        let members: Option<Vec<Artifact>> = publication.members.iter().map(artifact).collect();
        let Some(members) = members else { return Ok(None) };
        if let [object] = members.as_slice() {
            return Ok(Some(Ok(Wanted { object: *object, combined: None, owners: BTreeMap::new() })));
        }
        let mut entries: BTreeMap<String, (ManifestEntry, usize)> = BTreeMap::new();
        for (index, artifact) in members.iter().enumerate() {
            for entry in self.entries(&publication.members[index], artifact)? {
                match entries.get(&entry.name) {
                    // Stage types that record the same side file in several outputs may share it.
                    Some((other, _)) if *other == entry => {}
                    Some(_) => return Ok(Some(Err(entry.name))),
                    None => drop(entries.insert(entry.name.clone(), (entry, index))),
                }
            }
        }
        let owners = entries.iter().map(|(name, (_, owner))| (name.clone(), *owner)).collect();
        let combined = Manifest::new(entries.into_values().map(|(entry, _)| entry).collect());
        Ok(Some(Ok(Wanted { object: combined.artifact(), combined: Some(combined), owners })))
    }

    /// What a member puts into a folder that it shares with others.
    fn entries(&self, member: &Member, artifact: &Artifact) -> Result<Vec<ManifestEntry>, StoreError> {
        if artifact.form == Form::Folder {
            return Ok(self.store.manifest(artifact)?.entries().to_vec());
        }
        let content = EntryContent::File { digest: artifact.digest, size: artifact.size, executable: false };
        Ok(vec![ManifestEntry { name: self.port(member).file_name.clone(), content }])
    }

    /// Stamps what is to lie at a published path. Reads the files that carry their passport inside.
    pub(crate) fn stamped(
        &self,
        publication: &Publication,
        wanted: &Wanted,
    ) -> Result<(Artifact, Stamped), StoreError> {
        let mut stamped = Stamped::default();
        if wanted.object.form == Form::File {
            let artifact = self.stamp_single(publication, &wanted.object, &mut stamped)?;
            return Ok((artifact, stamped));
        }
        let manifest = match &wanted.combined {
            Some(manifest) => manifest.clone(),
            None => (*self.store.manifest(&wanted.object)?).clone(),
        };
        let member_of = |name: &str| &publication.members[wanted.owners.get(name).copied().unwrap_or(0)];
        let folder = Folder { stamper: self, publication, member_of: &member_of };
        let manifest = folder.stamp(&manifest, "", None, &mut stamped)?;
        Ok((manifest.artifact(), stamped))
    }

    fn stamp_single(
        &self,
        publication: &Publication,
        object: &Artifact,
        stamped: &mut Stamped,
    ) -> Result<Artifact, StoreError> {
        let passport = self.passport(&publication.members[0], &publication.path);
        let carrier = Carrier::of(&publication.path);
        let inside = match carrier.fits(object.size) {
            true => carrier.stamp(&self.store.read(object)?, &passport),
            false => None,
        };
        let artifact = match inside {
            Some(bytes) => {
                let artifact = Artifact::file(Digest::of(&bytes), bytes.len() as u64);
                stamped.files.insert(String::new(), bytes);
                artifact
            }
            None => {
                stamped.beside = Some(passport.for_bytes(object.digest).to_file());
                *object
            }
        };
        stamped.carriers.insert(String::new(), artifact.digest);
        Ok(artifact)
    }
}

/// The stamping of a folder and what is in it.
struct Folder<'a> {
    stamper: &'a Stamper<'a>,
    publication: &'a Publication,
    /// The member that a name at the top comes from.
    member_of: &'a dyn Fn(&str) -> &'a Member,
}

impl Folder<'_> {
    fn stamp(
        &self,
        manifest: &Manifest,
        below: &str,
        owner: Option<&Member>,
        stamped: &mut Stamped,
    ) -> Result<Manifest, StoreError> {
        let mut entries = Vec::new();
        for entry in manifest.entries() {
            let member = owner.unwrap_or_else(|| (self.member_of)(&entry.name));
            if !self.stamper.member_carries(self.publication, member) {
                entries.push(entry.clone());
                continue;
            }
            let path = format!("{below}{}", entry.name);
            match &entry.content {
                EntryContent::Folder { digest, size } => {
                    let inner = self.stamper.store.manifest(&Artifact::folder(*digest, *size))?;
                    let artifact = self.stamp(&inner, &format!("{path}/"), Some(member), stamped)?.artifact();
                    let content = EntryContent::Folder { digest: artifact.digest, size: artifact.size };
                    entries.push(ManifestEntry { name: entry.name.clone(), content });
                }
                // Something brought its passport along, or is one.
                EntryContent::File { .. } if is_taken(manifest, &entry.name) => entries.push(entry.clone()),
                EntryContent::File { digest, size, executable } => {
                    let object = Artifact::file(*digest, *size);
                    entries.extend(self.file(&entry.name, path, member, (&object, *executable), stamped)?);
                }
                EntryContent::Link { .. } => entries.push(entry.clone()),
            }
        }
        Ok(Manifest::new(entries))
    }

    /// One file with its passport, as one entry of the folder or as two.
    fn file(
        &self,
        name: &str,
        path: String,
        member: &Member,
        (object, executable): (&Artifact, bool),
        stamped: &mut Stamped,
    ) -> Result<Vec<ManifestEntry>, StoreError> {
        let passport = self.stamper.passport(member, &format!("{}/{path}", self.publication.path));
        let carrier = Carrier::of(name);
        let inside = match carrier.fits(object.size) && !executable {
            true => carrier.stamp(&self.stamper.store.read(object)?, &passport),
            false => None,
        };
        let entry = |name: String, bytes: &[u8]| {
            let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
            ManifestEntry { name, content: EntryContent::File { digest, size, executable: false } }
        };
        if let Some(bytes) = inside {
            let entry = entry(name.to_owned(), &bytes);
            stamped.carriers.insert(path.clone(), Digest::of(&bytes));
            stamped.files.insert(path, bytes);
            return Ok(vec![entry]);
        }
        let bytes = passport.for_bytes(object.digest).to_file();
        let beside = entry(format!("{name}{SIDECAR}"), &bytes);
        let content = EntryContent::File { digest: object.digest, size: object.size, executable };
        stamped.files.insert(format!("{path}{SIDECAR}"), bytes);
        stamped.carriers.insert(path, object.digest);
        Ok(vec![ManifestEntry { name: name.to_owned(), content }, beside])
    }
}

fn is_taken(manifest: &Manifest, name: &str) -> bool {
    name.ends_with(SIDECAR) || manifest.get(&format!("{name}{SIDECAR}")).is_some()
}
