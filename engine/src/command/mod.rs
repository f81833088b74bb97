//! The stage type `command`: runs any program, with its inputs, outputs and environment declared.

mod argument;
mod bind;
mod child;
mod command_stage;
mod outputs;
mod watched;
mod working_folder;

pub use argument::Argument;
pub use command_stage::{CommandStage, WorkingFolderKind};

/// What `uses:` says for it.
pub const NAME: &str = "command";
/// Raised when the same declaration gives other results.
pub(crate) const VERSION: u32 = 1;

/// The digest of an executable, computed once per process: many cells name the same tool.
fn tool_digest(path: &std::path::Path) -> std::io::Result<dgpipe_cache::Digest> {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    static KNOWN: Mutex<BTreeMap<std::path::PathBuf, dgpipe_cache::Digest>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(digest) = known.get(path) {
        return Ok(*digest);
    }
    let digest = dgpipe_cache::Digest::of(&fs_err::read(path)?);
    known.insert(path.to_owned(), digest);
    Ok(digest)
}
