//! Smooth noise from an integer hash, without tables and without state.

/// A field of value noise; equal salts give equal fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise {
    salt: u32,
}

impl Noise {
    /// The field with this salt.
    pub(crate) const fn new(salt: u32) -> Self {
        Self { salt }
    }

    /// White noise at a lattice point, in `[-1, 1]`.
    pub(crate) fn at(self, x: i32, y: i32) -> f32 {
        let mut h =
            self.salt ^ (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77).rotate_left(15);
        h = (h ^ (h >> 15)).wrapping_mul(0x2c1b_3c6d);
        h = (h ^ (h >> 12)).wrapping_mul(0x297a_2d39);
        h ^= h >> 15;
        (h >> 8) as f32 / 8_388_608.0 - 1.0
    }

    /// Smooth noise in `[-1, 1]`, with features of about unit size.
    pub(crate) fn smooth(self, x: f32, y: f32) -> f32 {
        let (i, j) = (floor(x), floor(y));
        let (u, v) = (ease(x - i as f32), ease(y - j as f32));
        let top = lerp(self.at(i, j), self.at(i + 1, j), u);
        let bottom = lerp(self.at(i, j + 1), self.at(i + 1, j + 1), u);
        lerp(top, bottom, v)
    }

    /// Sum of octaves, each of half the size and half the strength of the one before, in about `[-1, 1]`.
    pub(crate) fn fractal(self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut strength, mut scale) = (0.0, 0.55, 1.0);
        for octave in 0..octaves {
            let field = Self::new(self.salt.wrapping_add(octave.wrapping_mul(0x68bc_21eb)));
            sum += strength * field.smooth(x * scale, y * scale);
            strength *= 0.5;
            scale *= 2.0;
        }
        sum
    }
}

/// Without the call that `f32::floor` is on processors assumed to lack the instruction.
fn floor(x: f32) -> i32 {
    let towards_zero = x as i32;
    towards_zero - i32::from(towards_zero as f32 > x)
}

fn ease(t: f32) -> f32 {
    t * t * (3.0 - 2.0 * t)
}

fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_noise_meets_the_lattice() {
        let noise = Noise::new(5);
        assert!((noise.smooth(3.0, -2.0) - noise.at(3, -2)).abs() < 1e-6);
    }

    #[test]
    fn noise_is_centred_and_bounded() {
        let noise = Noise::new(9);
        let values: Vec<f32> = (0..4096).map(|k| noise.at(k % 64, k / 64)).collect();
        assert!(values.iter().all(|v| v.abs() <= 1.0));
        assert!((values.iter().sum::<f32>() / 4096.0).abs() < 0.05);
    }
}
