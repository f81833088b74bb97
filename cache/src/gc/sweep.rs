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
use crate::store::{MemoryKind, Scratch, Store, StoreError};

/// Removes things, or only tells about them.
struct Sweep<'a> {
    store: &'a Store,
    /// Where things are looked at once more before they go; none where only the question was asked.
    aside: Option<Scratch>,
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
        let mut sweep = Sweep { store: self, aside: None, removed: Vec::new() };
        sweep.tell_abandoned()?;
        if !options.dry_run {
            // With this the folders of dead processes go.
            sweep.aside = Some(self.scratch("gc")?);
        }
        sweep.sweep_records(&mark, &doomed, &roots)?;
        sweep.sweep_objects(&mark, &doomed)?;
        sweep.sweep_memory(&doomed)?;
        sweep.sweep_leftovers(&mark, &doomed, options)?;
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
    fn tell_abandoned(&mut self) -> Result<(), StoreError> {
        for path in self.store.abandoned()? {
            let (name, bytes) = (name_of(&path), self.store.bytes_below(&path)?);
            self.removed.push(Removed { what: What::Scratch, name, cell: None, bytes, why: Why::ProcessDead });
        }
        Ok(())
    }

    /// Removes records, durably, so that a crash can only leave objects without records.
    fn sweep_records(&mut self, mark: &Mark, doomed: &Doomed, roots: &Roots) -> Result<(), StoreError> {
        let (mut gone, mut folders) = (BTreeSet::new(), BTreeSet::new());
        for (key, why) in &doomed.records {
            let record = &mark.records[key];
            let cell = roots.former(key).map(|(_, cell)| cell.clone());
            let bytes = record.stamp.size;
            let removed = Removed { what: What::Record, name: key.to_string(), cell, bytes, why: *why };
            if self.remove_unused(&record.path, &record.stamp, removed)? {
                gone.insert(*key);
                folders.extend(record.path.parent().map(Path::to_owned));
            }
        }
        if self.aside.is_some() && !gone.is_empty() {
            gone.iter().for_each(|key| self.store.forget_indexed(key));
            self.store.make_durable(&BTreeSet::new(), &folders)?;
            for project in self.store.all_projects()? {
                project.forget(&gone)?;
            }
            self.store.save_index()?;
        }
        Ok(())
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
        if let Some(aside) = &self.aside {
            let filesystem = self.store.filesystem();
            let aside = aside.path().join(self.store.number().to_string());
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
        if self.aside.is_some() {
            self.store.filesystem().remove_tree(path)?;
        }
        self.removed.push(removed);
        Ok(())
    }

    fn sweep_memory(&mut self, doomed: &Doomed) -> Result<(), StoreError> {
        for (memory, why) in &doomed.memory {
            if self.aside.is_some() {
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
                self.remove_old(&path, Removed { what, name, cell: None, bytes: stat.stamp.size, why })?;
            }
        }
        for (what, path) in self.store.left_for_people()? {
            let Some(stat) = self.store.filesystem().stat(&path)?.filter(|stat| old(&stat.stamp)) else { continue };
            let why = Why::Old { since: milliseconds(written(&stat.stamp)) };
            let bytes = self.store.bytes_below(&path)?;
            self.remove_old(&path, Removed { what, name: name_of(&path), cell: None, bytes, why })?;
        }
        Ok(())
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
