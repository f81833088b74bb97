//! Looks at the whole store, with all cores.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::{Incomplete, Problem, Verification};
use crate::content::{Digest, Key};
use crate::layout::Bucket;
use crate::project::Project;
use crate::record::Record;
use crate::store::{ReadRecord, Store, StoreError};

/// So many records are held in memory.
const RECORDS_AT_ONCE: usize = 1024;

impl Store {
    /// Hashes every object, reads every record and what is remembered of each project. `progress` hears how many bytes are done, of how many.
    ///
    /// What cannot be read does not keep the rest from being looked at.
    pub fn verify_whole(&self, progress: &(dyn Fn(u64, u64) + Sync)) -> Verification {
        let mut found = Verification::default();
        self.verify_objects(&mut found, progress);
        self.verify_records(&mut found);
        self.verify_projects(&mut found);
        found.problems.sort();
        // They say the same of the same objects, without order.
        drop(self.take_warnings());
        found
    }

    fn verify_objects(&self, found: &mut Verification, progress: &(dyn Fn(u64, u64) + Sync)) {
        let objects = self.inventory::<Digest>(Bucket::Objects, "");
        self.put_aside(objects.strange, objects.closed, found);
        let size = |path: &PathBuf| self.filesystem().stat(path).ok().flatten().map_or(0, |stat| stat.stamp.size);
        let sized: Vec<(Digest, PathBuf, u64)> =
            objects.named.into_par_iter().map(|(digest, path)| (digest, path.clone(), size(&path))).collect();
        let total = sized.iter().map(|(_, _, size)| size).sum();
        let done = AtomicU64::new(0);
        progress(0, total);
        // What this process found good before is hashed again: that is what was asked for.
        self.forget_verified();
        let bad = sized.par_iter().filter_map(|(digest, path, size)| {
            let verified = self.verify_object(digest, None);
            progress(done.fetch_add(*size, Ordering::Relaxed) + size, total);
            self.problem(path, verified.err()?)
        });
        found.problems.extend(bad.collect::<Vec<_>>());
        (found.objects, found.bytes) = (sized.len(), total);
    }

    fn verify_records(&self, found: &mut Verification) {
        let records = self.inventory::<Key>(Bucket::Records, ".json");
        self.put_aside(records.strange, records.closed, found);
        // A store may have more records than fit into memory.
        for some in records.named.chunks(RECORDS_AT_ONCE) {
            let read: Vec<_> = some.par_iter().map(|(key, path)| (path, self.read_record(key))).collect();
            for (path, read) in read {
                found.records += 1;
                match read {
                    Ok(ReadRecord::Good(record, _)) => found.incomplete.extend(self.lacking(&record)),
                    Ok(ReadRecord::Newer) => found.newer += 1,
                    Ok(ReadRecord::Bad(reason)) => found.problems.push(self.problem_at(path, reason)),
                    // It was removed meanwhile.
                    Ok(ReadRecord::Absent) => found.records -= 1,
                    Err(error) => found.problems.extend(self.problem(path, error)),
                }
            }
        }
    }

    /// Runs would take what is damaged for empty, and `gc` removes nothing while it is.
    fn verify_projects(&self, found: &mut Verification) {
        let projects = match self.all_projects() {
            Ok(projects) => projects,
            Err(error) => {
                found.problems.extend(self.problem(&self.layout().bucket(Bucket::Projects), error));
                return;
            }
        };
        for (path, error) in projects.iter().flat_map(Project::wrong_files) {
            match error {
                StoreError::Newer { .. } => found.newer += 1,
                error => found.problems.extend(self.problem(&path, error)),
            }
        }
    }

    /// The first output of a record that cannot be served.
    fn lacking(&self, record: &Record) -> Option<Incomplete> {
        let (port, reason) = record.outputs.iter().find_map(|(port, output)| {
            let error = self.verify(&output.artifact).err()?;
            Some((port.clone(), error.to_string()))
        })?;
        let stage_type = record.fingerprint.get("stage_type").and_then(serde_json::Value::as_str);
        Some(Incomplete {
            key: record.key,
            stage_type: stage_type.unwrap_or_default().to_owned(),
            run: record.run.clone(),
            port,
            reason,
        })
    }

    fn put_aside(&self, strange: Vec<(PathBuf, String)>, closed: Vec<(PathBuf, String)>, found: &mut Verification) {
        for (path, reason) in &strange {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.quarantine(path, &format!("strange-{name}"), reason);
        }
        let all = strange.into_iter().chain(closed);
        found.problems.extend(all.map(|(path, reason)| self.problem_at(&path, reason)));
    }

    /// Turns an error into a problem; what is gone by now is none.
    fn problem(&self, path: &Path, error: StoreError) -> Option<Problem> {
        let reason = match error {
            StoreError::Missing { .. } => return None,
            StoreError::Bad { reason, .. } | StoreError::Unreadable { reason, .. } => reason,
            StoreError::File(error) => format!("it cannot be read ({})", error.source),
            other => other.to_string(),
        };
        Some(self.problem_at(path, reason))
    }

    fn problem_at(&self, path: &Path, reason: String) -> Problem {
        let quarantined = matches!(self.filesystem().stat(path), Ok(None));
        Problem { path: path.to_owned(), reason, quarantined }
    }
}
