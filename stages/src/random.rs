//! The only random numbers of the stage types: a `ChaCha` generator on the host, keyed by what it is for.
//!
//! Burn's own generator is never used: its seed is global to the process, so two stages at once would spoil each other.

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Says which derivation of keys this is; another text gives other numbers everywhere.
const DERIVATION: &str = "dgpipe random numbers, version 1";

/// Reproducible random numbers for one purpose in one epoch.
///
/// The key is the BLAKE3 key derivation (context `DERIVATION`) of: seed (8 bytes, little endian), length of the stream's
/// name (8 bytes), the stream's name, length of the purpose (8 bytes), the purpose, epoch (8 bytes). So stages that share a
/// stream draw the same numbers for the same purpose, and the epochs of a longer run begin with those of a shorter one.
#[derive(Clone, Debug)]
pub struct Random {
    generator: ChaCha8Rng,
}

impl Random {
    /// Opens the numbers for `purpose`, such as `order`, in `epoch`; work outside of epochs takes 0.
    pub fn new(seed: u64, stream: &str, purpose: &str, epoch: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DERIVATION);
        hasher.update(&seed.to_le_bytes());
        for text in [stream, purpose] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&epoch.to_le_bytes());
        Self { generator: ChaCha8Rng::from_seed(*hasher.finalize().as_bytes()) }
    }

    /// 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.generator.next_u32()
    }

    /// A number from [0, 1) on a grid of 2⁻²⁴, so that every value is exact in `f32`.
    pub fn uniform_f32(&mut self) -> f32 {
        (self.generator.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// A number from [0, 1) on a grid of 2⁻⁵³, so that every value is exact in `f64`.
    pub fn uniform_f64(&mut self) -> f64 {
        (self.generator.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// A number from [low, high).
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        let value = (high - low).mul_add(self.uniform_f32(), low);
        // Rounding may reach the upper end, which does not belong to the range.
        if value < high { value } else { low }
    }

    /// A whole number from 0 to `bound` − 1, each equally likely. `bound` must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "there is no number below 0");
        let bound = bound as u64;
        // Draws above the largest multiple of the bound are thrown away: they would favour small numbers.
        let excess = (u64::MAX % bound + 1) % bound;
        loop {
            let draw = self.generator.next_u64();
            if draw <= u64::MAX - excess {
                return (draw % bound) as usize;
            }
        }
    }

    /// Brings the items into a random order (Fisher–Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The numbers 0 to `count` − 1 in a random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut items: Vec<usize> = (0..count).collect();
        self.shuffle(&mut items);
        items
    }

    /// `wanted` different numbers below `count` in increasing order, each subset equally likely; all where `wanted` ≥ `count`.
    pub fn subset(&mut self, count: usize, wanted: usize) -> Vec<usize> {
        let mut chosen = self.permutation(count);
        chosen.truncate(wanted);
        chosen.sort_unstable();
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_numbers_for_all_time() {
        let mut random = Random::new(42, "phase1", "order", 0);
        assert_eq!([random.bits(), random.bits(), random.bits()], [3_208_836_253, 1_142_591_877, 3_325_094_268]);
    }

    #[test]
    fn every_part_of_the_key_matters_and_texts_do_not_run_together() {
        let first = |mut random: Random| random.bits();
        let keys = [
            Random::new(1, "ab", "c", 0),
            Random::new(2, "ab", "c", 0),
            Random::new(1, "a", "bc", 0),
            Random::new(1, "abc", "", 0),
            Random::new(1, "ab", "c", 1),
        ];
        let drawn: std::collections::BTreeSet<u32> = keys.into_iter().map(first).collect();
        assert_eq!(drawn.len(), 5);
    }

    #[test]
    fn uniform_numbers_fill_their_range() {
        let mut random = Random::new(7, "", "test", 0);
        let mean = (0..20_000).map(|_| random.uniform_f64()).sum::<f64>() / 20_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        for _ in 0..20_000 {
            let value = random.between(-0.25, 0.25);
            assert!((-0.25..0.25).contains(&value), "{value}");
            assert!((0.0..1.0).contains(&random.uniform_f32()));
        }
    }

    #[test]
    fn numbers_below_a_bound_are_equally_likely() {
        let mut random = Random::new(7, "", "test", 1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut permutation = Random::new(7, "", "test", 2).permutation(1000);
        assert_ne!(permutation[..5], [0, 1, 2, 3, 4]);
        permutation.sort_unstable();
        assert!(permutation.into_iter().eq(0..1000));
    }

    #[test]
    fn a_subset_has_different_numbers_in_order() {
        let subset = Random::new(7, "", "test", 3).subset(10, 4);
        assert_eq!(subset.len(), 4);
        assert!(subset.windows(2).all(|pair| pair[0] < pair[1]) && subset[3] < 10);
        assert_eq!(Random::new(7, "", "test", 3).subset(3, 9), [0, 1, 2]);
    }
}
