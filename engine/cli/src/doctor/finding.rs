//! One thing that was looked at.

use serde::Serialize;

/// One thing that was looked at, and how it is.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) what: &'static str,
    /// How it is.
    pub(crate) state: State,
    /// What was found.
    pub(crate) text: String,
    /// What to do about it, or what it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// It works, and something is to be known.
    Note,
    /// Something does not work.
    Problem,
}

impl Finding {
    /// A thing that is as it should be.
    pub(crate) fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self { what, state: State::Ok, text: text.into(), hint: None }
    }

    /// A thing that works, and what it means.
    pub(crate) fn note(what: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what, state: State::Note, text: text.into(), hint: Some(hint.into()) }
    }

    /// A thing that does not work, and what to do.
    pub(crate) fn problem(what: &'static str, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what, state: State::Problem, text: text.into(), hint: Some(hint.into()) }
    }
}
