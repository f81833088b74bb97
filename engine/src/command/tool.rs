//! The digests of the executables that commands declare in `tools:`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use dgpipe_cache::{Digest, Filesystem, RealFilesystem, Stamp};

/// The digest of an executable. It is computed once as long as its stamp stays: many cells name the same tool.
pub(super) fn tool_digest(path: &Path) -> std::io::Result<Digest> {
    static KNOWN: Mutex<BTreeMap<PathBuf, (Digest, Stamp)>> = Mutex::new(BTreeMap::new());
    // Looked at before it is read, and not remembered while it is so young that a second write may hide in its stamp.
    let found = RealFilesystem.stat_target(path).map_err(|error| error.source)?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let (Some((digest, stamp)), Some(found)) = (known.get(path), &found)
        && *stamp == found.stamp
    {
        return Ok(*digest);
    }
    let digest = Digest::of(&fs_err::read(path)?);
    if let Some(found) = found.filter(|found| !found.stamp.is_young(RealFilesystem.now())) {
        known.insert(path.to_owned(), (digest, found.stamp));
    }
    Ok(digest)
}
