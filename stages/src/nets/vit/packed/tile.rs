//! The innermost loop: some rows of one matrix times a panel of another, kept in registers.
//!
//! The only unsafe code of the net. Vectors are loaded and stored through pointers; all that they touch lies in slices
//! whose lengths are checked once for a tile.

#![expect(
    unsafe_code,
    reason = "vector registers are filled from slices through pointers, unchecked in the inner loop"
)]

use macerator::{AutoArch, Scalar, Simd, Vector, WithSimd};

/// Runs an operation with the widest vectors of this processor.
pub(super) fn on_vectors<O: WithSimd>(operation: O) -> O::Output {
    #[cfg(test)]
    if let Some(arch) = super::instruction_sets::chosen() {
        // SAFETY: what is chosen is no wider than what the processor was found to offer.
        return unsafe { arch.dispatch(operation) };
    }
    AutoArch::new().dispatch(operation)
}

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

/// Has the processor bring numbers near while it computes. A hint: results do not depend on it.
#[inline(always)]
pub(super) fn fetch_ahead(values: &[f32]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<f32>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: the pointer is that of a slice, and a hint reads nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
    // Elsewhere there is no stable way to say it.
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Returns `sums` and `left · panel` added: `ROWS` rows of `depth` numbers times a panel of `depth` lines of `VECTORS`
/// vectors. Each sum is taken in the order of the depth. Sums come and go by value: behind a reference, compilers may
/// write them to memory at every step.
#[inline(always)]
pub(super) fn accumulate<S: Simd, const ROWS: usize, const VECTORS: usize>(
    left: Left<'_>,
    panel: &[f32],
    depth: usize,
    mut sums: [[Vector<S, f32>; VECTORS]; ROWS],
) -> [[Vector<S, f32>; VECTORS]; ROWS] {
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
    sums
}

#[cfg(test)]
mod tests {
    use super::super::instruction_sets::with_each;
    use super::*;

    /// Two rows of `depth` numbers, some of which are missing, times a panel of two vectors, which may lack a line.
    struct Outside {
        missing: usize,
        lines: usize,
    }

    const DEPTH: usize = 5;
    const STRIDE: usize = 7;

    impl WithSimd for Outside {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self) -> usize {
            let (values, panel) = (vec![1.0; STRIDE + DEPTH - self.missing], vec![1.0; self.lines * 2 * S::lanes32()]);
            let sums = [[0.0_f32.splat::<S>(); 2]; 2];
            let sums = accumulate(Left { values: &values, stride: STRIDE }, &panel, DEPTH, sums);
            // All are ones, so each sum is their number.
            sums[1][1].reduce_add() as usize / S::lanes32()
        }
    }

    #[test]
    fn nothing_outside_of_a_slice_is_touched() {
        with_each(|set| {
            assert_eq!(on_vectors(Outside { missing: 0, lines: DEPTH }), DEPTH, "{set}");
            for (missing, lines) in [(1, DEPTH), (0, DEPTH - 1), (0, DEPTH + 1)] {
                let caught = std::panic::catch_unwind(|| on_vectors(Outside { missing, lines }));
                assert!(caught.is_err(), "{set}: {missing} numbers missing, {lines} lines");
            }
        });
    }
}
