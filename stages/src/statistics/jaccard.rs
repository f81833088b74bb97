//! How alike two sets are, and how alike they would be by chance.

/// The overlap of two sets of entries of the same tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Overlap {
    /// How many entries are in both.
    pub(crate) both: f64,
    /// How many are in either.
    pub(crate) either: f64,
    /// How many would be in both where each set were drawn at random, with its size.
    pub(crate) expected: f64,
}

impl Overlap {
    /// Compares two masks of equal length.
    pub(crate) fn of<'a>(first: impl Iterator<Item = &'a bool>, second: impl Iterator<Item = &'a bool>) -> Self {
        let (mut sizes, mut both, mut all) = ((0_u64, 0_u64), 0_u64, 0_u64);
        for (&a, &b) in first.zip(second) {
            sizes = (sizes.0 + u64::from(a), sizes.1 + u64::from(b));
            both += u64::from(a && b);
            all += 1;
        }
        let either = (sizes.0 + sizes.1 - both) as f64;
        Self { both: both as f64, either, expected: sizes.0 as f64 * sizes.1 as f64 / all.max(1) as f64 }
    }

    /// Both together, as of two tensors of a network.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            both: self.both + other.both,
            either: self.either + other.either,
            expected: self.expected + other.expected,
        }
    }

    /// The Jaccard index |A ∩ B| / |A ∪ B|; nothing where both sets are empty.
    pub(crate) fn jaccard(self) -> Option<f64> {
        (self.either > 0.0).then(|| self.both / self.either)
    }

    /// The Jaccard index at the expected overlap k₁k₂ / n of random sets with the sizes k₁ and k₂ in n entries.
    pub(crate) fn chance(self) -> Option<f64> {
        (self.either > 0.0).then(|| self.expected / (self.both + self.either - self.expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_and_its_chance_value_are_those_of_their_formulas() {
        let (a, b) = ([true, true, false, false], [true, false, true, false]);
        let found = Overlap::of(a.iter(), b.iter());
        assert_eq!(found, Overlap { both: 1.0, either: 3.0, expected: 1.0 });
        // Random halves of four entries overlap in one of four on average, as these do.
        assert_eq!((found.jaccard(), found.chance()), (Some(1.0 / 3.0), Some(1.0 / 3.0)));
        let all = Overlap::of([true; 4].iter(), [true; 4].iter());
        assert_eq!((all.jaccard(), all.chance()), (Some(1.0), Some(1.0)));
        assert_eq!(found.and(all).jaccard(), Some(5.0 / 7.0));
    }

    #[test]
    fn empty_masks_have_no_index() {
        let found = Overlap::of([false; 3].iter(), [false; 3].iter());
        assert_eq!((found.jaccard(), found.chance()), (None, None));
    }
}
