//! A figure: a sheet in millimetres, y downwards, on which shapes and text are put, and the SVG it becomes.

use std::fmt::Write as _;

use super::font::{shortened, text_width, wrapped};
use super::{Anchor, Dpi, Ink, Picture, Text};

/// The free border around everything, in millimetres.
const MARGIN: f64 = 1.5;
/// The height of a line over the size of its text.
const LEADING: f64 = 1.3;

/// A sheet that grows downwards while it is drawn on.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    width: f64,
    height: f64,
    dpi: Dpi,
    name: String,
    caption: Option<String>,
    body: String,
}

impl Figure {
    /// Begins a sheet `width` millimetres wide. `name` is what screen readers say; a title is drawn at the
    /// top, a caption is kept for [`Figure::close`].
    pub(crate) fn new(width: f64, name: &str, title: Option<&str>, caption: Option<&str>) -> Self {
        let name = title.unwrap_or(name).to_owned();
        let caption = caption.map(str::to_owned);
        let dpi = Dpi::default();
        let mut figure = Self { width, height: MARGIN, dpi, name, caption, body: String::new() };
        if let Some(title) = title {
            figure.paragraph(title, Text::title());
            figure.height += 1.0;
        }
        figure
    }

    /// Says how finely the figure is rasterised.
    #[must_use]
    pub(crate) fn at(self, dpi: Dpi) -> Self {
        Self { dpi, ..self }
    }

    /// How finely it is rasterised.
    pub(super) fn dpi(&self) -> Dpi {
        self.dpi
    }

    /// What screen readers and lists of documents call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The left end of what may be drawn on.
    #[expect(clippy::unused_self, reason = "the counterpart of `right`")]
    pub(crate) fn left(&self) -> f64 {
        MARGIN
    }

    /// The right end of what may be drawn on.
    pub(crate) fn right(&self) -> f64 {
        self.width - MARGIN
    }

    /// Where the part that is still free begins.
    pub(crate) fn top(&self) -> f64 {
        self.height
    }

    /// Says that everything above `y` is taken.
    pub(crate) fn advance_to(&mut self, y: f64) {
        self.height = self.height.max(y);
    }

    /// Sets lines of text over the whole width and advances below them.
    pub(crate) fn paragraph(&mut self, text: &str, style: Text<'_>) {
        for line in wrapped(text, style.size, self.right() - self.left()) {
            let baseline = self.height + style.size;
            self.text((self.left(), baseline), &line, style);
            self.height += style.size * LEADING;
        }
    }

    /// Puts the caption below everything and ends the sheet.
    #[must_use]
    pub(crate) fn close(mut self) -> Self {
        if let Some(caption) = self.caption.take() {
            self.height += 1.0;
            self.paragraph(&caption, Text::small(Anchor::Start));
        }
        self.height += MARGIN;
        self
    }

    /// Puts a rectangle with its upper left corner at a place.
    pub(crate) fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), ink: Ink<'_>) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        let ink = ink.attributes();
        let _ = writeln!(self.body, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{ink}/>");
    }

    /// Draws a straight line.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink<'_>) {
        self.polyline(&[from, to], ink);
    }

    /// Draws a line through points; nothing where there are fewer than two.
    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], ink: Ink<'_>) {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(path, "{command}{} {}", number(*x), number(*y));
        }
        if points.len() > 1 {
            self.path(&path, ink);
        }
    }

    /// Fills or outlines a closed shape.
    pub(crate) fn polygon(&mut self, points: &[(f64, f64)], ink: Ink<'_>) {
        let corners: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        let _ = writeln!(self.body, "<polygon points=\"{}\"{}/>", corners.join(" "), ink.attributes());
    }

    /// Draws a path in SVG's own notation.
    pub(crate) fn path(&mut self, path: &str, ink: Ink<'_>) {
        let _ = writeln!(self.body, "<path d=\"{path}\"{}/>", ink.attributes());
    }

    /// Fills a path whose edges must not be smoothed, such as the fields of a heat map.
    pub(crate) fn crisp_path(&mut self, path: &str, colour: &str) {
        let _ = writeln!(self.body, "<path shape-rendering=\"crispEdges\" fill=\"{colour}\" d=\"{path}\"/>");
    }

    /// Puts a disc.
    pub(crate) fn circle(&mut self, (x, y): (f64, f64), radius: f64, ink: Ink<'_>) {
        let (x, y, radius, ink) = (number(x), number(y), number(radius), ink.attributes());
        let _ = writeln!(self.body, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{ink}/>");
    }

    /// Puts a picture with its upper left corner at a place.
    pub(crate) fn picture(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), picture: &Picture) {
        let (x, y, width, height) = (number(x), number(y), number(width), number(height));
        let rendering = if picture.is_coarse { " style=\"image-rendering:pixelated\"" } else { "" };
        let _ = writeln!(
            self.body,
            "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{rendering} href=\"{}\"/>",
            picture.address()
        );
    }

    /// Sets one line of text with its baseline through a place.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), text: &str, style: Text<'_>) {
        let anchor = match style.anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, size) = (number(x), number(y), number(style.size));
        let turn = if style.upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
        let (colour, text) = (style.colour, escaped(text));
        let _ = writeln!(
            self.body,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{colour}\"{turn}>{text}</text>"
        );
    }

    /// Sets one line of text whose middle, not baseline, is at the height of a place.
    pub(crate) fn centred_text(&mut self, (x, y): (f64, f64), text: &str, style: Text<'_>) {
        // Digits and capitals of DejaVu Sans are 0.73 of the size high.
        let half = 0.365 * style.size;
        let place = if style.upwards { (x + half, y) } else { (x, y + half) };
        self.text(place, text, style);
    }

    /// The text, or as much of its beginning as fits a width, with an ellipsis.
    pub(crate) fn fitted(text: &str, width: f64, style: Text<'_>) -> String {
        shortened(text, style.size, width)
    }

    /// How wide a text would be, in millimetres.
    pub(crate) fn width_of(text: &str, style: Text<'_>) -> f64 {
        text_width(text, style.size)
    }

    /// Width and height in millimetres.
    pub(crate) fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// The figure as an SVG file. Text stays text, in `DejaVu Sans` where the viewer has it and in the equally
    /// wide Verdana where not.
    pub(crate) fn svg(&self) -> String {
        let (width, height) = (number(self.width), number(self.height));
        let name = escaped(&self.name);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}mm\" height=\"{height}mm\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" \
             font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<title>{name}</title>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// A length as SVG writes it: three decimals at most, which is a micrometre.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text as XML takes it; what XML cannot carry is left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_without_idle_zeros() {
        assert_eq!([number(1.0), number(-0.0001), number(2.1999), number(85.0)], ["1", "0", "2.2", "85"]);
    }

    #[test]
    fn text_from_outside_cannot_break_the_file() {
        let mut figure = Figure::new(85.0, "x", Some("a < b & \"c\"\u{1}"), None);
        figure.text((1.0, 1.0), "</text><script>", Text::normal(Anchor::Start));
        let svg = figure.close().svg();
        assert!(svg.contains("<title>a &lt; b &amp; &quot;c&quot;</title>"), "{svg}");
        assert!(!svg.contains("<script>"), "{svg}");
    }

    #[test]
    fn a_caption_makes_the_sheet_longer() {
        let plain = Figure::new(85.0, "x", None, None).close();
        let long = "words that need more than one line ".repeat(5);
        let with_caption = Figure::new(85.0, "x", None, Some(&long)).close();
        assert!(with_caption.size().1 > plain.size().1 + 2.0 * Text::small(Anchor::Start).size);
    }
}
