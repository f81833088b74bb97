//! Drawing figures for papers: one [`Figure`] in millimetres, written as SVG, which is the format of record,
//! and rasterised from that to PNG. The same figure always gives the same bytes: no clock, no random
//! identifiers, no fonts of the machine.

mod axes;
mod colour_scale;
mod curves_chart;
#[expect(clippy::module_inception, reason = "a file is named as its type")]
mod figure;
mod font;
mod heat_map;
mod legend;
mod lodo_chart;
mod look;
mod matrix_chart;
mod network_chart;
mod palette;
mod png;
mod scale;

use axes::{Axes, Side};
pub(crate) use colour_scale::ColourScale;
pub(crate) use curves_chart::{CurvesChart, CurvesRun};
pub(crate) use figure::{Anchor, Figure, Ink, Text};
use heat_map::{HeatMap, colour_bar};
use legend::{Legend, Swatch};
pub(crate) use lodo_chart::{LodoChart, LodoPoint, LodoSeries};
pub(crate) use look::Look;
pub(crate) use look::Width;
pub(crate) use matrix_chart::{MatrixChart, MatrixPanel};
pub(crate) use network_chart::{NetworkChart, NetworkColumn, NetworkEdge};
use palette::{Marker, series_colour, series_marker};
pub(crate) use png::png_of;
use scale::Scale;
