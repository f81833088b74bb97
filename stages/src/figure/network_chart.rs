//! A network as a layered graph: units as dots, weights as lines that are the wider and darker, the more they carry.

use super::palette::GREY;
use super::{Anchor, ColourScale, Figure, HAIR, Ink, Look, Text, colour_bar};

/// What is drawn.
#[derive(Clone, Debug)]
pub(crate) struct NetworkChart {
    /// The layers of units, inputs first.
    pub(crate) columns: Vec<NetworkColumn>,
    /// The lines between units.
    pub(crate) edges: Vec<NetworkEdge>,
    /// What the colours of lines mean.
    pub(crate) colours: ColourScale,
    /// What the lines carry, such as `Importance`.
    pub(crate) quantity: String,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// A layer of units.
#[derive(Clone, Debug, Default)]
pub(crate) struct NetworkColumn {
    /// What is written above, one line an entry.
    pub(crate) heading: Vec<String>,
    /// What is written beside each unit; empty for nothing.
    pub(crate) units: Vec<String>,
}

/// A line from a unit of one column to one of the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NetworkEdge {
    /// The column it starts from.
    pub(crate) column: usize,
    /// The unit there.
    pub(crate) from: usize,
    /// The unit in the next column.
    pub(crate) to: usize,
    /// What it carries.
    pub(crate) value: f32,
}

/// The distance of units in millimetres, and the height where layers have few.
const DISTANCE: f64 = 4.0;
const LOWEST: f64 = 36.0;
const RADIUS: f64 = 0.9;
/// The widths of the weakest and the strongest line.
const WIDTHS: (f64, f64) = (HAIR, 0.65);
const BAR_ROOM: f64 = 16.0;
/// The most that names of units take to the left and to the right.
const NAMES_AT_MOST: f64 = 25.0;

impl NetworkChart {
    /// Draws the chart.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin(&self.quantity);
        let style = Text::small(Anchor::Middle);
        let lines = self.columns.iter().map(|column| column.heading.len()).max().unwrap_or(0);
        let headings = figure.top();
        // Headings that do not fit beside one another take turns on two heights.
        let steps = self.columns.len().saturating_sub(1).max(1) as f64;
        let widest = self.columns.iter().flat_map(|column| &column.heading);
        let widest = widest.map(|line| Figure::width_of(line, style)).fold(0.0, f64::max);
        let is_tight = widest + 1.5 > 0.62 * (figure.right() - figure.left()) / steps;
        let shift = if is_tight { lines as f64 * 1.25 * style.size + 0.6 } else { 0.0 };
        let top = headings + shift + (lines as f64 + 0.4) * 1.25 * style.size;
        let most = self.columns.iter().map(|column| column.units.len()).max().unwrap_or(0);
        let height = (most as f64 * DISTANCE).max(LOWEST);
        let is_mask = self.colours == ColourScale::Mask;
        let places = self.places(&figure, top, height, if is_mask { 0.0 } else { BAR_ROOM });
        self.lines(&mut figure, &places);
        for (index, (column, places)) in self.columns.iter().zip(&places).enumerate() {
            column.draw(&mut figure, places, headings + if index % 2 == 0 { shift } else { 0.0 });
        }
        self.labels(&mut figure, &places);
        if !is_mask {
            let place = (figure.right() - BAR_ROOM + 4.0, top + 0.15 * height);
            colour_bar(&mut figure, place, (2.6, (0.7 * height).min(45.0)), self.colours, &self.quantity);
        }
        figure.advance_to(top + height + 0.5);
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    /// Where each unit of each column lies.
    fn places(&self, figure: &Figure, top: f64, height: f64, bar: f64) -> Vec<Vec<(f64, f64)>> {
        let label = |column: Option<&NetworkColumn>| {
            let units = column.into_iter().flat_map(|column| &column.units);
            units.map(|unit| Figure::width_of(unit, Text::small(Anchor::Start))).fold(0.0, f64::max).min(NAMES_AT_MOST)
                + 2.0
        };
        let heading = |column: Option<&NetworkColumn>| {
            let lines = column.into_iter().flat_map(|column| &column.heading);
            lines.map(|line| Figure::width_of(line, Text::small(Anchor::Middle))).fold(0.0, f64::max) / 2.0
        };
        let (first, last) = (self.columns.first(), self.columns.last());
        let left = figure.left() + label(first).max(heading(first)) + RADIUS;
        let right = figure.right() - bar - label(last).max(heading(last)) - RADIUS;
        let steps = self.columns.len().saturating_sub(1).max(1) as f64;
        let column = |(index, column): (usize, &NetworkColumn)| {
            let x = left + (right - left) * index as f64 / steps;
            let distance = height / column.units.len().max(1) as f64;
            // Few units keep together in the middle instead of spreading over the whole height.
            let distance = distance.min(2.2 * DISTANCE);
            let start = top + (height - distance * column.units.len() as f64) / 2.0;
            (0..column.units.len()).map(|unit| (x, start + (unit as f64 + 0.5) * distance)).collect()
        };
        self.columns.iter().enumerate().map(column).collect()
    }

    /// Draws the lines, strong ones last; what carries nothing is left out.
    fn lines(&self, figure: &mut Figure, places: &[Vec<(f64, f64)>]) {
        let mut edges: Vec<&NetworkEdge> = self.edges.iter().filter(|edge| edge.value != 0.0).collect();
        edges.sort_by(|a, b| a.value.abs().total_cmp(&b.value.abs()));
        let most = f64::from(edges.last().map_or(1.0, |edge| edge.value.abs()));
        for edge in edges {
            let share = f64::from(edge.value.abs()) / most;
            let is_mask = self.colours == ColourScale::Mask;
            let width = if is_mask { HAIR } else { WIDTHS.0 + (WIDTHS.1 - WIDTHS.0) * share * share };
            let colour = self.colours.colour(f64::from(edge.value));
            let ink = Ink::line(&colour, width).opacity(if is_mask { 0.55 } else { 0.25 + 0.75 * share });
            figure.line(places[edge.column][edge.from], places[edge.column + 1][edge.to], ink);
        }
    }

    /// Names the units of the first column to its left and of the last to its right.
    fn labels(&self, figure: &mut Figure, places: &[Vec<(f64, f64)>]) {
        let ends = [(self.columns.first(), places.first(), -1.0), (self.columns.last(), places.last(), 1.0)];
        for (column, places, side) in ends {
            let (Some(column), Some(places)) = (column, places) else {
                continue;
            };
            let anchor = if side < 0.0 { Anchor::End } else { Anchor::Start };
            for (unit, (x, y)) in column.units.iter().zip(places) {
                let unit = Figure::fitted(unit, NAMES_AT_MOST, Text::small(anchor));
                figure.centred_text((x + side * (RADIUS + 0.8), *y), &unit, Text::small(anchor));
            }
        }
    }
}

impl NetworkColumn {
    fn draw(&self, figure: &mut Figure, places: &[(f64, f64)], headings: f64) {
        for &place in places {
            let ink = Ink::fill("#444444").outlined("#ffffff");
            figure.circle(place, RADIUS, ink);
        }
        let Some(&(x, _)) = places.first() else {
            return;
        };
        for (row, line) in self.heading.iter().enumerate() {
            let style = Text::small(Anchor::Middle);
            let style = if row == 0 { style } else { Text { colour: GREY, ..style } };
            figure.text((x, headings + (1.25 * row as f64 + 1.0) * style.size), line, style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    fn column(count: usize) -> NetworkColumn {
        let units = (0..count).map(|unit| format!("u{unit}")).collect();
        NetworkColumn { heading: vec!["layer".to_owned()], units }
    }

    fn chart(colours: ColourScale) -> NetworkChart {
        let edge = |from: usize, to: usize, value: f32| NetworkEdge { column: 0, from, to, value };
        NetworkChart {
            columns: vec![column(3), column(2)],
            edges: vec![edge(0, 0, 1.0), edge(1, 0, 0.0), edge(2, 1, 0.25)],
            colours,
            quantity: "Importance".to_owned(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn lines_are_as_wide_as_what_they_carry_and_nothing_is_no_line() {
        let svg = chart(ColourScale::Ink(1.0)).draw(Look::plain(Width::Double)).svg();
        assert_eq!(svg.matches("stroke-width=\"0.65\"").count(), 1);
        // 0.18 + 0.47 · 0.25²
        assert_eq!(svg.matches("stroke-width=\"0.209\"").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 5);
    }

    #[test]
    fn the_lines_of_a_mask_are_all_alike() {
        let svg = chart(ColourScale::Mask).draw(Look::plain(Width::Double)).svg();
        assert_eq!(svg.matches("stroke-width=\"0.18\" stroke-linejoin=\"round\" stroke-opacity=\"0.55\"").count(), 2);
    }

    #[test]
    fn a_network_without_layers_can_be_drawn() {
        let empty = NetworkChart { columns: Vec::new(), edges: Vec::new(), ..chart(ColourScale::Mask) };
        assert!(!png_of(&empty.draw(Look::plain(Width::Double))).unwrap().is_empty());
    }
}
