//! The project root while a command runs in it. Commands run there one at a time, whichever run they belong to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dgpipe_cache::{FileError, Filesystem, Locking, RealFilesystem};
use rustix::fs::FlockOperation;
use rustix::io::FdFlags;

/// The right to run in a project root. It ends when this is dropped, or, where this process is killed, with the last
/// process that it had started: what outlives a killed run may still write to the outputs of the next one.
#[derive(Debug)]
pub(crate) struct ProjectRoot(fs_err::File);

impl ProjectRoot {
    /// Enters a project root, unless another command runs in it.
    pub(crate) fn try_enter(root: &Path) -> Result<Option<Self>, FileError> {
        let failed = |error: std::io::Error| FileError::new("open", root, error);
        let lock = fs_err::File::open(root).map_err(failed)?;
        match RealFilesystem.try_lock(&lock)? {
            // Where the file system has no locks, commands are still kept apart by the paths of their outputs.
            Locking::Acquired | Locking::Unsupported => {}
            Locking::Busy => return Ok(None),
        }
        // Inherited by all that is started from now on.
        rustix::io::fcntl_setfd(lock.file(), FdFlags::empty()).map_err(|error| failed(error.into()))?;
        Ok(Some(Self(lock)))
    }
}

impl Drop for ProjectRoot {
    fn drop(&mut self) {
        // Also for those who inherited it: they are dead, or are killed at the end of the run.
        rustix::fs::flock(self.0.file(), FlockOperation::Unlock).ok();
    }
}

/// A hidden name beside a path: sources leave hidden names out, so that none of them changes.
fn beside(path: &Path, what: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".dgpipe-{what}-{name}"))
}

/// Where what lies at an output's path is while a command makes it anew.
pub(super) fn aside(path: &Path) -> PathBuf {
    beside(path, "before")
}

/// Puts back what a killed run had moved aside; what it had written is kept as well. Returns whether there was anything.
pub(super) fn put_back(tree: &dyn Filesystem, path: &Path) -> Result<bool, FileError> {
    let before = aside(path);
    if tree.stat(&before)?.is_none() {
        return Ok(false);
    }
    if tree.stat(path)?.is_some() {
        let unfinished = beside(path, "unfinished");
        tree.remove_tree(&unfinished)?;
        tree.rename(path, &unfinished)?;
    }
    tree.rename(&before, path)?;
    Ok(true)
}

/// Puts back what killed runs had moved aside from any of these outputs, given relative to the root, and says of which.
/// Nothing is done while a command runs there, who has moved it aside itself.
pub(crate) fn put_all_back(root: &Path, outputs: &[String]) -> Result<Vec<String>, FileError> {
    let tree: Arc<dyn Filesystem> = RealFilesystem.beneath(root)?;
    let mut waiting = Vec::new();
    for output in outputs {
        // Where that cannot be looked at, the command itself will say so.
        if tree.stat(&aside(&root.join(output))).is_ok_and(|stat| stat.is_some()) {
            waiting.push(output);
        }
    }
    let entered = if waiting.is_empty() { None } else { ProjectRoot::try_enter(root)? };
    let mut done = Vec::new();
    for output in waiting.into_iter().filter(|_| entered.is_some()) {
        if put_back(&*tree, &root.join(output))? {
            done.push(output.clone());
        }
    }
    Ok(done)
}
