//! Angles with a sine and cosine that are the same on every machine, unlike those of the platform's libm.

/// An angle, in turns; positive turns go clockwise on an image, whose y axis points down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Angle {
    turns: f32,
}

impl Angle {
    /// An angle in whole turns.
    pub(crate) const fn turns(turns: f32) -> Self {
        Self { turns }
    }

    /// An angle in degrees.
    pub(crate) const fn degrees(degrees: f32) -> Self {
        Self {
            turns: degrees / 360.0,
        }
    }

    /// The point of the unit circle at this angle: cosine, then sine.
    pub(crate) fn direction(self) -> (f32, f32) {
        let turns = f64::from(self.turns);
        let quarter = (turns * 4.0).round();
        let x = (turns - quarter / 4.0) * std::f64::consts::TAU;
        let (cos, sin) = small(x);
        let (cos, sin) = match (quarter as i64).rem_euclid(4) {
            0 => (cos, sin),
            1 => (-sin, cos),
            2 => (-cos, -sin),
            _ => (sin, -cos),
        };
        (cos as f32, sin as f32)
    }
}

/// Taylor series of cosine and sine, exact to f32 within an eighth of a turn.
fn small(x: f64) -> (f64, f64) {
    let x2 = x * x;
    let cos = 1.0
        - x2 / 2.0 * (1.0 - x2 / 12.0 * (1.0 - x2 / 30.0 * (1.0 - x2 / 56.0 * (1.0 - x2 / 90.0))));
    let sin = x * (1.0 - x2 / 6.0 * (1.0 - x2 / 20.0 * (1.0 - x2 / 42.0 * (1.0 - x2 / 72.0))));
    (cos, sin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_agree_with_libm_to_float_precision() {
        for step in -50_i16..50 {
            let turns = f32::from(step) / 17.0;
            let (sin, cos) = (turns * std::f32::consts::TAU).sin_cos();
            let direction = Angle::turns(turns).direction();
            assert!(
                (direction.0 - cos).abs() < 5e-6 && (direction.1 - sin).abs() < 5e-6,
                "{turns}"
            );
        }
    }
}
