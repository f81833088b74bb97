//! Publishing transactions. The order is what makes a power cut harmless: bytes are durable before
//! they have a name, names of objects before a record names them. One batch pays for it once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::records::ReadRecord;
use super::store::lock;
use super::{Store, StoreError, Transaction};
use crate::content::{Artifact, Digest, Form, Key, Manifest};
use crate::filesystem::Placement;
use crate::layout::Layout;
use crate::record::{Record, encode};

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The key.
    pub key: Key,
    /// The record that stands in the store for the key.
    pub record: Record,
    /// Whether another execution was faster, so that `record` is its and not the one given.
    pub adopted: bool,
}

/// A transaction on its way; the first error ends it.
struct Pending {
    transaction: Transaction,
    /// The written record.
    draft: PathBuf,
    outcome: Result<Option<Committed>, StoreError>,
}

impl Pending {
    fn step(&mut self, step: impl FnOnce(&mut Self) -> Result<(), StoreError>) {
        if self.outcome.is_ok()
            && let Err(error) = step(self)
        {
            self.outcome = Err(error);
        }
    }
}

impl Store {
    /// Publishes transactions, in order, at the price of one. Each succeeds or fails alone; what
    /// failed has left nothing but objects that no record names.
    pub fn commit(&self, batch: Vec<Transaction>) -> Vec<Result<Committed, StoreError>> {
        let mut batch: Vec<Pending> = batch
            .into_iter()
            .map(|transaction| Pending { transaction, draft: PathBuf::new(), outcome: Ok(None) })
            .collect();
        for pending in &mut batch {
            pending.step(|pending| self.draft_record(pending));
        }
        let drafts = batch.iter().filter(|pending| pending.outcome.is_ok());
        let drafts = drafts.flat_map(Pending::drafts).collect();
        let synced = self.make_durable(&drafts, &BTreeSet::new());
        fail_all(&mut batch, synced);

        let mut folders = BTreeSet::new();
        for pending in &mut batch {
            pending.step(|pending| self.place_objects(&pending.transaction, &mut folders));
        }
        self.settle(&mut batch, &folders);

        folders.clear();
        for pending in &mut batch {
            pending.step(|pending| self.place_record(pending, &mut folders));
        }
        self.settle(&mut batch, &folders);
        batch
            .into_iter()
            .map(|pending| {
                let committed = pending.outcome?;
                Ok(committed.expect("a record was placed where no step failed"))
            })
            .collect()
    }

    /// Stores a folder that is put together from artifacts which are in the store already.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<Artifact, StoreError> {
        let mut transaction = self.begin(Key::of(b"put together"));
        let artifact = Artifact { form: Form::Folder, ..transaction.put_bytes(&manifest.encode())? };
        let drafts = transaction.staged.values();
        let drafts = drafts.map(|(_, draft)| draft.clone()).collect();
        self.make_durable(&drafts, &BTreeSet::new())?;
        let mut folders = BTreeSet::new();
        self.place_objects(&transaction, &mut folders)?;
        self.make_durable(&BTreeSet::new(), &folders)?;
        Ok(Artifact { size: manifest.size(), ..artifact })
    }

    /// Makes names durable for all.
    fn settle(&self, batch: &mut [Pending], folders: &BTreeSet<PathBuf>) {
        let synced = self.make_durable(&BTreeSet::new(), folders);
        if synced.is_ok() {
            lock(&self.shared.settled).extend(folders.iter().cloned());
        }
        fail_all(batch, synced);
    }

    fn draft_record(&self, pending: &mut Pending) -> Result<(), StoreError> {
        let transaction = &mut pending.transaction;
        let key = transaction.key;
        let path = self.layout().record(&key);
        let has_log = transaction.log.is_some();
        let record = transaction.record.as_mut();
        let Some(record) = record.filter(|record| record.key == key) else {
            return Err(StoreError::Incomplete { key, path });
        };
        record.log |= has_log;
        let encoded = encode(record).map_err(|source| StoreError::Encode { path, source })?;
        pending.draft = transaction.place()?;
        let written = self.write_draft(&pending.draft, &encoded, Layout::FILE_MODE);
        written.map_err(|error| self.explain(error))
    }

    fn place_objects(&self, transaction: &Transaction, folders: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
        for (digest, (size, draft)) in &transaction.staged {
            self.place_object(digest, *size, draft, folders)?;
        }
        // Whoever placed these may not have made their names durable yet.
        for digest in transaction.present.keys() {
            self.prepare(&self.layout().object(digest), folders)?;
            self.renew(digest)?;
        }
        Ok(())
    }

    fn place_object(
        &self,
        digest: &Digest,
        size: u64,
        draft: &Path,
        folders: &mut BTreeSet<PathBuf>,
    ) -> Result<(), StoreError> {
        let path = self.layout().object(digest);
        self.prepare(&path, folders)?;
        loop {
            let placed = self.filesystem().rename_new(draft, &path);
            if placed.map_err(|error| self.explain(error))? == Placement::Placed {
                return Ok(());
            }
            match self.verify_object(digest, Some(size)).and_then(|()| self.renew(digest)) {
                Ok(()) => return Ok(()),
                // It is in quarantine now, or gone: the name is free.
                Err(_) if self.filesystem().stat(&path)?.is_none() => {}
                // It could not be moved away, so it is replaced.
                Err(error) if error.is_miss() => {
                    return Ok(self.filesystem().rename(draft, &path)?);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn place_record(&self, pending: &mut Pending, folders: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let transaction = &pending.transaction;
        self.check_objects(transaction)?;
        let path = self.layout().record(&transaction.key);
        self.prepare(&path, folders)?;
        let record = transaction.record.clone();
        let record = record.expect("it was written in the first step");
        let existing = self.read_record(&transaction.key)?;
        let (record, adopted) = match existing {
            // Never replaced; this run goes on with what it computed.
            ReadRecord::Newer => (record, false),
            ReadRecord::Good(existing, _) if !transaction.replaces() && self.serves(&existing) => (*existing, true),
            ReadRecord::Good(..) => {
                self.place_log(transaction, folders)?;
                self.filesystem().rename(&pending.draft, &path)?;
                (record, false)
            }
            ReadRecord::Absent | ReadRecord::Bad(_) => {
                self.place_log(transaction, folders)?;
                self.place_new_record(&pending.draft, transaction, record)?
            }
        };
        self.remember(&path, &record)?;
        pending.outcome = Ok(Some(Committed { key: transaction.key, record, adopted }));
        Ok(())
    }

    /// Places a record where none was; in a race the first one stays.
    fn place_new_record(
        &self,
        draft: &Path,
        transaction: &Transaction,
        record: Record,
    ) -> Result<(Record, bool), StoreError> {
        let path = self.layout().record(&transaction.key);
        loop {
            let placed = self.filesystem().rename_new(draft, &path);
            if placed.map_err(|error| self.explain(error))? == Placement::Placed {
                return Ok((record, false));
            }
            match self.read_record(&transaction.key)? {
                ReadRecord::Good(first, _) if !transaction.replaces() => return Ok((*first, true)),
                ReadRecord::Newer => return Ok((record, false)),
                ReadRecord::Good(..) => {
                    self.filesystem().rename(draft, &path)?;
                    return Ok((record, false));
                }
                ReadRecord::Absent | ReadRecord::Bad(_) if self.filesystem().stat(&path)?.is_some() => {
                    // It is damaged and could not be moved away.
                    self.filesystem().rename(draft, &path)?;
                    return Ok((record, false));
                }
                ReadRecord::Absent | ReadRecord::Bad(_) => {}
            }
        }
    }

    fn place_log(&self, transaction: &Transaction, folders: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let Some(log) = &transaction.log else {
            return Ok(());
        };
        let path = self.layout().log(&transaction.key);
        self.prepare(&path, folders)?;
        Ok(self.filesystem().rename(log, &path)?)
    }

    /// Makes sure that what the record will name is there, whatever others removed meanwhile.
    fn check_objects(&self, transaction: &Transaction) -> Result<(), StoreError> {
        for (digest, size) in transaction.objects() {
            let path = self.layout().object(&digest);
            let stat = self.filesystem().stat(&path)?;
            let Some(stat) = stat.filter(|stat| stat.is_file_of(size)) else {
                return Err(StoreError::Missing { digest, path });
            };
            if transaction.staged.contains_key(&digest) {
                // These very bytes were hashed when they were sealed.
                lock(&self.shared.verified).insert(digest, stat.stamp);
            }
        }
        Ok(())
    }

    fn serves(&self, record: &Record) -> bool {
        let mut outputs = record.outputs.values();
        outputs.all(|output| self.contains(&output.artifact))
    }

    fn remember(&self, path: &Path, record: &Record) -> Result<(), StoreError> {
        if let Some(stat) = self.filesystem().stat(path)? {
            self.index_record(record, stat.stamp);
        }
        Ok(())
    }

    /// Makes the folder of a path and notes what has to be durable for the path to be.
    fn prepare(&self, path: &Path, folders: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let folder = path.parent().unwrap_or(path);
        if folders.contains(folder) {
            return Ok(());
        }
        let made = self.filesystem().create_folder(folder, Layout::FOLDER_MODE);
        let made = made.map_err(|error| self.explain(error))?;
        // Noted only now: what could not be made for one result must not fail the others of its batch.
        folders.insert(folder.to_owned());
        // One that was there may have been made by a process that has not made it durable yet.
        if made == Placement::Placed || !lock(&self.shared.settled).contains(folder) {
            folders.extend(folder.parent().map(Path::to_owned));
        }
        Ok(())
    }
}

impl Pending {
    fn drafts(&self) -> impl Iterator<Item = PathBuf> {
        let staged = self.transaction.staged.values();
        let staged = staged.map(|(_, draft)| draft.clone());
        let rest = self.transaction.log.iter().chain([&self.draft]).cloned();
        staged.chain(rest)
    }
}

/// Ends all transactions where making them durable failed: nobody can tell whose bytes were lost,
/// and asking again would get the answer that all is well.
fn fail_all(batch: &mut [Pending], synced: Result<(), StoreError>) {
    let Err(error) = synced else {
        return;
    };
    for pending in batch {
        pending.step(|_| Err(error.again()));
    }
}
