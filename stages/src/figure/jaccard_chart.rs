//! How alike masks are, tensor by tensor, beside what masks drawn at random would be.

use super::palette::{GREY, PALE};
use super::{Anchor, Axes, Figure, HAIR, Ink, Legend, Look, Scale, Side, Swatch, Text, series_colour, series_marker};

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct JaccardChart {
    /// What pairs of masks have in common or not, such as `other seed`.
    pub(crate) series: Vec<String>,
    /// One row a tensor.
    pub(crate) rows: Vec<JaccardRow>,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// A tensor.
#[derive(Clone, Debug, Default)]
pub(crate) struct JaccardRow {
    /// What it is called.
    pub(crate) name: String,
    /// For each series the values of its pairs, from 0 to 1.
    pub(crate) values: Vec<Vec<f64>>,
    /// For each series the mean of what chance would give.
    pub(crate) chance: Vec<Option<f64>>,
}

/// The height of a series in a row, and the air between rows, in millimetres.
const LINE: f64 = 2.9;
const AIR: f64 = 1.4;

impl JaccardChart {
    /// Draws the chart.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin("Jaccard index of masks");
        let mut legend = Legend::default();
        for (index, name) in self.series.iter().enumerate() {
            legend.add(Swatch::Mark(series_marker(index), series_colour(index).to_owned()), name);
        }
        legend.add(Swatch::Bar(GREY.to_owned()), "expected by chance");
        legend.draw(&mut figure);
        let style = Text::small(Anchor::End);
        let most = 0.35 * (figure.right() - figure.left());
        let names = self.rows.iter().map(|row| Figure::width_of(&row.name, style)).fold(0.0, f64::max).min(most);
        let top = figure.top() + 1.0;
        let tall = LINE * self.series.len().max(1) as f64 + AIR;
        let bottom = top + tall * self.rows.len().max(1) as f64;
        let axes = Axes { left: figure.left() + names + 1.5, top, right: figure.right() - 2.0, bottom };
        let scale = Scale::new((0.0, 1.0), (axes.left, axes.right));
        let ticks = scale.ticks(5);
        for (value, _) in &ticks {
            let x = scale.place(*value);
            figure.line((x, top), (x, bottom), Ink::line(PALE, 0.2));
        }
        for (index, row) in self.rows.iter().enumerate() {
            let start = top + index as f64 * tall;
            if index > 0 {
                figure.line((axes.left, start), (axes.right, start), Ink::line(PALE, 0.2));
            }
            let name = Figure::fitted(&row.name, most, style);
            figure.centred_text((axes.left - 1.2, start + tall / 2.0), &name, style);
            row.draw(&mut figure, start + AIR / 2.0, &scale);
        }
        axes.ticks(&mut figure, Side::Bottom, &scale, &ticks);
        axes.name(&mut figure, Side::Bottom, "Jaccard index of free weights", Axes::ROOM_BELOW);
        axes.frame(&mut figure);
        figure.advance_to(bottom + Axes::ROOM_BELOW + 1.5 * Text::normal(Anchor::Middle).size);
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }
}

impl JaccardRow {
    /// Small dots are pairs, the mark is their mean, the upright bar what chance gives.
    fn draw(&self, figure: &mut Figure, top: f64, scale: &Scale) {
        for (index, (values, chance)) in self.values.iter().zip(&self.chance).enumerate() {
            let y = top + (index as f64 + 0.5) * LINE;
            let colour = series_colour(index);
            if let Some(chance) = chance {
                let x = scale.place(*chance);
                figure.line((x, y - 0.45 * LINE), (x, y + 0.45 * LINE), Ink::line(GREY, 2.5 * HAIR));
            }
            for value in values.iter().filter(|_| values.len() > 1) {
                figure.circle((scale.place(*value), y + 0.75), 0.3, Ink::fill(colour).opacity(0.45));
            }
            if !values.is_empty() {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                series_marker(index).draw(figure, (scale.place(mean), y - 0.25), 0.75, Ink::fill(colour));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    #[test]
    fn pairs_are_dots_and_chance_is_a_bar() {
        let row = JaccardRow {
            name: "layers.0.weight".to_owned(),
            values: vec![vec![0.2, 0.4], vec![]],
            chance: vec![Some(0.1), None],
        };
        let chart = JaccardChart {
            series: vec!["other seed".to_owned(), "other domain".to_owned()],
            rows: vec![row],
            notes: Vec::new(),
        };
        let svg = chart.draw(Look::plain(Width::Single)).svg();
        // Two pairs, their mean, and the mark of the legend.
        assert_eq!(svg.matches("<circle").count(), 4);
        assert_eq!(svg.matches("stroke-width=\"0.45\"").count(), 2, "one bar and the legend's");
        assert!(!png_of(&JaccardChart::default().draw(Look::plain(Width::Single))).unwrap().is_empty());
    }
}
