//! Quantities over a parameter that was swept, such as a threshold: one panel each, one line a series.

use super::palette::GREY;
use super::{Anchor, Axes, Figure, HAIR, Ink, Legend, Look, Scale, Side, Swatch, Text, series_colour, series_marker};

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct SweepChart {
    /// What was swept, such as `threshold`.
    pub(crate) axis: String,
    /// The names of the series in their order.
    pub(crate) series: Vec<String>,
    /// What the level is called, where there is one.
    pub(crate) level_name: String,
    /// The panels.
    pub(crate) panels: Vec<SweepPanel>,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// One quantity.
#[derive(Clone, Debug, Default)]
pub(crate) struct SweepPanel {
    /// What the vertical axis shows.
    pub(crate) name: String,
    /// One line a series, where it has values.
    pub(crate) lines: Vec<SweepLine>,
}

/// A series in a panel.
#[derive(Clone, Debug, Default)]
pub(crate) struct SweepLine {
    /// The number of the series.
    pub(crate) series: usize,
    /// Its means in the order of the axis.
    pub(crate) points: Vec<SweepPoint>,
    /// A value that does not depend on the axis, to compare with.
    pub(crate) level: Option<f64>,
}

/// A mean over repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SweepPoint {
    /// The value on the axis.
    pub(crate) x: f64,
    /// The mean.
    pub(crate) mean: f64,
    /// Its standard error, where there are two repeats or more.
    pub(crate) error: Option<f64>,
}

const HEIGHT: f64 = 42.0;
const DASHES: &str = "1.4 0.8";
const GAP: f64 = 6.0;

impl SweepChart {
    /// Draws the chart: panels side by side on a page, one above the other in a column.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin("Sweep");
        self.legend(&mut figure);
        let (left, right) = (figure.left(), figure.right());
        let is_wide = right - left > 120.0;
        let across = if is_wide { self.panels.len().max(1) } else { 1 };
        let width = (right - left - (across - 1) as f64 * GAP) / across as f64;
        let mut top = figure.top() + 1.0;
        for (index, panel) in self.panels.iter().enumerate() {
            if !is_wide && index > 0 {
                top = figure.top() + 2.0;
            }
            let from = left + (index % across) as f64 * (width + GAP);
            self.panel(&mut figure, panel, (from, from + width), top);
        }
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    fn legend(&self, figure: &mut Figure) {
        let mut legend = Legend::default();
        if self.series.len() > 1 {
            for (index, name) in self.series.iter().enumerate() {
                legend.add(Swatch::Mark(series_marker(index), series_colour(index).to_owned()), name);
            }
        }
        let has_level = self.panels.iter().flat_map(|panel| &panel.lines).any(|line| line.level.is_some());
        if has_level {
            legend.add(Swatch::Line(GREY.to_owned(), DASHES), &self.level_name);
        }
        legend.draw(figure);
    }

    fn panel(&self, figure: &mut Figure, panel: &SweepPanel, (left, right): (f64, f64), top: f64) {
        let bottom = top + HEIGHT;
        let reach = |line: &SweepLine| {
            let ends = |point: &SweepPoint| {
                let error = point.error.unwrap_or(0.0);
                [point.mean - error, point.mean + error]
            };
            line.points.iter().flat_map(ends).chain(line.level).collect::<Vec<f64>>()
        };
        let vertical = Scale::around(panel.lines.iter().flat_map(reach), (bottom, top)).within(0.0, 100.0);
        let ticks = vertical.ticks(6);
        let room = Axes::room_for(&ticks);
        let axes = Axes { left: left + room + 1.5 * Text::normal(Anchor::Middle).size, top, right, bottom };
        let places = self.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
        let horizontal = Scale::around(places.map(|point| point.x), (axes.left, right));
        axes.grid(figure, &vertical, &ticks);
        for line in &panel.lines {
            line.draw(figure, &axes, &horizontal, &vertical, panel.lines.len());
        }
        axes.ticks(figure, Side::Left, &vertical, &ticks);
        axes.ticks(figure, Side::Bottom, &horizontal, &horizontal.ticks(8));
        axes.name(figure, Side::Left, &panel.name, room);
        axes.name(figure, Side::Bottom, &self.axis, Axes::ROOM_BELOW);
        axes.frame(figure);
        figure.advance_to(bottom + Axes::ROOM_BELOW + 1.5 * Text::normal(Anchor::Middle).size);
    }
}

impl SweepLine {
    fn draw(&self, figure: &mut Figure, axes: &Axes, horizontal: &Scale, vertical: &Scale, lines: usize) {
        let colour = series_colour(self.series);
        if let Some(level) = self.level {
            // The level of an only line is grey; levels of several have the colours of their lines.
            let colour = if lines > 1 { colour } else { GREY };
            let y = vertical.place(level);
            figure.line((axes.left, y), (axes.right, y), Ink::line(colour, 0.3).dashes(DASHES));
        }
        let places: Vec<(f64, f64)> =
            self.points.iter().map(|point| (horizontal.place(point.x), vertical.place(point.mean))).collect();
        figure.polyline(&places, Ink::line(colour, 0.35));
        for (point, &(x, y)) in self.points.iter().zip(&places) {
            if let Some(error) = point.error {
                let (low, high) = (vertical.place(point.mean - error), vertical.place(point.mean + error));
                figure.line((x, low), (x, high), Ink::line(colour, HAIR));
                for end in [low, high] {
                    figure.line((x - 0.6, end), (x + 0.6, end), Ink::line(colour, HAIR));
                }
            }
            series_marker(self.series).draw(figure, (x, y), 0.75, Ink::fill(colour));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    #[test]
    fn points_are_marked_and_the_level_is_dashed() {
        let point = |x: f64| SweepPoint { x, mean: 50.0 + 10.0 * x, error: Some(1.0) };
        let line = SweepLine { series: 0, points: vec![point(0.1), point(0.5), point(0.9)], level: Some(48.0) };
        let panel = SweepPanel { name: "Accuracy (%)".to_owned(), lines: vec![line] };
        let chart = SweepChart {
            axis: "threshold".to_owned(),
            series: vec!["mask".to_owned()],
            level_name: "ERM".to_owned(),
            panels: vec![panel],
            notes: Vec::new(),
        };
        let svg = chart.draw(Look::plain(Width::Single)).svg();
        assert_eq!((svg.matches("<circle").count(), svg.matches("stroke-dasharray").count()), (3, 2));
        assert!(svg.contains(">ERM<") && svg.contains(">threshold<"));
    }

    #[test]
    fn nothing_at_all_can_be_drawn() {
        let chart = SweepChart { panels: vec![SweepPanel::default()], ..SweepChart::default() };
        assert!(!png_of(&chart.draw(Look::plain(Width::Double))).unwrap().is_empty());
    }
}
