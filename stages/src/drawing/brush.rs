//! A bristle brush: long soft-edged dabs in which every bristle carries a little more or less paint.

use super::colour::Colour;
use super::noise::Noise;
use super::outline::Point;
use super::raster::Raster;

/// Bristles are a little finer than pixels.
const HAIRS_PER_PIXEL: f32 = 1.2;

/// A brush of one width, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brush {
    /// Across the bristles.
    pub(crate) width: f32,
    /// What makes bristles differ.
    pub(crate) bristles: Noise,
}

/// One stroke of a brush.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dab {
    /// The middle of the stroke, in pixels.
    pub(crate) centre: Point,
    /// The unit vector along which the brush moves.
    pub(crate) along: Point,
    /// How far it moves, in pixels.
    pub(crate) length: f32,
    /// The paint on it.
    pub(crate) colour: Colour,
}

impl Brush {
    /// Puts a stroke on the canvas.
    pub(crate) fn stroke(self, canvas: &mut Raster, dab: &Dab) {
        let size = canvas.size();
        let (half_length, half_width) = (dab.length / 2.0, self.width / 2.0);
        let ((x, y), (dx, dy)) = (dab.centre, dab.along);
        let reach_x = dx.abs() * half_length + dy.abs() * half_width + 1.0;
        let reach_y = dy.abs() * half_length + dx.abs() * half_width + 1.0;
        let bound = |v: f32| v.clamp(0.0, size as f32) as usize;
        let (x0, x1) = (bound(x - reach_x), bound(x + reach_x + 1.0));
        let (y0, y1) = (bound(y - reach_y), bound(y + reach_y + 1.0));
        let hairs = self.hairs((x as i32).wrapping_mul(31).wrapping_add(y as i32));
        for row in y0..y1 {
            let pixels = &mut canvas.pixels_mut()[row * size + x0..row * size + x1.max(x0)];
            for (column, pixel) in (x0..).zip(pixels) {
                let (px, py) = (column as f32 - x, row as f32 - y);
                let (u, v) = (px * dx + py * dy, py * dx - px * dy);
                let inside_v = half_width + 0.5 - v.abs();
                if inside_v <= 0.0 {
                    continue;
                }
                let hair = hairs[((v + half_width + 0.5) * HAIRS_PER_PIXEL) as usize % hairs.len()];
                // Bristles end unevenly.
                let inside_u = half_length * (1.0 + 0.15 * hair) + 0.5 - u.abs();
                let cover = inside_u.clamp(0.0, 1.0) * inside_v.min(1.0);
                if cover > 0.0 {
                    let paint = dab.colour.scale(1.0 + 0.06 * hair);
                    *pixel = pixel.mix(paint, 0.93 * cover);
                }
            }
        }
    }

    /// How much each bristle differs, from one side of the brush to the other.
    fn hairs(self, salt: i32) -> [f32; 16] {
        std::array::from_fn(|k| self.bristles.at(k as i32, salt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_paints_its_middle_and_spares_what_is_far() {
        let mut canvas = Raster::from_fn(32, |_, _| Colour::WHITE);
        let dab = Dab { centre: (16.0, 16.0), along: (1.0, 0.0), length: 12.0, colour: Colour::rgb(0, 0, 0) };
        Brush { width: 4.0, bristles: Noise::new(1) }.stroke(&mut canvas, &dab);
        assert!(canvas.at(16, 16).luma() < 0.2);
        assert_eq!(canvas.at(16, 26), Colour::WHITE);
        assert_eq!(canvas.at(30, 16), Colour::WHITE);
    }
}
