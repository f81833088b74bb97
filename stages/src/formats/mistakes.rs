//! What is wrong in the files of a folder, collected so that all of it is reported in one go.

use dgpipe_engine::stage::{FormatError, View};

/// Mistakes with the names of their files. Files decide how many there are and how long, so both are bounded.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    /// The first ones.
    named: Vec<String>,
    /// How many there are.
    count: usize,
}

/// So many are named at most.
const MOST: usize = 20;

/// How many letters of each are.
const LETTERS: usize = 300;

impl Mistakes {
    /// Takes note of one in a file.
    pub(super) fn add(&mut self, file: &str, what: impl std::fmt::Display) {
        self.count += 1;
        if self.named.len() < MOST {
            self.named.push(format!("{}: {}", shortened(file.to_owned()), shortened(what.to_string())));
        }
    }

    /// Gives what was read of a file, or takes note of what is wrong with it.
    pub(super) fn of<T>(&mut self, file: &str, read: Result<T, Vec<String>>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(mistakes) => {
                mistakes.into_iter().for_each(|mistake| self.add(file, mistake));
                None
            }
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first of them as one error, and how many more there are.
    pub(super) fn into_error(self, folder: &View) -> FormatError {
        let named = self.named.join("; ");
        let what = match self.count - self.named.len() {
            0 => named,
            more => format!("{named}; and {more} more"),
        };
        FormatError::content(folder.label(), what)
    }
}

/// A text that ends with … where it is too long.
pub(super) fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LETTERS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_and_long_mistakes_are_one_short_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut mistakes = Mistakes::default();
        assert!(mistakes.is_empty());
        mistakes.add("config.json", "é".repeat(1 << 20));
        mistakes.of::<()>("model.safetensors", Err((0..50_000).map(|number| format!("tensor {number}")).collect()));
        let error = mistakes.into_error(&View::disk(folder.path())).to_string();
        assert!(
            error.contains(&format!("config.json: {}…; model.safetensors: tensor 0; ", "é".repeat(300))),
            "{error}"
        );
        assert!(error.ends_with("tensor 18; and 49981 more"), "{error}");
    }
}
