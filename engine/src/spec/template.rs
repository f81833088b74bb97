//! The little language inside values: `${name}` is a reference, `$$` a dollar.

use super::{ECHO, Entry, Mistake, Node, Place, Value};

/// A text with references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its pieces in order.
    pub pieces: Vec<Piece>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Text(String),
    /// The name between `${` and `}`.
    Reference(String),
}

impl Template {
    /// Splits a text into its pieces.
    pub fn parse(text: &str, place: Place) -> Result<Self, Mistake> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            plain.push_str(&rest[..dollar]);
            let after = &rest[dollar + 1..];
            if let Some(after) = after.strip_prefix('$') {
                plain.push('$');
                rest = after;
            } else if let Some(after) = after.strip_prefix('{') {
                let Some(end) = after.find('}') else {
                    return Err(Mistake::new("bad-reference", "a `${` is never closed by `}`")
                        .at(place, "here")
                        .help("write `$$` for a dollar sign"));
                };
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                let name = &after[..end];
                check_name(name, place)?;
                pieces.push(Piece::Reference(name.to_owned()));
                rest = &after[end + 1..];
            } else {
                plain.push('$');
                rest = after;
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self { pieces })
    }

    /// The name, where the whole text is exactly one reference.
    pub fn as_reference(&self) -> Option<&str> {
        if let [Piece::Reference(name)] = self.pieces.as_slice() { Some(name) } else { None }
    }

    /// The names that are referred to.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.pieces
            .iter()
            .filter_map(|piece| if let Piece::Reference(name) = piece { Some(name.as_str()) } else { None })
    }

    /// Writes every piece, asking `value` for what a reference means.
    pub fn render<E>(&self, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        self.pieces.iter().try_fold(String::new(), |mut text, piece| {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Reference(name) => text.push_str(&value(name)?),
            }
            Ok(text)
        })
    }
}

fn check_name(name: &str, place: Place) -> Result<(), Mistake> {
    let base = name.split(":-").next().unwrap_or(name);
    let fits = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
    };
    if base.split('.').all(fits) {
        return Ok(());
    }
    Err(Mistake::new("bad-reference", format!("`${{{name}}}` is not a reference"))
        .at(place, "here")
        .help("a reference is `${name}`; write `$$` for a dollar sign"))
}

/// What names mean at some point of a pipeline file.
pub trait Scope {
    /// The value behind a name.
    fn value(&self, name: &str) -> Option<Node>;

    /// Whether a name is there and has a mistake of its own, which is reported where it stands.
    fn is_broken(&self, _name: &str) -> bool {
        false
    }

    /// All names, for suggestions.
    fn names(&self) -> Vec<String>;
}

/// Replaces every reference below a node, or says which is wrong first. A value that is exactly one reference keeps its
/// type and its place.
pub fn substitute(node: &Node, scope: &dyn Scope) -> Result<Node, Mistake> {
    let mut mistakes = Vec::new();
    let node = substitute_all(node, scope, &mut mistakes);
    mistakes.into_iter().next().map_or(Ok(node), Err)
}

/// Replaces every reference below a node; what cannot be replaced stays, and its mistakes are told.
pub fn substitute_all(node: &Node, scope: &dyn Scope, mistakes: &mut Vec<Mistake>) -> Node {
    match &node.value {
        Value::Text(text) if text.contains('$') => substitute_text(text, node.place, scope).unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            node.clone()
        }),
        Value::List(list) => {
            let list = list.iter().map(|node| substitute_all(node, scope, mistakes)).collect();
            Node::new(Value::List(list), node.place)
        }
        Value::Map(map) => {
            let entry = |(key, entry): (&String, &Entry)| {
                (key.clone(), Entry { key: entry.key, node: substitute_all(&entry.node, scope, mistakes) })
            };
            Node::new(Value::Map(map.iter().map(entry).collect()), node.place)
        }
        _ => node.clone(),
    }
}

fn substitute_text(text: &str, place: Place, scope: &dyn Scope) -> Result<Node, Mistake> {
    let template = Template::parse(text, place)?;
    let value = |name: &str| scope.value(name).ok_or_else(|| unknown(name, place, scope));
    if let Some(name) = template.as_reference() {
        return value(name);
    }
    let text = template.render(|name| scalar_text(&value(name)?, name, place))?;
    Ok(Node::new(Value::Text(text), place))
}

/// The mistake of referring to a name that means nothing here.
pub fn unknown(name: &str, place: Place, scope: &dyn Scope) -> Mistake {
    if scope.is_broken(name) {
        return Mistake::new(ECHO, format!("`${{{name}}}` has a mistake of its own")).at(place, "referred to here");
    }
    let names = scope.names();
    let mistake = Mistake::new("unknown-name", format!("`${{{name}}}` is neither a param nor an axis of this stage"))
        .at(place, "referred to here");
    match name.split('.').next() {
        Some("env") => mistake.help(
            "`${env.…}` may stand only in the `path` of a source; a command names the variables that it sees in `env:`",
        ),
        Some("pipeline" | "profile") => mistake.help("it may stand only in the paths of `publish:`"),
        Some("in" | "out") => mistake.help("it may stand only in `run:` of a command"),
        _ => mistake.suggest(name, names.iter().map(String::as_str)),
    }
}

/// A scalar as it is written inside other text.
pub fn scalar_text(node: &Node, name: &str, place: Place) -> Result<String, Mistake> {
    match &node.value {
        Value::Truth(value) => Ok(value.to_string()),
        Value::Integer(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Text(value) => Ok(value.clone()),
        Value::Null | Value::List(_) | Value::Map(_) => {
            let message = format!("`${{{name}}}` is {} and cannot stand inside other text", node.describe());
            Err(Mistake::new("not-a-scalar", message).at(place, "here").also(node.place, "its value"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, Mistake> {
        Template::parse(text, Place::default())
    }

    #[test]
    fn only_dollar_brace_and_double_dollar_are_special() {
        let template = parse("a $5 $$x ${seed}${target}").unwrap();
        assert_eq!(template.references().collect::<Vec<_>>(), ["seed", "target"]);
        let text = template.render(|name| Ok::<_, ()>(format!("<{name}>"))).unwrap();
        assert_eq!(text, "a $5 $x <seed><target>");
    }

    #[test]
    fn a_reference_that_is_never_closed_or_misspelt_is_a_mistake() {
        for bad in ["${seed", "${}", "${a b}", "${1}", "${a.}"] {
            assert_eq!(parse(bad).unwrap_err().code, "bad-reference", "{bad}");
        }
    }
}
