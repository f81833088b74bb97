//! One go at bringing published paths up to date: what is written, all at once because making paths durable one by one
//! takes long, and what is said about it, in the order of the paths.

use std::path::Path;

use dgpipe_cache::{Kept, LedgerEntry, Replacement, Restoring, StoreError};

use super::{PublishHow, RunError};

/// One go at bringing published paths up to date.
pub(super) struct Publishing<'a> {
    /// The project root.
    root: &'a Path,
    pub(super) restoring: Restoring,
    written: Vec<Written>,
    said: Vec<(usize, String, PublishHow)>,
    /// Publications whose bytes turned out missing or bad.
    pub(super) missed: Vec<(usize, StoreError)>,
    fatal: Option<RunError>,
}

/// A path that is about to be written.
pub(super) struct Written {
    /// The index of its publication.
    pub(super) publication: usize,
    pub(super) path: String,
    /// The name of what was built beside it.
    pub(super) draft: String,
    /// What lay there when it was decided to write, and what will.
    pub(super) replacement: Replacement,
    pub(super) entry: LedgerEntry,
    /// What is said once it is; nothing of what goes without saying.
    pub(super) how: Option<PublishHow>,
}

impl<'a> Publishing<'a> {
    pub(super) fn new(root: &'a Path, restoring: Restoring) -> Self {
        Self { root, restoring, written: Vec::new(), said: Vec::new(), missed: Vec::new(), fatal: None }
    }

    /// Has a path written at the end. It is the one that was last given to `restoring`.
    pub(super) fn write(&mut self, written: Written) {
        self.written.push(written);
    }

    pub(super) fn say(&mut self, publication: usize, path: &str, how: PublishHow) {
        self.said.push((publication, path.to_owned(), how));
    }

    /// Takes what went wrong with a publication, whose path this is.
    pub(super) fn refused(&mut self, publication: usize, path: &str, error: RunError) {
        match error {
            RunError::Store(error) if error.is_miss() => self.missed.push((publication, error)),
            error => match only_this_path(&error) {
                Some(error) => self.say(publication, path, PublishHow::Impossible { error }),
                None => self.fatal = self.fatal.take().or(Some(error)),
            },
        }
    }

    /// How messages call a path of the project.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).display().to_string()
    }

    /// What is about to be put where.
    pub(super) fn intended(&self) -> impl Iterator<Item = (&str, &str, Replacement)> {
        self.written.iter().map(|written| (written.path.as_str(), written.draft.as_str(), written.replacement))
    }

    /// Has `intend` tell what is about to be put where, writes, notes in the ledger what was, says what is to be said, and
    /// returns what has to be made again. `keep` hears of edits that were moved aside, where nothing else says so:
    /// the path, and where the edit is.
    pub(super) fn finish(
        mut self,
        intend: impl Fn() -> Result<(), StoreError>,
        mut note: impl FnMut(String, LedgerEntry),
        hear: impl Fn(String, PublishHow),
        keep: impl Fn(&str, &str),
    ) -> Result<Vec<(usize, StoreError)>, RunError> {
        let all = std::mem::take(&mut self.written);
        let restored = self.restoring.finish_once(&intend);
        for (written, restored) in all.into_iter().zip(restored) {
            let Written { publication, path, entry, how, .. } = written;
            match restored {
                Err(StoreError::Changed { .. }) => self.say(publication, &path, PublishHow::Edited),
                Ok(_) => {
                    how.into_iter().for_each(|how| self.say(publication, &path, how));
                    note(path, entry);
                }
                Err(error) => self.refused(publication, &path, error.into()),
            }
        }
        self.said.sort_by_key(|(publication, ..)| *publication);
        for Kept { path, to } in self.restoring.take_kept() {
            let moved = PublishHow::MovedAside { to: self.shown(&to) };
            if !self.said.iter().any(|(.., how)| *how == moved) {
                keep(&self.shown(&path), &self.shown(&to));
            }
        }
        self.said.into_iter().for_each(|(_, path, how)| hear(path, how));
        self.fatal.map_or(Ok(self.missed), Err)
    }
}

/// The message of an error that lies in one path of the user's tree, and not in the disk or the store.
fn only_this_path(error: &RunError) -> Option<String> {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let (kind, text) = match error {
        RunError::Io(error) => (error.kind(), error.to_string()),
        RunError::Store(StoreError::File(error)) => (error.kind(), format!("{error}: {}", error.source)),
        RunError::Store(_) | RunError::Plan(_) | RunError::Refused { .. } => return None,
    };
    matches!(kind, IsADirectory | NotADirectory | PermissionDenied | ReadOnlyFilesystem).then_some(text)
}
