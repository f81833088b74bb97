//! Why a cell executes.

use std::fmt;

use dgpipe_cache::Key;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::FileChanges;

/// One cause of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The cell never executed before under this profile, and no record has its key.
    NewCell,
    /// A value of the config changed.
    ConfigChanged {
        /// Where in the config, with dots.
        path: String,
        /// The value before; nothing where the field is new.
        was: Value,
        /// The value now; nothing where the field is gone.
        now: Value,
        /// The param it comes from, and where that stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<String>,
    },
    /// A declared environment variable of a command changed.
    VariableChanged {
        /// Its name.
        name: String,
        /// The value before; nothing where it was not set or not declared.
        was: Option<String>,
        /// The value now; nothing where it is not set or no longer declared.
        now: Option<String>,
    },
    /// The executable of a declared tool changed.
    ToolChanged {
        /// Its name.
        name: String,
        /// The digest before, shortened; nothing where it was not declared.
        was: Option<String>,
        /// The digest now, shortened; nothing where it is no longer declared.
        now: Option<String>,
    },
    /// What an input port reads from another cell changed.
    InputChanged {
        /// The port.
        port: String,
        /// The cell that provides it.
        from: String,
        /// The part of it that is read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Its digest before, shortened; nothing where it is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<String>,
        /// Its digest now, shortened; nothing where it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<String>,
        /// The record that provided it before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was_key: Option<Key>,
        /// The record that provides it now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now_key: Option<Key>,
    },
    /// What an input port reads from a source changed.
    SourceChanged {
        /// The port.
        port: String,
        /// The source, and the part of it that is read.
        source: String,
        /// Where the source lies, where its name does not say so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<String>,
        /// Its digest before, shortened; nothing where it is new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<String>,
        /// Its digest now, shortened; nothing where it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<String>,
        /// What happened to the files of a folder, where it is known what was there before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<FileChanges>,
    },
    /// A command sees an input under another name.
    InputRenamed {
        /// The port.
        port: String,
        /// The name before.
        was: String,
        /// The name now.
        now: String,
    },
    /// An input port reads the same in another order.
    OrderChanged {
        /// The port.
        port: String,
    },
    /// The stage names another stage type.
    StageTypeChanged {
        /// The type before.
        was: String,
        /// The type now.
        now: String,
    },
    /// The stage type's version was raised.
    VersionChanged {
        /// The version before.
        was: u32,
        /// The version now.
        now: u32,
    },
    /// Outputs were added, removed, or have another kind.
    OutputsChanged,
    /// The record that was there before is gone.
    RecordMissing,
    /// Bytes that are needed are missing or bad in the store.
    ArtifactMissing {
        /// The output port.
        port: String,
    },
    /// A part that it reads is not in what another cell made, so that it will fail.
    PartMissing {
        /// What is missing where.
        what: String,
    },
    /// It was asked for.
    Forced,
    /// This version of dgpipe computes keys in another way.
    FormatChanged,
}

impl Reason {
    /// Whether no cell above it can be the cause.
    pub fn is_root(&self) -> bool {
        !matches!(self, Self::InputChanged { now: Some(_), .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewCell => write!(f, "new"),
            Self::ConfigChanged { path, was, now, origin } => {
                let (was, now) = pair(was, now);
                write!(f, "{path} {was} → {now}")?;
                origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))
            }
            Self::VariableChanged { name, was: None, now: None } => {
                write!(f, "variable {name}, which is not set, is declared or no longer is")
            }
            Self::VariableChanged { name, was, now } => {
                let value = |value: &Option<String>| match value.as_deref() {
                    None => "unset".to_owned(),
                    Some("") => "empty".to_owned(),
                    Some(value) => value.to_owned(),
                };
                write!(f, "variable {name} {} → {} (environment)", value(was), value(now))
            }
            Self::ToolChanged { name, was, now } => {
                write!(f, "tool {name} {}", old_and_new(was.as_ref(), now.as_ref()))
            }
            Self::InputChanged { port, from, path, was, now, .. } => {
                let path = path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
                write!(f, "input {port}: {from}{path} {}", change(was.as_ref(), now.as_ref()))
            }
            Self::SourceChanged { source, at, was, now, files, .. } => {
                let at = at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
                match files {
                    Some(files) => write!(f, "source {source}{at}: {files}"),
                    None => write!(f, "source {source}{at} {}", old_and_new(was.as_ref(), now.as_ref())),
                }
            }
            Self::InputRenamed { port, was, now } => write!(f, "input {port} is called {now}, before {was}"),
            Self::OrderChanged { port } => write!(f, "input {port}: the order of its cells changed"),
            Self::StageTypeChanged { was, now } => write!(f, "stage type {was} → {now}"),
            Self::VersionChanged { was, now } => write!(f, "version of the stage type {was} → {now}"),
            Self::OutputsChanged => write!(f, "declared outputs changed"),
            Self::RecordMissing => write!(f, "its record is gone from the store"),
            Self::ArtifactMissing { port } => write!(f, "bytes of `{port}` are missing in the store"),
            Self::PartMissing { what } => write!(f, "{what}"),
            Self::Forced => write!(f, "forced"),
            Self::FormatChanged => write!(f, "this dgpipe computes keys in another way"),
        }
    }
}

fn change(was: Option<&String>, now: Option<&String>) -> &'static str {
    match (was, now) {
        (None, _) => "was added",
        (_, None) => "was removed",
        (Some(_), Some(_)) => "changed",
    }
}

/// What comes from outside has no cell that could tell more, so its digests are told.
fn old_and_new(was: Option<&String>, now: Option<&String>) -> String {
    match (was, now) {
        (Some(was), Some(now)) => format!("changed, {was} → {now}"),
        (was, now) => change(was, now).to_owned(),
    }
}

/// Longer values are shown where they differ.
const MOST: usize = 60;

/// Two values on one line, not longer than a line can be.
fn pair(was: &Value, now: &Value) -> (String, String) {
    let (was, now) = (shown(was), shown(now));
    if was.chars().count() <= MOST && now.chars().count() <= MOST {
        return (was, now);
    }
    let (one, other): (Vec<char>, Vec<char>) = (was.chars().collect(), now.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let shorter = one.len().min(other.len()) - same;
    let end = one.iter().rev().zip(other.iter().rev()).take(shorter).take_while(|(a, b)| a == b).count();
    (cut(&one, same, end), cut(&other, same, end))
}

/// The part that differs, with some characters before and behind it that say where it is.
fn cut(text: &[char], same: usize, end: usize) -> String {
    const AROUND: usize = 12;
    let from = if same > AROUND + 3 { same - AROUND } else { 0 };
    let to = (text.len() - end.saturating_sub(AROUND)).min(from + MOST);
    let before = if from > 0 { "…" } else { "" };
    let after = if to < text.len() { "…" } else { "" };
    format!("{before}{}{after}", text[from..to].iter().collect::<String>())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.trim_end().replace('\n', "⏎"),
        other => other.to_string(),
    }
}

/// Several reasons on one line: of those that say the same about inputs of one port, the first and how many.
pub fn in_short(reasons: &[Reason]) -> String {
    let same_port = |one: &Reason, other: &Reason| match (one, other) {
        (Reason::InputChanged { port: a, was, now, .. }, Reason::InputChanged { port: b, was: w, now: n, .. }) => {
            a == b && change(was.as_ref(), now.as_ref()) == change(w.as_ref(), n.as_ref())
        }
        _ => false,
    };
    let mut said: Vec<String> = Vec::new();
    for group in reasons.chunk_by(same_port) {
        let more = if group.len() > 1 { format!(" and {} more", group.len() - 1) } else { String::new() };
        said.push(format!("{}{more}", group[0]));
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shown_where_they_differ() {
        let text = |end: &str| Value::from(format!("{}{end}", "word ".repeat(30)));
        let reason = |was, now| Reason::ConfigChanged { path: "run.0".to_owned(), was, now, origin: None };
        assert_eq!(reason(text("one"), text("two")).to_string(), "run.0 …d word word one → …d word word two");
        assert_eq!(reason(1.into(), Value::Null).to_string(), "run.0 1 → nothing");
    }

    #[test]
    fn equal_changes_of_many_members_are_counted() {
        let input = |from: &str, was: Option<&str>| Reason::InputChanged {
            port: "terms".to_owned(),
            from: from.to_owned(),
            path: None,
            was: was.map(str::to_owned),
            now: Some("2".to_owned()),
            was_key: None,
            now_key: None,
        };
        let reasons = [input("a", Some("1")), input("b", Some("1")), input("c", None), Reason::Forced];
        assert_eq!(in_short(&reasons), "input terms: a changed and 1 more; input terms: c was added; forced");
    }
}
