//! The fish: a lens of a body with a forked tail, fins, a gill and scales.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const SCALES: [Colour; 6] = [
    Colour::rgb(236, 130, 44),
    Colour::rgb(220, 70, 60),
    Colour::rgb(90, 140, 190),
    Colour::rgb(230, 200, 80),
    Colour::rgb(150, 160, 166),
    Colour::rgb(96, 150, 110),
];

/// Builds a fish that swims to the right.
pub(crate) fn fish(dice: &mut Dice) -> Figure {
    let scale = dice.pick(&SCALES).vary(dice, 0.1);
    let fin = dice.pick(&SCALES).mix(scale, 0.5).scale(0.85);
    // Half of the body's height.
    let h = dice.between(0.28, 0.46);
    let mut figure = Figure::new(Setting::Deep);
    figure.sway(14.0);
    fins(&mut figure, fin, h, dice);
    figure.solid(scale, [Outline::blob(&BODY.map(|(x, y)| (x, y * h)))]);
    let belly = Outline::ellipse((0.1, 0.9 * h), 0.7, 0.4 * h, Angle::turns(0.0));
    figure.decor(scale.mix(Colour::WHITE, 0.55), belly);
    if dice.chance(0.5) {
        for x in [0.2, -0.2] {
            figure.decor(fin.scale(0.7), Outline::rectangle((x - 0.06, -1.0), (x + 0.06, 1.0)));
        }
    } else {
        scales(&mut figure, scale.scale(0.7), h);
    }
    let gill = curve(&[(0.42, -0.55 * h), (0.34, 0.0), (0.42, 0.55 * h)]);
    figure.line(scale.scale(0.55), 0.022, gill);
    let side_fin = [(0.24, 0.06), (0.0, 0.02), (-0.12, 0.16), (0.06, 0.22)];
    figure.solid(fin, [Outline::blob(&side_fin)]);
    figure.mark(Colour::WHITE, Outline::circle((0.58, -0.2 * h), 0.075));
    figure.mark(Colour::INK, Outline::circle((0.6, -0.2 * h), 0.042));
    figure.line(scale.scale(0.4), 0.02, vec![(0.8, 0.1), (0.7, 0.12)]);
    figure
}

/// The body of a fish that is two units high.
const BODY: [(f32, f32); 9] = [
    (0.84, 0.06),
    (0.6, -0.64),
    (0.14, -1.0),
    (-0.3, -0.62),
    (-0.64, -0.24),
    (-0.64, 0.24),
    (-0.3, 0.62),
    (0.14, 1.0),
    (0.6, 0.66),
];

/// The forked tail and the fins above and below, which the body overlaps.
fn fins(figure: &mut Figure, fin: Colour, h: f32, dice: &mut Dice) {
    let fork = dice.between(0.3, 0.46);
    let tail = [(-0.5, -0.05), (-1.0, -fork), (-0.86, 0.0), (-1.0, fork), (-0.5, 0.05)];
    figure.solid(fin, [Outline::polygon(&tail)]);
    let above = [(0.3, -0.8 * h), (0.02, -h - 0.24), (-0.34, -h - 0.1), (-0.4, -0.4 * h)];
    figure.solid(fin, [Outline::blob(&above)]);
    let below = [(0.1, 0.8 * h), (-0.1, h + 0.2), (-0.3, h + 0.12), (-0.24, 0.5 * h)];
    figure.solid(fin, [Outline::blob(&below)]);
}

fn scales(figure: &mut Figure, colour: Colour, h: f32) {
    for row in [-0.4, 0.0, 0.4] {
        for k in 0..4 {
            let (x, y) = (0.16 - 0.17 * k as f32, row * h);
            let arc = curve(&[(x, y - 0.07), (x - 0.06, y), (x, y + 0.07)]);
            figure.line(colour, 0.014, arc);
        }
    }
}
