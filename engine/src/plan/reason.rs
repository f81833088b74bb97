//! Why a cell executes.

use std::fmt;
use std::ops::Range;

use dgpipe_cache::Key;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::stretches::stretches;
use super::{AxisChange, FileChanges};

/// One cause of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The cell never executed before under this profile, and no record has its key.
    NewCell {
        /// The axes of which it has a value that no cell of its stage had before; none where the stage is new.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        axes: Vec<AxisChange>,
    },
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
        /// The params in a text that changed, where they explain all that is another in it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        params: Vec<ParamChange>,
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
        /// Of a cell that is gone: the axes that lost its value.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        axes: Vec<AxisChange>,
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
        /// The stage type; empty in records of former versions of dgpipe.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stage_type: String,
        /// The version before.
        was: u32,
        /// The version now.
        now: u32,
    },
    /// Outputs were added, removed, or have another kind.
    OutputsChanged {
        /// Outputs that are new.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        added: Vec<String>,
        /// Outputs that are gone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<String>,
        /// Outputs that have another kind.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<String>,
    },
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

/// A param that has another value in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamChange {
    /// The param.
    pub name: String,
    /// The value before.
    pub was: String,
    /// The value now.
    pub now: String,
    /// Where the value of now stands.
    pub origin: String,
}

impl fmt::Display for ParamChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = change_of(&one_line(&self.was), &one_line(&self.now));
        write!(f, "param {} {change} ({})", self.name, self.origin)
    }
}

impl Reason {
    /// Whether no cell above it can be the cause.
    pub fn is_root(&self) -> bool {
        !matches!(self, Self::InputChanged { now: Some(_), .. })
    }

    /// What tells a first change from others: its text, and the stage where the text could be that of another change.
    pub(crate) fn root(&self, stage: &str) -> String {
        let says_where = match self {
            Self::ConfigChanged { origin, params, .. } => {
                !params.is_empty() || origin.as_ref().is_some_and(|origin| origin != "default")
            }
            Self::InputChanged { axes, .. } => !axes.is_empty(),
            Self::VersionChanged { stage_type, .. } => !stage_type.is_empty(),
            Self::VariableChanged { .. }
            | Self::ToolChanged { .. }
            | Self::SourceChanged { .. }
            | Self::PartMissing { .. }
            | Self::FormatChanged => true,
            Self::NewCell { .. }
            | Self::InputRenamed { .. }
            | Self::OrderChanged { .. }
            | Self::StageTypeChanged { .. }
            | Self::OutputsChanged { .. }
            | Self::RecordMissing
            | Self::ArtifactMissing { .. }
            | Self::Forced => false,
        };
        if says_where { self.to_string() } else { format!("{stage}: {self}") }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewCell { axes } => write!(f, "new{}", behind(axes)),
            Self::ConfigChanged { path, params, .. } if !params.is_empty() => {
                let params: Vec<String> = params.iter().map(ToString::to_string).collect();
                write!(f, "{path}: {}", params.join(", "))
            }
            Self::ConfigChanged { path, was, now, origin, .. } => {
                write!(f, "{path} {}", change_of(&shown(was), &shown(now)))?;
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
            Self::InputChanged { axes, .. } => write!(f, "{}{}", self.input(), behind(axes)),
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
            Self::VersionChanged { stage_type, was, now } if stage_type.is_empty() => {
                write!(f, "version of the stage type {was} → {now}")
            }
            Self::VersionChanged { stage_type, was, now } => {
                write!(f, "version of the stage type {stage_type} {was} → {now}")
            }
            Self::OutputsChanged { added, removed, changed } => {
                let named = |names: &Vec<String>, how: &str| {
                    (!names.is_empty()).then(|| format!("{} {how}", names.join(" and ")))
                };
                let said = [named(added, "added"), named(removed, "removed"), named(changed, "of another kind")];
                let said: Vec<String> = said.into_iter().flatten().collect();
                if said.is_empty() {
                    return write!(f, "declared outputs changed");
                }
                write!(f, "declared outputs: {}", said.join(", "))
            }
            Self::RecordMissing => write!(f, "its record is gone from the store"),
            Self::ArtifactMissing { port } => write!(f, "bytes of `{port}` are missing in the store"),
            Self::PartMissing { what } => write!(f, "{what}"),
            Self::Forced => write!(f, "forced"),
            Self::FormatChanged => write!(f, "this dgpipe computes keys in another way"),
        }
    }
}

impl Reason {
    /// What happened to an input, without why.
    fn input(&self) -> String {
        let Self::InputChanged { port, from, path, was, now, .. } = self else { return self.to_string() };
        let path = path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
        format!("input {port}: {from}{path} {}", change(was.as_ref(), now.as_ref()))
    }
}

/// The axes that are behind a cell that is new or gone.
fn behind(axes: &[AxisChange]) -> String {
    axes.iter().map(|axis| format!(", {axis}")).collect()
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
/// So many differences of two long values are shown.
const MOST_STRETCHES: usize = 4;

/// Two values on one line: whole where they are short, else every stretch in which they differ.
fn change_of(was: &str, now: &str) -> String {
    if was.chars().count() <= MOST && now.chars().count() <= MOST {
        return format!("{} → {}", or_empty(was), or_empty(now));
    }
    let found = stretches(was, now);
    let stretch = |(before, after): &(Range<usize>, Range<usize>)| {
        format!("{} → {}", cut(was, before.clone()), cut(now, after.clone()))
    };
    let mut told: Vec<String> = found.iter().take(MOST_STRETCHES).map(stretch).collect();
    match found.len().saturating_sub(MOST_STRETCHES) {
        0 if told.is_empty() => format!("{} → {}", cut(was, 0..was.len()), cut(now, 0..now.len())),
        0 => told.join(", "),
        more => {
            told.push(format!("and in {more} more places"));
            told.join(", ")
        }
    }
}

fn or_empty(text: &str) -> &str {
    if text.is_empty() { "empty" } else { text }
}

/// A stretch of a text, with some characters before and behind it that say where it is.
fn cut(text: &str, stretch: Range<usize>) -> String {
    const AROUND: usize = 12;
    let (before, inside, after) = (&text[..stretch.start], &text[stretch.clone()], &text[stretch.end..]);
    let (lead, tail) = (before.chars().count(), after.chars().count());
    let skipped = if lead > AROUND + 3 { lead - AROUND } else { 0 };
    let behind = if tail > AROUND { AROUND } else { tail };
    let shown: Vec<char> =
        before.chars().skip(skipped).chain(inside.chars()).chain(after.chars().take(behind)).collect();
    let is_long = shown.len() > MOST;
    let start = if skipped > 0 { "…" } else { "" };
    let end = if is_long || behind < tail { "…" } else { "" };
    format!("{start}{}{end}", shown.into_iter().take(MOST).collect::<String>())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => one_line(text),
        other => other.to_string(),
    }
}

fn one_line(text: &str) -> String {
    text.trim_end().replace('\n', "⏎")
}

/// Several reasons on one line: of those that say the same about inputs of one port, the first and how many.
pub fn in_short(reasons: &[Reason]) -> String {
    let same_port = |one: &Reason, other: &Reason| match (one, other) {
        (
            Reason::InputChanged { port: a, was, now, axes, .. },
            Reason::InputChanged { port: b, was: w, now: n, axes: others, .. },
        ) => a == b && change(was.as_ref(), now.as_ref()) == change(w.as_ref(), n.as_ref()) && axes == others,
        _ => false,
    };
    let mut said: Vec<String> = Vec::new();
    for group in reasons.chunk_by(same_port) {
        said.push(match (&group[0], group.len() - 1) {
            (first, 0) => first.to_string(),
            (Reason::InputChanged { axes, .. }, more) => {
                format!("{} and {more} more{}", group[0].input(), behind(axes))
            }
            (first, more) => format!("{first} and {more} more"),
        });
    }
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_shown_where_they_differ() {
        let text = |end: &str| Value::from(format!("{}{end}", "word ".repeat(30)));
        let reason =
            |was, now| Reason::ConfigChanged { path: "run.0".to_owned(), was, now, origin: None, params: Vec::new() };
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
            axes: Vec::new(),
        };
        let reasons = [input("a", Some("1")), input("b", Some("1")), input("c", None), Reason::Forced];
        assert_eq!(in_short(&reasons), "input terms: a changed and 1 more; input terms: c was added; forced");
    }
}
