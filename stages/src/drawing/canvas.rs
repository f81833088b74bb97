//! Antialiased filling and stroking through tiny-skia, twice as large as the drawing and then averaged down.
//!
//! Only plain colours are used: those take tiny-skia's integer path, which gives the same bytes with any SIMD.

use super::colour::Colour;
use super::figure::{Figure, Layer, Solid};
use super::outline::{Outline, Point};
use super::raster::Raster;
use tiny_skia::{FillRule, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

/// Canvas pixels per drawing pixel, along each axis.
const OVERSAMPLING: u32 = 2;

/// How the parts of a figure are put on the canvas.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finish {
    /// Colours without outlines.
    Plain,
    /// Colours inside outlines of this width.
    Inked(f32),
    /// Lines of this width only, hiding what lies behind.
    Drawn(f32),
}

/// A square of pixels addressed in units of the picture, from (0, 0) to (1, 1).
#[derive(Debug)]
pub(crate) struct Canvas {
    pixmap: Pixmap,
    size: u32,
}

impl Canvas {
    /// A transparent canvas for a drawing of this size, which must not be 0.
    pub(crate) fn new(size: u32) -> Self {
        let side = size * OVERSAMPLING;
        let pixmap = Pixmap::new(side, side).expect("`draw` bounds the size between 1 and `MAX_SIZE`");
        Self { pixmap, size }
    }

    /// Covers everything with a colour.
    pub(crate) fn flood(&mut self, colour: Colour) {
        self.pixmap.fill(skia(colour));
    }

    /// Fills a shape.
    pub(crate) fn fill(&mut self, shape: &Outline, colour: Colour) {
        self.fill_within(shape, colour, None);
    }

    /// Draws an open line with round ends.
    pub(crate) fn line(&mut self, points: &[Point], width: f32, colour: Colour) {
        self.stroke(path(points, false), width, colour, None);
    }

    /// Draws a whole figure.
    pub(crate) fn figure(&mut self, figure: &Figure, finish: Finish) {
        for layer in figure.layers() {
            self.layer(layer, finish);
        }
    }

    /// Draws one layer of a figure.
    pub(crate) fn layer(&mut self, layer: &Layer, finish: Finish) {
        match (layer, finish) {
            (Layer::Solid(solid), _) => self.solid(solid, finish),
            (Layer::Mark(shape, colour), Finish::Plain | Finish::Inked(_)) => {
                self.fill(shape, *colour);
            }
            (Layer::Mark(shape, colour), Finish::Drawn(pen)) => {
                self.drawn_mark(shape, *colour, pen);
            }
            (Layer::Line(points, width, colour), Finish::Plain) => {
                self.line(points, *width, *colour);
            }
            // Lines thinner than the pen would vanish beside the outlines.
            (Layer::Line(points, width, colour), Finish::Inked(pen)) => {
                self.line(points, width.max(0.6 * pen), *colour);
            }
            (Layer::Line(points, ..), Finish::Drawn(pen)) => {
                self.line(points, 0.8 * pen, Colour::INK);
            }
        }
    }

    /// The region covered by any of the shapes.
    pub(crate) fn mask(&self, shapes: &[Outline]) -> Mask {
        let side = self.size * OVERSAMPLING;
        let mut mask = Mask::new(side, side).expect("the canvas has the same size");
        for path in shapes.iter().filter_map(|shape| path(shape.points(), true)) {
            mask.fill_path(&path, FillRule::Winding, true, self.transform());
        }
        mask
    }

    /// Draws a line that shows only inside a mask.
    pub(crate) fn line_within(&mut self, points: &[Point], width: f32, colour: Colour, mask: &Mask) {
        self.stroke(path(points, false), width, colour, Some(mask));
    }

    /// Averages down to the size of the drawing: colours, premultiplied, and coverage.
    pub(crate) fn finish(&self) -> (Raster, Vec<f32>) {
        let (size, side) = (self.size as usize, (self.size * OVERSAMPLING) as usize);
        let (mut colours, mut coverage) = (Vec::with_capacity(size * size), Vec::with_capacity(size * size));
        let pixels = self.pixmap.data();
        for (y, x) in (0..size).flat_map(|y| (0..size).map(move |x| (y, x))) {
            let first = (2 * y * side + 2 * x) * 4;
            let below = first + side * 4;
            let sum = |c: usize| {
                u32::from(pixels[first + c])
                    + u32::from(pixels[first + 4 + c])
                    + u32::from(pixels[below + c])
                    + u32::from(pixels[below + 4 + c])
            };
            let unit = |c: usize| sum(c) as f32 / 1020.0;
            colours.push(Colour([unit(0), unit(1), unit(2)]));
            coverage.push(unit(3));
        }
        (Raster::new(size, colours), coverage)
    }

    fn solid(&mut self, solid: &Solid, finish: Finish) {
        // Outlines first, fills over them: what remains of the outlines runs around the union.
        if let Finish::Inked(pen) | Finish::Drawn(pen) = finish {
            for shape in &solid.shapes {
                self.stroke(path(shape.points(), true), 2.0 * pen, Colour::INK, None);
            }
        }
        let paper = if matches!(finish, Finish::Drawn(_)) { Colour::WHITE } else { solid.colour };
        for shape in &solid.shapes {
            self.fill(shape, paper);
        }
        if solid.decor.is_empty() {
            return;
        }
        let mask = self.mask(&solid.shapes);
        for (shape, colour) in &solid.decor {
            if let Finish::Drawn(pen) = finish {
                self.stroke(path(shape.points(), true), 0.75 * pen, Colour::INK, Some(&mask));
            } else {
                self.fill_within(shape, *colour, Some(&mask));
            }
        }
    }

    /// Dark features stay dark; light ones would vanish on paper, so their contour is drawn.
    fn drawn_mark(&mut self, shape: &Outline, colour: Colour, pen: f32) {
        if colour.luma() < 0.4 {
            self.fill(shape, Colour::INK);
        } else {
            self.fill(shape, Colour::WHITE);
            self.stroke(path(shape.points(), true), 0.75 * pen, Colour::INK, None);
        }
    }

    fn fill_within(&mut self, shape: &Outline, colour: Colour, mask: Option<&Mask>) {
        if let Some(path) = path(shape.points(), true) {
            let transform = self.transform();
            self.pixmap.fill_path(&path, &paint(colour), FillRule::Winding, transform, mask);
        }
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, colour: Colour, mask: Option<&Mask>) {
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        if let Some(path) = path {
            let transform = self.transform();
            self.pixmap.stroke_path(&path, &paint(colour), &stroke, transform, mask);
        }
    }

    fn transform(&self) -> Transform {
        let scale = (self.size * OVERSAMPLING) as f32;
        Transform::from_scale(scale, scale)
    }
}

/// The path along the points; none where there are too few of them.
pub(crate) fn path(points: &[Point], closed: bool) -> Option<Path> {
    let mut builder = PathBuilder::with_capacity(points.len() + 2, points.len() + 1);
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 {
            builder.move_to(x, y);
        } else {
            builder.line_to(x, y);
        }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn paint(colour: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia(colour));
    paint
}

fn skia(colour: Colour) -> tiny_skia::Color {
    let [r, g, b] = colour.bytes();
    tiny_skia::Color::from_rgba8(r, g, b, 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_square_covers_every_pixel() {
        let mut canvas = Canvas::new(4);
        canvas.fill(&Outline::rectangle((0.0, 0.0), (1.0, 1.0)), Colour::WHITE);
        let (raster, coverage) = canvas.finish();
        assert!(coverage.iter().all(|&c| c > 0.999));
        assert_eq!(raster.at(3, 3).bytes(), [255, 255, 255]);
    }
}
