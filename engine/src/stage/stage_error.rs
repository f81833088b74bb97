//! Why a stage could not finish.

use std::error::Error;
use std::io::ErrorKind;
use std::{fmt, io};

use dgpipe_cache::StoreError;

/// What a system answers where it takes no more bytes.
const NO_ROOM: [ErrorKind; 4] =
    [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge, ErrorKind::ReadOnlyFilesystem];

/// The failure of one execution: any error, with a hint what to do where there is one.
///
/// It deliberately is no [`std::error::Error`] itself, so that `?` turns every error into it.
#[derive(Debug)]
pub struct StageError {
    cause: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
    cancelled: bool,
}

impl StageError {
    /// Fails with a message: lower case, names in backticks, no final period.
    pub fn new(message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self { cause: message.into(), hint: None, cancelled: false }
    }

    /// Says that the stage stopped because it was asked to.
    pub fn cancelled() -> Self {
        Self { cause: "cancelled".into(), hint: None, cancelled: true }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the user can do about it.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Whether a disk or the store refused, for which the stage is not to blame.
    pub(crate) fn is_refusal(&self) -> bool {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*self.cause);
        while let Some(error) = cause {
            let by_disk = error.downcast_ref::<io::Error>().is_some_and(|error| NO_ROOM.contains(&error.kind()));
            let by_store = matches!(error.downcast_ref(), Some(StoreError::File(_) | StoreError::Full { .. }));
            if by_disk || by_store {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// Whether the stage stopped because it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }
}

impl fmt::Display for StageError {
    /// Writes the message and the chain of causes, joined by `: `.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        let mut written = self.cause.to_string();
        let mut source = self.cause.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Transparent wrappers repeat their cause; once is enough for a reader.
            if !written.contains(&text) {
                write!(f, ": {text}")?;
                written = text;
            }
            source = cause.source();
        }
        Ok(())
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for StageError {
    fn from(error: E) -> Self {
        Self { cause: Box::new(error), hint: None, cancelled: false }
    }
}
