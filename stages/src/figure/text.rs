//! How text is set.

use super::palette::INK;

/// Sizes of text in millimetres: 8, 7.5 and 7 points, which is what journals ask for.
const TITLE_SIZE: f64 = 8.0 * POINT;
const TEXT_SIZE: f64 = 7.5 * POINT;
const SMALL_SIZE: f64 = 7.0 * POINT;
/// A typographic point in millimetres.
const POINT: f64 = 25.4 / 72.0;

/// Which point of a text is put at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    /// Height of the letters' box in millimetres.
    pub(crate) size: f64,
    /// Which point is put at the place.
    pub(crate) anchor: Anchor,
    /// Its colour.
    pub(crate) colour: &'a str,
    /// Whether it runs upwards.
    pub(crate) upwards: bool,
}

impl Text<'static> {
    /// Text of titles, 8 points.
    pub(super) fn title() -> Self {
        Self { size: TITLE_SIZE, ..Self::normal(Anchor::Start) }
    }

    /// Text as on axes, 7.5 points, in the usual ink.
    pub(crate) fn normal(anchor: Anchor) -> Self {
        Self { size: TEXT_SIZE, anchor, colour: INK, upwards: false }
    }

    /// Text as at ticks and in legends, 7 points.
    pub(crate) fn small(anchor: Anchor) -> Self {
        Self { size: SMALL_SIZE, ..Self::normal(anchor) }
    }

    /// Lets it run upwards.
    #[must_use]
    pub(crate) fn upwards(self) -> Self {
        Self { upwards: true, ..self }
    }

    /// Sets it in another colour.
    #[must_use]
    pub(crate) fn coloured(self, colour: &'static str) -> Self {
        Self { colour, ..self }
    }
}
