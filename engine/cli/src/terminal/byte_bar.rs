//! A bar for work that is counted in bytes.

use indicatif::{ProgressBar, ProgressStyle};

use super::Screen;
use crate::arguments::Common;

/// A bar for work that is counted in bytes; none where nobody watches.
pub(crate) struct ByteBar(ProgressBar);

impl ByteBar {
    pub(crate) fn new(screen: Screen, common: &Common, what: &'static str) -> Self {
        if !screen.is_terminal || common.quiet || common.json {
            return Self(ProgressBar::hidden());
        }
        let template = "{msg}  {bar:32.cyan/dim} {bytes}/{total_bytes}  {bytes_per_sec}, {eta} left";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(0).with_style(style).with_message(what))
    }

    pub(crate) fn at(&self, done: u64, total: u64) {
        let begins = self.0.length() != Some(total);
        if begins {
            self.0.set_length(total);
        }
        self.0.set_position(done);
        if begins {
            // What was done before is no measure of how fast it goes.
            self.0.reset_eta();
        }
    }

    /// Whether anybody sees it.
    pub(crate) fn is_seen(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Writes a line above it.
    pub(crate) fn say(&self, line: &str) {
        self.0.suspend(|| super::say(line));
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
