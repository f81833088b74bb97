//! The cartoon style: saturated flat colours inside bold outlines, on a backdrop of a few flat shapes.

use super::angle::Angle;
use super::canvas::{Canvas, Finish};
use super::colour::Colour;
use super::dice::Dice;
use super::figure::{Figure, Setting};
use super::outline::{Outline, Point, curve};
use super::raster::Raster;

/// Draws a placed figure as a cartoon.
pub(crate) fn cartoon(figure: &Figure, size: u32, dice: &mut Dice) -> Raster {
    let mut canvas = Canvas::new(size);
    backdrop(&mut canvas, figure, dice);
    let (vividness, turn) = (dice.between(1.35, 1.8), Angle::turns(dice.around(0.02)).direction());
    let figure = figure.recoloured(|colour| colour.saturate(vividness).turn(turn).scale(1.08).clamp());
    canvas.figure(&figure, Finish::Inked(dice.between(0.008, 0.014)));
    canvas.finish().0
}

fn backdrop(canvas: &mut Canvas, figure: &Figure, dice: &mut Dice) {
    let roll = dice.between(0.0, 1.0);
    // PACS cartoons are often cut out on white or on one plain colour.
    if roll < 0.3 {
        canvas.flood(Colour::WHITE);
        return;
    }
    canvas.flood(dice.pick(&PLAINS).vary(dice, 0.06));
    if roll < 0.5 || figure.is_cropped() {
        return;
    }
    match figure.setting() {
        Setting::Land => land(canvas, dice),
        Setting::Room => band(canvas, dice.between(0.7, 0.9), dice.pick(&FLOORS)),
        Setting::Water => {
            canvas.flood(SKY);
            band(canvas, dice.between(0.55, 0.7), Colour::rgb(60, 140, 220));
        }
        Setting::Deep => canvas.flood(Colour::rgb(70, 170, 230)),
    }
}

fn land(canvas: &mut Canvas, dice: &mut Dice) {
    canvas.flood(SKY.vary(dice, 0.05));
    if dice.chance(0.6) {
        let x = if dice.chance(0.5) { dice.between(0.04, 0.2) } else { dice.between(0.8, 0.96) };
        canvas
            .fill(&Outline::circle((x, dice.between(0.05, 0.16)), dice.between(0.06, 0.1)), Colour::rgb(255, 214, 60));
    }
    for _ in 0..dice.whole(0, 2) {
        cloud(canvas, (dice.between(0.1, 0.9), dice.between(0.06, 0.25)), dice.between(0.04, 0.08));
    }
    let grass = dice.pick(&GRASSES);
    let horizon = dice.between(0.5, 0.75);
    if dice.chance(0.6) {
        let hill = Outline::ellipse(
            (dice.between(0.1, 0.9), horizon + 0.05),
            dice.between(0.3, 0.6),
            dice.between(0.1, 0.22),
            Angle::turns(0.0),
        );
        canvas.fill(&hill, grass.scale(0.86));
    }
    band(canvas, horizon, grass);
}

fn cloud(canvas: &mut Canvas, (x, y): Point, r: f32) {
    for (dx, dy, share) in [(-1.1, 0.2, 0.7), (0.0, -0.1, 1.0), (1.1, 0.2, 0.75)] {
        canvas.fill(&Outline::circle((x + dx * r, y + dy * r), share * r), Colour::WHITE);
    }
}

/// Everything below a slightly bent line.
fn band(canvas: &mut Canvas, y: f32, colour: Colour) {
    let mut edge = curve(&[(-0.05, y + 0.015), (0.3, y), (0.7, y + 0.02), (1.05, y)]);
    edge.extend([(1.05, 1.05), (-0.05, 1.05)]);
    canvas.fill(&Outline::polygon(&edge), colour);
}

const SKY: Colour = Colour::rgb(150, 212, 250);

const PLAINS: [Colour; 6] = [
    Colour::rgb(255, 236, 170),
    Colour::rgb(180, 226, 250),
    Colour::rgb(250, 200, 190),
    Colour::rgb(200, 240, 190),
    Colour::rgb(224, 208, 246),
    Colour::rgb(246, 240, 226),
];

const GRASSES: [Colour; 3] = [Colour::rgb(126, 204, 84), Colour::rgb(98, 186, 96), Colour::rgb(226, 206, 122)];

const FLOORS: [Colour; 3] = [Colour::rgb(204, 150, 100), Colour::rgb(170, 130, 180), Colour::rgb(150, 170, 190)];
