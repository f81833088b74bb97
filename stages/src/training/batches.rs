//! How an epoch's samples fall into batches.

use std::ops::Range;

/// The positions of each batch: `size` samples each, the last partial batch kept; but a last batch of a single sample, which
/// batch normalisation cannot take, is merged into the one before it (two-phase weight importance, A9).
pub fn batches(samples: usize, size: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> =
        (0..samples).step_by(size).map(|start| start..samples.min(start + size)).collect();
    if let [.., before, last] = &mut batches[..]
        && last.len() == 1
    {
        before.end = last.end;
        batches.pop();
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_batch_is_kept_and_a_lone_sample_joins_the_batch_before_it() {
        assert_eq!(batches(70, 32), [0..32, 32..64, 64..70]);
        assert_eq!(batches(64, 32), [0..32, 32..64]);
        assert_eq!(batches(65, 32), [0..32, 32..65]);
        let person = batches(449, 32);
        assert_eq!((person.len(), person[13].clone()), (14, 416..449));
        assert!(batches(1, 32).into_iter().eq(std::iter::once(0..1)));
        assert!(batches(0, 32).is_empty());
    }
}
