//! Why a stage could not finish.

use std::error::Error;
use std::fmt;

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
