//! The sketch style: thin dark lines on white paper, drawn by a hand that is not quite steady.

use super::canvas::{Canvas, Finish};
use super::colour::Colour;
use super::dice::Dice;
use super::figure::{Figure, Layer, Solid};
use super::noise::Noise;
use super::outline::Point;
use super::raster::Raster;

/// Draws a placed figure as a sketch.
pub(crate) fn sketch(figure: &Figure, size: u32, dice: &mut Dice) -> Raster {
    // Below a pixel and a half, a line would fade to grey.
    let pen = dice.between(0.0045, 0.0075).max(0.75 / size as f32);
    let mut canvas = Canvas::new(size);
    canvas.flood(Colour::WHITE);
    let hatched = dice.chance(0.3);
    for layer in figure.layers() {
        canvas.layer(layer, Finish::Drawn(pen));
        // At once, so that what lies in front hides the strokes.
        if let (true, Layer::Solid(solid)) = (hatched, layer) {
            hatch(&mut canvas, solid, 0.6 * pen, dice);
        }
    }
    let clean = canvas.finish().0;
    let first = Hand::new(size, 0.008, dice);
    let again = dice.chance(0.4).then(|| Hand::new(size, 0.012, dice));
    let ink = Colour::INK.mix(Colour::rgb(70, 70, 72), dice.between(0.0, 1.0));
    let lines: Vec<Colour> = (0..size * size)
        .map(|k| {
            let (x, y) = ((k % size) as usize, (k / size) as usize);
            let mut light = first.trace(&clean, x, y);
            if let Some(hand) = &again {
                // The second pass of the pencil is fainter.
                light = light.min(0.35 + 0.65 * hand.trace(&clean, x, y));
            }
            ink.mix(Colour::WHITE, light)
        })
        .collect();
    Raster::new(size as usize, lines)
}

/// A displacement of the whole drawing, as a hand makes when it follows a shape.
///
/// It changes slowly, so it is thrown at every fourth pixel only and interpolated in between.
#[derive(Debug, Clone)]
struct Hand {
    shifts: Vec<Point>,
    columns: usize,
}

/// Pixels between two thrown displacements.
const STRIDE: usize = 4;

impl Hand {
    fn new(size: u32, reach: f32, dice: &mut Dice) -> Self {
        let (across, along) = (Noise::new(dice.salt()), Noise::new(dice.salt()));
        let columns = size as usize / STRIDE + 2;
        let shake = reach * size as f32;
        let unit = |k: usize| (k * STRIDE) as f32 / size as f32 * 7.0;
        let shift = |k: usize| {
            let (u, v) = (unit(k % columns), unit(k / columns));
            (shake * across.fractal(u, v, 2), shake * along.fractal(u, v, 2))
        };
        Self { shifts: (0..columns * columns).map(shift).collect(), columns }
    }

    /// The brightness that this hand leaves at a pixel.
    fn trace(&self, clean: &Raster, x: usize, y: usize) -> f32 {
        let (dx, dy) = self.shift(x, y);
        // Inked pixels are near black; scaling makes their brightness span the whole range.
        let light = clean.between(x as f32 + dx, y as f32 + dy).luma();
        ((light - 0.09) / 0.91).clamp(0.0, 1.0)
    }

    fn shift(&self, x: usize, y: usize) -> Point {
        let first = y / STRIDE * self.columns + x / STRIDE;
        let part = |k: usize| (k % STRIDE) as f32 / STRIDE as f32;
        let (u, v) = (part(x), part(y));
        let mix = |a: Point, b: Point, t: f32| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
        let row = |k: usize| mix(self.shifts[k], self.shifts[k + 1], u);
        mix(row(first), row(first + self.columns), v)
    }
}

/// Parallel strokes over the lower part of a solid, where its own shadow would lie.
fn hatch(canvas: &mut Canvas, solid: &Solid, pen: f32, dice: &mut Dice) {
    let points = || solid.shapes.iter().flat_map(super::outline::Outline::points);
    let low = points().map(|p| p.1).fold(f32::MAX, f32::min);
    let high = points().map(|p| p.1).fold(f32::MIN, f32::max);
    let left = points().map(|p| p.0).fold(f32::MAX, f32::min);
    let right = points().map(|p| p.0).fold(f32::MIN, f32::max);
    // Small parts would turn black.
    if right - left < 0.15 || high - low < 0.12 || solid.relief < 0.5 {
        return;
    }
    let mask = canvas.mask(&solid.shapes);
    let gap = dice.between(0.018, 0.03);
    let top = low + (high - low) * dice.between(0.45, 0.65);
    let mut x = left;
    while x < right {
        let start = (x + dice.around(0.01), top + dice.between(-0.02, 0.06));
        let length = (high - top) * dice.between(0.3, 0.7);
        canvas.line_within(&[start, (start.0 - 0.5 * length, start.1 + length)], pen, Colour::INK, &mask);
        x += gap;
    }
}
