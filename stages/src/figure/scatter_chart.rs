//! Points of a plane, coloured by class and marked by group.

use super::palette::{GREY, INK};
use super::{
    Anchor, Axes, COLOURS_APART, Figure, HAIR, Ink, Legend, Look, Scale, Side, Swatch, Text, class_colour, group_marker,
};

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScatterChart {
    /// What the figure shows, for screen readers.
    pub(crate) name: String,
    /// The names of the classes.
    pub(crate) classes: Vec<String>,
    /// The names of the groups, such as domains; one is not told apart.
    pub(crate) groups: Vec<String>,
    /// The points, of which later ones lie above.
    pub(crate) points: Vec<ScatterPoint>,
    /// What the axes are called; nothing where distances alone mean something.
    pub(crate) axes: Option<[String; 2]>,
    /// Lines below the chart.
    pub(crate) notes: Vec<String>,
}

/// One item.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ScatterPoint {
    /// Where it lies.
    pub(crate) place: (f64, f64),
    /// The number of its class.
    pub(crate) class: usize,
    /// The number of its group.
    pub(crate) group: usize,
}

/// The least and the most of the frame's height over its width, and the most it takes in millimetres.
const SHAPES: (f64, f64) = (0.5, 1.0);
const HIGHEST: f64 = 110.0;

impl ScatterChart {
    /// How many classes can be told apart by colour; more have numbers.
    pub(crate) const COLOURS_APART: usize = COLOURS_APART;

    /// Draws the chart. Both axes have the same scale, so that distances are comparable.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin(&self.name);
        self.legend(&mut figure);
        let top = figure.top() + 1.0;
        let room = if self.axes.is_some() { 10.0 } else { 0.3 };
        let (left, right) = (figure.left() + room, figure.right() - 0.3);
        let bottom = top + (self.shape() * (right - left)).min(HIGHEST);
        let frame = Axes { left, top, right, bottom };
        let (horizontal, vertical) = self.scales(&frame);
        let radius = if self.points.len() > 600 { 0.5 } else { 0.7 };
        for point in &self.points {
            let place = (horizontal.place(point.place.0), vertical.place(point.place.1));
            let colour = class_colour(point.class, self.classes.len());
            group_marker(point.group).draw(&mut figure, place, radius, Ink::fill(&colour).opacity(0.75));
        }
        if self.classes.len() > COLOURS_APART {
            self.numbers(&mut figure, &horizontal, &vertical);
        }
        figure.rectangle((left, top), (right - left, bottom - top), Ink::line(GREY, HAIR));
        let mut low = bottom + 1.0;
        if let Some([across, up]) = &self.axes {
            let (below, beside) = (horizontal.ticks(8), vertical.ticks(7));
            frame.ticks(&mut figure, Side::Bottom, &horizontal, &below);
            frame.ticks(&mut figure, Side::Left, &vertical, &beside);
            frame.name(&mut figure, Side::Bottom, across, Axes::ROOM_BELOW);
            frame.name(&mut figure, Side::Left, up, Axes::room_for(&beside));
            low = bottom + Axes::ROOM_BELOW + 1.5 * Text::normal(Anchor::Middle).size;
        }
        figure.advance_to(low);
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    fn legend(&self, figure: &mut Figure) {
        let mut classes = Legend::default();
        if self.classes.len() <= COLOURS_APART {
            for (index, name) in self.classes.iter().enumerate() {
                classes.add(Swatch::Field(class_colour(index, self.classes.len())), name);
            }
        }
        classes.draw(figure);
        let mut groups = Legend::default();
        for (index, name) in self.groups.iter().enumerate().filter(|_| self.groups.len() > 1) {
            groups.add(Swatch::Mark(group_marker(index), INK.to_owned()), name);
        }
        groups.draw(figure);
    }

    /// The lowest and highest place along an axis; 0 and 1 where there is none.
    fn ends(&self, of: fn(&ScatterPoint) -> f64) -> (f64, f64) {
        let values = self.points.iter().map(of).filter(|value| value.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        if low <= high { (low, high) } else { (0.0, 1.0) }
    }

    /// A height over width that leaves little of the frame empty.
    fn shape(&self) -> f64 {
        let (across, up) = (self.ends(|point| point.place.0), self.ends(|point| point.place.1));
        let shape = (up.1 - up.0) / (across.1 - across.0);
        if shape.is_finite() { shape.clamp(SHAPES.0, SHAPES.1) } else { SHAPES.1 }
    }

    /// Scales that show all points with some air, a unit of one as long as a unit of the other.
    fn scales(&self, frame: &Axes) -> (Scale, Scale) {
        let (across, up) = (self.ends(|point| point.place.0), self.ends(|point| point.place.1));
        let (width, height) = (frame.right - frame.left, frame.bottom - frame.top);
        let unit = f64::max((across.1 - across.0) / width, (up.1 - up.0) / height) * 1.06;
        let unit = if unit > 0.0 { unit } else { 1.0 / width };
        let around = |(low, high): (f64, f64), length: f64| {
            let middle = f64::midpoint(low, high);
            (middle - unit * length / 2.0, middle + unit * length / 2.0)
        };
        (
            Scale::new(around(across, width), (frame.left, frame.right)),
            Scale::new(around(up, height), (frame.bottom, frame.top)),
        )
    }

    /// Puts the number of each class at the median of its points, where colours alone do not tell.
    fn numbers(&self, figure: &mut Figure, horizontal: &Scale, vertical: &Scale) {
        let style = Text::small(Anchor::Middle);
        for class in 0..self.classes.len() {
            let median = |of: fn(&ScatterPoint) -> f64| {
                let mut values: Vec<f64> = self.points.iter().filter(|point| point.class == class).map(of).collect();
                values.sort_by(f64::total_cmp);
                values.get(values.len() / 2).copied()
            };
            if let (Some(x), Some(y)) = (median(|point| point.place.0), median(|point| point.place.1)) {
                let (place, text) = ((horizontal.place(x), vertical.place(y)), class.to_string());
                let width = Figure::width_of(&text, style) + 0.6;
                let corner = (place.0 - width / 2.0, place.1 - 1.2);
                figure.rectangle(corner, (width, 2.4), Ink::fill("#ffffff").opacity(0.8));
                figure.centred_text(place, &text, style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    fn chart(classes: usize) -> ScatterChart {
        let point = |index: usize| ScatterPoint {
            place: (index as f64, (index * index % 17) as f64),
            class: index % classes,
            group: index % 2,
        };
        ScatterChart {
            name: "PCA".to_owned(),
            classes: (0..classes).map(|class| format!("class {class}")).collect(),
            groups: vec!["photo".to_owned(), "sketch".to_owned()],
            points: (0..2 * classes).map(point).collect(),
            axes: None,
            notes: Vec::new(),
        }
    }

    #[test]
    fn groups_have_marks_and_few_classes_a_legend() {
        let svg = chart(3).draw(Look::plain(Width::Single)).svg();
        // Three of six points and one entry of the legend each.
        assert_eq!((svg.matches("<circle").count(), svg.matches("<polygon").count()), (4, 4));
        assert!(svg.contains(">class 2<"));
    }

    #[test]
    fn many_classes_have_numbers_at_their_points() {
        let svg = chart(65).draw(Look::plain(Width::Double)).svg();
        assert!(svg.contains(">64<") && !svg.contains(">class 2<"));
    }

    #[test]
    fn points_that_are_equal_or_no_numbers_can_be_drawn() {
        let mut one = chart(1);
        one.points.truncate(1);
        one.axes = Some(["PC 1".to_owned(), "PC 2".to_owned()]);
        assert!(!png_of(&one.draw(Look::plain(Width::Single))).unwrap().is_empty());
        assert!(!png_of(&ScatterChart::default().draw(Look::plain(Width::Single))).unwrap().is_empty());
    }
}
