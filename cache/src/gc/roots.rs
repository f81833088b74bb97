//! What is in use, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::content::{Artifact, Key};
use crate::layout::Bucket;
use crate::project::{KeysInUse, Project, RunFolder};
use crate::store::{Store, StoreError};

/// Why a record stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Root {
    /// A live run uses it, or executes it.
    Live,
    /// Somebody said so.
    Pinned,
    /// It is published.
    Published,
    /// It is the latest of a cell, or would be, had the last run of its pipeline not been killed.
    Latest,
    /// One of the last runs used it.
    Recent,
}

/// So many runs of each pipeline and profile keep what they used.
const LAST_RUNS: usize = 10;

/// All that is in use.
#[derive(Debug, Default)]
pub(super) struct Roots {
    keys: BTreeMap<Key, Root>,
    /// What was published: folders that were put together have no record.
    pub(super) artifacts: BTreeSet<Artifact>,
    /// Until when a record was the latest, in nanoseconds since 1970, and of which cell.
    former: BTreeMap<Key, (i128, String)>,
}

impl Roots {
    /// Tells why a record stays.
    pub(super) fn of(&self, key: &Key) -> Option<Root> {
        self.keys.get(key).copied()
    }

    /// Tells until when a record was the latest, and of which cell.
    pub(super) fn former(&self, key: &Key) -> Option<&(i128, String)> {
        self.former.get(key)
    }

    fn add(&mut self, key: Key, root: Root) {
        let stays = self.keys.entry(key).or_insert(root);
        *stays = root.min(*stays);
    }

    fn add_former(&mut self, key: Key, milliseconds: u64, cell: &str) {
        let until = i128::from(milliseconds) * 1_000_000;
        let former = self.former.entry(key).or_insert_with(|| (until, cell.to_owned()));
        if former.0 < until {
            *former = (until, cell.to_owned());
        }
    }

    fn add_project(&mut self, store: &Store, project: &Project, now: i128) -> Result<(), StoreError> {
        project.check_whole()?;
        // First, because a run notes what is the latest before it ends.
        for (before_last, run) in project.runs()?.iter().rev().enumerate() {
            let KeysInUse { keys, lives } = run.keys_in_use(store, now)?;
            let reported = if before_last < LAST_RUNS { reported_keys(run)? } else { Some(Vec::new()) };
            let root = match (lives, before_last) {
                (true, _) => Some(Root::Live),
                // The next run goes on where it was killed.
                (false, 0) => Some(Root::Latest),
                (false, _) => Some(Root::Recent),
            };
            if let Some(root) = root.filter(|_| lives || reported.is_none()) {
                keys.into_iter().for_each(|key| self.add(key, root));
            }
            reported.into_iter().flatten().for_each(|key| self.add(key, Root::Recent));
        }
        // Before the former ones, which a run notes first.
        let latest = project.latest()?;
        let former = project.former()?;
        for (cell, key) in &*latest {
            match former.gone.get(cell) {
                None => self.add(*key, Root::Latest),
                Some(since) => self.add_former(*key, *since, cell),
            }
        }
        for (key, replaced) in &former.replaced {
            self.add_former(*key, replaced.at, &replaced.cell);
        }
        for entry in project.ledger()?.entries.into_values() {
            self.artifacts.insert(entry.artifact);
            entry.key.into_iter().for_each(|key| self.add(key, Root::Published));
        }
        for key in project.pins()?.into_keys() {
            self.add(key, Root::Pinned);
        }
        Ok(())
    }
}

impl Store {
    /// Gathers what is in use. `now` is the time of the store's disk.
    pub(super) fn roots(&self, now: i128) -> Result<Roots, StoreError> {
        let mut roots = Roots::default();
        for project in self.all_projects()? {
            roots.add_project(self, &project, now)?;
        }
        for path in self.paths_in(&self.layout().bucket(Bucket::Leases))? {
            let key = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            key.into_iter().for_each(|key| roots.add(key, Root::Live));
        }
        Ok(roots)
    }
}

/// The keys that a run's report names, one a cell; nothing where the run came to no end.
fn reported_keys(run: &RunFolder) -> Result<Option<Vec<Key>>, StoreError> {
    let Some(report) = run.report()? else { return Ok(None) };
    let cells = report.get("cells").and_then(Value::as_object);
    let keys = cells.into_iter().flat_map(|cells| cells.values()).filter_map(|cell| cell.get("key")?.as_str());
    Ok(Some(keys.filter_map(|key| key.parse().ok()).collect()))
}
