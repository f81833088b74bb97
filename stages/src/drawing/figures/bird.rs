//! The bird: perched, with a beak, a folded wing and a straight tail.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const FEATHERS: [Colour; 5] = [
    Colour::rgb(66, 116, 180),
    Colour::rgb(186, 64, 48),
    Colour::rgb(214, 172, 60),
    Colour::rgb(112, 92, 76),
    Colour::rgb(64, 64, 72),
];

/// Builds a bird that faces right.
pub(crate) fn bird(dice: &mut Dice) -> Figure {
    let feather = dice.pick(&FEATHERS).vary(dice, 0.1);
    let breast = feather.mix(dice.pick(&[Colour::WHITE, Colour::rgb(230, 150, 80)]), 0.65);
    let horn = dice.pick(&[Colour::rgb(226, 150, 40), Colour::rgb(70, 60, 56)]);
    let mut figure = Figure::new(Setting::Land);
    let dip = dice.between(-0.12, 0.15);
    let tail = [(-0.4, 0.08), (-1.0, 0.3 + dip), (-0.94, 0.46 + dip), (-0.36, 0.3)];
    figure.solid(feather.scale(0.7), [Outline::polygon(&tail)]);
    legs(&mut figure, horn.scale(0.8));
    let (long, open) = (dice.between(0.7, 1.3), dice.between(0.0, 0.05));
    let beak = [(0.6, -0.5), (0.68 + 0.24 * long, -0.38), (0.6, -0.3 + open)];
    figure.solid(horn, [Outline::polygon(&beak)]);
    figure.solid(feather, [Outline::blob(&BODY), Outline::circle((0.46, -0.4), 0.23)]);
    figure.decor(breast, Outline::ellipse((0.32, 0.2), 0.22, 0.36, Angle::turns(0.05)));
    wing(&mut figure, feather, dice.between(0.0, 0.12));
    figure.mark(Colour::WHITE, Outline::circle((0.53, -0.45), 0.05));
    figure.mark(Colour::INK, Outline::circle((0.54, -0.45), 0.034));
    figure
}

const BODY: [(f32, f32); 8] =
    [(-0.52, 0.14), (-0.2, -0.14), (0.14, -0.3), (0.4, -0.16), (0.44, 0.14), (0.24, 0.44), (-0.1, 0.5), (-0.38, 0.36)];

fn legs(figure: &mut Figure, horn: Colour) {
    for x in [-0.02, 0.14] {
        figure.line(horn, 0.035, vec![(x, 0.5), (x + 0.02, 0.86)]);
        figure.line(horn, 0.03, vec![(x - 0.08, 0.88), (x + 0.02, 0.86), (x + 0.14, 0.88)]);
    }
}

/// The folded wing, whose tip hangs by `drop`.
fn wing(figure: &mut Figure, feather: Colour, drop: f32) {
    let edge = [
        (0.18, -0.1),
        (0.16, 0.14),
        (-0.1, 0.32),
        (-0.5, 0.34 + drop),
        (-0.66, 0.38 + drop),
        (-0.4, 0.1),
        (-0.1, -0.1),
    ];
    figure.solid(feather.scale(0.75), [Outline::blob(&edge)]);
    for k in 0..3 {
        let (x, y) = (0.06 - 0.06 * k as f32, 0.08 + 0.08 * k as f32);
        let quill = curve(&[(x, y), (-0.2, y + 0.08), (-0.46, y + 0.13 + drop)]);
        figure.line(feather.scale(0.5), 0.014, quill);
    }
}
