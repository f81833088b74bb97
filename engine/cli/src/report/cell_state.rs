//! How a cell stands, for people: a word, a colour and a shape.

use dgpipe_engine::plan::Decision;
use dgpipe_engine::run::Outcome;

/// How a cell stands. Later ones are to be looked at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CellState {
    /// A record was found.
    Current,
    /// Nothing that is published needs it.
    Aside,
    /// Something that it reads executes first.
    Waiting,
    /// It never executed.
    New,
    /// What it was made of has changed since it executed.
    Stale,
    /// Something that it reads failed in the last run.
    Blocked,
    /// It executes now.
    Running,
    /// It failed in the last run.
    Failed,
}

impl CellState {
    /// All of them, in their order.
    pub(crate) const ALL: [Self; 8] =
        [Self::Current, Self::Aside, Self::Waiting, Self::New, Self::Stale, Self::Blocked, Self::Running, Self::Failed];

    /// What the plan says of a cell, the outcome in the last run, and whether it ever executed.
    pub(crate) fn of(decision: Option<&Decision>, last: Option<Outcome>, known: bool) -> Self {
        match (decision, last) {
            (None, _) => Self::Aside,
            (Some(Decision::Reuse), _) => Self::Current,
            (Some(Decision::Execute(_)), Some(Outcome::Failed)) => Self::Failed,
            (Some(Decision::Execute(_)), _) if known => Self::Stale,
            (Some(Decision::Execute(_)), _) => Self::New,
            (Some(Decision::Await(_)), Some(Outcome::Blocked)) => Self::Blocked,
            (Some(Decision::Await(_)), _) => Self::Waiting,
        }
    }

    /// The name of its class and of its shape.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Aside => "aside",
            Self::Waiting => "waiting",
            Self::New => "new",
            Self::Stale => "stale",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Failed => "failed",
        }
    }

    /// What people read.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Aside => "not needed",
            Self::Stale => "to execute",
            other => other.class(),
        }
    }

    /// The character that stands for it in the page's data: its place in [`CellState::ALL`].
    pub(crate) fn digit(self) -> char {
        char::from(b'0' + self as u8)
    }
}
