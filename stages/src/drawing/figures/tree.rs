//! The tree: a trunk under a leafy crown, or a conifer in tiers.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const LEAVES: [Colour; 5] = [
    Colour::rgb(74, 128, 56),
    Colour::rgb(104, 150, 64),
    Colour::rgb(54, 104, 62),
    Colour::rgb(196, 140, 50),
    Colour::rgb(190, 84, 48),
];

/// Builds a tree.
pub(crate) fn tree(dice: &mut Dice) -> Figure {
    let bark = Colour::rgb(112, 80, 54).vary(dice, 0.15);
    let mut figure = Figure::new(Setting::Land);
    if dice.chance(0.35) {
        conifer(&mut figure, bark, dice);
    } else {
        broadleaf(&mut figure, bark, dice);
    }
    figure
}

fn conifer(figure: &mut Figure, bark: Colour, dice: &mut Dice) {
    let green = LEAVES[2].vary(dice, 0.2);
    let wide = dice.between(0.5, 0.68);
    figure.solid(bark, [Outline::rectangle((-0.09, 0.6), (0.09, 1.0))]);
    for (top, bottom, share) in [(0.0, 0.76, 1.0), (-0.5, 0.3, 0.78), (-1.0, -0.16, 0.54)] {
        let half = share * wide;
        let tier = [
            (0.0, top),
            (half, bottom),
            (0.5 * half, bottom - 0.06),
            (0.0, bottom),
            (-0.5 * half, bottom - 0.06),
            (-half, bottom),
        ];
        figure.solid(green, [Outline::polygon(&tier)]);
    }
}

fn broadleaf(figure: &mut Figure, bark: Colour, dice: &mut Dice) {
    let leaf = dice.pick(&LEAVES).vary(dice, 0.12);
    let thick = dice.between(0.09, 0.15);
    figure.solid(
        bark,
        [
            Outline::tube(&[
                (0.0, -0.1, 0.7 * thick),
                (0.0, 0.5, thick),
                (0.0, 0.92, 1.3 * thick),
            ]),
            Outline::tube(&[(0.0, 0.3, 0.5 * thick), (0.3, -0.1, 0.3 * thick)]),
            Outline::tube(&[(0.0, 0.36, 0.5 * thick), (-0.3, -0.04, 0.3 * thick)]),
        ],
    );
    figure.line(
        bark.scale(0.6),
        0.015,
        curve(&[(0.03, 0.4), (0.0, 0.6), (0.04, 0.85)]),
    );
    let count = dice.whole(6, 8);
    let (rx, ry) = (dice.between(0.38, 0.52), dice.between(0.3, 0.42));
    let mut crown = vec![Outline::ellipse((0.0, -0.4), rx, ry, Angle::turns(0.0))];
    for k in 0..count {
        let (cos, sin) = Angle::turns(k as f32 / count as f32).direction();
        crown.push(Outline::circle(
            (cos * rx, -0.4 + sin * ry),
            dice.between(0.2, 0.28),
        ));
    }
    figure.solids(leaf, crown);
    for _ in 0..5 {
        let (x, y) = (dice.around(0.36), -0.4 + dice.around(0.3));
        let clump = curve(&[
            (x - 0.09, y),
            (x - 0.04, y + 0.07),
            (x + 0.04, y + 0.07),
            (x + 0.09, y),
        ]);
        figure.line(leaf.scale(0.65), 0.022, clump);
    }
    if dice.chance(0.25) {
        for _ in 0..7 {
            let apple = (dice.around(0.42), -0.4 + dice.around(0.36));
            figure.mark(Colour::rgb(206, 44, 40), Outline::circle(apple, 0.045));
        }
    }
}
