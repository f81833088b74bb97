//! What is wrong in the files of a folder, collected so that all of it is reported in one go.

use dgpipe_engine::stage::{FormatError, View};

/// Mistakes with the names of their files.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<String>);

impl Mistakes {
    /// Takes note of one in a file.
    pub(super) fn add(&mut self, file: &str, what: impl std::fmt::Display) {
        self.0.push(format!("{file}: {what}"));
    }

    /// Gives what was read of a file, or takes note of what is wrong with it.
    pub(super) fn of<T>(&mut self, file: &str, read: Result<T, Vec<String>>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(mistakes) => {
                mistakes.into_iter().for_each(|mistake| self.add(file, mistake));
                None
            }
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as one error.
    pub(super) fn into_error(self, folder: &View) -> FormatError {
        FormatError::content(folder.label(), self.0.join("; "))
    }
}
