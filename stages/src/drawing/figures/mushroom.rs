//! The mushroom: a dotted cap with gills under it, on a stout stem with a ring.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const CAPS: [Colour; 5] = [
    Colour::rgb(204, 44, 40),
    Colour::rgb(166, 108, 62),
    Colour::rgb(220, 150, 60),
    Colour::rgb(120, 78, 58),
    Colour::rgb(214, 190, 150),
];

/// Builds a mushroom.
pub(crate) fn mushroom(dice: &mut Dice) -> Figure {
    let flesh = Colour::rgb(238, 226, 200).vary(dice, 0.06);
    let wide = dice.between(0.68, 0.95);
    let mut figure = Figure::new(Setting::Land);
    figure.sway(9.0);
    stem(&mut figure, flesh, dice);
    gills(&mut figure, flesh, wide);
    cap(&mut figure, wide, dice);
    if dice.chance(0.5) {
        for (x, lean) in [(-0.42, -0.1), (-0.3, 0.04), (0.34, -0.03), (0.46, 0.1)] {
            let blade = [(x - 0.04, 1.05), (x + lean, dice.between(0.62, 0.8)), (x + 0.04, 1.05)];
            figure.solid(Colour::rgb(90, 140, 60), [Outline::polygon(&blade)]);
        }
    }
    figure
}

fn stem(figure: &mut Figure, flesh: Colour, dice: &mut Dice) {
    let thick = dice.between(0.14, 0.22);
    let spine = [(0.0, 0.0, thick), (dice.around(0.05), 0.45, thick), (0.0, 0.8, 1.35 * thick)];
    figure.solid(flesh, [Outline::tube(&spine)]);
    if dice.chance(0.5) {
        let ring = [(-1.3, 0.38), (0.0, 0.3), (1.3, 0.38), (0.9, 0.46), (0.0, 0.48), (-0.9, 0.46)];
        figure.solid(flesh.scale(0.92), [Outline::blob(&ring.map(|(x, y)| (x * thick, y)))]);
    }
}

fn gills(figure: &mut Figure, flesh: Colour, wide: f32) {
    let below = Outline::ellipse((0.0, 0.04), 0.92 * wide, 0.14, Angle::turns(0.0));
    figure.solid(flesh.scale(0.8), [below]);
    for k in -4..=4_i8 {
        let t = f32::from(k) / 4.5;
        let gill = vec![(0.35 * t * wide, 0.02), (0.8 * t * wide, 0.13 - 0.06 * t * t)];
        figure.line(flesh.scale(0.6), 0.012, gill);
    }
}

fn cap(figure: &mut Figure, wide: f32, dice: &mut Dice) {
    let tall = dice.between(0.5, 0.8);
    let dome = [(-1.0, 0.08), (-0.92, -0.4), (-0.5, -0.9), (0.0, -1.05), (0.5, -0.9), (0.92, -0.4), (1.0, 0.08)];
    let mut edge = curve(&dome.map(|(x, y)| (x * wide, y * tall)));
    edge.extend(curve(&[(0.7 * wide, 0.08), (0.0, 0.02), (-0.7 * wide, 0.08)]));
    let skin = dice.pick(&CAPS).vary(dice, 0.08);
    figure.solid(skin, [Outline::polygon(&edge)]);
    if dice.chance(0.75) {
        for (x, y, r) in DOTS {
            let centre = (x * wide + dice.around(0.04), y * tall + dice.around(0.03));
            let dot = Outline::ellipse(centre, r, 0.85 * r, Angle::turns(0.0));
            figure.decor(Colour::rgb(248, 240, 226), dot);
        }
    }
}

/// Places and radii of the dots, as shares of the cap.
const DOTS: [(f32, f32, f32); 6] = [
    (-0.55, -0.3, 0.11),
    (-0.2, -0.66, 0.12),
    (0.08, -0.24, 0.13),
    (0.42, -0.58, 0.1),
    (0.68, -0.2, 0.09),
    (-0.84, -0.06, 0.07),
];
