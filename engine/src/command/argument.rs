//! One argument of a command: text with the places of inputs and outputs left open.

use std::collections::BTreeMap;

/// An argument whose params are rendered and whose `${in.…}` and `${out.…}` are still symbolic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    pub(super) pieces: Vec<ArgumentPiece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ArgumentPiece {
    Text(String),
    In(String),
    Out(String),
}

/// Where the inputs and outputs of one execution lie.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) inputs: BTreeMap<String, Vec<String>>,
    pub(super) outputs: BTreeMap<String, String>,
}

impl Argument {
    /// The argument as it enters the key: `$` doubled, inputs and outputs by name.
    pub fn symbolic(&self) -> String {
        self.pieces.iter().fold(String::new(), |text, piece| match piece {
            ArgumentPiece::Text(plain) => text + &plain.replace('$', "$$"),
            ArgumentPiece::In(port) => text + "${in." + port + "}",
            ArgumentPiece::Out(port) => text + "${out." + port + "}",
        })
    }

    /// The arguments that the program gets: several where the whole is an input with several artifacts.
    pub(super) fn render(&self, paths: &Paths) -> Vec<String> {
        if let [ArgumentPiece::In(port)] = self.pieces.as_slice() {
            return paths.inputs.get(port).cloned().unwrap_or_default();
        }
        vec![self.render_text(paths, str::to_owned)]
    }

    /// One piece of shell text, every path quoted.
    pub(super) fn render_quoted(&self, paths: &Paths) -> String {
        self.render_text(paths, quote)
    }

    fn render_text(&self, paths: &Paths, show: impl Fn(&str) -> String) -> String {
        self.pieces.iter().fold(String::new(), |text, piece| match piece {
            ArgumentPiece::Text(plain) => text + plain,
            ArgumentPiece::In(port) => {
                let shown = paths.inputs.get(port).into_iter().flatten().map(|path| show(path));
                text + &shown.collect::<Vec<_>>().join(" ")
            }
            ArgumentPiece::Out(port) => text + &paths.outputs.get(port).map(|path| show(path)).unwrap_or_default(),
        })
    }
}

/// A text as one word of POSIX shell.
pub(super) fn quote(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_are_quoted_so_that_nothing_in_them_is_special() {
        assert_eq!(quote("in/a/b.csv"), "in/a/b.csv");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("$(rm x); 'y'"), r"'$(rm x); '\''y'\'''");
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn an_input_alone_becomes_as_many_arguments_as_it_has_artifacts() {
        let argument = Argument { pieces: vec![ArgumentPiece::In("x".to_owned())] };
        let inputs = BTreeMap::from([("x".to_owned(), vec!["a".to_owned(), "b c".to_owned()])]);
        let paths = Paths { inputs, outputs: BTreeMap::new() };
        assert_eq!(argument.render(&paths), ["a", "b c"]);
        assert_eq!(argument.render_quoted(&paths), "a 'b c'");
    }

    #[test]
    fn a_literal_dollar_never_looks_like_a_reference_in_the_key() {
        let text = Argument { pieces: vec![ArgumentPiece::Text("${in.x}".to_owned())] };
        let reference = Argument { pieces: vec![ArgumentPiece::In("x".to_owned())] };
        assert_ne!(text.symbolic(), reference.symbolic());
    }
}
