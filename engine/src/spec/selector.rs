//! The reference to cells in `inputs:`: `stage[a=1, b!=2, c in (x, y)].port/path`.

use super::{Mistake, Place};
use crate::graph::AxisValue;

/// A selector whose references are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// A stage or a source.
    pub name: String,
    /// What the cells must satisfy, all of it.
    pub constraints: Vec<Constraint>,
    /// The output port, where it is named.
    pub port: Option<String>,
    /// A path below the artifact.
    pub path: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// A condition on one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// The axis.
    pub axis: String,
    /// How its value is compared.
    pub comparison: Comparison,
    /// With what; one value unless the comparison is [`Comparison::In`].
    pub values: Vec<AxisValue>,
}

/// How a [`Constraint`] compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `in (…)`
    In,
}

impl Constraint {
    /// Whether an axis value satisfies the condition.
    pub fn accepts(&self, value: &AxisValue) -> bool {
        // Values of one type are written alike only where they are equal.
        let of_other_type = |other: &AxisValue| std::mem::discriminant(other) != std::mem::discriminant(value);
        let equals =
            |other: &AxisValue| other == value || (of_other_type(other) && other.to_string() == value.to_string());
        match self.comparison {
            Comparison::Equal | Comparison::In => self.values.iter().any(equals),
            Comparison::NotEqual => !self.values.iter().any(equals),
        }
    }
}

impl Selector {
    /// Reads a selector.
    pub fn parse(text: &str, place: Place) -> Result<Self, Mistake> {
        Parser { rest: text, text, place }.selector()
    }
}

struct Parser<'a> {
    rest: &'a str,
    text: &'a str,
    place: Place,
}

impl<'a> Parser<'a> {
    fn selector(mut self) -> Result<Selector, Mistake> {
        let name = self.word("a stage or source")?.to_owned();
        let constraints = if self.take("[") { self.constraints()? } else { Vec::new() };
        let port = if self.take(".") { Some(self.word("a port")?.to_owned()) } else { None };
        let path = if self.take("/") { Some(self.path()?) } else { None };
        self.space();
        if !self.rest.is_empty() {
            return Err(self.mistake(&format!("`{}` is left over", self.rest)));
        }
        Ok(Selector { name, constraints, port, path, place: self.place })
    }

    fn constraints(&mut self) -> Result<Vec<Constraint>, Mistake> {
        let mut constraints = Vec::new();
        self.space();
        if self.take("*") {
            self.space();
            return if self.take("]") { Ok(constraints) } else { Err(self.mistake("`[*]` is not closed")) };
        }
        loop {
            constraints.push(self.constraint()?);
            self.space();
            if self.take("]") {
                return Ok(constraints);
            }
            if !self.take(",") {
                return Err(self.mistake("`,` or `]` is expected between conditions"));
            }
        }
    }

    fn constraint(&mut self) -> Result<Constraint, Mistake> {
        self.space();
        let axis = self.word("an axis")?.to_owned();
        self.space();
        let (comparison, values) = if self.take("!=") {
            (Comparison::NotEqual, vec![self.value()?])
        } else if self.take("=") {
            (Comparison::Equal, vec![self.value()?])
        } else if self.take("in") {
            (Comparison::In, self.values()?)
        } else {
            return Err(self.mistake(&format!("`=`, `!=` or `in (…)` is expected after `{axis}`")));
        };
        Ok(Constraint { axis, comparison, values })
    }

    fn values(&mut self) -> Result<Vec<AxisValue>, Mistake> {
        self.space();
        if !self.take("(") {
            return Err(self.mistake("`in` is followed by a list in parentheses"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value()?);
            self.space();
            if self.take(")") {
                return Ok(values);
            }
            if !self.take(",") {
                return Err(self.mistake("`,` or `)` is expected in the list after `in`"));
            }
        }
    }

    fn value(&mut self) -> Result<AxisValue, Mistake> {
        self.space();
        if self.take("\"") {
            let Some(end) = self.rest.find('"') else { return Err(self.mistake("a quote is never closed")) };
            let text = &self.rest[..end];
            self.rest = &self.rest[end + 1..];
            return Ok(AxisValue::Text(text.to_owned()));
        }
        let end = self.rest.find([',', ']', ')', '[', '(', '=']).unwrap_or(self.rest.len());
        let text = self.rest[..end].trim();
        self.rest = &self.rest[end..];
        if text.is_empty() {
            return Err(self.mistake("a value is missing"));
        }
        Ok(scalar(text))
    }

    fn path(&mut self) -> Result<String, Mistake> {
        let path = std::mem::take(&mut self.rest).trim().to_owned();
        let bad = |part: &str| part.is_empty() || part == "." || part == "..";
        if path.split('/').any(bad) || path.contains(['\0', '\\']) {
            return Err(self.mistake(&format!("`{path}` is not a path below the artifact")));
        }
        Ok(path)
    }

    fn word(&mut self, what: &str) -> Result<&'a str, Mistake> {
        self.space();
        let fits = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            let at = if self.rest.is_empty() { "at the end".to_owned() } else { format!("at `{}`", self.rest) };
            return Err(self.mistake(&format!("{what} is expected {at}")));
        }
        self.rest = rest;
        Ok(word)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn mistake(&self, message: &str) -> Mistake {
        Mistake::new("bad-selector", format!("`{}` is not a selector: {message}", self.text))
            .at(self.place, "here")
            .help("a selector looks like `stage[axis=value, other!=value].port/path`")
    }
}

/// A value as YAML would read it unquoted.
fn scalar(text: &str) -> AxisValue {
    if let Ok(value) = text.parse::<i64>() {
        return AxisValue::Integer(value);
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+' || c == '.');
    match text.parse::<f64>() {
        Ok(value) if numeric && value.is_finite() => AxisValue::Number(value),
        _ if text == "true" || text == "false" => AxisValue::Truth(text == "true"),
        _ => AxisValue::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Selector, Mistake> {
        Selector::parse(text, Place::default())
    }

    #[test]
    fn a_selector_has_a_name_conditions_a_port_and_a_path() {
        let selector = parse("phase1[domain=photo, seed != 42,x in (a, 1.5)].final/a/b.npy").unwrap();
        assert_eq!(selector.name, "phase1");
        assert_eq!(selector.port.as_deref(), Some("final"));
        assert_eq!(selector.path.as_deref(), Some("a/b.npy"));
        let [domain, seed, x] = selector.constraints.as_slice() else { panic!("three conditions") };
        assert!(domain.accepts(&"photo".into()) && !domain.accepts(&"sketch".into()));
        assert!(!seed.accepts(&42.into()) && seed.accepts(&43.into()));
        assert!(x.accepts(&AxisValue::Number(1.5)) && x.accepts(&"a".into()) && !x.accepts(&"b".into()));
    }

    #[test]
    fn a_star_says_all_aloud() {
        assert_eq!(parse("score[*]").unwrap().constraints, []);
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for bad in ["", "[a=1]", "a[", "a[b]", "a[b=]", "a[b=1", "a[b in x]", "a.b.c", "a/../b", "a//b", "a b"] {
            assert_eq!(parse(bad).map_err(|m| m.code), Err("bad-selector"), "{bad}");
        }
    }
}
