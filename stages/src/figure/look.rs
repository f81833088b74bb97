//! The settings that all figures share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How wide a figure is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Width {
    /// One column of a two-column page, 85 mm.
    Column,
    /// The whole page, 175 mm.
    Page,
}

/// The words around a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    /// What is drawn at the top.
    pub(crate) title: Option<&'a str>,
    /// What is set below.
    pub(crate) caption: Option<&'a str>,
    /// How wide it is.
    pub(crate) width: Width,
}

impl Width {
    /// The width in millimetres.
    pub(crate) fn millimetres(self) -> f64 {
        match self {
            Self::Column => 85.0,
            Self::Page => 175.0,
        }
    }
}

impl Look<'_> {
    /// Begins a figure; `name` is what screen readers say where there is no title.
    pub(crate) fn begin(&self, name: &str) -> super::Figure {
        super::Figure::new(self.width.millimetres(), name, self.title, self.caption)
    }
}
