//! Training curves: loss and accuracy over epochs, one colour a series, with the freeze schedule behind them.

use super::palette::{GREY, INK};
use super::{Anchor, Axes, Figure, HAIR, Ink, Legend, Look, Scale, Side, Swatch, Text, series_colour};

/// What is drawn: runs, which belong to series, and how free unimportant weights were.
#[derive(Clone, Debug, Default)]
pub(crate) struct CurvesChart {
    /// The names of the series in their order.
    pub(crate) series: Vec<String>,
    /// The runs.
    pub(crate) runs: Vec<CurvesRun>,
    /// The scale s(e) of unimportant weights by epoch, where all runs share one.
    pub(crate) freedom: Vec<f64>,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// One training.
#[derive(Clone, Debug, Default)]
pub(crate) struct CurvesRun {
    /// The series it belongs to, by its number.
    pub(crate) series: usize,
    /// Loss by epoch: in training, in validation where there was one.
    pub(crate) loss: [Vec<f64>; 2],
    /// Accuracy in percent by epoch, likewise.
    pub(crate) accuracy: [Vec<f64>; 2],
}

const HEIGHT: f64 = 42.0;
/// The dashes of validation.
const DASHES: &str = "1.4 0.8";
/// What training and validation are called, and their dashes.
const PARTS: [(&str, &str); 2] = [("training", ""), ("validation (sources)", DASHES)];

impl CurvesChart {
    /// Draws the chart: two panels side by side on a page, one above the other in a column.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin("Training curves");
        self.legend(&mut figure);
        let (left, right) = (figure.left(), figure.right());
        let losses = |run: &CurvesRun| run.loss.clone();
        let accuracies = |run: &CurvesRun| run.accuracy.clone();
        let is_wide = right - left > 120.0;
        let top = figure.top() + 1.0;
        let middle = f64::midpoint(left, right);
        let first_right = if is_wide { middle - 2.5 } else { right };
        self.panel(&mut figure, (left, first_right), top, "Loss", losses);
        let second = if is_wide { (middle + 2.5, top) } else { (left, figure.top() + 2.5) };
        self.panel(&mut figure, (second.0, right), second.1, "Accuracy (%)", accuracies);
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    fn legend(&self, figure: &mut Figure) {
        let mut legend = Legend::default();
        for (index, name) in self.series.iter().enumerate() {
            legend.add(Swatch::Line(series_colour(index).to_owned(), ""), name);
        }
        for (part, (name, dashes)) in PARTS.iter().enumerate() {
            if self.runs.iter().any(|run| !run.loss[part].is_empty()) {
                legend.add(Swatch::Line(INK.to_owned(), dashes), *name);
            }
        }
        if self.freedom.iter().any(|&scale| scale < 1.0) {
            legend.add(Swatch::Field(shade(0.0)), "unimportant weights frozen");
        }
        legend.draw(figure);
    }

    fn panel(
        &self,
        figure: &mut Figure,
        (left, right): (f64, f64),
        top: f64,
        name: &str,
        of: impl Fn(&CurvesRun) -> [Vec<f64>; 2],
    ) {
        let bottom = top + HEIGHT;
        let values = self.runs.iter().flat_map(|run| of(run).into_iter().flatten());
        let vertical = Scale::around(values, (bottom, top));
        let ticks = vertical.ticks(7);
        let room = Axes::room_for(&ticks);
        let axes = Axes { left: left + room + 1.5 * Text::normal(Anchor::Middle).size, top, right, bottom };
        let epochs = self.runs.iter().map(|run| run.loss[0].len()).max().unwrap_or(0);
        // Half an epoch of air to both sides leaves room for a run of one epoch.
        let horizontal = Scale::new((-0.5, epochs.max(1) as f64 - 0.5), (axes.left, right));
        self.schedule(figure, &axes, &horizontal);
        axes.grid(figure, &vertical, &ticks);
        self.curves(figure, &horizontal, &vertical, &of);
        axes.ticks(figure, Side::Left, &vertical, &ticks);
        axes.ticks(figure, Side::Bottom, &horizontal, &horizontal.whole_ticks(10));
        axes.name(figure, Side::Left, name, room);
        axes.name(figure, Side::Bottom, "Epoch", Axes::ROOM_BELOW);
        axes.frame(figure);
        figure.advance_to(bottom + Axes::ROOM_BELOW + 1.5 * Text::normal(Anchor::Middle).size);
    }

    /// Shades epochs the darker, the less unimportant weights may move.
    fn schedule(&self, figure: &mut Figure, axes: &Axes, horizontal: &Scale) {
        for (epoch, &scale) in self.freedom.iter().enumerate().filter(|(_, scale)| **scale < 1.0) {
            let left = horizontal.place(epoch as f64 - 0.5);
            let width = horizontal.place(epoch as f64 + 0.5) - left;
            figure.rectangle((left, axes.top), (width, axes.bottom - axes.top), Ink::fill(&shade(scale)));
        }
        if let Some(frozen) = self.freedom.iter().position(|&scale| scale == 0.0) {
            let x = horizontal.place(frozen as f64 - 0.5);
            figure.line((x, axes.top), (x, axes.bottom), Ink::line(GREY, 0.3).dashes("0.4 0.5"));
        }
    }

    /// Draws every run thin and the mean of a series that has several bold.
    fn curves(
        &self,
        figure: &mut Figure,
        horizontal: &Scale,
        vertical: &Scale,
        of: &impl Fn(&CurvesRun) -> [Vec<f64>; 2],
    ) {
        let line = |values: &[f64]| -> Vec<(f64, f64)> {
            let place = |(epoch, value): (usize, &f64)| (horizontal.place(epoch as f64), vertical.place(*value));
            values.iter().enumerate().map(place).collect()
        };
        for (index, _) in self.series.iter().enumerate() {
            let colour = series_colour(index);
            let runs: Vec<[Vec<f64>; 2]> = self.runs.iter().filter(|run| run.series == index).map(of).collect();
            for (part, (_, dashes)) in PARTS.iter().enumerate() {
                let lines: Vec<&Vec<f64>> = runs.iter().map(|run| &run[part]).filter(|line| !line.is_empty()).collect();
                if lines.len() > 1 {
                    for values in &lines {
                        figure.polyline(&line(values), Ink::line(colour, HAIR).opacity(0.3).dashes(dashes));
                    }
                }
                let mean = mean_of(&lines);
                figure.polyline(&line(&mean), Ink::line(colour, 0.4).dashes(dashes));
                if let [only] = mean[..] {
                    figure.circle((horizontal.place(0.0), vertical.place(only)), 0.6, Ink::fill(colour));
                }
            }
        }
    }
}

/// The grey behind an epoch in which unimportant weights move by this scale.
fn shade(scale: f64) -> String {
    let level = (255.0 - 27.0 * (1.0 - scale.clamp(0.0, 1.0))).round() as u32;
    format!("#{level:02x}{level:02x}{level:02x}")
}

/// The mean over lines, as long as the shortest.
fn mean_of(lines: &[&Vec<f64>]) -> Vec<f64> {
    let length = lines.iter().map(|line| line.len()).min().unwrap_or(0);
    let mean = |epoch: usize| lines.iter().map(|line| line[epoch]).sum::<f64>() / lines.len() as f64;
    (0..length).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    fn run(series: usize, epochs: usize, shift: f64) -> CurvesRun {
        let fall =
            |start: f64| (0..epochs).map(|epoch| start * (-0.3 * epoch as f64).exp() + shift).collect::<Vec<f64>>();
        let rise = |end: f64| fall(1.0).into_iter().map(|value| end * (1.3 - value)).collect::<Vec<f64>>();
        CurvesRun { series, loss: [fall(2.0), fall(2.1)], accuracy: [rise(70.0), rise(65.0)] }
    }

    #[test]
    fn every_run_is_a_line_and_every_series_has_a_mean() {
        let runs = vec![run(0, 5, 0.0), run(0, 5, 0.1), run(1, 5, 0.2)];
        let chart = CurvesChart { series: vec!["a".into(), "b".into()], runs, ..CurvesChart::default() };
        let svg = chart.draw(Look::plain(Width::Double)).svg();
        // Two panels of two parts: two runs and a mean in series a, one line in series b.
        assert_eq!(svg.matches("stroke-width=\"0.4\"").count(), 2 * 2 * 2);
        assert_eq!(svg.matches("opacity=\"0.3\"").count(), 2 * 2 * 2);
    }

    #[test]
    fn the_freeze_schedule_is_marked_where_there_is_one() {
        let mut chart = CurvesChart { series: vec!["a".into()], runs: vec![run(0, 4, 0.0)], ..CurvesChart::default() };
        assert!(!chart.draw(Look::plain(Width::Double)).svg().contains("frozen"));
        chart.freedom = vec![1.0, 0.5, 0.0, 0.0];
        let svg = chart.draw(Look::plain(Width::Double)).svg();
        assert!(svg.contains("frozen"));
        assert_eq!(svg.matches(&format!("fill=\"{}\"/>", shade(0.5))).count(), 2);
    }

    #[test]
    fn a_training_of_one_epoch_and_none_at_all_can_be_drawn() {
        let chart = CurvesChart { series: vec!["a".into()], runs: vec![run(0, 1, 0.0)], ..CurvesChart::default() };
        assert!(chart.draw(Look::plain(Width::Double)).svg().contains("r=\"0.6\""));
        assert!(!png_of(&CurvesChart::default().draw(Look::plain(Width::Double))).unwrap().is_empty());
    }
}
