//! The memory of one project, pipeline and profile. Each file is replaced whole; one that cannot be
//! read is empty, with a warning, and one of a newer program is never replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Former, Intended, Ledger, LedgerEntry, Pin, RunFolder};
use crate::content::Key;
use crate::filesystem::{FileKind, Locking, Placement, Stamp, read_if_there};
use crate::layout::{Bucket, Layout, escape, unescape};
use crate::store::{Replacement, Store, StoreError, process_mark};

/// Raised with the format of `latest.json` and `ledger.json`.
const VERSION: u64 = 1;

const LATEST: &str = "latest.json";
const FORMER: &str = "former.json";
const LEDGER: &str = "ledger.json";
const INTENDED: &str = "intended-";
const PINS: &str = "pins.json";
const RUNS: &str = "runs";
const LOCK: &str = "lock";
const PUBLISHING: &str = "publishing";

/// How often lists that vanish while they are read are looked for again.
const LISTED_AGAIN: usize = 8;

/// Between two attempts to get the lock.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(2);

/// What the store remembers of one project, pipeline and profile.
#[derive(Debug, Clone)]
pub struct Project {
    store: Store,
    path: PathBuf,
    /// What was last read of the latest records, and the stamp that the file had before.
    known: Arc<Mutex<Option<(Stamp, Latest)>>>,
}

/// Keys of the latest records of cells, by the cells' names. Shared, since a run of many cells asks for it several times.
pub type Latest = Arc<BTreeMap<String, Key>>;

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u64,
    content: T,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl Store {
    /// Returns the memory of one project, pipeline and profile. Any text is a name. Looking into it makes nothing.
    pub fn project(&self, id: &str, pipeline: &str, profile: &str) -> Project {
        Project::new(self, self.layout().project(id, pipeline, profile))
    }

    /// Returns the memories of all projects, pipelines and profiles that use this store, in the order of their folders.
    pub fn all_projects(&self) -> Result<Vec<Project>, StoreError> {
        let mut folders = vec![self.layout().bucket(Bucket::Projects)];
        for _ in ["project", "pipeline", "profile"] {
            let below = folders.iter().map(|folder| self.folders_in(folder)).collect::<Result<Vec<_>, _>>()?;
            folders = below.into_iter().flatten().collect();
        }
        folders.sort();
        Ok(folders.into_iter().map(|path| Project::new(self, path)).collect())
    }

    /// Returns what is remembered of a project: pipeline, profile and memory, in the order of their names.
    pub fn projects(&self, id: &str) -> Result<Vec<(String, String, Project)>, StoreError> {
        let mut found = Vec::new();
        let folder = self.layout().bucket(Bucket::Projects).join(escape(id));
        for pipeline in self.names_in(&folder)? {
            let folder = folder.join(&pipeline);
            for profile in self.names_in(&folder)? {
                let project = Project::new(self, folder.join(&profile));
                found.push((unescape(&pipeline), unescape(&profile), project));
            }
        }
        Ok(found)
    }

    /// The drafts of all projects: the name of each, that of the file or folder it is for, and what it was to replace.
    pub(crate) fn told_replacements(&self) -> Result<BTreeMap<String, (String, Replacement)>, StoreError> {
        let mut told = BTreeMap::new();
        for project in self.all_projects()? {
            let intended = project.intended(&Ledger::default())?;
            told.extend(intended.drafts().map(|(path, draft, replacement)| {
                let name = path.rsplit('/').next().unwrap_or(path);
                (draft.to_owned(), (name.to_owned(), replacement))
            }));
        }
        Ok(told)
    }

    fn names_in(&self, folder: &Path) -> Result<Vec<String>, StoreError> {
        if self.filesystem().stat(folder)?.is_none_or(|stat| stat.kind != FileKind::Folder) {
            return Ok(Vec::new());
        }
        let names = self.filesystem().list(folder)?.into_iter();
        let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        names.sort_unstable();
        Ok(names)
    }
}

impl Project {
    fn new(store: &Store, path: PathBuf) -> Self {
        Self { store: store.clone(), path, known: Arc::default() }
    }

    /// Returns the folder in the store.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the names of project, pipeline and profile.
    pub fn names(&self) -> [String; 3] {
        let mut names = self.path.iter().rev().map(|name| unescape(&name.to_string_lossy()));
        let mut next = || names.next().unwrap_or_default();
        let (profile, pipeline, id) = (next(), next(), next());
        [id, pipeline, profile]
    }

    /// Reads the key of the latest record of each cell, where the file changed since it was last read.
    pub fn latest(&self) -> Result<Latest, StoreError> {
        let filesystem = self.store.filesystem();
        let stamp = filesystem.stat(&self.path.join(LATEST))?.map(|stat| stat.stamp);
        let stamp = stamp.filter(|stamp| !stamp.is_young(filesystem.now()));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(stamp), Some((of, latest))) = (stamp, &*known)
            && stamp == *of
        {
            return Ok(Arc::clone(latest));
        }
        let latest = Latest::new(self.read(LATEST)?);
        *known = stamp.map(|stamp| (stamp, Arc::clone(&latest)));
        Ok(latest)
    }

    /// Replaces the keys of the latest records.
    pub fn set_latest(&self, latest: &BTreeMap<String, Key>) -> Result<(), StoreError> {
        self.write(LATEST, latest)
    }

    /// Adds keys of latest records to what other runs have written by now, and notes which records are it no more.
    /// `exists` tells whether the pipeline still has a cell.
    pub fn add_latest(&self, keys: BTreeMap<String, Key>, exists: &dyn Fn(&str) -> bool) -> Result<(), StoreError> {
        let now = u64::try_from(self.store.filesystem().now() / 1_000_000).unwrap_or(0);
        let (latest, former) = (self.latest()?, self.former()?);
        let changes = |latest: &BTreeMap<String, Key>| keys.iter().any(|(cell, key)| latest.get(cell) != Some(key));
        let complete = latest.len() == keys.len() && !changes(&latest);
        if complete && former.gone.is_empty() {
            return Ok(());
        }
        if !changes(&latest) && former.clone().after(&latest, &keys, exists, now) == former {
            return Ok(());
        }
        let _held = self.lock()?;
        let mut latest = BTreeMap::clone(&*self.latest()?);
        // First, so that a record is never without both.
        let former = self.former()?;
        let after = former.clone().after(&latest, &keys, exists, now);
        if after != former {
            self.write(FORMER, &after)?;
        }
        latest.extend(keys);
        self.set_latest(&latest)
    }

    /// Reads which records were the latest once.
    pub fn former(&self) -> Result<Former, StoreError> {
        self.read(FORMER)
    }

    /// Reads which records are pinned.
    pub fn pins(&self) -> Result<BTreeMap<Key, Pin>, StoreError> {
        self.read(PINS)
    }

    /// Changes which records are pinned.
    pub fn change_pins(&self, change: impl FnOnce(&mut BTreeMap<Key, Pin>)) -> Result<(), StoreError> {
        let _held = self.lock()?;
        let mut pins = self.pins()?;
        change(&mut pins);
        self.write(PINS, &pins)
    }

    /// Forgets records that were removed, where they are the latest of no cell that exists.
    pub(crate) fn forget(&self, removed: &BTreeSet<Key>) -> Result<(), StoreError> {
        let (latest, former) = (self.latest()?, self.former()?);
        let is_former = |cell: &String, key: &Key| former.gone.contains_key(cell) && removed.contains(key);
        if !former.replaced.keys().any(|key| removed.contains(key))
            && !latest.iter().any(|(cell, key)| is_former(cell, key))
        {
            return Ok(());
        }
        let _held = self.lock()?;
        let (mut latest, mut former) = (BTreeMap::clone(&*self.latest()?), self.former()?);
        former.replaced.retain(|key, _| !removed.contains(key));
        latest.retain(|cell, key| !(former.gone.contains_key(cell) && removed.contains(key)));
        former.gone.retain(|cell, _| latest.contains_key(cell));
        self.set_latest(&latest)?;
        self.write(FORMER, &former)
    }

    /// Complains about what other readers would take for empty: whoever removes things must not mistake damage for
    /// nothing being in use.
    pub(crate) fn check_whole(&self) -> Result<(), StoreError> {
        self.wrong_files().into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Finds the files that other readers would take for empty, with what is wrong with each.
    pub(crate) fn wrong_files(&self) -> Vec<(PathBuf, StoreError)> {
        let wrong = [LATEST, FORMER, LEDGER, PINS]
            .into_iter()
            .filter_map(|name| self.check_file(name).err().map(|error| (self.path.join(name), error)));
        wrong.collect()
    }

    fn check_file(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let Some(bytes) = read_if_there(self.store.filesystem(), &path)? else { return Ok(()) };
        if let Some(version) = newer(&bytes) {
            return Err(StoreError::Newer { path, version });
        }
        let broken = match name {
            LATEST => serde_json::from_slice::<Versioned<BTreeMap<String, Key>>>(&bytes).err(),
            FORMER => serde_json::from_slice::<Versioned<Former>>(&bytes).err(),
            LEDGER => serde_json::from_slice::<Versioned<Ledger>>(&bytes).err(),
            _ => serde_json::from_slice::<Versioned<BTreeMap<Key, Pin>>>(&bytes).err(),
        };
        broken.map_or(Ok(()), |error| Err(StoreError::Unreadable { path, reason: error.to_string() }))
    }

    /// Reads what was published where.
    pub fn ledger(&self) -> Result<Ledger, StoreError> {
        self.read(LEDGER)
    }

    /// Replaces the list of what was published where.
    pub fn set_ledger(&self, ledger: &Ledger) -> Result<(), StoreError> {
        self.write(LEDGER, ledger)
    }

    /// Adds entries to what other runs have noted by now.
    pub fn add_to_ledger(&self, entries: BTreeMap<String, LedgerEntry>) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let _held = self.lock()?;
        let mut ledger = self.ledger()?;
        ledger.entries.extend(entries);
        self.set_ledger(&ledger)
    }

    /// Reads what runs were about to put where, as far as the ledger does not say so by now. What a power cut left of
    /// a list is none: nothing was put anywhere before the list was durable.
    pub fn intended(&self, ledger: &Ledger) -> Result<Intended, StoreError> {
        let read = || -> Result<Vec<_>, StoreError> {
            let paths = self.intended_files()?.into_iter();
            Ok(paths.map(|path| read_if_there(self.store.filesystem(), &path)).collect::<Result<_, _>>()?)
        };
        let mut lists = read()?;
        // Whoever may publish has put another list in the place of one; that does not happen many times in a row.
        for _ in 0..LISTED_AGAIN {
            if lists.iter().all(Option::is_some) {
                break;
            }
            lists = read()?;
        }
        let mut all = Intended::default();
        let told = lists.iter().flatten().filter_map(|bytes| serde_json::from_slice::<Versioned<Intended>>(bytes).ok());
        told.filter(|told| told.version <= VERSION).for_each(|told| all.join(told.content, ledger));
        Ok(all)
    }

    /// Tells, durably, what is about to be put where, in place of what was told before. Only who has the right to
    /// publish may do so.
    pub fn intend(&self, intended: &Intended) -> Result<(), StoreError> {
        self.store.make_folder(&self.path)?;
        let before = self.intended_files()?;
        // A name of its own, because it takes one wait for the disk less than replacing the last one would.
        let path = loop {
            let name = format!("{INTENDED}{}-{}.json", process_mark(), self.store.number());
            let path = self.path.join(name);
            if !before.contains(&path) {
                break path;
            }
        };
        let bytes = serde_json::to_vec(&Versioned { version: VERSION, content: intended });
        let bytes = bytes.map_err(|source| StoreError::Encode { path: path.clone(), source })?;
        let written = self.store.write_draft(&path, &bytes, Layout::FILE_MODE);
        written.map_err(|error| self.store.explain(error))?;
        self.store.make_durable(&BTreeSet::from([path]), &BTreeSet::from([self.path.clone()]))?;
        for path in before {
            // What stays says nothing else than the new one.
            drop(self.store.filesystem().remove_file(&path));
        }
        Ok(())
    }

    fn intended_files(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut paths = self.store.paths_in(&self.path)?;
        paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(INTENDED)));
        Ok(paths)
    }

    /// Asks for the right to bring published paths up to date, which one run at a time has. It ends when the file is
    /// closed. Nothing where another run has it.
    pub fn try_publishing(&self) -> Result<Option<fs_err::File>, StoreError> {
        self.store.make_folder(&self.path)?;
        let filesystem = self.store.filesystem();
        let file = filesystem.open_lock(&self.path.join(PUBLISHING))?;
        let held = filesystem.try_lock(&file)? != Locking::Busy;
        Ok(held.then_some(file))
    }

    /// Keeps other processes from changing the memory between reading and writing it. Held for moments only.
    fn lock(&self) -> Result<fs_err::File, StoreError> {
        self.store.make_folder(&self.path)?;
        let filesystem = self.store.filesystem();
        let file = filesystem.open_lock(&self.path.join(LOCK))?;
        // On a disk without locks, the last of two writers wins; what is lost is memory of the past, never work.
        while filesystem.try_lock(&file)? == Locking::Busy {
            std::thread::sleep(PAUSE);
        }
        Ok(file)
    }

    /// Makes the folder of a new run.
    pub fn new_run(&self, id: &str) -> Result<RunFolder, StoreError> {
        let runs = self.path.join(RUNS);
        self.store.make_folder(&runs)?;
        let path = runs.join(escape(id));
        let made = self.store.filesystem().create_folder(&path, Layout::FOLDER_MODE);
        if made.map_err(|error| self.store.explain(error))? == Placement::Taken {
            return Err(StoreError::Exists { path });
        }
        self.store.sync_later(&runs);
        Ok(RunFolder::new(self.store.clone(), id.to_owned(), path))
    }

    /// Returns all runs, sorted by id.
    pub fn runs(&self) -> Result<Vec<RunFolder>, StoreError> {
        let runs = self.path.join(RUNS);
        let mut found = Vec::new();
        if self.store.filesystem().stat(&runs)?.is_none() {
            return Ok(found);
        }
        for name in self.store.filesystem().list(&runs)? {
            if let Some(name) = name.to_str() {
                let path = runs.join(name);
                found.push(RunFolder::new(self.store.clone(), unescape(name), path));
            }
        }
        found.sort_by(|one, other| one.id().cmp(other.id()));
        Ok(found)
    }

    fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T, StoreError> {
        let path = self.path.join(name);
        let Some(bytes) = read_if_there(self.store.filesystem(), &path)? else {
            return Ok(T::default());
        };
        // The version is looked for only where the rest does not fit: these files can be large.
        match serde_json::from_slice::<Versioned<T>>(&bytes) {
            Ok(versioned) if versioned.version <= VERSION => return Ok(versioned.content),
            read => {
                if let Some(version) = newer(&bytes) {
                    let path = path.display();
                    let text =
                        format!("a newer dgpipe wrote `{path}` (version {version}); it is left alone and not used");
                    self.store.warn(text);
                } else if let Err(error) = read {
                    self.store.quarantine(&path, name, &error.to_string());
                }
            }
        }
        Ok(T::default())
    }

    fn write<T: Serialize>(&self, name: &str, content: &T) -> Result<(), StoreError> {
        self.store.make_folder(&self.path)?;
        let path = self.path.join(name);
        if let Some(version) = read_if_there(self.store.filesystem(), &path)?.and_then(|bytes| newer(&bytes)) {
            return Err(StoreError::Newer { path, version });
        }
        let versioned = Versioned { version: VERSION, content };
        let bytes = serde_json::to_vec_pretty(&versioned);
        let bytes = bytes.map_err(|source| StoreError::Encode { path: path.clone(), source })?;
        self.store.write_whole(&path, &bytes)
    }
}

fn newer(bytes: &[u8]) -> Option<u64> {
    let Version { version } = serde_json::from_slice(bytes).ok()?;
    (version > VERSION).then_some(version)
}
