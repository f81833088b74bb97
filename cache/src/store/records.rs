//! Reading records. A record that cannot be read is an absent one: put into quarantine where it is
//! damaged, left alone where a newer program wrote it.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::store::lock;
use super::{Store, StoreError};
use crate::content::Key;
use crate::filesystem::{FileError, FileKind, Stamp, read_if_there, read_to_end};
use crate::layout::Bucket;
use crate::process::Process;
use crate::record::{Indexed, Outputs, Parsed, Record, RecordIndex, parse};

/// What is needed of a record to reuse it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Output by port; shared, because there may be hundreds of thousands of records.
    pub outputs: Arc<Outputs>,
    /// How long the execution took.
    pub seconds: f64,
}

/// A record's file, read.
#[derive(Debug)]
pub(crate) enum ReadRecord {
    Good(Box<Record>, Stamp),
    Newer,
    Absent,
    /// It was damaged, in what way, and is out of the way now where it could be moved.
    Bad(String),
}

impl Store {
    /// Reads the record of a key.
    pub fn record(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        match self.read_record(key)? {
            ReadRecord::Good(record, _) => Ok(Some(*record)),
            ReadRecord::Newer | ReadRecord::Absent | ReadRecord::Bad(_) => Ok(None),
        }
    }

    /// Returns the keys of all records, sorted.
    pub fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let records = self.layout().bucket(Bucket::Records);
        let mut keys = Vec::new();
        for fan in self.filesystem().list(&records)? {
            let folder = records.join(&fan);
            if !self.filesystem().stat(&folder)?.is_some_and(|stat| stat.kind == FileKind::Folder) {
                continue;
            }
            let names = self.filesystem().list(&folder)?.into_iter();
            let key = |name: std::ffi::OsString| {
                format!("{}{}", fan.to_str()?, name.to_str()?.strip_suffix(".json")?).parse::<Key>().ok()
            };
            keys.extend(names.filter_map(key));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Finds the outputs of a key without opening its record, where the index knows them.
    pub fn lookup(&self, key: &Key) -> Result<Option<Found>, StoreError> {
        let stat = self.filesystem().stat(&self.layout().record(key))?;
        let Some(stat) = stat else {
            lock(self.index()).remove(key);
            return Ok(None);
        };
        if let Some(indexed) = lock(self.index()).get(key)
            && indexed.stamp == stat.stamp
        {
            return Ok(Some(Found::from(indexed)));
        }
        let ReadRecord::Good(record, stamp) = self.read_record(key)? else {
            lock(self.index()).remove(key);
            return Ok(None);
        };
        Ok(Some(self.index_record(&record, stamp)))
    }

    /// Removes the record of a key, because what it names cannot be served.
    pub fn forget(&self, key: &Key) -> Result<(), StoreError> {
        let path = self.layout().record(key);
        lock(self.index()).remove(key);
        self.filesystem().remove_file(&path)?;
        if let Some(folder) = path.parent() {
            self.sync_later(folder);
        }
        Ok(())
    }

    pub(crate) fn forget_indexed(&self, key: &Key) {
        lock(self.index()).remove(key);
    }

    /// Writes the index of records where it changed. Not made durable: a damaged one is an empty one.
    pub fn save_index(&self) -> Result<(), StoreError> {
        let Some(bytes) = lock(self.index()).encode_changed() else {
            return Ok(());
        };
        let path = self.layout().record_index(&Process::current().host);
        self.make_folder(path.parent().unwrap_or(&path))?;
        self.write_beside(&path, &bytes, |_| Ok(()))
    }

    pub(super) fn index(&self) -> &Mutex<RecordIndex> {
        self.shared.index.get_or_init(|| {
            let path = self.layout().record_index(&Process::current().host);
            let bytes = read_if_there(self.filesystem(), &path);
            let bytes = bytes.ok().flatten().unwrap_or_default();
            Mutex::new(RecordIndex::decode(&bytes))
        })
    }

    /// Remembers the outputs of a record whose file has that stamp.
    pub(super) fn index_record(&self, record: &Record, stamp: Stamp) -> Found {
        let indexed = Indexed { stamp, seconds: record.seconds, outputs: Arc::clone(&record.outputs) };
        let found = Found::from(&indexed);
        // Records are replaced by renaming, so a replaced one has another inode and another time.
        // Only where times are whole seconds could both come out the same.
        let coarse = stamp.changed % 1_000_000_000 == 0;
        if coarse && stamp.is_young(self.filesystem().now()) {
            lock(self.index()).remove(&record.key);
        } else {
            lock(self.index()).insert(record.key, indexed);
        }
        found
    }

    pub(crate) fn read_record(&self, key: &Key) -> Result<ReadRecord, StoreError> {
        let path = self.layout().record(key);
        let (bytes, stamp) = match self.read_stamped(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(ReadRecord::Absent);
            }
            Err(error) if error.is_device_failure() => {
                let reason = format!("it cannot be read ({})", error.source);
                self.quarantine(&path, &format!("record-{key}"), &reason);
                return Ok(ReadRecord::Bad(reason));
            }
            read => read?,
        };
        match parse(&bytes, key) {
            Parsed::Good(record) => Ok(ReadRecord::Good(record, stamp)),
            Parsed::Newer(version) => {
                let path = path.display();
                self.warn(format!("a newer dgpipe wrote `{path}` (version {version}); it is left alone and not used"));
                Ok(ReadRecord::Newer)
            }
            Parsed::Bad(reason) => {
                self.quarantine(&path, &format!("record-{key}"), &reason);
                Ok(ReadRecord::Bad(reason))
            }
        }
    }

    fn read_stamped(&self, path: &Path) -> Result<(Vec<u8>, Stamp), FileError> {
        let mut file = self.filesystem().open(path)?;
        let stamp = self.filesystem().stat_open(&file)?.stamp;
        let bytes = read_to_end(self.filesystem(), &mut file)?;
        Ok((bytes, stamp))
    }
}

impl From<&Indexed> for Found {
    fn from(indexed: &Indexed) -> Self {
        Self { outputs: Arc::clone(&indexed.outputs), seconds: indexed.seconds }
    }
}
