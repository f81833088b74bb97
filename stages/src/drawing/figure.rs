//! A figure: the parts of a subject, back to front, before any style is applied.

use super::colour::Colour;
use super::dice::Dice;
use super::outline::{Outline, Point};

/// Where a subject is usually seen; styles with a background draw it accordingly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// On grass, sand or a road, under a sky.
    Land,
    /// In a room.
    Room,
    /// On water, under a sky.
    Water,
    /// Below the surface.
    Deep,
}

/// Shapes that melt into one silhouette, with what is painted on them.
#[derive(Debug, Clone)]
pub(crate) struct Solid {
    /// The shapes; outlines run around their union.
    pub(crate) shapes: Vec<Outline>,
    /// The colour of all shapes.
    pub(crate) colour: Colour,
    /// Patches of another colour, cut off at the silhouette.
    pub(crate) decor: Vec<(Outline, Colour)>,
    /// How round the solid is: 0 is flat.
    pub(crate) relief: f32,
}

/// One thing to draw.
#[derive(Debug, Clone)]
pub(crate) enum Layer {
    /// A body with a silhouette.
    Solid(Solid),
    /// A small feature such as an eye, filled and without outline.
    Mark(Outline, Colour),
    /// An open line with a width.
    Line(Vec<Point>, f32, Colour),
}

/// A subject in a pose, as layers from back to front.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    layers: Vec<Layer>,
    setting: Setting,
    frame: Option<(Point, Point)>,
    sway: f32,
}

impl Figure {
    /// A figure without parts.
    pub(crate) const fn new(setting: Setting) -> Self {
        Self { layers: Vec::new(), setting, frame: None, sway: 5.0 }
    }

    /// Adds shapes that melt into one silhouette.
    pub(crate) fn solid<const N: usize>(&mut self, colour: Colour, shapes: [Outline; N]) {
        self.solids(colour, Vec::from(shapes));
    }

    /// Adds any number of shapes that melt into one silhouette.
    pub(crate) fn solids(&mut self, colour: Colour, shapes: Vec<Outline>) {
        self.layers.push(Layer::Solid(Solid { shapes, colour, decor: Vec::new(), relief: 1.0 }));
    }

    /// Adds shapes that have no roundness: walls, paper, glass.
    pub(crate) fn flat<const N: usize>(&mut self, colour: Colour, shapes: [Outline; N]) {
        self.layers.push(Layer::Solid(Solid { shapes: Vec::from(shapes), colour, decor: Vec::new(), relief: 0.15 }));
    }

    /// Paints a patch on the latest solid.
    pub(crate) fn decor(&mut self, colour: Colour, shape: Outline) {
        if let Some(Layer::Solid(solid)) = self.layers.last_mut() {
            solid.decor.push((shape, colour));
        }
    }

    /// Adds a small filled feature.
    pub(crate) fn mark(&mut self, colour: Colour, shape: Outline) {
        self.layers.push(Layer::Mark(shape, colour));
    }

    /// Adds an open line.
    pub(crate) fn line(&mut self, colour: Colour, width: f32, points: Vec<Point>) {
        self.layers.push(Layer::Line(points, width, colour));
    }

    /// Shows only this part of the figure: a portrait instead of the whole.
    pub(crate) const fn crop(&mut self, from: Point, to: Point) {
        self.frame = Some((from, to));
    }

    /// Sets how many degrees the figure may lean to either side.
    pub(crate) const fn sway(&mut self, degrees: f32) {
        self.sway = degrees;
    }

    /// The layers, back to front.
    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The layers that have a silhouette, back to front.
    pub(crate) fn solids_in_order(&self) -> impl Iterator<Item = &Solid> {
        self.layers.iter().filter_map(|layer| match layer {
            Layer::Solid(solid) => Some(solid),
            Layer::Mark(..) | Layer::Line(..) => None,
        })
    }

    /// Where the subject is seen.
    pub(crate) const fn setting(&self) -> Setting {
        self.setting
    }

    /// True when the figure is cut by the edge of the picture.
    pub(crate) const fn is_cropped(&self) -> bool {
        self.frame.is_some()
    }

    /// Moves the figure into the unit square of the picture: mirrored or not, leaning a little, of varying size.
    pub(crate) fn place(&self, dice: &mut Dice) -> Self {
        let (cos, sin) = super::angle::Angle::degrees(dice.around(self.sway)).direction();
        let flip = if dice.chance(0.5) { -1.0 } else { 1.0 };
        let turn = |(x, y): Point| (flip * (x * cos - y * sin), x * sin + y * cos);
        let (from, to) = self.extent(turn);
        let (width, height) = (to.0 - from.0, to.1 - from.1);
        let fill = if self.is_cropped() { dice.between(0.95, 1.1) } else { dice.between(0.74, 0.95) };
        let scale = fill / width.max(height).max(1e-3);
        let slack = |side: f32| (1.0 - side * scale).max(0.0) / 2.0;
        let x = 0.5 - scale * (from.0 + to.0) / 2.0 + slack(width) * dice.around(0.6);
        let drop = if self.is_cropped() { 1.0 } else { 0.5 + dice.around(0.4) };
        let y = 0.5 - scale * (from.1 + to.1) / 2.0 + slack(height) * drop;
        self.moved(
            |p| {
                let (u, v) = turn(p);
                (u * scale + x, v * scale + y)
            },
            scale,
        )
    }

    /// The same figure in other colours.
    pub(crate) fn recoloured(&self, repaint: impl Fn(Colour) -> Colour) -> Self {
        let mut figure = self.clone();
        for layer in &mut figure.layers {
            match layer {
                Layer::Solid(solid) => {
                    solid.colour = repaint(solid.colour);
                    solid.decor.iter_mut().for_each(|(_, colour)| *colour = repaint(*colour));
                }
                Layer::Mark(_, colour) | Layer::Line(_, _, colour) => *colour = repaint(*colour),
            }
        }
        figure
    }

    /// The box around all parts, or around the crop.
    pub(crate) fn extent(&self, map: impl Fn(Point) -> Point) -> (Point, Point) {
        let mut span = ((f32::MAX, f32::MAX), (f32::MIN, f32::MIN));
        let mut take = |p: Point| {
            let (x, y) = map(p);
            span = ((span.0.0.min(x), span.0.1.min(y)), (span.1.0.max(x), span.1.1.max(y)));
        };
        if let Some((from, to)) = self.frame {
            [from, (to.0, from.1), to, (from.0, to.1)].into_iter().for_each(&mut take);
            return span;
        }
        for layer in &self.layers {
            match layer {
                Layer::Solid(solid) => solid.shapes.iter().flat_map(Outline::points).copied().for_each(&mut take),
                Layer::Mark(shape, _) => shape.points().iter().copied().for_each(&mut take),
                Layer::Line(points, ..) => points.iter().copied().for_each(&mut take),
            }
        }
        span
    }

    /// The same figure bent or stretched; lines become wider by `scale`.
    pub(crate) fn moved(&self, map: impl Fn(Point) -> Point, scale: f32) -> Self {
        let layers = self.layers.iter().map(|layer| match layer {
            Layer::Solid(solid) => Layer::Solid(Solid {
                shapes: solid.shapes.iter().map(|shape| shape.map(&map)).collect(),
                decor: solid.decor.iter().map(|(shape, colour)| (shape.map(&map), *colour)).collect(),
                ..*solid
            }),
            Layer::Mark(shape, colour) => Layer::Mark(shape.map(&map), *colour),
            Layer::Line(points, width, colour) => {
                Layer::Line(points.iter().map(|&p| map(p)).collect(), width * scale, *colour)
            }
        });
        let frame = self.frame.map(|(from, to)| (map(from), map(to)));
        Self { layers: layers.collect(), frame, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::*;

    #[test]
    fn a_placed_figure_lies_within_the_picture() {
        let mut figure = Figure::new(Setting::Land);
        figure.solid(Colour::WHITE, [Outline::rectangle((-3.0, 1.0), (9.0, 2.0))]);
        for index in 0..50 {
            let placed = figure.place(&mut Dice::new(1, "dog", Style::Photo, index));
            let (from, to) = placed.extent(|p| p);
            assert!(from.0 >= 0.0 && from.1 >= 0.0 && to.0 <= 1.0 && to.1 <= 1.0, "{from:?} {to:?}");
        }
    }
}
