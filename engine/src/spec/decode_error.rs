//! Why a value does not decode, in a researcher's words.

use serde::de::{self, Unexpected};

use super::gaps::Filling;
use super::{Mistake, Place, nearest};

const UNKNOWN_KEY: &str = "unknown-key";
const MISSING_KEY: &str = "missing-key";

/// Why a node does not decode.
#[derive(Clone, Debug)]
pub struct DecodeError {
    code: &'static str,
    message: String,
    help: Option<String>,
    place: Option<Place>,
    /// What was expected and what was found, for messages that name the key.
    types: Option<(String, String)>,
    /// The innermost key.
    key: Option<String>,
    /// The keys from the outermost value to this one, the innermost first.
    path: Vec<String>,
}

impl DecodeError {
    fn new(code: &'static str, message: String, help: Option<String>) -> Self {
        Self { code, message, help, place: None, types: None, key: None, path: Vec::new() }
    }

    fn mismatch(code: &'static str, found: &Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let (expected, found) = (expectation(&expected.to_string()), unexpected(found));
        let message = format!("expected {expected}, found {found}");
        Self { types: Some((expected, found)), ..Self::new(code, message, None) }
    }

    /// Says under which key it happened, from the inside outwards; the innermost key is the one that is named.
    pub(super) fn under(mut self, key: &str) -> Self {
        self.key.get_or_insert_with(|| key.to_owned());
        self.within(key)
    }

    /// Says at which place of a list or in which choice it happened.
    pub(super) fn within(mut self, part: &str) -> Self {
        self.path.push(part.to_owned());
        self
    }

    /// The way from the outermost value to what does not fit.
    pub(super) fn path(&self) -> Vec<String> {
        self.path.iter().rev().cloned().collect()
    }

    /// What to do at its path so that the rest can be looked at.
    pub(super) fn filling(&self) -> Filling {
        match self.code {
            UNKNOWN_KEY => Filling::Unknown,
            MISSING_KEY => Filling::StandIn,
            _ => Filling::Nothing,
        }
    }

    pub(super) fn or_at(mut self, place: Place) -> Self {
        self.place.get_or_insert(place);
        self
    }

    pub(super) fn into_mistake(self, outer: Place) -> Mistake {
        let message = match (self.types, self.key) {
            (Some((expected, found)), Some(key)) => format!("`{key}` takes {expected}, found {found}"),
            _ => self.message,
        };
        let mistake = Mistake::new(self.code, message).at(self.place.unwrap_or(outer), "here");
        if let Some(help) = self.help { mistake.help(help) } else { mistake }
    }
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn suggestion(name: &str, known: &'static [&'static str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "nothing is expected here".to_owned(),
        None => format!("known are [{}]", names(known)),
    }
}

/// What serde expects, in a researcher's words.
fn expectation(expected: &str) -> String {
    match expected.trim_start_matches("a nonzero ").trim_start_matches("an ").trim_start_matches("a ") {
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" if expected.contains("nonzero") => {
            "a whole number above zero".to_owned()
        }
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "string" | "str" | "path string" => "text".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "sequence" => "a list".to_owned(),
        rest if rest.starts_with("struct ") => "a map".to_owned(),
        _ => expected.to_owned(),
    }
}

fn unexpected(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("the truth value `{value}`"),
        Unexpected::Unsigned(value) => format!("the number `{value}`"),
        Unexpected::Signed(value) => format!("the number `{value}`"),
        Unexpected::Float(value) => format!("the number `{value}`"),
        Unexpected::Str(value) => format!("the text `{value}`"),
        Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}

impl de::Error for DecodeError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self::new("wrong-value", message.to_string(), None)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::mismatch("wrong-type", &found, expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::mismatch("wrong-value", &found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("unknown key `{field}`");
        Self::new(UNKNOWN_KEY, message, Some(suggestion(field, expected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let message = format!("`{variant}` is none of [{}]", names(expected));
        let help = nearest(variant, expected.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        Self::new("wrong-value", message, help)
    }

    fn missing_field(field: &'static str) -> Self {
        let help = Some(format!("add `{field}:`"));
        Self::new(MISSING_KEY, format!("`{field}` is missing"), help).under(field)
    }
}
