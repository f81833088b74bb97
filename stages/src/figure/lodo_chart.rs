//! Accuracy by target and method: means with their standard errors, and every repeat as a point.

use super::palette::{GREY, PALE};
use super::{Anchor, Axes, Figure, Ink, Legend, Look, Scale, Side, Swatch, Text, series_colour, series_marker};

/// What is drawn: groups along the axis, in each the series beside one another.
#[derive(Clone, Debug, Default)]
pub(crate) struct LodoChart {
    /// What the vertical axis shows, such as `Accuracy (%)`.
    pub(crate) measure: String,
    /// The names of the groups, such as targets.
    pub(crate) groups: Vec<String>,
    /// How many groups at the end are set apart, such as the average.
    pub(crate) apart: usize,
    /// The series, such as methods.
    pub(crate) series: Vec<LodoSeries>,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// One series: a name and, for each group, the mean, its error and the single values.
#[derive(Clone, Debug, Default)]
pub(crate) struct LodoSeries {
    /// What the legend calls it.
    pub(crate) name: String,
    /// One entry per group; nothing where there are no values.
    pub(crate) points: Vec<Option<LodoPoint>>,
}

/// The values of one series in one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct LodoPoint {
    /// Their mean.
    pub(crate) mean: f64,
    /// Its standard error, where there are two values or more.
    pub(crate) error: Option<f64>,
    /// The values themselves.
    pub(crate) values: Vec<f64>,
    /// Whether the point is marked with a dagger.
    pub(crate) marked: bool,
}

const HEIGHT: f64 = 46.0;
/// The most that upright names of groups take.
const NAMES_AT_MOST: f64 = 35.0;
/// The lowest and highest value that can be.
const POSSIBLE: (f64, f64) = (0.0, 100.0);

impl LodoChart {
    /// Draws the chart.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin(&self.measure);
        self.legend(&mut figure);
        let top = figure.top() + 1.0;
        let scale = self.scale((top + HEIGHT, top));
        let ticks = scale.ticks(6);
        let room = Axes::room_for(&ticks);
        let name_size = Text::normal(Anchor::Middle).size;
        let left = figure.left() + room + 1.5 * name_size;
        let axes = Axes { left, top, right: figure.right(), bottom: top + HEIGHT };
        axes.grid(&mut figure, &scale, &ticks);
        self.separators(&mut figure, &axes);
        axes.ticks(&mut figure, Side::Left, &scale, &ticks);
        axes.name(&mut figure, Side::Left, &self.measure, room);
        for (index, series) in self.series.iter().enumerate() {
            self.series(&mut figure, &axes, &scale, index, series);
        }
        axes.frame(&mut figure);
        let below = self.group_names(&mut figure, &axes);
        figure.advance_to(below);
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    fn legend(&self, figure: &mut Figure) {
        let mut legend = Legend::default();
        for (index, series) in self.series.iter().enumerate() {
            legend.add(Swatch::Mark(series_marker(index), series_colour(index).to_owned()), &series.name);
        }
        legend.draw(figure);
    }

    fn scale(&self, places: (f64, f64)) -> Scale {
        let points = self.series.iter().flat_map(|series| series.points.iter().flatten());
        let reach = |point: &LodoPoint| {
            let error = point.error.unwrap_or(0.0);
            point.values.iter().copied().chain([point.mean - error, point.mean + error]).collect::<Vec<f64>>()
        };
        Scale::around(points.flat_map(reach), places).within(POSSIBLE.0, POSSIBLE.1)
    }

    fn slot(&self, axes: &Axes) -> f64 {
        (axes.right - axes.left) / self.groups.len().max(1) as f64
    }

    /// Lines between the groups; a darker one before those set apart.
    fn separators(&self, figure: &mut Figure, axes: &Axes) {
        for group in 1..self.groups.len() {
            let x = axes.left + group as f64 * self.slot(axes);
            let is_apart = group + self.apart == self.groups.len();
            let ink = if is_apart { Ink::line(GREY, 0.25).dashes("0.9 0.7") } else { Ink::line(PALE, 0.2) };
            figure.line((x, axes.top), (x, axes.bottom), ink);
        }
    }

    fn series(&self, figure: &mut Figure, axes: &Axes, scale: &Scale, index: usize, series: &LodoSeries) {
        let slot = self.slot(axes);
        let step = (slot * 0.8 / self.series.len().max(1) as f64).min(4.0);
        let offset = (index as f64 - (self.series.len() as f64 - 1.0) / 2.0) * step;
        let radius = (step * 0.22).clamp(0.4, 0.75);
        let colour = series_colour(index);
        for (group, point) in series.points.iter().enumerate() {
            let Some(point) = point else { continue };
            let x = axes.left + (group as f64 + 0.5) * slot + offset + 0.1 * step;
            // The single values lie to the left of their mean, where they hide nothing.
            for value in &point.values {
                let place = (x - 0.28 * step, scale.place(*value));
                figure.circle(place, 0.5 * radius, Ink::fill(colour).opacity(0.55));
            }
            if let Some(error) = point.error {
                let (low, high) = (scale.place(point.mean - error), scale.place(point.mean + error));
                figure.line((x, low), (x, high), Ink::line(colour, 0.3));
                for y in [low, high] {
                    figure.line((x - 0.8 * radius, y), (x + 0.8 * radius, y), Ink::line(colour, 0.3));
                }
            }
            let place = (x, scale.place(point.mean));
            series_marker(index).draw(figure, place, radius, Ink::fill(colour));
            if point.marked {
                let most = point.values.iter().copied().fold(point.mean + point.error.unwrap_or(0.0), f64::max);
                figure.text((x, scale.place(most) - 0.9), "†", Text::small(Anchor::Middle));
            }
        }
    }

    /// Writes the names of the groups below the frame, upright where they do not fit; returns the lower end.
    fn group_names(&self, figure: &mut Figure, axes: &Axes) -> f64 {
        let style = Text::small(Anchor::Middle);
        let slot = self.slot(axes);
        let lines: Vec<Vec<&str>> = self.groups.iter().map(|name| broken(name, slot - 1.0)).collect();
        let widest = |lines: &[&str]| lines.iter().map(|line| Figure::width_of(line, style)).fold(0.0, f64::max);
        let fits = lines.iter().all(|lines| widest(lines) <= slot - 0.6);
        let mut below = axes.bottom + 1.0;
        for (group, lines) in lines.iter().enumerate() {
            let x = axes.left + (group as f64 + 0.5) * slot;
            if fits {
                for (row, line) in lines.iter().enumerate() {
                    let y = axes.bottom + 1.2 + (row as f64 * 1.2 + 0.8) * style.size;
                    figure.text((x, y), line, style);
                    below = f64::max(below, y + 0.5 * style.size);
                }
            } else {
                let name = &Figure::fitted(&self.groups[group], NAMES_AT_MOST, style);
                let upwards = Text { anchor: Anchor::End, ..style }.upwards();
                figure.centred_text((x, axes.bottom + 1.2), name, upwards);
                below = f64::max(below, axes.bottom + 2.0 + Figure::width_of(name, style));
            }
        }
        below
    }
}

/// A name on one line where it fits, else on two, broken at a space or underscore.
fn broken(name: &str, width: f64) -> Vec<&str> {
    if Figure::width_of(name, Text::small(Anchor::Middle)) <= width {
        return vec![name];
    }
    let middle = name.len() / 2;
    let breaks = name.match_indices([' ', '_', '-']).map(|(at, _)| at);
    breaks.min_by_key(|at| at.abs_diff(middle)).map_or(vec![name], |at| vec![&name[..=at], &name[at + 1..]])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    pub(crate) fn sample() -> LodoChart {
        let point = |mean: f64, marked: bool| {
            let values = vec![mean - 1.4, mean + 0.3, mean + 1.1];
            Some(LodoPoint { mean, error: Some(0.8), values, marked })
        };
        let series = |name: &str, shift: f64, marked: bool| LodoSeries {
            name: name.to_owned(),
            points: [63.1, 58.2, 81.4, 44.9, 61.9].into_iter().map(|mean| point(mean + shift, marked)).collect(),
        };
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        LodoChart {
            measure: "Accuracy on the held-out domain (%)".to_owned(),
            groups: named(&["art_painting", "cartoon", "photo", "sketch", "average"]),
            apart: 1,
            series: vec![
                series("erm", 0.0, false),
                series("frozen", -5.0, false),
                series("importance", 1.5, true),
                series("random-mask", -1.0, false),
            ],
            notes: named(&["Dots: each seed; bars: standard error over 3 seeds."]),
        }
    }

    #[test]
    fn a_missing_place_is_left_free() {
        let mut chart = sample();
        let look = Look::plain(Width::Single);
        let whole = chart.draw(look).svg().matches("<polygon").count();
        chart.series[2].points[1] = None;
        assert_eq!(chart.draw(look).svg().matches("<polygon").count(), whole - 1);
        // Nothing at all is a frame without points, not a failure.
        let empty = LodoChart::default().draw(look);
        assert!(!png_of(&empty).unwrap().is_empty());
    }

    #[test]
    fn names_are_broken_where_they_do_not_fit() {
        assert_eq!(broken("art_painting", 100.0), ["art_painting"]);
        assert_eq!(broken("art_painting", 5.0), ["art_", "painting"]);
        assert_eq!(broken("sketch", 1.0), ["sketch"]);
    }

    #[test]
    fn very_long_names_are_shortened() {
        let mut chart = sample();
        chart.groups = chart.groups.iter().map(|name| name.repeat(20)).collect();
        chart.series[0].name = "method ".repeat(40);
        let figure = chart.draw(Look::plain(Width::Single));
        assert!(figure.size().1 < 130.0, "{:?}", figure.size());
        assert!(figure.svg().matches('…').count() >= 6);
    }

    #[test]
    fn marked_points_have_a_dagger() {
        let look = Look::plain(Width::Single);
        assert_eq!(sample().draw(look).svg().matches('†').count(), 5);
    }
}
