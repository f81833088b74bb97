//! The cup: a tapered bowl with a handle, on a saucer, sometimes steaming.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const GLAZES: [Colour; 6] = [
    Colour::rgb(240, 238, 232),
    Colour::rgb(196, 60, 56),
    Colour::rgb(70, 120, 176),
    Colour::rgb(230, 186, 80),
    Colour::rgb(96, 150, 120),
    Colour::rgb(110, 80, 70),
];

/// Builds a cup with its handle to the right.
pub(crate) fn cup(dice: &mut Dice) -> Figure {
    let glaze = dice.pick(&GLAZES).vary(dice, 0.06);
    let trim = dice.pick(&GLAZES).vary(dice, 0.06);
    let flat = Angle::turns(0.0);
    let mut figure = Figure::new(Setting::Room);
    if dice.chance(0.55) {
        figure.solid(trim, [Outline::ellipse((0.0, 0.72), 0.86, 0.14, flat)]);
    }
    let (foot, deep) = (dice.between(0.3, 0.52), dice.between(0.55, 0.72));
    handle(&mut figure, glaze.scale(0.9), dice);
    let bowl = [
        (-0.56, -0.42),
        (0.56, -0.42),
        (0.54, 0.1),
        (foot + 0.03, deep - 0.08),
        (foot - 0.06, deep),
        (-foot + 0.06, deep),
        (-foot - 0.03, deep - 0.08),
        (-0.54, 0.1),
    ];
    figure.solid(glaze, [Outline::polygon(&bowl)]);
    if dice.chance(0.6) {
        figure.decor(trim, Outline::rectangle((-0.7, -0.1), (0.7, 0.1)));
    }
    figure.solid(
        glaze.mix(Colour::WHITE, 0.3),
        [Outline::ellipse((0.0, -0.42), 0.56, 0.13, flat)],
    );
    figure.decor(
        Colour::rgb(92, 56, 36),
        Outline::ellipse((0.0, -0.4), 0.49, 0.095, flat),
    );
    if dice.chance(0.5) {
        for x in [-0.2, 0.02, 0.24] {
            let steam = curve(&[
                (x, -0.62),
                (x + 0.06, -0.72),
                (x - 0.04, -0.84),
                (x + 0.04, -0.98),
            ]);
            figure.line(Colour::rgb(200, 204, 210), 0.035, steam);
        }
    }
    figure
}

/// A ring whose left end is hidden by the bowl: a thick outer part and the hole.
fn handle(figure: &mut Figure, glaze: Colour, dice: &mut Dice) {
    let reach = dice.between(0.84, 0.96);
    let spine = [
        (0.46, -0.28, 0.07),
        (reach - 0.1, -0.3, 0.075),
        (reach, -0.06, 0.075),
        (reach - 0.14, 0.18, 0.07),
        (0.44, 0.26, 0.06),
    ];
    figure.solid(glaze, [Outline::tube(&spine)]);
}
