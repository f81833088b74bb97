//! The files that a stage left out because they are no readable pictures.

use std::fmt;

use super::ImageError;

/// What was left out, in the order in which it was met. Shown, it names the first files with what is wrong with them.
#[derive(Debug, Default)]
pub struct Skipped {
    reasons: Vec<String>,
}

/// So many files are named at most.
const MOST: usize = 20;

impl Skipped {
    /// Leaves out one more.
    pub fn add(&mut self, error: ImageError) {
        self.reasons.push(error.to_string());
    }

    /// How many were left out.
    pub fn len(&self) -> usize {
        self.reasons.len()
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.reasons.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join("; ");
        match self.len().saturating_sub(MOST) {
            0 => f.write_str(&named),
            more => write!(f, "{named}; and {more} more"),
        }
    }
}
