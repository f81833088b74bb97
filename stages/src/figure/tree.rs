//! A figure's SVG as a renderer understands it, with the shipped font only, so that every machine sees the same.

use std::io;

use resvg::usvg;

use super::Figure;
use super::font::FONT;

/// Reads the figure's SVG back; PNG and PDF are made of this, so that they show what the SVG shows.
pub(super) fn tree_of(figure: &Figure) -> io::Result<usvg::Tree> {
    let mut options = usvg::Options { font_family: "DejaVu Sans".to_owned(), ..usvg::Options::default() };
    options.fontdb_mut().load_font_data(FONT.to_vec());
    usvg::Tree::from_str(&figure.svg(), &options).map_err(io::Error::other)
}
