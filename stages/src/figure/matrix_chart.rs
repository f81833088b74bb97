//! The matrices of a network as heat maps on one scale.

use super::{Anchor, Axes, ColourScale, Figure, HeatMap, Legend, Look, Scale, Side, Swatch, Text, colour_bar};

/// What is drawn: networks one below the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct MatrixChart {
    /// The networks.
    pub(crate) blocks: Vec<MatrixBlock>,
}

/// The matrices of one network.
#[derive(Clone, Debug)]
pub(crate) struct MatrixBlock {
    /// What is written above; nothing where there is one network only.
    pub(crate) name: Option<String>,
    /// One panel a layer.
    pub(crate) panels: Vec<MatrixPanel>,
    /// What the colours mean.
    pub(crate) colours: ColourScale,
    /// What the numbers are, such as `Importance`.
    pub(crate) quantity: String,
}

/// A matrix with the vector beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct MatrixPanel {
    /// What is written above.
    pub(crate) name: String,
    /// Outputs and inputs.
    pub(crate) shape: (usize, usize),
    /// The matrix, row-major, one row an output.
    pub(crate) weight: Vec<f32>,
    /// One number an output, where there is a vector.
    pub(crate) bias: Option<Vec<f32>>,
}

/// From so many columns on, a matrix has a line of its own.
const WIDE: usize = 48;
/// The most fields drawn in a row and in a column; more are averaged.
const MOST: (usize, usize) = (800, 320);
/// The side of a field of a small matrix in millimetres.
const FIELD: f64 = 2.5;
/// The highest a matrix becomes.
const HIGHEST: f64 = 60.0;
const GAP: f64 = 5.0;
const BIAS_GAP: f64 = 1.0;
/// Room for the name above a panel and for the ticks below a wide one.
const ABOVE: f64 = 4.0;
const BAR_ROOM: f64 = 16.0;

impl MatrixChart {
    /// Draws the chart.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin(self.blocks.first().map_or("Matrices", |block| &block.quantity));
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                let low = figure.top() + 2.5;
                figure.advance_to(low);
            }
            // Networks on one scale share its bar.
            let has_bar = index == 0 || self.blocks[index - 1].colours != block.colours;
            block.draw(&mut figure, has_bar);
        }
        figure.close()
    }
}

impl MatrixBlock {
    fn draw(&self, figure: &mut Figure, has_bar: bool) {
        if let Some(name) = &self.name {
            figure.paragraph(name, Text::normal(Anchor::Start));
        }
        let is_mask = self.colours == ColourScale::Mask;
        if is_mask && has_bar {
            let mut legend = Legend::default();
            legend.add(Swatch::Field(self.colours.colour(1.0)), "free (1)");
            legend.add(Swatch::Field(self.colours.colour(0.0)), "frozen (0)");
            legend.draw(figure);
        }
        let top = figure.top();
        let right = figure.right() - if is_mask { 0.0 } else { BAR_ROOM };
        let mut pen = Pen { x: figure.left(), y: top, low: top };
        for panel in &self.panels {
            panel.draw(figure, &mut pen, right, self.colours);
        }
        let has_bar = has_bar && !is_mask;
        let low = pen.low.max(top + 30.0 * f64::from(u8::from(has_bar)));
        if has_bar {
            let height = (low - top - ABOVE - 1.0).min(45.0);
            colour_bar(figure, (right + 3.5, top + ABOVE), (2.6, height), self.colours, &self.quantity);
        }
        figure.advance_to(low);
    }
}

/// Where the next panel goes, and how far down panels reach.
struct Pen {
    x: f64,
    y: f64,
    low: f64,
}

impl Pen {
    fn next_line(&mut self, left: f64) {
        (self.x, self.y) = (left, self.low + if self.low > self.y { 1.0 } else { 0.0 });
    }
}

impl MatrixPanel {
    fn draw(&self, figure: &mut Figure, pen: &mut Pen, right: f64, colours: ColourScale) {
        let (rows, columns) = self.shape;
        let left = figure.left();
        let bias_room = if self.bias.is_some() { BIAS_GAP + FIELD } else { 0.0 };
        let is_wide = columns > WIDE || columns as f64 * FIELD + bias_room > right - left;
        let width = if is_wide { right - left - bias_room } else { columns as f64 * FIELD };
        let height = (rows as f64 * FIELD).min(HIGHEST);
        let label = self.label(colours);
        let label_width = Figure::width_of(&label, Text::small(Anchor::Start));
        let whole = (width + bias_room).max(label_width);
        if pen.x > left && (is_wide || pen.x + whole > right) {
            pen.next_line(left);
        }
        let (x, y) = (pen.x, pen.y + ABOVE);
        figure.text((x, y - 1.0), &label, Text::small(Anchor::Start));
        let map = HeatMap::new((rows, columns), &self.weight, MOST);
        map.draw(figure, (x, y), (width, height), colours);
        if let Some(bias) = &self.bias {
            let map = HeatMap::new((rows, 1), bias, MOST);
            map.draw(figure, (x + width + BIAS_GAP, y), (FIELD, height), colours);
        }
        let mut low = y + height + 0.6;
        if is_wide {
            let axes = Axes { left: x, top: y, right: x + width, bottom: y + height };
            let scale = Scale::new((0.0, columns as f64), (axes.left, axes.right));
            axes.ticks(figure, Side::Bottom, &scale, &scale.whole_ticks(8));
            low = y + height + Axes::ROOM_BELOW;
        }
        pen.low = pen.low.max(low);
        pen.x = x + whole + GAP;
        if is_wide {
            pen.next_line(left);
        }
    }

    /// The name, the shape, and of masks the share of free weights.
    fn label(&self, colours: ColourScale) -> String {
        let (rows, columns) = self.shape;
        let size = format!("{} ({rows} × {columns})", self.name);
        if colours != ColourScale::Mask {
            return size;
        }
        let values = self.weight.iter().chain(self.bias.iter().flatten());
        let (free, all) = values.fold((0_u32, 0_u32), |(free, all), &value| (free + u32::from(value > 0.5), all + 1));
        format!("{size}, {:.1} % free", 100.0 * f64::from(free) / f64::from(all.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    fn panel(name: &str, shape: (usize, usize), value: impl Fn(usize) -> f32) -> MatrixPanel {
        let weight = (0..shape.0 * shape.1).map(&value).collect();
        let bias = Some((0..shape.0).map(&value).collect());
        MatrixPanel { name: name.to_owned(), shape, weight, bias }
    }

    fn chart(colours: ColourScale, panels: Vec<MatrixPanel>) -> MatrixChart {
        MatrixChart { blocks: vec![MatrixBlock { name: None, panels, colours, quantity: "Importance".to_owned() }] }
    }

    #[test]
    fn a_mask_says_how_much_stays_free() {
        let panels = vec![panel("layers.0", (2, 3), |index| (index % 2) as f32)];
        let svg = chart(ColourScale::Mask, panels).draw(Look::plain(Width::Double)).svg();
        // Three of six weights and one of two biases.
        assert!(svg.contains("layers.0 (2 × 3), 50.0 % free"), "{svg}");
        assert!(svg.contains("frozen (0)"));
    }

    #[test]
    fn a_wide_matrix_has_the_whole_width_and_ticks() {
        let panels = vec![panel("layers.0", (10, 768), |index| index as f32 / 7680.0)];
        let figure = chart(ColourScale::Up(1.0), panels).draw(Look::plain(Width::Double));
        assert!(figure.svg().contains(">400<") && figure.size().1 < 60.0, "{:?}", figure.size());
        assert!(figure.svg().len() < 400_000);
    }

    #[test]
    fn tall_and_empty_matrices_can_be_drawn() {
        let panels = vec![panel("tall", (3072, 30), |index| index as f32), panel("empty", (0, 0), |_| 0.0)];
        let figure = chart(ColourScale::Around(1.0), panels).draw(Look::plain(Width::Double));
        assert!(figure.size().1 < 80.0);
        assert!(!png_of(&chart(ColourScale::Mask, Vec::new()).draw(Look::plain(Width::Double))).unwrap().is_empty());
    }
}
