//! The digests of the executables that commands declare in `tools:`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use dgpipe_cache::Digest;

/// The digest of an executable, computed once per process: many cells name the same tool.
pub(super) fn tool_digest(path: &Path) -> std::io::Result<Digest> {
    static KNOWN: Mutex<BTreeMap<PathBuf, Digest>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(digest) = known.get(path) {
        return Ok(*digest);
    }
    let digest = Digest::of(&fs_err::read(path)?);
    known.insert(path.to_owned(), digest);
    Ok(digest)
}
