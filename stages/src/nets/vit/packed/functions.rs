//! Functions of whole vectors, each within a few units of the last place of a 32-bit float.
//!
//! The coefficients are least-maximum fits (Lawson's iteration) made for this file.

use macerator::{Scalar, Simd, Vector};

type Floats<S> = Vector<S, f32>;

/// A polynomial, the constant last.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(x: Floats<S>, coefficients: [f32; N]) -> Floats<S> {
    let mut sum = coefficients[0].splat::<S>();
    for coefficient in &coefficients[1..] {
        sum = sum.mul_add(x, coefficient.splat());
    }
    sum
}

/// `eˣ` for x ≤ 0; below −87, where it is smaller than any normal number, that of −87.
#[inline(always)]
pub(super) fn exp_of_negative<S: Simd>(x: Floats<S>) -> Floats<S> {
    // ln 2 in two parts, so that a multiple of it is exact enough.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.max((-87.0_f32).splat());
    let power = (x * std::f32::consts::LOG2_E.splat()).round_ties_even();
    let rest = power.mul_add((-LN_2_LOW).splat(), power.mul_add((-LN_2_HIGH).splat(), x));
    let tail = [0.001_381_461, 0.008_368_71, 0.041_668_39, 0.166_665_21, 0.499_999_94];
    let value = (rest * rest).mul_add(polynomial(rest, tail), rest) + 1.0_f32.splat();
    // Adding to the exponent multiplies by a power of two.
    let bits = S::typed::<i32>(*value) + (power.trunc_to_int() << 23);
    S::typed(*bits)
}

/// `erf(x)`.
#[inline(always)]
fn erf<S: Simd>(x: Floats<S>) -> Floats<S> {
    let size = x.abs();
    let square = x * x;
    let near =
        [7.854_025e-5, -8.010_247e-4, 5.188_334_3e-3, -2.685_381_7e-2, 0.112_835_854, -0.376_126_26, 0.128_379_17];
    let small = polynomial(square, near).mul_add(x, x);
    // 1 − exp(−t·q(t)); from 4 on it is 1 to the last place.
    let far = [
        -1.885_145_5e-6,
        3.055_891e-5,
        -1.940_907_7e-4,
        4.299_613_6e-4,
        1.986_543_6e-3,
        -2.151_528e-2,
        0.104_395_02,
        0.635_987_5,
        1.128_487_1,
    ];
    let bounded = size.min(4.0_f32.splat());
    let one = 1.0_f32.splat::<S>();
    let large = one - exp_of_negative(polynomial(bounded, far) * bounded * (-1.0_f32).splat());
    let signed = x.lt(0.0_f32.splat()).select(large * (-1.0_f32).splat(), large);
    size.lt(one).select(small, signed)
}

/// The exact GELU: `x · (1 + erf(x / √2)) / 2`.
#[inline(always)]
pub(super) fn gelu<S: Simd>(x: Floats<S>) -> Floats<S> {
    let half = x * 0.5_f32.splat();
    half.mul_add(erf(x * std::f32::consts::FRAC_1_SQRT_2.splat()), half)
}

#[cfg(test)]
mod tests {
    use macerator::WithSimd;

    use super::*;
    use crate::nets::vit::packed::instruction_sets::with_each;
    use crate::nets::vit::packed::tile::{load, on_vectors, store};

    #[derive(Clone, Copy)]
    enum Function {
        Exp,
        Erf,
        Gelu,
    }

    struct Map<'a>(Function, &'a mut [f32]);

    impl WithSimd for Map<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self) {
            for values in self.1.chunks_exact_mut(S::lanes32()) {
                let x = load::<S>(values);
                let y = match self.0 {
                    Function::Exp => exp_of_negative(x),
                    Function::Erf => erf(x),
                    Function::Gelu => gelu(x),
                };
                store(values, y);
            }
        }
    }

    /// The greatest difference from the truth on a fine grid.
    fn worst(function: Function, from: f32, to: f32, truth: impl Fn(f64) -> f64, scale: impl Fn(f64) -> f64) -> f64 {
        let count = 1 << 16;
        let grid: Vec<f32> = (0..count).map(|step| from + (to - from) * step as f32 / count as f32).collect();
        let mut found = grid.clone();
        on_vectors(Map(function, &mut found));
        let apart = |(x, y): (&f32, &f32)| (f64::from(*y) - truth(f64::from(*x))).abs() / scale(f64::from(*x));
        grid.iter().zip(&found).map(apart).fold(0.0, f64::max)
    }

    #[test]
    fn they_are_exact_to_the_last_places() {
        use statrs::function::erf::erf;
        with_each(|set| {
            assert!(worst(Function::Exp, -86.0, 0.0, f64::exp, f64::exp) < 2e-7, "{set}");
            assert!(worst(Function::Erf, -6.0, 6.0, erf, |_| 1.0) < 1.3e-7, "{set}");
            let gelu = |x: f64| x / 2.0 * (1.0 + erf(x / 2.0_f64.sqrt()));
            assert!(worst(Function::Gelu, -6.0, 6.0, gelu, |x| x.abs().max(1.0)) < 1.3e-7, "{set}");
        });
    }

    #[test]
    fn far_away_they_are_what_they_tend_to() {
        with_each(|set| {
            let mut values = [-1e30_f32, -200.0, -50.0, 50.0, 1e30, 0.0, -0.0, 8.0].repeat(2);
            on_vectors(Map(Function::Gelu, &mut values));
            assert_eq!(values[3..6], [50.0, 1e30, 0.0], "{set}");
            assert!(values[..3].iter().all(|value| value.abs() < 1e-30), "{set}: {values:?}");
            let mut values = [-88.0_f32, -1e30, f32::MIN, -87.0].repeat(4);
            on_vectors(Map(Function::Exp, &mut values));
            assert!(values.iter().all(|value| (0.0..1e-37).contains(value)), "{set}: {values:?}");
        });
    }
}
