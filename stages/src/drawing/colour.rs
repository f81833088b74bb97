//! Colours as three floats, with the few operations that palettes need.

use super::dice::Dice;

/// An opaque colour; channels are nominally in `[0, 1]` and are clamped only when they become bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colour(pub(crate) [f32; 3]);

impl Colour {
    /// White.
    pub(crate) const WHITE: Self = Self::rgb(255, 255, 255);
    /// A black that is not quite black, as ink and pupils are.
    pub(crate) const INK: Self = Self::rgb(24, 20, 22);

    /// A colour from byte channels.
    pub(crate) const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self([r as f32 / 255.0, g as f32 / 255.0, b as f32 / 255.0])
    }

    /// Goes from this colour towards another.
    pub(crate) fn mix(self, other: Self, share: f32) -> Self {
        self.zip(other, |a, b| a + (b - a) * share)
    }

    /// Brightens (above 1) or darkens (below 1).
    pub(crate) fn scale(self, factor: f32) -> Self {
        Self(self.0.map(|c| c * factor))
    }

    /// Multiplies channel by channel, as a coloured light does.
    pub(crate) fn tint(self, light: Self) -> Self {
        self.zip(light, |a, b| a * b)
    }

    /// Perceived brightness.
    pub(crate) fn luma(self) -> f32 {
        let [r, g, b] = self.0;
        0.299 * r + 0.587 * g + 0.114 * b
    }

    /// Moves away from grey (above 1) or towards it (below 1).
    pub(crate) fn saturate(self, factor: f32) -> Self {
        let grey = self.luma();
        Self(self.0.map(|c| grey + (c - grey) * factor))
    }

    /// Turns the hue by an angle on the colour circle, given as its cosine and sine, keeping the brightness.
    pub(crate) fn turn(self, (cos, sin): (f32, f32)) -> Self {
        let [r, g, b] = self.0;
        let (i, q) = (0.596 * r - 0.274 * g - 0.322 * b, 0.211 * r - 0.523 * g + 0.312 * b);
        let (i, q) = (i * cos - q * sin, i * sin + q * cos);
        let y = self.luma();
        Self([y + 0.956 * i + 0.621 * q, y - 0.272 * i - 0.647 * q, y - 1.106 * i + 1.703 * q])
    }

    /// A nearby colour.
    pub(crate) fn vary(self, dice: &mut Dice, reach: f32) -> Self {
        let light = 1.0 + dice.around(reach);
        Self(self.0.map(|c| (c * light + dice.around(reach * 0.4)).clamp(0.0, 1.0)))
    }

    /// Clamps the channels to what bytes can hold.
    pub(crate) fn clamp(self) -> Self {
        Self(self.0.map(|c| c.clamp(0.0, 1.0)))
    }

    /// Rounds to bytes.
    pub(crate) fn bytes(self) -> [u8; 3] {
        self.0.map(|c| (c.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
    }

    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_turn_of_hue_gives_the_colour_back() {
        let colour = Colour::rgb(200, 120, 40);
        for (was, is) in colour.0.iter().zip(colour.turn((1.0, 0.0)).0) {
            assert!((was - is).abs() < 0.01);
        }
    }

    #[test]
    fn bytes_clamp_what_is_out_of_range() {
        assert_eq!(Colour([2.0, -1.0, 0.5]).bytes(), [255, 0, 128]);
    }
}
