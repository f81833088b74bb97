//! Colours and marks of series, to be told apart by everybody and in grey print.

use super::{ColourScale, Figure, HAIR, Ink};

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
    /// ▼
    Down,
    /// +
    Plus,
    /// ×
    Cross,
}

/// The muted colours of Paul Tol ("Colour Schemes", SRON technical note, 2021), with a dark grey for a tenth.
const MUTED: [&str; 10] =
    ["#cc6677", "#332288", "#ddcc77", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499", "#555555"];

/// How many classes can be told apart by colour alone.
pub(crate) const COLOURS_APART: usize = MUTED.len();

/// The colour of the series of that number; after the last they begin again, with another mark.
pub(crate) fn series_colour(index: usize) -> &'static str {
    SERIES[index % SERIES.len()]
}

/// The colour of a class of so many; of more than [`COLOURS_APART`], neighbours look alike and need names.
pub(crate) fn class_colour(index: usize, count: usize) -> String {
    match count {
        _ if count <= SERIES.len() => SERIES[index].to_owned(),
        _ if count <= COLOURS_APART => MUTED[index].to_owned(),
        _ => ColourScale::Up((count - 1) as f64).colour(index as f64),
    }
}

/// The mark of the group of that number, such as a domain.
pub(crate) fn group_marker(index: usize) -> Marker {
    use Marker::{Circle, Cross, Diamond, Down, Plus, Square, Triangle};
    [Circle, Triangle, Square, Diamond, Cross, Down, Plus][index % 7]
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
            Self::Down => {
                let (half, high) = (1.1 * radius, 0.75 * radius);
                figure.polygon(&[(x - half, y - high), (x + half, y - high), (x, y + 1.2 * radius)], ink);
            }
            Self::Plus | Self::Cross => {
                let arm = if self == Self::Plus { 1.1 * radius } else { 0.85 * radius };
                let (a, b) = if self == Self::Plus { ((arm, 0.0), (0.0, arm)) } else { ((arm, arm), (arm, -arm)) };
                let line = Ink { fill: None, stroke: ink.fill, width: (0.45 * radius).max(HAIR), ..ink };
                figure.line((x - a.0, y - a.1), (x + a.0, y + a.1), line);
                figure.line((x - b.0, y - b.1), (x + b.0, y + b.1), line);
            }
            Self::Diamond => {
                let half = 1.25 * radius;
                figure.polygon(&[(x - half, y), (x, y - half), (x + half, y), (x, y + half)], ink);
            }
        }
    }
}
