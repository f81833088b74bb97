//! The painting style: the composition is laid out, then painted over with brush strokes from broad to fine.

use super::angle::Angle;
use super::brush::{Brush, Dab};
use super::colour::Colour;
use super::composition::Composition;
use super::dice::Dice;
use super::figure::Figure;
use super::noise::Noise;
use super::raster::Raster;

/// The brushes, from broad to fine, as shares of the picture.
const WIDTHS: [f32; 4] = [0.075, 0.036, 0.019, 0.011];

/// Draws a placed figure as a painting.
pub(crate) fn painting(figure: &Figure, size: u32, dice: &mut Dice) -> Raster {
    let Composition { raster, coverage } = Composition::new(figure, size, 0.12, dice);
    let layout = tone(&raster, dice);
    let guide = guide(&layout, &coverage);
    let ground = dice.pick(&GROUNDS);
    let mut canvas = Raster::from_fn(layout.size(), |_, _| ground);
    let flow = Noise::new(dice.salt());
    let coarse = dice.between(0.8, 1.25);
    for (pass, width) in WIDTHS.into_iter().enumerate() {
        let width = coarse * width * size as f32;
        // On a small picture the finest brushes would be narrower than a pixel.
        if width < 1.1 {
            continue;
        }
        let width = width.max(1.7);
        let brush = Brush { width, bristles: Noise::new(dice.salt()) };
        cover(
            &mut canvas,
            &Pass { number: pass, layout: &layout, guide: &guide, coverage: &coverage, flow, brush },
            dice,
        );
    }
    weave(&mut canvas, dice);
    canvas
}

/// One round over the canvas with one brush.
struct Pass<'a> {
    number: usize,
    layout: &'a Raster,
    guide: &'a Raster,
    coverage: &'a [f32],
    flow: Noise,
    brush: Brush,
}

impl Pass<'_> {
    /// The stroke to make at a position; none where the canvas is good enough already.
    fn dab(&self, canvas: &Raster, x: f32, y: f32, dice: &mut Dice) -> Option<Dab> {
        let (column, row) = (x as i32, y as i32);
        let wanted = self.layout.at(column, row);
        let covered = self.coverage[row as usize * canvas.size() + column as usize];
        if self.number > 0 {
            let there = canvas.at(column, row);
            let miss: f32 = wanted.0.iter().zip(there.0).map(|(a, b)| (a - b).abs()).sum();
            // The figure is worked out further than what lies behind it.
            let patience =
                if covered > 0.1 { 0.06 + 0.05 * self.number as f32 } else { 0.1 + 0.14 * self.number as f32 };
            if miss < patience {
                return None;
            }
        }
        let along = self.direction(x, y);
        let reach = if covered > 0.3 { 1.6 } else { 2.6 };
        let length = self.brush.width * dice.between(0.8, 1.2) * reach;
        let colour = wanted.vary(dice, 0.07).turn(Angle::turns(dice.around(0.015)).direction());
        Some(Dab { centre: (x, y), along, length, colour })
    }

    /// Along edges where there are some, else along a slow flow.
    fn direction(&self, x: f32, y: f32) -> (f32, f32) {
        let (i, j) = (x as i32, y as i32);
        let step = ((self.brush.width * 0.4) as i32).max(1);
        let luma = |dx: i32, dy: i32| self.guide.at(i + dx, j + dy).luma();
        let (gx, gy) = (luma(step, 0) - luma(-step, 0), luma(0, step) - luma(0, -step));
        let scale = 2.2 / self.guide.size() as f32;
        let (fx, fy) = Angle::turns(0.45 * self.flow.smooth(x * scale, y * scale)).direction();
        let (dx, dy) = (-gy * 9.0 + fx * 0.35, gx * 9.0 + fy * 0.35);
        let length = (dx * dx + dy * dy).sqrt();
        if length < 1e-4 { (1.0, 0.0) } else { (dx / length, dy / length) }
    }
}

/// What strokes follow: brightness, and before all the silhouette of the figure.
fn guide(layout: &Raster, coverage: &[f32]) -> Raster {
    let mut guide = layout.clone();
    for (pixel, &cover) in guide.pixels_mut().iter_mut().zip(coverage) {
        let level = 0.4 * pixel.luma() + 0.6 * cover;
        *pixel = Colour([level; 3]);
    }
    guide.soften(0.8).soften(0.8).soften(0.8)
}

/// Strokes on a jittered grid, in a scrambled order so that no rows show.
fn cover(canvas: &mut Raster, pass: &Pass<'_>, dice: &mut Dice) {
    let size = canvas.size() as f32;
    let gap = (pass.brush.width * 0.7).max(1.0);
    let count = (size / gap).ceil() as u32;
    let mut cells: Vec<u32> = (0..count * count).collect();
    for last in (1..cells.len()).rev() {
        cells.swap(last, dice.whole(0, last as u32) as usize);
    }
    for cell in cells {
        let place = |k: u32, jitter: f32| ((k as f32 + 0.5 + jitter) * gap).clamp(0.0, size - 1.0);
        let x = place(cell % count, dice.around(0.5));
        let y = place(cell / count, dice.around(0.5));
        if let Some(dab) = pass.dab(canvas, x, y, dice) {
            pass.brush.stroke(canvas, &dab);
        }
    }
}

/// The palette of a painter: turned, stretched and pulled towards one colour.
fn tone(raster: &Raster, dice: &mut Dice) -> Raster {
    let veil = dice.pick(&VEILS);
    let (share, turn) = (dice.between(0.03, 0.16), Angle::turns(dice.around(0.035)).direction());
    let (vividness, contrast) = (dice.between(1.0, 1.6), dice.between(1.0, 1.2));
    let mut toned = raster.clone();
    for pixel in toned.pixels_mut() {
        let stretched = Colour(pixel.0.map(|c| 0.5 + (c - 0.5) * contrast));
        *pixel = stretched.saturate(vividness).turn(turn).mix(veil, share).clamp();
    }
    toned
}

/// The threads of the canvas, and a little unevenness of the paint.
fn weave(canvas: &mut Raster, dice: &mut Dice) {
    let size = canvas.size();
    let noise = Noise::new(dice.salt());
    let depth = dice.between(0.01, 0.04);
    for (k, pixel) in canvas.pixels_mut().iter_mut().enumerate() {
        let (x, y) = ((k % size) as i32, (k / size) as i32);
        let thread = if (x + y) % 2 == 0 { 1.0 } else { -1.0 };
        *pixel = pixel.scale(1.0 + depth * (0.5 * thread + noise.at(x, y)));
    }
}

/// What shows between the strokes.
const GROUNDS: [Colour; 4] =
    [Colour::rgb(150, 110, 74), Colour::rgb(96, 84, 78), Colour::rgb(186, 166, 130), Colour::rgb(88, 100, 116)];

const VEILS: [Colour; 5] = [
    Colour::rgb(214, 150, 70),
    Colour::rgb(70, 96, 150),
    Colour::rgb(120, 70, 60),
    Colour::rgb(230, 210, 160),
    Colour::rgb(90, 120, 100),
];
