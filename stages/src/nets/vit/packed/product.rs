//! The product of a matrix with packed panels, and what is done to its results while they are in registers.

use macerator::{Scalar, Simd, Vector, WithSimd};

use super::functions::gelu;
use super::panels::{Panel, Panels};
use super::tile::{Left, accumulate, fetch_ahead, load, on_vectors, store};

/// What results start from.
#[derive(Clone, Copy)]
pub(super) enum Start<'a> {
    /// Nothing.
    Zero,
    /// A number for each column.
    Bias(&'a [f32]),
    /// A number for each column, and what is in the place of the result.
    BiasOnto(&'a [f32]),
}

/// What happens to sums before they are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// Nothing.
    Keep,
    /// The exact GELU.
    Gelu,
}

/// `out ← finish(start + left · right)`.
pub(super) struct Product<'a> {
    /// How many rows.
    pub(super) rows: usize,
    /// `[rows, depth]`.
    pub(super) left: Left<'a>,
    /// `[depth, columns]`.
    pub(super) right: &'a Panels,
    /// What is added.
    pub(super) start: Start<'a>,
    /// What follows.
    pub(super) finish: Finish,
    /// `[rows, columns]`, each row filled up to whole vectors.
    pub(super) out: &'a mut [f32],
    /// From the start of a row of results to that of the next.
    pub(super) out_stride: usize,
}

impl Product<'_> {
    /// Computes it.
    pub(super) fn run(self) {
        on_vectors(self);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self) {
        let mut panels = self.right.iter().peekable();
        while let Some(panel) = panels.next() {
            let next = panels.peek().map_or(&[][..], |next| next.values);
            match panel.vectors {
                1 => self.column_of_tiles::<S, 1>(&panel, next),
                2 => self.column_of_tiles::<S, 2>(&panel, next),
                3 => self.column_of_tiles::<S, 3>(&panel, next),
                _ => unreachable!("a panel has between one and three vectors"),
            }
        }
    }
}

impl Product<'_> {
    /// All rows times one panel, in tiles as large as their sums fit in registers beside what they are made of: 8 rows of
    /// three vectors where there are 32 registers, else 6 of two. With 4 of three all 16 would be in use, and compilers
    /// then move a sum to memory and back at every step.
    #[inline(always)]
    fn column_of_tiles<S: Simd, const W: usize>(&mut self, panel: &Panel<'_>, next: &[f32]) {
        let mut row = 0;
        if S::lanes32() == 16 {
            while row + 8 <= self.rows {
                self.tile::<S, 8, W>(row, panel, next);
                row += 8;
            }
        } else {
            while row + 6 <= self.rows {
                self.tile::<S, 6, W>(row, panel, next);
                row += 6;
            }
        }
        match self.rows - row {
            0 => {}
            1 => self.tile::<S, 1, W>(row, panel, next),
            2 => self.tile::<S, 2, W>(row, panel, next),
            3 => self.tile::<S, 3, W>(row, panel, next),
            4 => self.tile::<S, 4, W>(row, panel, next),
            5 => self.tile::<S, 5, W>(row, panel, next),
            6 => self.tile::<S, 6, W>(row, panel, next),
            _ => self.tile::<S, 7, W>(row, panel, next),
        }
    }

    /// One tile. Meanwhile its share of the next panel, which comes from memory once for each picture, is brought near.
    #[inline(always)]
    fn tile<S: Simd, const H: usize, const W: usize>(&mut self, row: usize, panel: &Panel<'_>, next: &[f32]) {
        let lanes = S::lanes32();
        let share = |row: usize| next.len() * row / self.rows;
        fetch_ahead(&next[share(row)..share(row + H)]);
        let place = |line: usize, number: usize| (row + line) * self.out_stride + panel.column + number * lanes;
        let mut sums = [[0.0_f32.splat::<S>(); W]; H];
        for (line, sums) in sums.iter_mut().enumerate() {
            for (number, sum) in sums.iter_mut().enumerate() {
                let bias = |bias: &[f32]| load::<S>(&bias[panel.column + number * lanes..]);
                *sum = match self.start {
                    Start::Zero => continue,
                    Start::Bias(values) => bias(values),
                    Start::BiasOnto(values) => bias(values) + load::<S>(&self.out[place(line, number)..]),
                };
            }
        }
        let left = Left { values: &self.left.values[row * self.left.stride..], stride: self.left.stride };
        let sums = accumulate(left, panel.values, self.right.depth(), sums);
        for (line, sums) in sums.into_iter().enumerate() {
            for (number, sum) in sums.into_iter().enumerate() {
                let value: Vector<S, f32> = if self.finish == Finish::Gelu { gelu(sum) } else { sum };
                store(&mut self.out[place(line, number)..], value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::instruction_sets::{numbers, with_each};
    use super::super::plane::WIDEST;
    use super::*;

    /// What stands where nothing may be written.
    const UNTOUCHED: f32 = 77.0;

    fn gelu_of(x: f64) -> f64 {
        x / 2.0 * (1.0 + statrs::function::erf::erf(x / 2.0_f64.sqrt()))
    }

    /// Compares one product with plain loops in 64 bits.
    fn check(set: &str, [rows, depth, columns]: [usize; 3], start_kind: usize, finish: Finish) {
        let what = format!("{set}: {rows}×{depth} times {depth}×{columns}, start {start_kind}");
        // Rows of the left side and of the result lie farther apart than they are long.
        let (left_stride, whole) = (depth + 3, columns.next_multiple_of(WIDEST));
        let out_stride = whole + 5;
        let left = numbers(rows + 1, (rows - 1) * left_stride + depth);
        let lines = numbers(depth + 100, depth * columns);
        let mut bias = numbers(columns + 200, columns);
        bias.resize(whole, 0.0);
        let before = numbers(rows + 300, rows * columns);
        let mut out = vec![UNTOUCHED; rows * out_stride];
        for row in 0..rows {
            out[row * out_stride..][..whole].fill(0.0);
            out[row * out_stride..][..columns].copy_from_slice(&before[row * columns..][..columns]);
        }
        let mut right = Panels::default();
        right.fill_from_lines(columns, depth, |line| &lines[line * columns..][..columns]);
        let start = [Start::Zero, Start::Bias(&bias), Start::BiasOnto(&bias)][start_kind];
        let side = Left { values: &left, stride: left_stride };
        Product { rows, left: side, right: &right, start, finish, out: &mut out, out_stride }.run();
        for row in 0..rows {
            let found = &out[row * out_stride..][..out_stride];
            for column in 0..columns {
                let (bias, before) = (f64::from(bias[column]), f64::from(before[row * columns + column]));
                let (mut sum, mut size) = match start_kind {
                    0 => (0.0, 0.0),
                    1 => (bias, bias.abs()),
                    _ => (bias + before, bias.abs() + before.abs()),
                };
                for step in 0..depth {
                    let term = f64::from(left[row * left_stride + step]) * f64::from(lines[step * columns + column]);
                    (sum, size) = (sum + term, size + term.abs());
                }
                let expected = if finish == Finish::Gelu { gelu_of(sum) } else { sum };
                // Each addition rounds by half a unit of at most the sum of sizes; GELU steepens by 1.13 and rounds itself.
                let bound = f64::from(f32::EPSILON) * (size * (depth + 2) as f64 + 2.0 * sum.abs().max(1.0));
                let apart = (f64::from(found[column]) - expected).abs();
                assert!(apart <= bound, "{what}: {apart:e} at row {row}, column {column}");
            }
            assert!(found[columns..whole].iter().all(|value| *value == 0.0), "{what}: what fills up is not 0");
            assert!(found[whole..].iter().all(|value| *value == UNTOUCHED), "{what}: outside of row {row}");
        }
    }

    #[test]
    fn it_is_that_of_plain_loops_whatever_is_left_over() {
        with_each(|set| {
            // Tiles are up to 8 rows high, and up to 3 vectors of 2 to 16 numbers wide.
            for rows in 1..=17 {
                for columns in [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 65, 96, 101] {
                    let depth = 1 + (rows * 5 + columns * 3) % 19;
                    check(set, [rows, depth, columns], (rows + columns) % 3, Finish::Keep);
                }
            }
            for depth in [1, 2, 3, 64, 200] {
                for start in 0..3 {
                    for finish in [Finish::Keep, Finish::Gelu] {
                        check(set, [13, depth, 53], start, finish);
                    }
                }
            }
        });
    }
}
