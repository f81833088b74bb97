//! The product of a matrix with packed panels, and what is done to its results while they are in registers.

use macerator::{AutoArch, Scalar, Simd, Vector, WithSimd};

use super::functions::gelu;
use super::panels::{Panel, Panels, VECTORS};
use super::tile::{Left, accumulate, load, store};

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
        AutoArch::new().dispatch(self);
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self) {
        for panel in self.right.iter() {
            match panel.vectors {
                1 => self.column_of_tiles::<S, 1>(&panel),
                2 => self.column_of_tiles::<S, 2>(&panel),
                VECTORS => self.column_of_tiles::<S, VECTORS>(&panel),
                _ => unreachable!("a panel has between one and {VECTORS} vectors"),
            }
        }
    }
}

impl Product<'_> {
    /// All rows times one panel. Tiles are as high as sums fit in registers: 32 of them with 512 bits, else 16.
    #[inline(always)]
    fn column_of_tiles<S: Simd, const W: usize>(&mut self, panel: &Panel<'_>) {
        let mut row = 0;
        if S::lanes32() == 16 {
            while row + 8 <= self.rows {
                self.tile::<S, 8, W>(row, panel);
                row += 8;
            }
        }
        while row + 4 <= self.rows {
            self.tile::<S, 4, W>(row, panel);
            row += 4;
        }
        while row < self.rows {
            self.tile::<S, 1, W>(row, panel);
            row += 1;
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const H: usize, const W: usize>(&mut self, row: usize, panel: &Panel<'_>) {
        let lanes = S::lanes32();
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
        accumulate(left, panel.values, self.right.depth(), &mut sums);
        for (line, sums) in sums.into_iter().enumerate() {
            for (number, sum) in sums.into_iter().enumerate() {
                let value: Vector<S, f32> = if self.finish == Finish::Gelu { gelu(sum) } else { sum };
                store(&mut self.out[place(line, number)..], value);
            }
        }
    }
}
