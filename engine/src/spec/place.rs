//! Where something stands in a text that a user wrote.

use std::sync::Arc;

/// A stretch of one of the [`Texts`] of a pipeline: the file, a file it extends, or a `--set`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which text.
    pub text: u32,
    /// The first byte.
    pub start: u32,
    /// How many bytes.
    pub length: u32,
}

/// One text with its name.
#[derive(Clone, Debug)]
pub struct Text {
    /// A path relative to the project root, or `--set`.
    pub name: String,
    /// The whole text.
    pub content: Arc<str>,
}

/// All texts that a pipeline was read from.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    texts: Vec<Text>,
}

impl Texts {
    /// Adds a text and returns its number, for [`Place::text`].
    pub fn add(&mut self, name: impl Into<String>, content: impl Into<Arc<str>>) -> u32 {
        self.texts.push(Text { name: name.into(), content: content.into() });
        u32::try_from(self.texts.len() - 1).expect("a pipeline has few texts")
    }

    /// The text of that number.
    pub fn get(&self, text: u32) -> Option<&Text> {
        self.texts.get(text as usize)
    }

    /// The line of a place, counted from 1, and the column in characters, counted from 1.
    pub fn line_and_column(&self, place: Place) -> (usize, usize) {
        let Some(text) = self.get(place.text) else { return (1, 1) };
        let before = &text.content[..floor(&text.content, place.start as usize)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
        (line, column)
    }

    /// `pacs.yaml:12`, or `--set` where the place is on the command line.
    pub fn describe(&self, place: Place) -> String {
        match self.get(place.text) {
            Some(text) if text.name.starts_with("--") => text.name.clone(),
            Some(text) => format!("{}:{}", text.name, self.line_and_column(place).0),
            None => "built in".to_owned(),
        }
    }

    /// The characters at a place.
    pub fn quote(&self, place: Place) -> &str {
        let Some(text) = self.get(place.text) else { return "" };
        let start = floor(&text.content, place.start as usize);
        let end = floor(&text.content, place.start as usize + place.length as usize);
        &text.content[start..end]
    }
}

/// The nearest character boundary at or before a byte.
fn floor(content: &str, byte: usize) -> usize {
    let mut byte = byte.min(content.len());
    while !content.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let mut texts = Texts::default();
        let text = texts.add("a.yaml", "é: 1\nb: 2\n");
        assert_eq!(texts.line_and_column(Place { text, start: 0, length: 1 }), (1, 1));
        assert_eq!(texts.line_and_column(Place { text, start: 4, length: 1 }), (1, 4));
        assert_eq!(texts.line_and_column(Place { text, start: 6, length: 1 }), (2, 1));
        assert_eq!(texts.line_and_column(Place { text, start: 999, length: 1 }).0, 3);
    }
}
