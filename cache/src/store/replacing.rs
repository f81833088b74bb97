//! Putting one thing in the place of another without losing what its owner saves there in that very moment. What comes
//! out of the replacement is all that tells what was replaced, so that is looked at; what nobody knew goes back.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::content::Digest;
use crate::filesystem::{FileKind, Filesystem, Placement};
use crate::source::{HashOptions, SourceMemo, hash_path};
use crate::tree::TreeError;

/// End of the name of what was moved out of the way where two names cannot be swapped.
pub(super) const ASIDE: &str = "old";

/// End of the name of a folder that nothing is lost with.
pub(super) const GONE: &str = "gone";

/// The most bytes of a name on the file systems of today.
const LONGEST_NAME: usize = 255;

/// What may be replaced at a path, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// What lies there; none where nothing does. All else is an edit, and stays.
    pub found: Option<Digest>,
    /// What is put there.
    pub put: Digest,
}

impl Replacement {
    /// Whether something is one of the two, so that nothing is lost with it.
    pub(super) fn knows(&self, digest: Digest) -> bool {
        self.found == Some(digest) || self.put == digest
    }
}

/// The digest of what lies at a path of the user, as published artifacts have it; none where nothing does. What cannot
/// have been published, such as a symbolic link, has a digest that no artifact has.
pub fn published_digest(path: &Path, memo: &SourceMemo) -> Result<Option<Digest>, StoreError> {
    let foreign = Digest::of(b"neither a file nor a folder as dgpipe publishes them");
    match memo.filesystem().stat(path)? {
        None => return Ok(None),
        Some(stat) if stat.kind == FileKind::Link => return Ok(Some(foreign)),
        Some(_) => {}
    }
    match hash_path(path, HashOptions { hidden: true, links: true }, memo) {
        Ok(snapshot) => Ok(Some(snapshot.artifact().digest)),
        // Its owner has just removed it. Where only something in it went meanwhile, it is still there.
        Err(TreeError::Missing { path: missing }) if missing == path => Ok(None),
        Err(TreeError::File(error)) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        Err(_) => Ok(Some(foreign)),
    }
}

/// An edit that was moved beside its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The path that was edited.
    pub path: PathBuf,
    /// Where the edit is now.
    pub to: PathBuf,
}

/// A path of the user where something is put.
pub(super) struct Place<'a> {
    pub(super) tree: &'a dyn Filesystem,
    pub(super) memo: &'a SourceMemo,
    pub(super) path: &'a Path,
    /// What may be replaced; none where it may be anything.
    pub(super) replacement: Option<Replacement>,
}

impl Place<'_> {
    /// Puts a draft there in one step, and returns where what was there is now, if anything was. Where that fails,
    /// something that nobody knew may be left at the name of the draft, or at that with [`ASIDE`]. `kept` gets the edits that
    /// had to be moved elsewhere.
    pub(super) fn put(&self, draft: &Path, kept: &mut Vec<Kept>) -> Result<Option<PathBuf>, StoreError> {
        if !self.may_go(self.path)? {
            return Err(self.changed());
        }
        // Where nothing was a moment ago, another process may have put something by now.
        if self.tree.stat(self.path)?.is_none() && self.tree.rename_new(draft, self.path)? == Placement::Placed {
            return Ok(None);
        }
        match self.tree.exchange(draft, self.path) {
            Ok(true) => {}
            Ok(false) => return self.put_in_two_steps(draft, kept),
            // Its owner has just removed it, perhaps to save it anew.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(self.changed()),
            Err(error) => return Err(error.into()),
        }
        match self.may_go(draft) {
            Ok(true) => Ok(Some(draft.to_owned())),
            // Where nobody can tell whether it is an edit, it goes back as well.
            unknown => {
                self.put_back(draft, kept)?;
                Err(unknown.err().unwrap_or_else(|| self.changed()))
            }
        }
    }

    /// Without an exchange there is a moment with nothing at the path; a crash in it leaves what was there beside, and
    /// the next run brings the new thing.
    fn put_in_two_steps(&self, draft: &Path, kept: &mut Vec<Kept>) -> Result<Option<PathBuf>, StoreError> {
        let aside = draft.with_extension(ASIDE);
        self.tree.rename(self.path, &aside)?;
        let known = self.may_go(&aside);
        let error = match &known {
            Ok(true) => match self.tree.rename_new(draft, self.path) {
                Ok(Placement::Placed) => return Ok(Some(aside)),
                // Its owner put something there in that moment, which is an edit.
                Ok(Placement::Taken) => return Err(self.changed()),
                Err(error) => error.again().into(),
            },
            Ok(false) => self.changed(),
            Err(error) => error.again(),
        };
        if self.tree.rename_new(&aside, self.path)? == Placement::Taken && !matches!(known, Ok(true)) {
            kept.push(self.keep(&aside)?);
        }
        Err(error)
    }

    /// Gives what has the draft's name now its place again, and the draft its name.
    fn put_back(&self, draft: &Path, kept: &mut Vec<Kept>) -> Result<(), StoreError> {
        match self.tree.exchange(draft, self.path) {
            // Its owner has just removed the new thing.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let _ = self.tree.rename_new(draft, self.path)?;
                return Ok(());
            }
            exchanged => exchanged?,
        };
        if !self.is_own(draft)? {
            // Its owner saved once more, and finds there what was saved last; the other one is kept as well.
            self.tree.exchange(draft, self.path)?;
            kept.push(self.keep(draft)?);
        }
        Ok(())
    }

    /// Moves an edit of the path beside it.
    pub(super) fn keep(&self, edit: &Path) -> Result<Kept, StoreError> {
        Ok(Kept { path: self.path.to_owned(), to: keep_beside(self.tree, edit, self.path)? })
    }

    /// Whether nothing is lost with what lies at a path.
    pub(super) fn is_known(&self, path: &Path) -> Result<bool, StoreError> {
        let Some(known) = self.replacement else { return Ok(true) };
        Ok(published_digest(path, self.memo)?.is_none_or(|found| known.knows(found)))
    }

    fn may_go(&self, path: &Path) -> Result<bool, StoreError> {
        self.replacement.map_or(Ok(true), |known| Ok(published_digest(path, self.memo)? == known.found))
    }

    fn is_own(&self, path: &Path) -> Result<bool, StoreError> {
        self.replacement.map_or(Ok(true), |known| Ok(published_digest(path, self.memo)? == Some(known.put)))
    }

    fn changed(&self) -> StoreError {
        StoreError::Changed { path: self.path.to_owned() }
    }
}

/// Says by its name that nothing is lost with something, and returns where it is: removing a folder takes many steps, and
/// what is left of it between them would not be known. It is removed once that name is durable.
pub(super) fn mark_gone(tree: &dyn Filesystem, path: &Path) -> Result<PathBuf, StoreError> {
    if tree.stat(path)?.is_none_or(|stat| stat.kind != FileKind::Folder) {
        return Ok(path.to_owned());
    }
    let gone = path.with_extension(GONE);
    if tree.stat(&gone)?.is_some() {
        // It is left of an attempt that failed.
        tree.remove_tree(&gone)?;
    }
    tree.rename(path, &gone)?;
    Ok(gone)
}

/// Moves something beside a path, under a name that is made of the path's and is free, and returns where it is.
pub(super) fn keep_beside(tree: &dyn Filesystem, from: &Path, path: &Path) -> Result<PathBuf, StoreError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for number in 1_u64.. {
        let ending = format!(".edited-{number}");
        let start = &name[..name.floor_char_boundary(LONGEST_NAME - ending.len())];
        let kept = path.with_file_name(format!("{start}{ending}"));
        // What has the name stays, also where it came this moment.
        if tree.rename_new(from, &kept)? == Placement::Placed {
            return Ok(kept);
        }
    }
    unreachable!("there are more numbers than names in a folder")
}
