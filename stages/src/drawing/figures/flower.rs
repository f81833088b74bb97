//! The flower: petals around a disc, on a stem with two leaves, sometimes in a pot.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::Outline;

const PETALS: [Colour; 6] = [
    Colour::rgb(224, 60, 76),
    Colour::rgb(240, 180, 40),
    Colour::rgb(236, 236, 240),
    Colour::rgb(170, 90, 180),
    Colour::rgb(240, 140, 170),
    Colour::rgb(90, 110, 200),
];

/// Builds a flower on its stem.
pub(crate) fn flower(dice: &mut Dice) -> Figure {
    let petal = dice.pick(&PETALS).vary(dice, 0.08);
    let green = Colour::rgb(70, 130, 58).vary(dice, 0.15);
    let disc = dice.pick(&[Colour::rgb(236, 190, 50), Colour::rgb(110, 70, 36)]);
    let lean = dice.around(0.14);
    let mut figure = Figure::new(if dice.chance(0.6) {
        Setting::Land
    } else {
        Setting::Room
    });
    figure.sway(8.0);
    figure.solid(
        green,
        [Outline::tube(&[
            (lean, -0.4, 0.03),
            (0.4 * lean, 0.2, 0.036),
            (0.0, 1.0, 0.042),
        ])],
    );
    for side in [-1.0, 1.0] {
        let y = dice.between(0.4, 0.7);
        let tip = (side * dice.between(0.36, 0.5), y - dice.between(0.16, 0.3));
        let leaf = [
            (0.0, y),
            (side * 0.16, y - 0.22),
            tip,
            (side * 0.22, y + 0.0),
        ];
        figure.solid(green.scale(0.9), [Outline::blob(&leaf)]);
        figure.line(
            green.scale(0.6),
            0.014,
            vec![(0.0, y), (0.8 * tip.0, y + 0.8 * (tip.1 - y))],
        );
    }
    let count = dice.whole(5, 9);
    let (reach, start) = (dice.between(0.28, 0.34), dice.between(0.0, 1.0));
    let width = 0.85 * reach * 3.2 / count as f32;
    for k in 0..count {
        let angle = Angle::turns(start + k as f32 / count as f32);
        let (cos, sin) = angle.direction();
        let centre = (lean + cos * reach, -0.48 + sin * reach);
        figure.solid(
            petal.vary(dice, 0.05),
            [Outline::ellipse(centre, 0.72 * reach, width, angle)],
        );
    }
    figure.solid(
        disc,
        [Outline::circle((lean, -0.48), dice.between(0.13, 0.2))],
    );
    if dice.chance(0.3) {
        let clay = Colour::rgb(186, 100, 62).vary(dice, 0.1);
        figure.solid(
            clay,
            [Outline::polygon(&[
                (-0.32, 0.86),
                (0.32, 0.86),
                (0.24, 1.3),
                (-0.24, 1.3),
            ])],
        );
        figure.solid(
            clay.scale(0.9),
            [Outline::rectangle((-0.37, 0.78), (0.37, 0.92))],
        );
    }
    figure
}
