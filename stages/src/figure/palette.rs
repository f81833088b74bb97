//! Colours and marks of series, to be told apart by everybody and in grey print.

use super::{Figure, Ink};

/// The colour of text and axes.
pub(crate) const INK: &str = "#222222";
/// The colour of what is only context.
pub(crate) const GREY: &str = "#8a8a8a";
/// The colour of grids.
pub(crate) const PALE: &str = "#e2e2e2";

/// The colours of Okabe and Ito ("Color Universal Design", 2008) but yellow, which is lost on white.
const SERIES: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/// The shape of the points of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// ●
    Circle,
    /// ■
    Square,
    /// ▲
    Triangle,
    /// ◆
    Diamond,
}

/// The colour of the series of that number; after the last they begin again, with another mark.
pub(crate) fn series_colour(index: usize) -> &'static str {
    SERIES[index % SERIES.len()]
}

/// The mark of the series of that number.
pub(crate) fn series_marker(index: usize) -> Marker {
    [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond][index % 4]
}

impl Marker {
    /// Puts the mark with its middle at a place; all shapes look about equally large.
    pub(crate) fn draw(self, figure: &mut Figure, (x, y): (f64, f64), radius: f64, ink: Ink<'_>) {
        match self {
            Self::Circle => figure.circle((x, y), radius, ink),
            Self::Square => {
                let half = 0.88 * radius;
                figure.rectangle((x - half, y - half), (2.0 * half, 2.0 * half), ink);
            }
            Self::Triangle => {
                let (half, low) = (1.1 * radius, 0.75 * radius);
                figure.polygon(&[(x - half, y + low), (x + half, y + low), (x, y - 1.2 * radius)], ink);
            }
            Self::Diamond => {
                let half = 1.25 * radius;
                figure.polygon(&[(x - half, y), (x, y - half), (x + half, y), (x, y + half)], ink);
            }
        }
    }
}
