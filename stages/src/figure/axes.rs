//! A frame for data: grid, ticks and the names of the axes.

use super::palette::{INK, PALE};
use super::{Anchor, Figure, Ink, Scale, Text};

/// The sides of a frame that carry an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Below the frame.
    Bottom,
    /// To the left of the frame.
    Left,
}

/// A rectangle of the sheet, in millimetres, in which data are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes {
    /// Its left end.
    pub(crate) left: f64,
    /// Its upper end.
    pub(crate) top: f64,
    /// Its right end.
    pub(crate) right: f64,
    /// Its lower end.
    pub(crate) bottom: f64,
}

/// The length of a tick in millimetres.
const TICK: f64 = 0.8;

impl Axes {
    /// The lines to the left and below.
    pub(crate) fn frame(&self, figure: &mut Figure) {
        let corners = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom)];
        figure.polyline(&corners, Ink::line(INK, 0.25));
    }

    /// Pale horizontal lines at the ticks of the vertical scale.
    pub(crate) fn grid(&self, figure: &mut Figure, scale: &Scale, ticks: &[(f64, String)]) {
        for (value, _) in ticks {
            let y = scale.place(*value);
            figure.line((self.left, y), (self.right, y), Ink::line(PALE, 0.2));
        }
    }

    /// Ticks with their numbers.
    pub(crate) fn ticks(&self, figure: &mut Figure, side: Side, scale: &Scale, ticks: &[(f64, String)]) {
        for (value, text) in ticks {
            let place = scale.place(*value);
            match side {
                Side::Bottom => {
                    figure.line((place, self.bottom), (place, self.bottom + TICK), Ink::line(INK, 0.25));
                    let style = Text::small(Anchor::Middle);
                    figure.text((place, self.bottom + TICK + 0.6 + 0.8 * style.size), text, style);
                }
                Side::Left => {
                    figure.line((self.left - TICK, place), (self.left, place), Ink::line(INK, 0.25));
                    figure.centred_text((self.left - TICK - 0.6, place), text, Text::small(Anchor::End));
                }
            }
        }
    }

    /// The name of what an axis shows. `room` is how far the numbers reach from the frame.
    pub(crate) fn name(&self, figure: &mut Figure, side: Side, text: &str, room: f64) {
        let style = Text::normal(Anchor::Middle);
        match side {
            Side::Bottom => {
                let x = f64::midpoint(self.left, self.right);
                figure.text((x, self.bottom + room + style.size), text, style);
            }
            Side::Left => {
                let y = f64::midpoint(self.top, self.bottom);
                figure.text((self.left - room - 0.4 * style.size, y), text, style.upwards());
            }
        }
    }

    /// How far ticks and numbers reach to the left, in millimetres.
    pub(crate) fn room_for(ticks: &[(f64, String)]) -> f64 {
        let widths = ticks.iter().map(|(_, text)| Figure::width_of(text, Text::small(Anchor::End)));
        widths.fold(0.0, f64::max) + TICK + 1.2
    }

    /// How far ticks and numbers reach below, in millimetres.
    pub(crate) const ROOM_BELOW: f64 = 3.9;
}
