//! A matrix in the order in which products read it: panels of columns, line after line.

use macerator::{Simd, WithSimd};

use super::tile::on_vectors;

/// How many vectors of so many numbers a panel is wide. Processors with vectors of 16 have 32 registers, others may have
/// half of that.
pub(super) const fn vectors(lanes: usize) -> usize {
    if lanes == 16 { 3 } else { 2 }
}

/// The right side of a product, `[depth, columns]`, cut into panels of [`vectors`]; the last may be narrower.
/// Columns are filled up with zeros to whole vectors.
#[derive(Clone, Debug, Default)]
pub(super) struct Panels {
    columns: usize,
    depth: usize,
    lanes: usize,
    values: Vec<f32>,
}

/// One panel.
pub(super) struct Panel<'a> {
    /// The first of its columns.
    pub(super) column: usize,
    /// How many vectors a line has.
    pub(super) vectors: usize,
    /// Its lines.
    pub(super) values: &'a [f32],
}

/// Asks for the width of the processor's vectors.
struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self) -> usize {
        S::lanes32()
    }
}

impl Panels {
    /// Packs columns that lie in memory as rows, again and again in the same place.
    pub(super) fn fill_from_rows<'a>(&mut self, columns: usize, depth: usize, row: impl Fn(usize) -> &'a [f32]) {
        self.resize(columns, depth);
        for (column, width, values) in self.lines_mut() {
            for place in 0..width.min(columns - column) {
                let source = &row(column + place)[..depth];
                for (target, value) in values[place..].iter_mut().step_by(width).zip(source) {
                    *target = *value;
                }
            }
        }
    }

    /// Packs lines that lie in memory as rows, again and again in the same place.
    pub(super) fn fill_from_lines<'a>(&mut self, columns: usize, depth: usize, line: impl Fn(usize) -> &'a [f32]) {
        self.resize(columns, depth);
        for (column, width, values) in self.lines_mut() {
            let used = width.min(columns - column);
            for (step, target) in values.chunks_exact_mut(width).enumerate() {
                target[..used].copy_from_slice(&line(step)[column..column + used]);
            }
        }
    }

    /// How many lines there are.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The panels from left to right.
    pub(super) fn iter(&self) -> impl Iterator<Item = Panel<'_>> {
        let widest = vectors(self.lanes) * self.lanes;
        self.values.chunks(widest * self.depth).enumerate().map(move |(number, values)| Panel {
            column: number * widest,
            vectors: values.len() / (self.depth * self.lanes),
            values,
        })
    }

    /// The first column, the width and the lines of each panel.
    fn lines_mut(&mut self) -> impl Iterator<Item = (usize, usize, &mut [f32])> {
        let (widest, depth) = (vectors(self.lanes) * self.lanes, self.depth);
        let panels = self.values.chunks_mut(widest * depth).enumerate();
        panels.map(move |(number, values)| (number * widest, values.len() / depth, values))
    }

    /// Makes room. What fills up stays zero, since it is never written where the size stays the same.
    fn resize(&mut self, columns: usize, depth: usize) {
        let lanes = on_vectors(Lanes);
        if (self.columns, self.depth, self.lanes) != (columns, depth, lanes) {
            let values = vec![0.0; columns.next_multiple_of(lanes) * depth];
            *self = Self { columns, depth, lanes, values };
        }
    }
}

#[cfg(test)]
impl Panels {
    /// How many numbers a vector has here.
    pub(super) fn lanes_here() -> usize {
        on_vectors(Lanes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::instruction_sets::{numbers, with_each};
    use super::*;

    /// The lines `[depth, columns]` that panels hold, and all that fills them up.
    fn unpacked(panels: &Panels, [depth, columns]: [usize; 2]) -> (Vec<f32>, Vec<f32>) {
        let (mut lines, mut filling) = (vec![f32::NAN; depth * columns], Vec::new());
        for panel in panels.iter() {
            let width = panel.vectors * panels.lanes;
            assert!((1..=vectors(panels.lanes)).contains(&panel.vectors) && panel.values.len() == width * depth);
            for (place, value) in panel.values.iter().enumerate() {
                let (line, column) = (place / width, panel.column + place % width);
                if column < columns { lines[line * columns + column] = *value } else { filling.push(*value) }
            }
        }
        (lines, filling)
    }

    #[test]
    fn every_number_is_in_its_place_and_zeros_fill_up() {
        with_each(|set| {
            // One and the same panels throughout: what was in them before must not show.
            let (mut by_lines, mut by_rows) = (Panels::default(), Panels::default());
            for depth in [1, 2, 7, 16] {
                for columns in (1..=40).chain([47, 48, 49, 95, 96, 97]) {
                    for again in 0..2 {
                        let lines = numbers(depth * 1000 + columns + again, depth * columns);
                        let row = |column: usize| (0..depth).map(move |line| (line, column));
                        let rows: Vec<Vec<f32>> = (0..columns)
                            .map(|column| row(column).map(|(l, c)| lines[l * columns + c]).collect())
                            .collect();
                        by_lines.fill_from_lines(columns, depth, |line| &lines[line * columns..]);
                        by_rows.fill_from_rows(columns, depth, |column| &rows[column]);
                        for panels in [&by_lines, &by_rows] {
                            let (found, filling) = unpacked(panels, [depth, columns]);
                            assert!(found == lines, "{set}: {depth}×{columns}");
                            assert!(filling.iter().all(|value| *value == 0.0), "{set}: {depth}×{columns}");
                            assert_eq!(found.len() + filling.len(), columns.next_multiple_of(panels.lanes) * depth);
                        }
                    }
                }
            }
        });
    }
}
