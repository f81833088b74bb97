//! Matrices as fields of colour, and the bar that says what the colours mean.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figure::number;
use super::palette::INK;
use super::{Anchor, ColourScale, Figure, Ink, Scale, Text};

/// How far a field reaches under the next one, so that no viewer of PDF shows a gap between them.
const UNDER: f64 = 0.05;

/// A matrix to be drawn, row-major.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap {
    rows: usize,
    columns: usize,
    values: Vec<f32>,
}

impl HeatMap {
    /// Takes a matrix of `rows` × `columns` numbers; where it has more than `most` rows or columns, neighbours are
    /// averaged, so that the figure stays small.
    pub(crate) fn new((rows, columns): (usize, usize), values: &[f32], most: (usize, usize)) -> Self {
        assert_eq!(values.len(), rows * columns, "a heat map takes a whole matrix");
        let (across, down) = (columns.div_ceil(most.0).max(1), rows.div_ceil(most.1).max(1));
        let (drawn_rows, drawn_columns) = (rows.div_ceil(down), columns.div_ceil(across));
        let mean = |row: usize, column: usize| {
            let lines = (row * down)..((row + 1) * down).min(rows);
            let (first, last) = (column * across, ((column + 1) * across).min(columns));
            let part = lines.flat_map(|line| &values[line * columns + first..line * columns + last]);
            let (sum, count) = part.fold((0.0, 0_u32), |(sum, count), &value| (sum + f64::from(value), count + 1));
            (sum / f64::from(count)) as f32
        };
        let mean = &mean;
        let values = (0..drawn_rows).flat_map(|row| (0..drawn_columns).map(move |column| mean(row, column))).collect();
        Self { rows: drawn_rows, columns: drawn_columns, values }
    }

    /// Fills a rectangle with the fields and puts a thin line around them.
    pub(crate) fn draw(
        &self,
        figure: &mut Figure,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        colours: ColourScale,
    ) {
        if !self.values.is_empty() {
            let field = (width / self.columns as f64, height / self.rows as f64);
            let common = self.most_common(colours);
            figure.rectangle((x, y), (width, height), Ink::fill(&common));
            for (colour, path) in self.paths((x, y), field, colours).into_iter().filter(|(colour, _)| *colour != common)
            {
                figure.crisp_path(&path, &colour);
            }
        }
        figure.rectangle((x, y), (width, height), Ink::line(INK, 0.15));
    }

    /// The colour of most fields, of equals the last by name.
    fn most_common(&self, colours: ColourScale) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for &value in &self.values {
            *counts.entry(colours.colour(f64::from(value))).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(colour, _)| colour).unwrap_or_default()
    }

    /// One path a colour, in which neighbours in a row are one rectangle: thousands of fields stay a small file.
    fn paths(&self, (x, y): (f64, f64), field: (f64, f64), colours: ColourScale) -> BTreeMap<String, String> {
        let mut paths: BTreeMap<String, String> = BTreeMap::new();
        for (row, values) in self.values.chunks(self.columns).enumerate() {
            let fields: Vec<String> = values.iter().map(|&value| colours.colour(f64::from(value))).collect();
            let mut column = 0;
            for run in fields.chunk_by(|a, b| a == b) {
                let left = number(x + column as f64 * field.0);
                column += run.len();
                let under = |is_last: bool| if is_last { 0.0 } else { UNDER };
                let wide = number(run.len() as f64 * field.0 + under(column == self.columns));
                let (top, tall) = (number(y + row as f64 * field.1), number(field.1 + under(row + 1 == self.rows)));
                let path = paths.entry(run[0].clone()).or_default();
                let _ = write!(path, "M{left} {top}h{wide}v{tall}h-{wide}z");
            }
        }
        paths
    }
}

/// Draws a bar of the colours upwards, with numbers to its right and the name of what it shows beside them.
pub(crate) fn colour_bar(
    figure: &mut Figure,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    colours: ColourScale,
    name: &str,
) {
    const STEPS: usize = 64;
    let (low, high) = colours.ends();
    let step = height / STEPS as f64;
    for index in 0..STEPS {
        let value = high - (high - low) * (index as f64 + 0.5) / STEPS as f64;
        // Each step reaches under the next one, so that no gap shows between them.
        let tall = if index + 1 < STEPS { 1.5 * step } else { step };
        figure.rectangle((x, y + index as f64 * step), (width, tall), Ink::fill(&colours.colour(value)));
    }
    figure.rectangle((x, y), (width, height), Ink::line(INK, 0.15));
    let scale = Scale::new((low, high), (y + height, y));
    let ticks = scale.ticks(4);
    let mut reach = 0.0_f64;
    for (value, text) in &ticks {
        let place = scale.place(*value);
        figure.line((x + width, place), (x + width + 0.7, place), Ink::line(INK, 0.2));
        figure.centred_text((x + width + 1.2, place), text, Text::small(Anchor::Start));
        reach = reach.max(Figure::width_of(text, Text::small(Anchor::Start)));
    }
    let place = (x + width + 1.2 + reach + 2.0, y + height / 2.0);
    figure.centred_text(place, name, Text::small(Anchor::Middle).upwards());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_colour_are_one_rectangle() {
        let map = HeatMap::new((2, 4), &[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], (9, 9));
        let paths = map.paths((0.0, 0.0), (1.0, 1.0), ColourScale::Mask);
        assert_eq!(paths["#ececec"], "M0 0h2.05v1.05h-2.05z");
        assert_eq!(paths["#1b1b1b"], "M2 0h2v1.05h-2zM0 1h4v1h-4z");
        assert_eq!(map.most_common(ColourScale::Mask), "#1b1b1b");
    }

    #[test]
    fn too_many_fields_are_averaged() {
        let map = HeatMap::new((1, 5), &[1.0, 3.0, 5.0, 7.0, 9.0], (3, 9));
        assert_eq!((map.columns, map.values), (3, vec![2.0, 6.0, 9.0]));
        let map = HeatMap::new((3, 2), &[1.0, 3.0, 5.0, 7.0, 9.0, 11.0], (1, 2));
        assert_eq!((map.rows, map.values), (2, vec![4.0, 10.0]));
    }

    #[test]
    fn an_empty_matrix_is_a_frame() {
        let mut figure = Figure::new(85.0, "x", None, None);
        HeatMap::new((0, 0), &[], (9, 9)).draw(&mut figure, (0.0, 0.0), (5.0, 5.0), ColourScale::Mask);
        assert!(!figure.svg().contains("crispEdges"));
    }
}
