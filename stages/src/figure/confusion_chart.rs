//! Confusion matrices: what items of each class were taken for, in percent of the class.

use super::palette::{INK, PALE};
use super::{Anchor, ColourScale, Figure, HAIR, HeatMap, Ink, Look, Text, colour_bar};

/// What is drawn: one panel or several, with the same classes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfusionChart {
    /// The names of the classes.
    pub(crate) classes: Vec<String>,
    /// The matrices.
    pub(crate) panels: Vec<ConfusionPanel>,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// One matrix.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConfusionPanel {
    /// What is written above.
    pub(crate) name: String,
    /// How many items of a class (row) were taken for a class (column).
    pub(crate) counts: Vec<Vec<u64>>,
}

/// The sides between which a field lies, and the one from which numbers fit into it, in millimetres.
const FIELDS: (f64, f64) = (4.6, 9.0);
const FIELD_OF_NUMBERS: f64 = 5.0;
const GAP: f64 = 4.0;
const BAR_ROOM: f64 = 15.0;
/// The smallest names, in millimetres: 5 points, where there are very many classes.
const LEAST_TEXT: f64 = 1.76;

/// Where the fields of all panels go.
struct Grid {
    left: f64,
    field: f64,
    across: usize,
    count: usize,
}

impl ConfusionChart {
    /// Draws the chart.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin("Confusion matrix");
        let grid = self.grid(&figure);
        let style = grid.name_style();
        let name_room = self.longest(style).min(0.25 * (figure.right() - figure.left()));
        let side = grid.side();
        let start = figure.top();
        for (line, panels) in self.panels.chunks(grid.across).enumerate() {
            let top = figure.top() + if line > 0 { 2.0 } else { 0.0 } + 1.4 * style_of_panels().size;
            for (index, panel) in panels.iter().enumerate() {
                let left = grid.left + index as f64 * (side + GAP);
                let name = Figure::fitted(&panel.name, side + GAP - 1.0, style_of_panels());
                figure.text((left, top - 1.0), &name, style_of_panels());
                panel.draw(&mut figure, (left, top), &grid);
                self.column_names(&mut figure, (left, top + side), &grid, name_room);
            }
            self.row_names(&mut figure, (grid.left, top), &grid, name_room);
            let middle = top + side / 2.0;
            figure.centred_text((figure.left() + 1.3, middle), "True class", Text::normal(Anchor::Middle).upwards());
            figure.advance_to(top + side + 1.2 + self.depth(&grid, name_room));
        }
        let low = figure.top();
        let width = grid.across as f64 * (side + GAP) - GAP;
        let place = (grid.left + width / 2.0, low + Text::normal(Anchor::Middle).size);
        figure.text(place, "Predicted class", Text::normal(Anchor::Middle));
        let bar = (grid.left + width + 3.0, start + 1.4 * style_of_panels().size);
        colour_bar(&mut figure, bar, (2.6, side.clamp(20.0, 45.0)), ColourScale::Share(100.0), "% of the class");
        figure.advance_to(place.1 + 1.2);
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    /// As many panels beside one another as leave their fields large enough.
    fn grid(&self, figure: &Figure) -> Grid {
        let count = self.classes.len().max(1);
        let names = self.longest(Text::small(Anchor::End)).min(0.25 * (figure.right() - figure.left()));
        let left = figure.left() + 3.5 + names + 1.0;
        let room = figure.right() - BAR_ROOM - left;
        let field = |across: usize| (room - (across - 1) as f64 * GAP) / (across * count) as f64;
        let most = self.panels.len().clamp(1, 4);
        let across = (1..=most).rev().find(|&across| field(across) >= FIELDS.0).unwrap_or(1);
        Grid { left, field: field(across).min(FIELDS.1), across, count }
    }

    fn longest(&self, style: Text<'_>) -> f64 {
        self.classes.iter().map(|name| Figure::width_of(name, style)).fold(0.0, f64::max)
    }

    fn row_names(&self, figure: &mut Figure, (left, top): (f64, f64), grid: &Grid, room: f64) {
        let style = grid.name_style();
        for (index, name) in self.classes.iter().enumerate().step_by(grid.step()) {
            let y = top + (index as f64 + 0.5) * grid.field;
            figure.centred_text((left - 0.8, y), &Figure::fitted(name, room, style), style);
        }
    }

    fn names_lie(&self, grid: &Grid) -> bool {
        self.longest(grid.name_style()) <= grid.field - 0.4
    }

    /// How far down the names of columns reach.
    fn depth(&self, grid: &Grid, room: f64) -> f64 {
        let style = grid.name_style();
        if self.names_lie(grid) { 1.2 * style.size } else { self.longest(style).min(room) + 1.0 }
    }

    fn column_names(&self, figure: &mut Figure, (left, bottom): (f64, f64), grid: &Grid, room: f64) {
        let style = grid.name_style();
        for (index, name) in self.classes.iter().enumerate().step_by(grid.step()) {
            let x = left + (index as f64 + 0.5) * grid.field;
            if self.names_lie(grid) {
                figure.text((x, bottom + 0.8 + style.size), name, Text { anchor: Anchor::Middle, ..style });
            } else {
                figure.centred_text((x, bottom + 0.8), &Figure::fitted(name, room, style), style.upwards());
            }
        }
    }
}

/// How the names of panels are set.
fn style_of_panels() -> Text<'static> {
    Text::normal(Anchor::Start)
}

impl Grid {
    /// Names are as small as fields are, down to what can be read.
    fn name_style(&self) -> Text<'static> {
        let style = Text::small(Anchor::End);
        Text { size: style.size.min(0.95 * self.field).max(LEAST_TEXT), ..style }
    }

    /// Every how-manieth name has room.
    fn step(&self) -> usize {
        (self.name_style().size / self.field).ceil().max(1.0) as usize
    }

    fn side(&self) -> f64 {
        self.field * self.count as f64
    }
}

impl ConfusionPanel {
    fn draw(&self, figure: &mut Figure, (left, top): (f64, f64), grid: &Grid) {
        let colours = ColourScale::Share(100.0);
        let shares: Vec<f32> = self.counts.iter().flat_map(|row| percents(row)).collect();
        if shares.len() == grid.count * grid.count {
            let side = grid.side();
            HeatMap::new((grid.count, grid.count), &shares, (usize::MAX, usize::MAX)).draw(
                figure,
                (left, top),
                (side, side),
                colours,
            );
        }
        if grid.field < FIELD_OF_NUMBERS {
            return;
        }
        for (row, counts) in self.counts.iter().enumerate() {
            for (column, (&count, share)) in counts.iter().zip(percents(counts)).enumerate() {
                let place = |index: usize, from: f64| from + (index as f64 + 0.5) * grid.field;
                let colour = if share > 45.0 { "#ffffff" } else { INK };
                let style = Text::small(Anchor::Middle).coloured(colour);
                if count > 0 {
                    figure.centred_text((place(column, left), place(row, top)), &format!("{share:.0}"), style);
                }
            }
        }
        for index in 1..grid.count {
            let (x, y) = (left + index as f64 * grid.field, top + index as f64 * grid.field);
            figure.line((x, top), (x, top + grid.side()), Ink::line(PALE, HAIR));
            figure.line((left, y), (left + grid.side(), y), Ink::line(PALE, HAIR));
        }
    }
}

/// Counts of a row in percent of their sum; zeros where the class has no items.
fn percents(row: &[u64]) -> impl Iterator<Item = f32> {
    let all = row.iter().sum::<u64>().max(1) as f32;
    row.iter().map(move |&count| 100.0 * count as f32 / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    fn chart(classes: usize, panels: usize) -> ConfusionChart {
        let row =
            |class: usize| (0..classes).map(|other| if other == class { 8 } else { u64::from(other == 0) }).collect();
        let panel = ConfusionPanel { name: "photo".to_owned(), counts: (0..classes).map(row).collect() };
        ConfusionChart {
            classes: (0..classes).map(|class| format!("class_{class}")).collect(),
            panels: vec![panel; panels],
            notes: Vec::new(),
        }
    }

    #[test]
    fn few_classes_have_numbers_and_nothing_is_no_number() {
        let svg = chart(3, 1).draw(Look::plain(Width::Single)).svg();
        assert_eq!((svg.matches(">89<").count(), svg.matches(">11<").count()), (2, 2));
        assert_eq!((svg.matches(">0<").count(), svg.matches(">100<").count()), (1, 2), "the bar has 0 and 100 too");
    }

    #[test]
    fn sixty_five_classes_fit_on_a_page_without_numbers() {
        let figure = chart(65, 1).draw(Look::plain(Width::Double));
        assert!(figure.size().1 < 200.0, "{:?}", figure.size());
        assert!(!figure.svg().contains(">89<"));
        assert!(!png_of(&figure).unwrap().is_empty());
    }

    #[test]
    fn nothing_at_all_can_be_drawn() {
        assert!(!png_of(&ConfusionChart::default().draw(Look::plain(Width::Single))).unwrap().is_empty());
    }
}
