//! Small pictures in rows and columns, such as a few of each class in each domain.

use super::palette::PALE;
use super::{Anchor, Figure, HAIR, Ink, Look, Picture, Text};

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContactSheet {
    /// The names of the columns, such as classes.
    pub(crate) columns: Vec<String>,
    /// How many pictures a place has at most, one below the other.
    pub(crate) deep: usize,
    /// The rows, such as domains.
    pub(crate) rows: Vec<ContactRow>,
    /// Lines below the sheet.
    pub(crate) notes: Vec<String>,
}

/// A row of places.
#[derive(Clone, Debug, Default)]
pub(crate) struct ContactRow {
    /// What is written beside it; may be empty.
    pub(crate) name: String,
    /// For each column its pictures.
    pub(crate) places: Vec<Vec<Picture>>,
}

/// The smallest and the largest side of a picture in millimetres.
const SIDES: (f64, f64) = (8.5, 24.0);
const AIR: f64 = 0.5;
const NAMES_AT_MOST: f64 = 22.0;

/// How the sheet is divided.
struct Division {
    left: f64,
    side: f64,
    across: usize,
}

impl ContactSheet {
    /// The side of a picture in millimetres at this width.
    pub(crate) fn side(&self, look: Look<'_>) -> f64 {
        self.division(&look.begin("")).side
    }

    /// Draws the sheet. Columns that do not fit beside one another go on below.
    pub(crate) fn draw(&self, look: Look<'_>) -> Figure {
        let mut figure = look.begin("Contact sheet");
        let division = self.division(&figure);
        for first in (0..self.columns.len()).step_by(division.across) {
            let last = (first + division.across).min(self.columns.len());
            if first > 0 {
                let low = figure.top() + 1.5;
                figure.advance_to(low);
            }
            self.headings(&mut figure, &division, first..last);
            for row in &self.rows {
                self.row(&mut figure, &division, row, first..last);
            }
        }
        for note in &self.notes {
            figure.paragraph(note, Text::small(Anchor::Start));
        }
        figure.close()
    }

    fn division(&self, figure: &Figure) -> Division {
        let style = Text::small(Anchor::End);
        let names = self.rows.iter().map(|row| Figure::width_of(&row.name, style)).fold(0.0, f64::max);
        let left = figure.left() + if names > 0.0 { names.min(NAMES_AT_MOST) + 1.5 } else { 0.0 };
        let room = figure.right() - left + AIR;
        let most = (room / (SIDES.0 + AIR)).floor().max(1.0) as usize;
        let lines = self.columns.len().max(1).div_ceil(most);
        let across = self.columns.len().max(1).div_ceil(lines);
        Division { left, side: (room / across as f64 - AIR).min(SIDES.1), across }
    }

    fn headings(&self, figure: &mut Figure, division: &Division, columns: std::ops::Range<usize>) {
        let style = Text::small(Anchor::Middle);
        let names = &self.columns[columns];
        let widest = names.iter().map(|name| Figure::width_of(name, style)).fold(0.0, f64::max);
        let lies = widest <= division.side;
        let room = if lies { 1.3 * style.size } else { widest.min(NAMES_AT_MOST) + 0.8 };
        let low = figure.top() + room;
        for (index, name) in names.iter().enumerate() {
            let x = division.left + index as f64 * (division.side + AIR) + division.side / 2.0;
            if lies {
                figure.text((x, low - 0.3 * style.size), name, style);
            } else {
                let name = Figure::fitted(name, NAMES_AT_MOST, style);
                figure.centred_text((x, low - 0.6), &name, Text { anchor: Anchor::Start, ..style }.upwards());
            }
        }
        figure.advance_to(low);
    }

    fn row(&self, figure: &mut Figure, division: &Division, row: &ContactRow, columns: std::ops::Range<usize>) {
        let (top, step) = (figure.top(), division.side + AIR);
        let deep = self.deep.max(1);
        for (index, pictures) in row.places[columns].iter().enumerate() {
            for line in 0..deep {
                let place = (division.left + index as f64 * step, top + line as f64 * step);
                match pictures.get(line) {
                    Some(picture) => figure.picture(place, (division.side, division.side), picture),
                    // What is missing is seen to be missing.
                    None => figure.rectangle(place, (division.side, division.side), Ink::line(PALE, HAIR)),
                }
            }
        }
        let tall = deep as f64 * step;
        let style = Text::small(Anchor::End);
        let name = Figure::fitted(&row.name, NAMES_AT_MOST, style);
        figure.centred_text((division.left - 1.2, top + tall / 2.0), &name, style);
        figure.advance_to(top + tall + 0.8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Width, png_of};

    fn sheet(columns: usize, pictures: usize) -> ContactSheet {
        let picture = Picture { bytes: png_of(&Figure::new(5.0, "x", None, None).close()).unwrap(), is_coarse: true };
        let row = ContactRow { name: "photo".to_owned(), places: vec![vec![picture; pictures]; columns] };
        ContactSheet {
            columns: (0..columns).map(|index| format!("class_{index}")).collect(),
            deep: 2,
            rows: vec![row],
            notes: Vec::new(),
        }
    }

    #[test]
    fn missing_pictures_are_empty_frames() {
        let svg = sheet(3, 1).draw(Look::plain(Width::Single)).svg();
        assert_eq!((svg.matches("<image").count(), svg.matches("fill=\"none\"").count()), (3, 3));
    }

    #[test]
    fn sixty_five_classes_go_on_below() {
        let sheet = sheet(65, 0);
        let figure = sheet.draw(Look::plain(Width::Double));
        assert!(sheet.side(Look::plain(Width::Double)) >= SIDES.0);
        assert!(figure.svg().contains(">class_64<") && figure.size().0 < 176.0);
    }

    #[test]
    fn an_empty_sheet_can_be_drawn() {
        assert!(!png_of(&ContactSheet::default().draw(Look::plain(Width::Single))).unwrap().is_empty());
    }
}
