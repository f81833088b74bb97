//! Drawing figures for papers: one [`Figure`] in millimetres, written as SVG, which is the format of record; PDF and
//! PNG are made from that. The same figure always gives the same bytes: no clock, no random identifiers, no fonts of
//! the machine.

mod axes;
mod colour_scale;
mod confusion_chart;
mod contact_sheet;
mod curves_chart;
#[expect(clippy::module_inception, reason = "a file is named as its type")]
mod figure;
mod font;
mod heat_map;
mod ink;
mod jaccard_chart;
mod legend;
mod lodo_chart;
mod look;
mod matrix_chart;
mod network_chart;
mod palette;
mod pdf;
mod picture;
mod png;
mod scale;
mod scatter_chart;
mod sweep_chart;
mod text;
mod tree;

use axes::{Axes, Side};
pub(crate) use colour_scale::ColourScale;
pub(crate) use confusion_chart::{ConfusionChart, ConfusionPanel};
pub(crate) use contact_sheet::{ContactRow, ContactSheet};
pub(crate) use curves_chart::{CurvesChart, CurvesRun};
pub(crate) use figure::Figure;
use heat_map::{HeatMap, colour_bar};
pub(crate) use ink::{HAIR, Ink};
pub(crate) use jaccard_chart::{JaccardChart, JaccardRow};
use legend::{Legend, Swatch};
pub(crate) use lodo_chart::{LodoChart, LodoPoint, LodoSeries};
pub(crate) use look::{Dpi, Look, Width};
pub(crate) use matrix_chart::{MatrixBlock, MatrixChart, MatrixPanel};
pub(crate) use network_chart::{NetworkChart, NetworkColumn, NetworkEdge};
use palette::{COLOURS_APART, Marker, class_colour, group_marker, series_colour, series_marker};
pub(crate) use pdf::pdf_of;
pub(crate) use picture::Picture;
pub(crate) use png::png_of;
use scale::Scale;
pub(crate) use scatter_chart::{ScatterChart, ScatterPoint};
pub(crate) use sweep_chart::{SweepChart, SweepLine, SweepPanel, SweepPoint};
pub(crate) use text::{Anchor, Text};
