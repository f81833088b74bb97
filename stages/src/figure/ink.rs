//! How shapes are filled and outlined.

use std::fmt::Write as _;

use super::figure::number;

/// Half a point in millimetres: thinner lines break up in print.
pub(crate) const HAIR: f64 = 0.18;

/// How a shape is inked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ink<'a> {
    /// Colour of the inside, such as `#0072b2`.
    pub(crate) fill: Option<&'a str>,
    /// Colour of the outline.
    pub(crate) stroke: Option<&'a str>,
    /// Width of the outline in millimetres.
    pub(crate) width: f64,
    /// From 0, invisible, to 1.
    pub(crate) opacity: f64,
    /// Lengths of dashes and gaps in millimetres, as SVG takes them; empty for a solid line.
    pub(crate) dashes: &'a str,
}

impl<'a> Ink<'a> {
    /// A filled shape without an outline.
    pub(crate) fn fill(colour: &'a str) -> Self {
        Self { fill: Some(colour), stroke: None, width: 0.0, opacity: 1.0, dashes: "" }
    }

    /// A line `width` millimetres wide, and never thinner than what prints.
    pub(crate) fn line(colour: &'a str, width: f64) -> Self {
        Self { fill: None, stroke: Some(colour), width: width.max(HAIR), opacity: 1.0, dashes: "" }
    }

    /// Puts a line around a filled shape.
    #[must_use]
    pub(crate) fn outlined(self, colour: &'a str) -> Self {
        Self { stroke: Some(colour), width: HAIR, ..self }
    }

    /// Makes it see-through.
    #[must_use]
    pub(crate) fn opacity(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    /// Breaks its line.
    #[must_use]
    pub(crate) fn dashes(self, dashes: &'a str) -> Self {
        Self { dashes, ..self }
    }

    /// The attributes of an SVG element, with a space before each.
    pub(super) fn attributes(&self) -> String {
        let mut text = format!(" fill=\"{}\"", self.fill.unwrap_or("none"));
        if let Some(stroke) = self.stroke {
            let _ = write!(text, " stroke=\"{stroke}\" stroke-width=\"{}\"", number(self.width));
            text.push_str(" stroke-linejoin=\"round\"");
        }
        if self.opacity < 1.0 {
            // Where only the inside or only the line is drawn, the shape needs no layer of its own.
            let part = match (self.fill, self.stroke) {
                (Some(_), None) => "fill-opacity",
                (None, Some(_)) => "stroke-opacity",
                _ => "opacity",
            };
            let _ = write!(text, " {part}=\"{}\"", number(self.opacity));
        }
        if !self.dashes.is_empty() {
            let _ = write!(text, " stroke-dasharray=\"{}\"", self.dashes);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_thinner_than_half_a_point() {
        assert!(Ink::line("#000000", 0.01).attributes().contains("stroke-width=\"0.18\""));
    }

    #[test]
    fn only_shapes_with_both_an_inside_and_a_line_need_a_layer_to_be_seen_through() {
        let attributes = |ink: Ink<'_>| ink.opacity(0.5).attributes();
        assert!(attributes(Ink::fill("#000000")).contains(" fill-opacity=\"0.5\""));
        assert!(attributes(Ink::line("#000000", 1.0)).contains(" stroke-opacity=\"0.5\""));
        assert!(attributes(Ink::fill("#000000").outlined("#ffffff")).contains(" opacity=\"0.5\""));
    }
}
