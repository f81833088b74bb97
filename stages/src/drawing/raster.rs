//! A square picture in floats, for what is computed pixel by pixel.

use super::colour::Colour;
use image::{Rgb, RgbImage};

/// Rows of colours, top to bottom.
#[derive(Debug, Clone)]
pub(crate) struct Raster {
    size: usize,
    pixels: Vec<Colour>,
}

impl Raster {
    /// A picture from its pixels, `size * size` of them.
    pub(crate) fn new(size: usize, pixels: Vec<Colour>) -> Self {
        debug_assert_eq!(pixels.len(), size * size, "a raster is square");
        Self { size, pixels }
    }

    /// A picture from a function of the position, whose coordinates run from 0 to 1.
    pub(crate) fn from_fn(size: usize, f: impl Fn(f32, f32) -> Colour) -> Self {
        let unit = |k: usize| (k as f32 + 0.5) / size as f32;
        let pixels = (0..size * size)
            .map(|k| f(unit(k % size), unit(k / size)))
            .collect();
        Self { size, pixels }
    }

    /// Pixels along a side.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// The colour at a position, clamped to the picture.
    pub(crate) fn at(&self, x: i32, y: i32) -> Colour {
        let last = self.size as i32 - 1;
        self.pixels[y.clamp(0, last) as usize * self.size + x.clamp(0, last) as usize]
    }

    /// The colour between pixels, bilinearly; coordinates are in pixels.
    pub(crate) fn between(&self, x: f32, y: f32) -> Colour {
        let (fx, fy) = (x.floor(), y.floor());
        let (i, j) = (fx as i32, fy as i32);
        let top = self.at(i, j).mix(self.at(i + 1, j), x - fx);
        let bottom = self.at(i, j + 1).mix(self.at(i + 1, j + 1), x - fx);
        top.mix(bottom, y - fy)
    }

    /// All pixels, row by row.
    pub(crate) fn pixels(&self) -> &[Colour] {
        &self.pixels
    }

    /// All pixels, row by row.
    pub(crate) fn pixels_mut(&mut self) -> &mut [Colour] {
        &mut self.pixels
    }

    /// Softens by mixing each pixel with its four neighbours.
    pub(crate) fn soften(&self, share: f32) -> Self {
        let size = self.size as i32;
        let pixel = |k: i32| {
            let (x, y) = (k % size, k / size);
            let (a, b, c, d) = (
                self.at(x - 1, y),
                self.at(x + 1, y),
                self.at(x, y - 1),
                self.at(x, y + 1),
            );
            self.at(x, y)
                .mix(a.mix(b, 0.5).mix(c.mix(d, 0.5), 0.5), share)
        };
        Self {
            size: self.size,
            pixels: (0..size * size).map(pixel).collect(),
        }
    }

    /// Rounds to bytes.
    pub(crate) fn image(&self) -> RgbImage {
        RgbImage::from_fn(self.size as u32, self.size as u32, |x, y| {
            Rgb(self.pixels[y as usize * self.size + x as usize].bytes())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_outside_take_the_nearest_edge() {
        let raster = Raster::from_fn(4, |x, y| Colour([x, y, 0.0]));
        assert_eq!(raster.at(-5, 9), raster.at(0, 3));
    }

    #[test]
    fn softening_keeps_a_plain_picture() {
        let plain = Raster::from_fn(5, |_, _| Colour([0.25, 0.5, 0.75]));
        assert_eq!(plain.soften(0.5).at(2, 2).bytes(), plain.at(2, 2).bytes());
    }
}
