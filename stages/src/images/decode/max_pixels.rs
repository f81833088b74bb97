//! How many pixels a picture may claim.

use std::fmt;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most pixels that are decoded: a few bytes can claim any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MaxPixels(NonZeroU32);

impl MaxPixels {
    /// Pillow warns of a decompression bomb from here on.
    const USUAL: Self = Self(NonZeroU32::new(89_478_485).expect("it is not 0"));

    /// Whether it is the usual one, which configs leave out.
    pub fn is_usual(&self) -> bool {
        *self == Self::USUAL
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0.get() as usize
    }
}

impl Default for MaxPixels {
    fn default() -> Self {
        Self::USUAL
    }
}

impl fmt::Display for MaxPixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
