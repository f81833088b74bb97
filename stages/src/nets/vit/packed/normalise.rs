//! Layer normalisation and softmax, row by row.

use macerator::{Scalar, Simd, WithSimd};

use super::functions::exp_of_negative;
use super::plane::Plane;
use super::tile::{load, on_vectors, store};

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
        on_vectors(self);
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
            // Two plain loops: what a closure calls is not compiled for the processor's vectors.
            let mut sums = 0.0_f32.splat::<S>();
            for values in values.chunks_exact(lanes) {
                sums += load(values);
            }
            // What fills a row up is zero.
            let mean = sums.reduce_add() / width as f32;
            let mut sums = 0.0_f32.splat::<S>();
            for values in values.chunks_exact(lanes) {
                let apart = load::<S>(values) - mean.splat();
                sums += apart * apart;
            }
            let squares = sums.reduce_add();
            // Rounding may take away more than there is where a row is narrow and far from zero.
            let variance = ((squares - padding * mean * mean) / width as f32).max(0.0);
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
        on_vectors(self);
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

#[cfg(test)]
mod tests {
    use super::super::instruction_sets::{numbers, with_each};
    use super::super::plane::WIDEST;
    use super::*;

    /// Widths around those of all vectors.
    const WIDTHS: [usize; 17] = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 200];

    fn plane(rows: usize, width: usize, value: impl Fn(f32) -> f32) -> Plane {
        let mut plane = Plane::zeros(rows, width);
        for row in 0..rows {
            let values: Vec<f32> = numbers(row * 1000 + width, width).into_iter().map(&value).collect();
            plane.row_mut(row)[..width].copy_from_slice(&values);
        }
        plane
    }

    fn filled_up(mut values: Vec<f32>) -> Vec<f32> {
        values.resize(values.len().next_multiple_of(WIDEST), 0.0);
        values
    }

    #[test]
    fn rows_are_normalised_as_by_plain_loops_whatever_their_width() {
        with_each(|set| {
            for width in WIDTHS {
                // Far from zero, where a sloppy variance shows. What fills a row up is taken off again, which costs digits where
                // that is most of the row, as it is of no real net.
                let input = plane(4, width, |value| 3.0 * value + 10.0);
                let bound = if width < WIDEST { 1e-2 } else { 2e-4 };
                let [weight, bias] = [1, 2].map(|seed| filled_up(numbers(seed, width)));
                let mut out = plane(4, width, |_| 77.0);
                let (eps, rows) = (1e-5, 3);
                Normalise { input: &input, rows, weight: &weight, bias: &bias, eps, out: &mut out }.run();
                for row in 0..rows {
                    let values: Vec<f64> = input.row(row)[..width].iter().map(|value| f64::from(*value)).collect();
                    let mean = values.iter().sum::<f64>() / width as f64;
                    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / width as f64;
                    for (column, value) in values.iter().enumerate() {
                        let scaled = (value - mean) / (variance + f64::from(eps)).sqrt();
                        let expected = scaled * f64::from(weight[column]) + f64::from(bias[column]);
                        let apart = (f64::from(out.row(row)[column]) - expected).abs();
                        assert!(apart < bound, "{set}: {apart:e} of {expected} in row {row} of {width}");
                    }
                    assert!(out.row(row)[width..].iter().all(|value| *value == 0.0), "{set}: filled up, {width}");
                }
                assert_eq!(out.row(3)[..width], vec![77.0; width], "{set}: a row more, {width}");
            }
        });
    }

    #[test]
    fn shares_of_a_row_are_those_of_plain_loops_whatever_its_width() {
        with_each(|set| {
            for width in WIDTHS {
                for (spread, scale) in [(1.0, 1.0), (30.0, 0.25), (1e4, 1.0)] {
                    let input = plane(3, width, |value| spread * value);
                    let mut out = input.clone();
                    Softmax { values: &mut out, scale }.run();
                    for row in 0..3 {
                        let values: Vec<f64> =
                            input.row(row)[..width].iter().map(|value| f64::from(value * scale)).collect();
                        let largest = values.iter().copied().fold(f64::MIN, f64::max);
                        let raised: Vec<f64> = values.iter().map(|value| (value - largest).exp()).collect();
                        let sum: f64 = raised.iter().sum();
                        for (column, raised) in raised.iter().enumerate() {
                            let apart = (f64::from(out.row(row)[column]) - raised / sum).abs();
                            assert!(apart < 3e-6, "{set}: {apart:e} in row {row} of {width}, spread {spread}");
                        }
                        assert!(out.row(row)[width..].iter().all(|value| *value == 0.0), "{set}: filled up, {width}");
                    }
                }
            }
        });
    }
}
