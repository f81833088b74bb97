//! The only source of chance in a drawing: a `ChaCha` stream keyed by what the drawing is.
//!
//! The key is derived by FNV-1a and `SplitMix64`, both fixed for ever, so a drawing never changes between releases of
//! the standard library.

use super::Style;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Random choices for one drawing.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    stream: ChaCha8Rng,
}

impl Dice {
    /// Keys a stream by everything that identifies a drawing.
    ///
    /// Seed, names and index pass through FNV-1a with a separator after each, then `SplitMix64` spreads the sum over the
    /// 32 bytes of the key.
    pub(crate) fn new(seed: u64, subject: &str, style: Style, index: u32) -> Self {
        let mut state = 0xcbf2_9ce4_8422_2325;
        for field in [&seed.to_le_bytes()[..], subject.as_bytes(), style.name().as_bytes(), &index.to_le_bytes()[..]] {
            state = absorb(state, field);
        }
        let mut key = [0; 32];
        for chunk in key.chunks_exact_mut(8) {
            chunk.copy_from_slice(&split_mix(&mut state).to_le_bytes());
        }
        Self { stream: ChaCha8Rng::from_seed(key) }
    }

    /// A number that keys noise.
    pub(crate) fn salt(&mut self) -> u32 {
        self.stream.next_u32()
    }

    /// A uniform number in `[low, high)`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.stream.next_u32() >> 8) as f32 / 16_777_216.0;
        low + (high - low) * unit
    }

    /// A uniform number in `[-reach, reach)`.
    pub(crate) fn around(&mut self, reach: f32) -> f32 {
        self.between(-reach, reach)
    }

    /// True with the given probability.
    pub(crate) fn chance(&mut self, probability: f32) -> bool {
        self.between(0.0, 1.0) < probability
    }

    /// A whole number in `[low, high]`.
    pub(crate) fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + self.stream.next_u32() % (high - low + 1)
    }

    /// One of the choices, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.whole(0, choices.len() as u32 - 1) as usize]
    }
}

fn absorb(state: u64, field: &[u8]) -> u64 {
    // The separator 0xff occurs in no name, so no two lists of fields run together.
    field.iter().chain(&[0xff]).fold(state, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        // A change here changes every miniature ever drawn.
        assert_eq!(Dice::new(7, "dog", Style::Photo, 3).salt(), 451_321_076);
    }

    #[test]
    fn every_field_of_the_key_matters() {
        let first = |seed, subject, style, index| Dice::new(seed, subject, style, index).salt();
        let one = first(1, "dog", Style::Photo, 0);
        assert_ne!(one, first(2, "dog", Style::Photo, 0));
        assert_ne!(one, first(1, "horse", Style::Photo, 0));
        assert_ne!(one, first(1, "dog", Style::Sketch, 0));
        assert_ne!(one, first(1, "dog", Style::Photo, 1));
    }

    #[test]
    fn numbers_stay_in_their_interval() {
        let mut dice = Dice::new(1, "dog", Style::Photo, 0);
        for _ in 0..1000 {
            assert!((-2.0..3.0).contains(&dice.between(-2.0, 3.0)));
            assert!((4..=6).contains(&dice.whole(4, 6)));
        }
    }
}
