//! Layer normalisation and softmax, row by row.

use macerator::{AutoArch, Scalar, Simd, WithSimd};

use super::functions::exp_of_negative;
use super::plane::Plane;
use super::tile::{load, store};

/// `(x − mean) / √(variance + eps) · weight + bias` of each of some rows, with the biased variance.
pub(super) struct Normalise<'a> {
    /// What is normalised.
    pub(super) input: &'a Plane,
    /// How many of its rows, from the first.
    pub(super) rows: usize,
    /// `[width]`, filled up with zeros.
    pub(super) weight: &'a [f32],
    /// `[width]`, filled up with zeros.
    pub(super) bias: &'a [f32],
    /// What is added to a variance.
    pub(super) eps: f32,
    /// Where results go.
    pub(super) out: &'a mut Plane,
}

impl Normalise<'_> {
    /// Computes it.
    pub(super) fn run(self) {
        AutoArch::new().dispatch(self);
    }
}

impl WithSimd for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let (lanes, width) = (S::lanes32(), self.input.width());
        let padding = (self.input.stride() - width) as f32;
        for row in 0..self.rows {
            let values = self.input.row(row);
            let sum = |term: &dyn Fn(macerator::Vector<S, f32>) -> macerator::Vector<S, f32>| {
                let mut sums = 0.0_f32.splat::<S>();
                for values in values.chunks_exact(lanes) {
                    sums += term(load(values));
                }
                sums.reduce_add()
            };
            // What fills a row up is zero.
            let mean = sum(&|x| x) / width as f32;
            let squares = sum(&|x| {
                let apart = x - mean.splat();
                apart * apart
            });
            let variance = (squares - padding * mean * mean) / width as f32;
            let scale = 1.0 / (variance + self.eps).sqrt();
            let out = self.out.row_mut(row);
            for start in (0..values.len()).step_by(lanes) {
                let centred = (load::<S>(&values[start..]) - mean.splat()) * scale.splat();
                store(&mut out[start..], centred.mul_add(load(&self.weight[start..]), load(&self.bias[start..])));
            }
        }
    }
}

/// `exp(scale · x) / Σ exp(scale · x)` of the first numbers of each row, in place.
pub(super) struct Softmax<'a> {
    /// The rows.
    pub(super) values: &'a mut Plane,
    /// What numbers are multiplied with first; above 0.
    pub(super) scale: f32,
}

impl Softmax<'_> {
    /// Computes it.
    pub(super) fn run(self) {
        AutoArch::new().dispatch(self);
    }
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        let (lanes, width) = (S::lanes32(), self.values.width());
        for row in 0..self.values.rows() {
            let values = self.values.row_mut(row);
            // Numbers that fill up shall not count: their exponential is next to nothing, and is cleared below.
            values[width..].fill(f32::MIN);
            let mut largest = load::<S>(values);
            for values in values.chunks_exact(lanes) {
                largest = largest.max(load(values));
            }
            let largest = largest.reduce_max();
            let mut sums = 0.0_f32.splat::<S>();
            for values in values.chunks_exact_mut(lanes) {
                let raised = exp_of_negative((load::<S>(values) - largest.splat()) * self.scale.splat());
                store(values, raised);
            }
            values[width..].fill(0.0);
            for values in values.chunks_exact(lanes) {
                sums += load(values);
            }
            let share = 1.0 / sums.reduce_add();
            for values in values.chunks_exact_mut(lanes) {
                store(values, load::<S>(values) * share.splat());
            }
        }
    }
}
