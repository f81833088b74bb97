//! What is in the store, and what of it is to go.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rayon::prelude::*;

use super::roots::{Root, Roots};
use super::{GcOptions, Why};
use crate::content::{Digest, Key};
use crate::filesystem::Stamp;
use crate::layout::Bucket;
use crate::store::{Inventory, MemoryKind, ReadRecord, Remembered, Store, StoreError};

/// A record, with the objects that it needs.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    pub(super) objects: BTreeSet<Digest>,
}

/// What is in the store. Objects were looked at before records, so that a record of which nothing is known here was
/// written after all of its objects were placed or touched.
#[derive(Debug)]
pub(super) struct Mark {
    /// The time of the store's disk before anything was looked at, in nanoseconds since 1970.
    pub(super) now: i128,
    pub(super) objects: BTreeMap<Digest, Stamp>,
    pub(super) records: BTreeMap<Key, Marked>,
    /// What only saves work, what is best forgotten first.
    memory: Vec<Remembered>,
}

/// What is to go.
#[derive(Debug, Default)]
pub(super) struct Doomed {
    pub(super) records: BTreeMap<Key, Why>,
    /// Objects that no record needs that stays.
    pub(super) objects: BTreeSet<Digest>,
    /// What only saves work.
    pub(super) memory: Vec<(Remembered, Why)>,
    /// Bytes that stay.
    pub(super) kept: u64,
}

impl Store {
    pub(super) fn mark(&self) -> Result<Mark, StoreError> {
        let now = self.time()?;
        let objects = whole(self.inventory::<Digest>(Bucket::Objects, ""))?;
        let objects = objects.into_par_iter().map(|(digest, path)| Ok((digest, self.filesystem().stat(&path)?)));
        let objects = objects.collect::<Result<Vec<_>, StoreError>>()?;
        let records = whole(self.inventory::<Key>(Bucket::Records, ".json"))?;
        let records = records.into_par_iter().map(|(key, path)| Ok((key, self.mark_record(&key, path)?)));
        let records = records.collect::<Result<Vec<_>, StoreError>>()?;
        let mut memory = self.remembered()?;
        memory.sort_by_key(|memory| (memory.kind, memory.modified, memory.of));
        Ok(Mark {
            memory,
            now,
            objects: objects.into_iter().filter_map(|(digest, stat)| Some((digest, stat?.stamp))).collect(),
            records: records.into_iter().filter_map(|(key, marked)| Some((key, marked?))).collect(),
        })
    }

    fn mark_record(&self, key: &Key, path: PathBuf) -> Result<Option<Marked>, StoreError> {
        let Some(stat) = self.filesystem().stat(&path)? else { return Ok(None) };
        let Some(found) = self.lookup(key)? else {
            return match self.read_record(key)? {
                // What it needs cannot be known.
                ReadRecord::Newer => Err(StoreError::Unreadable { path, reason: "a newer dgpipe wrote it".to_owned() }),
                _ => Ok(None),
            };
        };
        let mut objects = BTreeSet::new();
        for output in found.outputs.values() {
            self.reach(&output.artifact, &mut objects)?;
        }
        Ok(Some(Marked { path, stamp: stat.stamp, objects }))
    }

    /// Reads the clock of the store's disk.
    fn time(&self) -> Result<i128, StoreError> {
        // One name for all, so that none that a crash left stays for ever.
        let path = self.layout().bucket(Bucket::Memo).join(".clock");
        let file = match self.filesystem().open_lock(&path) {
            // Where not even this can be made, the clock of this machine has to do.
            Err(error) if error.is_disk_full() => return Ok(self.filesystem().now()),
            file => file?,
        };
        let time = self.filesystem().touch(&file).and_then(|()| self.filesystem().stat_open(&file));
        self.filesystem().remove_file(&path)?;
        Ok(time?.stamp.modified)
    }
}

/// What cannot be looked into may hold what is in use.
fn whole<T>(inventory: Inventory<T>) -> Result<Vec<(T, PathBuf)>, StoreError> {
    match inventory.closed.into_iter().next() {
        None => Ok(inventory.named),
        Some((path, reason)) => Err(StoreError::Unreadable { path, reason }),
    }
}

/// When something was written or touched last.
pub(super) fn written(stamp: &Stamp) -> i128 {
    // Bytes that were taken from a stage may have any time of their own; being placed changes only the other one.
    stamp.modified.max(stamp.changed)
}

pub(super) fn milliseconds(time: i128) -> u64 {
    u64::try_from(time / 1_000_000).unwrap_or(0)
}

impl Mark {
    /// Decides what goes.
    pub(super) fn doom(&self, store: &Store, roots: &Roots, options: &GcOptions) -> Result<Doomed, StoreError> {
        let mut doomed = Doomed::default();
        let old = |time: i128| time <= self.now - options.age();
        for (key, record) in &self.records {
            let stays = roots.of(key).is_some_and(|root| root < Root::Recent || options.older_than.is_none());
            let used = self.last_used(key, record, roots);
            if !stays && old(used) {
                doomed.records.insert(*key, Why::Unused { since: milliseconds(used) });
            }
        }
        let mut published = BTreeSet::new();
        for artifact in &roots.artifacts {
            store.reach(artifact, &mut published)?;
        }
        let mut needed: BTreeMap<Digest, u32> = BTreeMap::new();
        let staying = self.records.iter().filter(|(key, _)| !doomed.records.contains_key(key));
        for digest in staying.flat_map(|(_, record)| &record.objects).chain(&published) {
            *needed.entry(*digest).or_default() += 1;
        }
        let young = |stamp: &Stamp| written(stamp) > self.now - options.grace();
        let stays = |(digest, stamp): &(&Digest, &Stamp)| needed.contains_key(*digest) || young(stamp);
        doomed.kept = self.objects.iter().filter(stays).map(|(_, stamp)| stamp.size).sum::<u64>();
        let records = self.records.iter().filter(|(key, _)| !doomed.records.contains_key(key));
        doomed.kept += records.map(|(_, record)| record.stamp.size).sum::<u64>();
        for memory in &self.memory {
            match self.why_forgotten(memory, roots, options) {
                Some(why) => doomed.memory.push((*memory, why)),
                None => doomed.kept += memory.size,
            }
        }
        if let Some(most) = options.max_size {
            self.forget(most, roots, options, &mut doomed);
            self.evict(most, roots, options, &mut needed, &mut doomed);
        }
        let gone = |(digest, stamp): (&Digest, &Stamp)| {
            (needed.get(digest).is_none_or(|times| *times == 0) && !young(stamp)).then_some(*digest)
        };
        doomed.objects = self.objects.iter().filter_map(gone).collect();
        Ok(doomed)
    }

    /// Tells why something that only saves work goes, where it does. Rows of items and states at the end go only where
    /// somebody asked for it: when they were read last is not known.
    fn why_forgotten(&self, memory: &Remembered, roots: &Roots, options: &GcOptions) -> Option<Why> {
        let unfinished = memory.kind == MemoryKind::Checkpoints;
        if roots.of(&memory.of) == Some(Root::Live) {
            return None;
        }
        if unfinished && self.records.contains_key(&memory.of) {
            return Some(Why::Done);
        }
        let old = memory.modified <= self.now - options.age() && (unfinished || options.older_than.is_some());
        old.then_some(Why::Unused { since: milliseconds(memory.modified) })
    }

    /// Dooms what only saves work, until no more stays than may.
    fn forget(&self, most: u64, roots: &Roots, options: &GcOptions, doomed: &mut Doomed) {
        for memory in &self.memory {
            let free = roots.of(&memory.of) != Some(Root::Live) && memory.modified <= self.now - options.grace();
            if doomed.kept > most && free && doomed.memory.iter().all(|(gone, _)| gone != memory) {
                doomed.memory.push((*memory, Why::Evicted { since: milliseconds(memory.modified) }));
                doomed.kept -= memory.size;
            }
        }
    }

    /// Dooms records that were not used for the longest time, until no more stays than may.
    fn evict(
        &self,
        most: u64,
        roots: &Roots,
        options: &GcOptions,
        needed: &mut BTreeMap<Digest, u32>,
        doomed: &mut Doomed,
    ) {
        let young = |stamp: &Stamp| written(stamp) > self.now - options.grace();
        let free = |key: &Key| roots.of(key).is_none_or(|root| root == Root::Recent);
        let mut candidates: Vec<_> = self
            .records
            .iter()
            .filter(|(key, record)| !doomed.records.contains_key(key) && free(key) && !young(&record.stamp))
            .map(|(key, record)| (self.last_used(key, record, roots), key, record))
            .collect();
        candidates.sort_by_key(|(used, key, _)| (*used, *key));
        for (used, key, record) in candidates {
            if doomed.kept <= most {
                return;
            }
            doomed.records.insert(*key, Why::Evicted { since: milliseconds(used) });
            doomed.kept -= record.stamp.size;
            for digest in &record.objects {
                let times = needed.entry(*digest).or_insert(1);
                *times -= 1;
                if let Some(stamp) = self.objects.get(digest).filter(|stamp| *times == 0 && !young(stamp)) {
                    doomed.kept -= stamp.size;
                }
            }
        }
    }

    /// When a record was used last, as far as is known: when it was written, or as long as it was the latest of a cell.
    fn last_used(&self, key: &Key, record: &Marked, roots: &Roots) -> i128 {
        let latest = roots.former(key).map_or(i128::MIN, |(until, _)| *until);
        // The disk may be behind the clock that the latter is from.
        written(&record.stamp).max(latest).min(self.now)
    }
}
