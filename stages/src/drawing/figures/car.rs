//! The car: a low body with a cabin, two wheels and a lamp, from the side.

use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point};

const PAINTS: [Colour; 6] = [
    Colour::rgb(190, 36, 40),
    Colour::rgb(46, 100, 176),
    Colour::rgb(232, 190, 60),
    Colour::rgb(226, 228, 230),
    Colour::rgb(70, 74, 82),
    Colour::rgb(70, 140, 100),
];
const GLASS: Colour = Colour::rgb(160, 196, 214);

/// Builds a car that faces right.
pub(crate) fn car(dice: &mut Dice) -> Figure {
    let paint = dice.pick(&PAINTS).vary(dice, 0.08);
    let mut figure = Figure::new(Setting::Land);
    figure.sway(2.0);
    let roof = dice.between(-0.5, -0.34);
    let (rear, hood) = (dice.between(-0.66, -0.46), dice.between(0.36, 0.56));
    let cabin =
        [(rear - 0.12, 0.02), (rear, roof + 0.06), (rear + 0.16, roof), (0.1, roof), (0.26, roof + 0.04), (hood, 0.02)];
    let body = [
        (-0.98, 0.3),
        (-0.96, 0.06),
        (-0.8, -0.02),
        (rear, -0.03),
        (hood, -0.02),
        (0.82, 0.04),
        (0.98, 0.14),
        (1.0, 0.32),
        (0.9, 0.4),
        (-0.9, 0.4),
    ];
    figure.solid(paint, [Outline::polygon(&cabin), Outline::blob(&body)]);
    trim(&mut figure, paint, roof + 0.08, (rear, hood));
    let r = dice.between(0.17, 0.22);
    for x in [-0.56, 0.58] {
        wheel(&mut figure, (x, 0.42), r);
    }
    figure
}

/// Windows between the rear and the hood, the door and the lamps.
fn trim(figure: &mut Figure, paint: Colour, top: f32, (rear, hood): (f32, f32)) {
    let back = [(rear - 0.03, -0.04), (rear + 0.1, top), (-0.14, top), (-0.14, -0.04)];
    figure.flat(GLASS, [Outline::polygon(&back)]);
    let front = [(-0.07, -0.04), (-0.07, top), (0.16, top), (hood - 0.14, -0.04)];
    figure.flat(GLASS, [Outline::polygon(&front)]);
    figure.line(paint.scale(0.55), 0.014, vec![(-0.1, -0.02), (-0.1, 0.34)]);
    figure.line(paint.scale(0.55), 0.03, vec![(-0.28, 0.08), (-0.18, 0.08)]);
    figure.mark(Colour::rgb(252, 236, 160), Outline::circle((0.93, 0.17), 0.055));
    figure.mark(Colour::rgb(200, 40, 40), Outline::rectangle((-0.98, 0.1), (-0.91, 0.2)));
}

fn wheel(figure: &mut Figure, hub: Point, r: f32) {
    figure.solid(Colour::rgb(40, 38, 42), [Outline::circle(hub, r)]);
    figure.decor(Colour::rgb(190, 192, 198), Outline::circle(hub, 0.55 * r));
    figure.mark(Colour::rgb(80, 80, 86), Outline::circle(hub, 0.16 * r));
}
