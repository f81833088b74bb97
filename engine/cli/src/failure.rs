//! Why a command could not be done, and the exit code that says so.

use std::error::Error;

use dgpipe_cache::StoreError;
use dgpipe_engine::graph::TargetError;
use dgpipe_engine::plan::{PlanError, SourceError};
use dgpipe_engine::run::RunError;
use dgpipe_engine::spec::{LoadError, Mistakes};

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// Everything that was asked for is done.
    Done,
    /// A stage failed, an edit blocks, or a plan was refused.
    Failed,
    /// A mistake in the file or the call.
    Mistake,
    /// Disk, permissions, remote.
    Environment,
    /// Stopped by Ctrl-C.
    Interrupted,
    /// Stopped by TERM.
    Terminated,
}

impl ExitStatus {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Mistake => 2,
            Self::Environment => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// Why a command could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The pipeline file has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// Something in the call is wrong.
    #[error("{message}")]
    Call {
        /// What.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Disk, permissions, remote.
    #[error("{message}")]
    Environment {
        /// What.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Failure {
    /// Something in the call is wrong.
    pub fn call(message: impl Into<String>) -> Self {
        Self::Call { message: message.into(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into());
        match self {
            Self::Call { message, .. } => Self::Call { message, hint },
            Self::Environment { message, .. } => Self::Environment { message, hint },
            Self::Mistakes(mistakes) => Self::Mistakes(mistakes),
        }
    }

    /// The exit code.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Mistakes(_) | Self::Call { .. } => ExitStatus::Mistake,
            Self::Environment { .. } => ExitStatus::Environment,
        }
    }

    /// The message of an error with those of its causes.
    fn environment(error: &(dyn Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Transparent wrappers repeat their cause; once is enough for a reader.
            if !message.ends_with(&text) {
                message.push_str(&format!(": {text}"));
            }
            source = cause.source();
        }
        Self::Environment { message, hint: None }
    }
}

/// What to do where there is no room.
const NO_ROOM: &str = "free space, or put the store elsewhere with `--cache DIR`; the next run resumes";

/// Whether something was refused for want of room. What refused it is known by its text only: it may have gone through
/// a stage type.
fn is_for_want_of_room(refused: &str) -> bool {
    ["is full", "No space left on device", "quota exceeded", "File too large"].iter().any(|text| refused.contains(text))
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Mistakes(mistakes) => mistakes.into(),
            LoadError::Io(error) => Self::environment(&error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            // It says all that its cause does.
            StoreError::Full { .. } => Self::Environment { message: error.to_string(), hint: None }.hint(NO_ROOM),
            _ if error.is_disk_full() => Self::environment(&error).hint(NO_ROOM),
            _ => Self::environment(&error),
        }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self::call(error.to_string())
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Store(error) => error.into(),
            PlanError::Sources(errors) if errors.iter().any(SourceError::is_refusal) => {
                Self::Environment { message: PlanError::Sources(errors).to_string(), hint: None }
            }
            PlanError::Sources(_) => Self::call(error.to_string())
                .hint("sources are paths relative to the project root, see `sources:` in the file"),
            PlanError::Input { .. } => Self::call(error.to_string()),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Plan(error) => error.into(),
            RunError::Store(error) => error.into(),
            RunError::Refused { error: ref refused, .. } if is_for_want_of_room(refused) => {
                Self::environment(&error).hint(NO_ROOM)
            }
            RunError::Refused { .. } => Self::environment(&error),
            RunError::Io(error) => Self::environment(&error),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::environment(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_lacks_room_is_told_to_free_space() {
        let hint = |error: &str| {
            let refused = RunError::Refused { cell: "made".to_owned(), error: error.to_owned() };
            let Failure::Environment { hint, .. } = Failure::from(refused) else { panic!("it is the environment") };
            hint.is_some()
        };
        let full = StoreError::Full {
            path: "x".into(),
            bytes: 0,
            inodes: 0,
            source: dgpipe_cache::FileError::new(
                "write",
                std::path::Path::new("x"),
                std::io::Error::from_raw_os_error(28),
            ),
        };
        assert!(hint(&full.to_string()));
        // No room, no quota, no larger file.
        for code in [28, 122, 27] {
            assert!(hint(&format!("cannot write `x`: {}", std::io::Error::from_raw_os_error(code))), "{code}");
        }
        for code in [13, 30, 24, 5] {
            assert!(!hint(&format!("cannot write `x`: {}", std::io::Error::from_raw_os_error(code))), "{code}");
        }
    }
}
