//! The innermost loop: some rows of one matrix times a panel of another, kept in registers.
//!
//! The only unsafe code of the net. Vectors are loaded and stored through pointers; all that they touch lies in slices
//! whose lengths are checked once for a tile.

#![expect(
    unsafe_code,
    reason = "vector registers are filled from slices through pointers, unchecked in the inner loop"
)]

use macerator::{Scalar, Simd, Vector};

/// Rows of a matrix of which each is read number by number.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    /// From the first number of the first row on.
    pub(super) values: &'a [f32],
    /// From the start of a row to that of the next.
    pub(super) stride: usize,
}

/// Loads a vector from the start of a slice.
#[inline(always)]
pub(super) fn load<S: Simd>(from: &[f32]) -> Vector<S, f32> {
    let from = &from[..S::lanes32()];
    // SAFETY: the slice has as many numbers as a vector has lanes, and no alignment is asked for.
    unsafe { f32::vload_unaligned(from.as_ptr()) }
}

/// Stores a vector at the start of a slice.
#[inline(always)]
pub(super) fn store<S: Simd>(to: &mut [f32], vector: Vector<S, f32>) {
    let to = &mut to[..S::lanes32()];
    // SAFETY: the slice has as many numbers as a vector has lanes, and no alignment is asked for.
    unsafe { f32::vstore_unaligned(to.as_mut_ptr(), vector) }
}

/// Adds `left · panel` to what `sums` holds: `ROWS` rows of `depth` numbers times a panel of `depth` lines of `VECTORS`
/// vectors. Each sum is taken in the order of the depth.
#[inline(always)]
pub(super) fn accumulate<S: Simd, const ROWS: usize, const VECTORS: usize>(
    left: Left<'_>,
    panel: &[f32],
    depth: usize,
    sums: &mut [[Vector<S, f32>; VECTORS]; ROWS],
) {
    let (lanes, line) = (S::lanes32(), VECTORS * S::lanes32());
    assert!(panel.len() == depth * line && left.values.len() >= (ROWS - 1) * left.stride + depth, "a tile is inside");
    let (mut right, rows) = (panel.as_ptr(), left.values.as_ptr());
    for step in 0..depth {
        // SAFETY: `right` is the start of line `step` of the panel, which has `depth` lines of `VECTORS · lanes`
        // numbers; row `row` of `left` starts at `row · stride` and has at least `depth` numbers. Both were asserted.
        unsafe {
            let mut vectors = [0.0_f32.splat::<S>(); VECTORS];
            for (number, vector) in vectors.iter_mut().enumerate() {
                *vector = f32::vload_unaligned(right.add(number * lanes));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = (*rows.add(row * left.stride + step)).splat::<S>();
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = value.mul_add(vector, *sum);
                }
            }
            right = right.add(line);
        }
    }
}
