//! Why a file could not be fetched, and whether that may pass.

use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
    /// No answer came.
    #[error("cannot reach `{url}`: {why}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the connection says.
        why: String,
    },
    /// Nothing more came for too long.
    #[error("`{url}` sent nothing for {seconds} s")]
    Stalled {
        /// What was asked for.
        url: String,
        /// For how long.
        seconds: u64,
    },
    /// The answer ended before the file did.
    #[error("`{url}` broke off after {got} bytes")]
    Cut {
        /// What was asked for.
        url: String,
        /// How many bytes of the file are here.
        got: u64,
    },
    /// The server cannot answer now.
    #[error("`{url}` answers {status}, try again later")]
    Busy {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// When, where it says so.
        after: Option<Duration>,
    },
    /// The server does not continue a file where it was asked to.
    #[error("`{url}` does not continue where the file broke off")]
    Discontinued {
        /// What was asked for.
        url: String,
    },
    /// What was put together of several answers is not the file.
    #[error("what `{url}` sent in parts does not fit together")]
    Misfit {
        /// What was asked for.
        url: String,
    },
    /// The server will not answer.
    #[error("`{url}` answers {status}")]
    Refused {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
    },
    /// The answer led elsewhere, and on.
    #[error("`{url}` {why}")]
    Astray {
        /// What was asked for.
        url: String,
        /// Where to.
        why: &'static str,
    },
    /// The answer is something else than the file.
    #[error("`{url}` is not the file that was asked for: {why}")]
    NotTheFile {
        /// What was asked for.
        url: String,
        /// What gives it away.
        why: String,
    },
    /// Something else has the name of the file.
    #[error("`{}` is another file: {why}", path.display())]
    Occupied {
        /// Where.
        path: PathBuf,
        /// What gives it away.
        why: String,
    },
    /// Somebody else fetches it.
    #[error("another `fetch` is writing `{}`", path.display())]
    Taken {
        /// What it writes.
        path: PathBuf,
    },
    /// It cannot be written.
    #[error(transparent)]
    Disk(#[from] std::io::Error),
}

impl FetchError {
    /// Whether another attempt may help.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Stalled { .. }
                | Self::Cut { .. }
                | Self::Busy { .. }
                | Self::Discontinued { .. }
                | Self::Misfit { .. }
        )
    }

    /// How long the server asks to wait.
    pub(super) fn after(&self) -> Option<Duration> {
        if let Self::Busy { after, .. } = self { *after } else { None }
    }

    /// What to do about it.
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Unreachable { .. } => {
                "is there a network? `HTTPS_PROXY` and `NO_PROXY` count, `--from URL` names a mirror; files that were \
                 fetched on another machine can be copied"
            }
            Self::Stalled { .. } | Self::Cut { .. } | Self::Busy { .. } => "the same call goes on where this one ended",
            Self::Discontinued { .. } | Self::Misfit { .. } => "nothing was kept; the same call begins anew",
            Self::Refused { status: 401 | 403 | 407, .. } => {
                "the server, or a proxy before it, wants to know who you are; `--from URL` names a mirror"
            }
            Self::Refused { status: 404 | 410, .. } => "a mirror needs the same paths as the server that it stands for",
            Self::NotTheFile { .. } => "a login page, a proxy or a stale mirror may stand between; nothing was kept",
            Self::Occupied { .. } => "move it away, or fetch into another folder with `--out DIR`",
            Self::Taken { .. } => "wait for it, or fetch into another folder with `--out DIR`",
            Self::Disk(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                "free space, or fetch into another folder with `--out DIR`; the same call goes on where this one ended"
            }
            _ => return None,
        })
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let hint = error.hint();
        let failure = match error {
            FetchError::Occupied { .. } => Failure::call(error.to_string()),
            FetchError::Disk(error) => error.into(),
            error => Failure::Environment { message: error.to_string(), hint: None },
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
