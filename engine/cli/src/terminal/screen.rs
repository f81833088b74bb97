//! What the terminal can do.

use std::io::IsTerminal;

use crate::arguments::{Color, Common};

/// The terminal behind stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Whether a person watches.
    pub(crate) is_terminal: bool,
    /// Whether colours are wanted.
    pub(crate) colour: bool,
    /// Columns.
    pub(crate) width: usize,
    /// Columns of stdout, where that is a terminal.
    pub(crate) columns: Option<usize>,
}

impl Screen {
    pub(crate) fn new(common: &Common) -> Self {
        Self::behind(std::io::stderr().is_terminal(), common)
    }

    /// The terminal behind stdout, for data that people look at.
    pub(crate) fn of_stdout(common: &Common) -> Self {
        Self::behind(std::io::stdout().is_terminal(), common)
    }

    #[expect(clippy::disallowed_methods, reason = "the terminal's own switch, which decides no result")]
    fn behind(is_terminal: bool, common: &Common) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !unwanted,
        };
        let columns = terminal_size::terminal_size_of(std::io::stderr()).map_or(100, |(width, _)| usize::from(width.0));
        let of_stdout = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
        Self { is_terminal, colour, width: columns.clamp(40, 120), columns: of_stdout }
    }

    /// Text in a colour, given as the numbers of an ANSI sequence.
    pub(crate) fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
