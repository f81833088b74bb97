//! Removing what is to go, and telling what went.

use std::collections::BTreeSet;
use std::path::Path;

use super::mark::{Doomed, Mark, milliseconds, written};
use super::roots::Roots;
use super::{Collection, GcOptions, Removed, What, Why};
use crate::content::Key;
use crate::filesystem::{Placement, Stamp};
use crate::layout::Bucket;
use crate::lease::LeaseAttempt;
use crate::store::{MemoryKind, Store, StoreError};

/// Removes things, or only tells about them.
struct Sweep<'a> {
    store: &'a Store,
    /// Whether things go, and are not only told about.
    removes: bool,
    removed: Vec<Removed>,
}

impl Store {
    /// Asks for the right to remove things, which one process at a time has. Two at once would do no harm, only the
    /// same work.
    pub fn gc_lease(&self) -> Result<LeaseAttempt, StoreError> {
        self.lease(&Key::of(b"gc"), "gc")
    }

    /// Removes what nothing uses, and tells what went and why. Runs, restores and others that remove things may go on
    /// meanwhile.
    ///
    /// Removes nothing where it cannot be known what is in use.
    pub fn gc(&self, options: &GcOptions) -> Result<Collection, StoreError> {
        self.refuse_newer()?;
        let mark = self.mark()?;
        let roots = self.roots(mark.now)?;
        let doomed = mark.doom(self, &roots, options)?;
        let mut sweep = Sweep { store: self, removes: !options.dry_run, removed: Vec::new() };
        sweep.sweep_abandoned()?;
        let gone = sweep.sweep_records(&mark, &doomed, &roots)?;
        sweep.sweep_objects(&mark, &doomed)?;
        sweep.sweep_memory(&doomed)?;
        sweep.sweep_leftovers(&mark, &doomed, options)?;
        // Last, because on a full disk only now there is room to write.
        self.forget_removed(&gone)?;
        let removed = sweep.removed;
        Ok(Collection {
            dry_run: options.dry_run,
            freed: removed.iter().map(|removed| removed.bytes).sum(),
            kept: doomed.kept,
            kept_records: mark.records.len() - doomed.records.len(),
            over: options.max_size.map_or(0, |most| doomed.kept.saturating_sub(most)),
            removed,
        })
    }

    fn forget_removed(&self, gone: &BTreeSet<Key>) -> Result<(), StoreError> {
        if gone.is_empty() {
            return Ok(());
        }
        gone.iter().for_each(|key| self.forget_indexed(key));
        for project in self.all_projects()? {
            project.forget(gone)?;
        }
        self.save_index()?;
        self.sync()
    }

    /// Programs that know more may use objects in ways that this one does not know of.
    fn refuse_newer(&self) -> Result<(), StoreError> {
        for path in self.folders_in(self.root())? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let versioned = name.rsplit_once("-v").is_some_and(|(_, version)| version.parse::<u32>().is_ok());
            if versioned && Bucket::ALL.iter().all(|bucket| bucket.name() != name) {
                let reason = "a newer dgpipe uses this store, and knows what is in use".to_owned();
                return Err(StoreError::Unreadable { path: path.clone(), reason });
            }
        }
        Ok(())
    }
}

impl Sweep<'_> {
    fn sweep_abandoned(&mut self) -> Result<(), StoreError> {
        for path in self.store.abandoned()? {
            let (name, bytes) = (name_of(&path), self.store.bytes_below(&path)?);
            self.removed.push(Removed { what: What::Scratch, name, cell: None, bytes, why: Why::ProcessDead });
        }
        if self.removes { self.store.remove_abandoned() } else { Ok(()) }
    }

    /// Removes records, durably, so that a crash can only leave objects without records. Returns which went.
    fn sweep_records(&mut self, mark: &Mark, doomed: &Doomed, roots: &Roots) -> Result<BTreeSet<Key>, StoreError> {
        let (mut gone, mut folders) = (BTreeSet::new(), BTreeSet::new());
        for (key, why) in &doomed.records {
            let record = &mark.records[key];
            let cell = roots.former(key).map(|(_, cell)| cell.clone());
            let bytes = record.stamp.size;
            let removed = Removed { what: What::Record, name: key.to_string(), cell, bytes, why: *why };
            if self.remove_unused(&record.path, &record.stamp, removed)? && self.removes {
                gone.insert(*key);
                folders.extend(record.path.parent().map(Path::to_owned));
            }
        }
        self.store.make_durable(&BTreeSet::new(), &folders)?;
        Ok(gone)
    }

    fn sweep_objects(&mut self, mark: &Mark, doomed: &Doomed) -> Result<(), StoreError> {
        let of_gone: BTreeSet<_> = doomed.records.keys().flat_map(|key| &mark.records[key].objects).collect();
        for digest in &doomed.objects {
            let stamp = &mark.objects[digest];
            let why = if of_gone.contains(digest) { Why::RecordGone } else { Why::Orphaned };
            let removed = Removed { what: What::Object, name: digest.to_string(), cell: None, bytes: stamp.size, why };
            self.remove_unused(&self.store.layout().object(digest), stamp, removed)?;
        }
        Ok(())
    }

    /// Removes a file unless it was touched or replaced since it was looked at: moved aside first, so that nobody can
    /// begin to use it between the last look and the removal. Tells whether it went.
    fn remove_unused(&mut self, path: &Path, seen: &Stamp, removed: Removed) -> Result<bool, StoreError> {
        if self.removes {
            let filesystem = self.store.filesystem();
            let aside = self.store.aside();
            match filesystem.rename(path, &aside) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
                renamed => renamed?,
            }
            let unused = |now: &Stamp| (now.inode, now.modified, now.size) == (seen.inode, seen.modified, seen.size);
            let looked = filesystem.stat(&aside);
            let goes = matches!(&looked, Ok(Some(stat)) if unused(&stat.stamp));
            if !goes && filesystem.rename_new(&aside, path)? == Placement::Placed {
                looked?;
                return Ok(false);
            }
            filesystem.remove_file(&aside)?;
            if !goes {
                return Ok(false);
            }
        }
        self.removed.push(removed);
        Ok(true)
    }

    /// Removes what only a person could miss.
    fn remove_old(&mut self, path: &Path, removed: Removed) -> Result<(), StoreError> {
        if self.removes {
            self.store.filesystem().remove_tree(path)?;
        }
        self.removed.push(removed);
        Ok(())
    }

    fn sweep_memory(&mut self, doomed: &Doomed) -> Result<(), StoreError> {
        for (memory, why) in &doomed.memory {
            if self.removes {
                self.store.discard(memory)?;
            }
            let what = match memory.kind {
                MemoryKind::Checkpoints => What::Checkpoints,
                MemoryKind::FinalStates => What::FinalStates,
                MemoryKind::Items => What::Items,
            };
            let name = memory.of.to_string();
            self.removed.push(Removed { what, name, cell: None, bytes: memory.size, why: *why });
        }
        Ok(())
    }

    /// Removes what is left of things that are gone, and what nobody has looked at for long.
    fn sweep_leftovers(&mut self, mark: &Mark, doomed: &Doomed, options: &GcOptions) -> Result<(), StoreError> {
        let old = |stamp: &Stamp| written(stamp) <= mark.now - options.age();
        for (key, path) in self.store.inventory::<Key>(Bucket::Logs, "").named {
            let Some(stat) = self.store.filesystem().stat(&path)? else { continue };
            let recorded = mark.records.contains_key(&key);
            if doomed.records.contains_key(&key) || (!recorded && old(&stat.stamp)) {
                let (what, why) = (What::Log, Why::RecordGone);
                let name = key.to_string();
                let removed = Removed { what, name, cell: None, bytes: stat.stamp.size, why };
                self.remove_unused(&path, &stat.stamp, removed)?;
            }
        }
        for (what, path) in self.store.left_for_people()? {
            let Some(stat) = self.store.filesystem().stat(&path)?.filter(|stat| old(&stat.stamp)) else { continue };
            let why = Why::Old { since: milliseconds(written(&stat.stamp)) };
            let bytes = self.store.bytes_below(&path)?;
            self.remove_old(&path, Removed { what, name: name_of(&path), cell: None, bytes, why })?;
        }
        // A process may seem dead from within a container, but what is older than all that is new is of nobody that lives.
        for path in self.store.drafts()? {
            let Some(stat) = self.store.filesystem().stat(&path)? else { continue };
            if written(&stat.stamp) <= mark.now - options.grace() {
                let (what, why, bytes) = (What::Draft, Why::ProcessDead, stat.stamp.size);
                self.remove_old(&path, Removed { what, name: name_of(&path), cell: None, bytes, why })?;
            }
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
