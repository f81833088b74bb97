//! Drawing figures for papers: one [`Figure`] in millimetres, written as SVG, which is the format of record,
//! and rasterised from that to PNG. The same figure always gives the same bytes: no clock, no random
//! identifiers, no fonts of the machine.

mod axes;
mod colour_scale;
#[expect(clippy::module_inception, reason = "a file is named as its type")]
mod figure;
mod font;
mod heat_map;
mod legend;
mod look;
mod palette;
mod png;
mod scale;

pub(crate) use axes::{Axes, Side};
pub(crate) use colour_scale::ColourScale;
pub(crate) use figure::{Anchor, Figure, Ink, Text};
pub(crate) use font::text_width;
pub(crate) use heat_map::{HeatMap, colour_bar};
pub(crate) use legend::{Legend, Swatch};
pub(crate) use look::{Look, Width};
pub(crate) use palette::{GREY, INK, Marker, PALE, series_colour, series_marker};
pub(crate) use png::png_of;
pub(crate) use scale::Scale;
