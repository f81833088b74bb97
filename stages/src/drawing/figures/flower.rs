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
    let green = Colour::rgb(70, 130, 58).vary(dice, 0.15);
    // How far the blossom stands beside the foot of the stem.
    let lean = dice.around(0.14);
    let setting = dice.pick(&[Setting::Land, Setting::Room]);
    let mut figure = Figure::new(setting);
    figure.sway(8.0);
    let stem = [(lean, -0.4, 0.03), (0.4 * lean, 0.2, 0.036), (0.0, 1.0, 0.042)];
    figure.solid(green, [Outline::tube(&stem)]);
    for side in [-1.0, 1.0] {
        leaf(&mut figure, green, side, dice);
    }
    blossom(&mut figure, lean, dice);
    if dice.chance(0.3) {
        let clay = Colour::rgb(186, 100, 62).vary(dice, 0.1);
        let pot = [(-0.32, 0.86), (0.32, 0.86), (0.24, 1.3), (-0.24, 1.3)];
        figure.solid(clay, [Outline::polygon(&pot)]);
        figure.solid(clay.scale(0.9), [Outline::rectangle((-0.37, 0.78), (0.37, 0.92))]);
    }
    figure
}

fn leaf(figure: &mut Figure, green: Colour, side: f32, dice: &mut Dice) {
    let y = dice.between(0.4, 0.7);
    let tip = (side * dice.between(0.36, 0.5), y - dice.between(0.16, 0.3));
    let edge = [(0.0, y), (side * 0.16, y - 0.22), tip, (side * 0.22, y)];
    figure.solid(green.scale(0.9), [Outline::blob(&edge)]);
    let vein = vec![(0.0, y), (0.8 * tip.0, y + 0.8 * (tip.1 - y))];
    figure.line(green.scale(0.6), 0.014, vein);
}

fn blossom(figure: &mut Figure, x: f32, dice: &mut Dice) {
    let petal = dice.pick(&PETALS).vary(dice, 0.08);
    let count = dice.whole(5, 9);
    let (reach, start) = (dice.between(0.28, 0.34), dice.between(0.0, 1.0));
    let width = 2.7 * reach / count as f32;
    for k in 0..count {
        let angle = Angle::turns(start + k as f32 / count as f32);
        let (cos, sin) = angle.direction();
        let centre = (x + cos * reach, -0.48 + sin * reach);
        let shape = Outline::ellipse(centre, 0.72 * reach, width, angle);
        figure.solid(petal.vary(dice, 0.05), [shape]);
    }
    let disc = dice.pick(&[Colour::rgb(236, 190, 50), Colour::rgb(110, 70, 36)]);
    figure.solid(disc, [Outline::circle((x, -0.48), dice.between(0.13, 0.2))]);
}
