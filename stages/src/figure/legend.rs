//! What the colours and marks mean: entries that flow over as many lines as they need.

use super::palette::INK;
use super::{Anchor, Figure, HAIR, Ink, Marker, Text};

/// What stands before the text of an entry.
#[derive(Clone, Debug)]
pub(crate) enum Swatch {
    /// A mark in the series' colour.
    Mark(Marker, String),
    /// A line in a colour with dashes as SVG takes them.
    Line(String, &'static str),
    /// A filled field.
    Field(String),
    /// An upright bar in a colour.
    Bar(String),
}

/// Entries in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Legend {
    entries: Vec<(Swatch, String)>,
}

const SWATCH: f64 = 4.2;
const GAP: f64 = 3.0;
const LINE: f64 = 3.6;

impl Legend {
    /// Adds an entry.
    pub(crate) fn add(&mut self, swatch: Swatch, text: impl Into<String>) {
        self.entries.push((swatch, text.into()));
    }

    /// Draws the entries over the whole width at the top of what is free, and advances below them.
    pub(crate) fn draw(&self, figure: &mut Figure) {
        let (left, right) = (figure.left(), figure.right());
        let style = Text::small(Anchor::Start);
        let (mut x, mut y) = (left, figure.top() + LINE / 2.0);
        for (swatch, text) in &self.entries {
            let text = Figure::fitted(text, right - left - SWATCH - 0.9, style);
            let width = SWATCH + 0.9 + Figure::width_of(&text, style);
            if x > left && x + width > right {
                (x, y) = (left, y + LINE);
            }
            swatch.draw(figure, x, y);
            figure.centred_text((x + SWATCH + 0.9, y), &text, style);
            x += width + GAP;
        }
        if !self.entries.is_empty() {
            figure.advance_to(y + LINE / 2.0 + 0.6);
        }
    }
}

impl Swatch {
    fn draw(&self, figure: &mut Figure, x: f64, y: f64) {
        match self {
            Self::Mark(marker, colour) => {
                marker.draw(figure, (x + SWATCH - 1.4, y), 0.85, Ink::fill(colour));
            }
            Self::Line(colour, dashes) => {
                figure.line((x, y), (x + SWATCH, y), Ink::line(colour, 0.45).dashes(dashes));
            }
            Self::Bar(colour) => {
                let x = x + SWATCH - 1.4;
                figure.line((x, y - 1.3), (x, y + 1.3), Ink::line(colour, 2.5 * HAIR));
            }
            Self::Field(colour) => {
                figure.rectangle((x + 0.2, y - 1.2), (SWATCH - 0.2, 2.4), Ink::fill(colour).outlined(INK));
            }
        }
    }
}
