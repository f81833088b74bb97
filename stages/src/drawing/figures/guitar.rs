//! The guitar: a waisted body with a sound hole, a fretted neck, a headstock with pegs, and strings; some are electric.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::Outline;

const WOODS: [Colour; 5] = [
    Colour::rgb(214, 152, 82),
    Colour::rgb(232, 190, 120),
    Colour::rgb(176, 96, 48),
    Colour::rgb(150, 62, 38),
    Colour::rgb(224, 170, 96),
];
const PAINTS: [Colour; 5] = [
    Colour::rgb(186, 32, 36),
    Colour::rgb(36, 90, 160),
    Colour::rgb(40, 40, 44),
    Colour::rgb(226, 150, 40),
    Colour::rgb(60, 140, 120),
];
const EBONY: Colour = Colour::rgb(60, 42, 34);
const BONE: Colour = Colour::rgb(236, 228, 206);

/// Builds a guitar whose head points up; it may lean far to either side.
pub(crate) fn guitar(dice: &mut Dice) -> Figure {
    let mut figure = Figure::new(if dice.chance(0.8) { Setting::Room } else { Setting::Land });
    figure.sway(if dice.chance(0.25) { 85.0 } else { 42.0 });
    if dice.chance(0.2) {
        electric_body(&mut figure, dice);
    } else {
        acoustic_body(&mut figure, dice);
    }
    neck(&mut figure, dice);
    let (broad, long) = (dice.between(0.92, 1.12), dice.between(0.92, 1.08));
    figure.moved(|(x, y)| (x * broad, if y < -0.15 { -0.15 + (y + 0.15) * long } else { y }), 1.0)
}

fn acoustic_body(figure: &mut Figure, dice: &mut Dice) {
    let wood = dice.pick(&WOODS).vary(dice, 0.1);
    let waist = dice.between(0.24, 0.28);
    let right = [
        (0.0, -0.17),
        (0.19, -0.15),
        (0.3, -0.03),
        (0.3, 0.1),
        (waist, 0.28),
        (0.33, 0.46),
        (0.42, 0.68),
        (0.31, 0.92),
        (0.0, 0.99),
    ];
    let body = if dice.chance(0.3) { cutaway(&right) } else { Outline::symmetric(&right) };
    let rim = wood.scale(0.55);
    let top = body.map(|(x, y)| (x * 0.91, 0.42 + (y - 0.42) * 0.94));
    figure.solid(rim, [body]);
    figure.decor(wood, top);
    if dice.chance(0.45) {
        let guard = [(0.1, 0.26), (0.2, 0.22), (0.24, 0.34), (0.26, 0.48), (0.16, 0.5), (0.06, 0.36)];
        figure.decor(EBONY, Outline::blob(&guard));
    }
    figure.mark(wood.mix(BONE, 0.6), Outline::circle((0.0, 0.21), 0.155));
    figure.mark(Colour::rgb(36, 26, 24), Outline::circle((0.0, 0.21), 0.122));
    figure.flat(
        EBONY,
        [Outline::polygon(&[(-0.17, 0.68), (-0.13, 0.63), (0.13, 0.63), (0.17, 0.68), (0.15, 0.71), (-0.15, 0.71)])],
    );
}

/// The symmetric body with a bite out of its right shoulder.
fn cutaway(right: &[(f32, f32)]) -> Outline {
    let mut knots = vec![(0.0, -0.17), (0.06, -0.14), (0.1, 0.0), (0.2, 0.04), (0.28, -0.04), (0.31, 0.08)];
    knots.extend(&right[4..]);
    knots.extend(right[1..right.len() - 1].iter().rev().map(|&(x, y)| (-x, y)));
    Outline::blob(&knots)
}

fn electric_body(figure: &mut Figure, dice: &mut Dice) {
    let paint = dice.pick(&PAINTS).vary(dice, 0.08);
    let body = [
        (0.07, 0.04),
        (0.18, 0.0),
        (0.28, -0.12),
        (0.34, -0.06),
        (0.32, 0.12),
        (0.27, 0.3),
        (0.34, 0.5),
        (0.38, 0.7),
        (0.28, 0.9),
        (0.0, 0.95),
        (-0.26, 0.92),
        (-0.38, 0.72),
        (-0.33, 0.5),
        (-0.26, 0.3),
        (-0.31, 0.06),
        (-0.36, -0.2),
        (-0.28, -0.24),
        (-0.2, -0.06),
        (-0.08, 0.02),
    ];
    figure.solid(paint, [Outline::blob(&body)]);
    let guard = [
        (0.06, 0.12),
        (0.2, 0.14),
        (0.18, 0.34),
        (0.26, 0.58),
        (0.24, 0.78),
        (0.12, 0.7),
        (-0.1, 0.62),
        (-0.18, 0.4),
        (-0.12, 0.14),
    ];
    figure.decor(if paint.luma() > 0.8 { EBONY } else { BONE }, Outline::blob(&guard));
    for y in [0.24, 0.42] {
        figure.flat(EBONY, [Outline::rectangle((-0.09, y), (0.09, y + 0.07))]);
    }
    figure.flat(Colour::rgb(170, 170, 176), [Outline::rectangle((-0.1, 0.6), (0.1, 0.67))]);
    for (x, y) in [(0.22, 0.52), (0.24, 0.64), (0.18, 0.74)] {
        figure.mark(EBONY, Outline::circle((x, y), 0.032));
    }
}

fn neck(figure: &mut Figure, dice: &mut Dice) {
    let wood = dice.pick(&WOODS).scale(0.7);
    for side in [-1.0, 1.0] {
        for k in 0..3 {
            let peg = (side * 0.135, -1.0 + 0.085 * k as f32);
            figure.mark(
                if dice.chance(0.5) { BONE.scale(0.8) } else { EBONY },
                Outline::ellipse(peg, 0.042, 0.028, Angle::turns(0.0)),
            );
        }
    }
    let head = [
        (-0.06, -0.74),
        (-0.105, -0.8),
        (-0.09, -1.04),
        (-0.03, -1.07),
        (0.03, -1.07),
        (0.09, -1.04),
        (0.105, -0.8),
        (0.06, -0.74),
    ];
    figure.flat(wood, [Outline::polygon(&head)]);
    figure.flat(EBONY, [Outline::polygon(&[(-0.055, -0.76), (0.055, -0.76), (0.068, 0.06), (-0.068, 0.06)])]);
    let mut gap = 0.085;
    let mut y = -0.7;
    while y < 0.04 {
        figure.line(BONE.scale(0.85), 0.008, vec![(-0.056, y), (0.056, y)]);
        y += gap;
        gap *= 0.94;
    }
    figure.mark(BONE, Outline::rectangle((-0.06, -0.765), (0.06, -0.745)));
    let strings = if dice.chance(0.5) { 4 } else { 6 };
    for k in 0..strings {
        let t = k as f32 / (strings - 1) as f32 * 2.0 - 1.0;
        figure.line(BONE.scale(0.92), 0.006, vec![(0.042 * t, -0.76), (0.055 * t, 0.66)]);
    }
}
