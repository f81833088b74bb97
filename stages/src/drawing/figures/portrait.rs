//! A person's head and shoulders.

use super::person::Looks;
use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point, curve};

/// Builds the head and shoulders of a person who faces the viewer.
pub(super) fn portrait(looks: Looks, dice: &mut Dice) -> Figure {
    let setting = dice.pick(&[Setting::Land, Setting::Room]);
    let mut figure = Figure::new(setting);
    let reach = dice.between(0.35, 0.75);
    if looks.long_hair {
        figure.solid(looks.hair.scale(0.85), [falling_hair(reach)]);
    }
    bust(&mut figure, looks, dice);
    for side in [-1.0, 1.0] {
        let ear = Outline::ellipse((side * 0.35, -0.14), 0.055, 0.1, Angle::turns(0.0));
        figure.solid(looks.skin.scale(0.95), [ear]);
    }
    figure.solid(looks.skin, [Outline::symmetric(&FACE)]);
    features(&mut figure, looks, dice);
    hairdo(&mut figure, looks, reach, dice);
    figure.crop((-0.78, -0.86), (0.78, 0.78));
    let (broad, turned) = (dice.between(0.9, 1.1), dice.around(0.1));
    // Turning the head moves what is near the axis more than the contour.
    let shift = |x: f32, y: f32| {
        if y < 0.35 { turned * (0.45 - x.abs()).max(0.0) } else { 0.0 }
    };
    figure.moved(|(x, y)| (x * broad + shift(x, y), y), 1.0)
}

/// The right half of the face, from the forehead to the chin.
const FACE: [Point; 7] =
    [(0.0, -0.66), (0.24, -0.58), (0.345, -0.3), (0.33, -0.02), (0.22, 0.2), (0.09, 0.31), (0.0, 0.32)];

/// Hair behind the neck, down to `reach`.
fn falling_hair(reach: f32) -> Outline {
    Outline::symmetric(&[
        (0.0, -0.8),
        (0.3, -0.72),
        (0.43, -0.4),
        (0.45, 0.0),
        (0.42, reach),
        (0.2, reach + 0.06),
        (0.0, reach),
    ])
}

fn bust(figure: &mut Figure, looks: Looks, dice: &mut Dice) {
    let neck = Outline::tube(&[(0.0, 0.1, 0.16), (0.0, 0.5, 0.18)]);
    figure.solid(looks.skin.scale(0.9), [neck]);
    let shoulders = [(0.0, 0.42), (0.2, 0.44), (0.55, 0.58), (0.72, 0.86), (0.76, 1.5), (0.0, 1.5)];
    figure.solid(looks.top, [Outline::symmetric(&shoulders)]);
    let neckline = [(0.0, 0.3), (0.19, 0.4), (0.14, 0.55), (0.0, 0.7)];
    figure.decor(looks.skin.scale(0.96), Outline::symmetric(&neckline));
    if dice.chance(0.35) {
        for side in [-1.0, 1.0] {
            let collar = [(0.2, 0.4), (0.3, 0.56), (0.12, 0.68), (0.02, 0.62)];
            figure.flat(Colour::WHITE, [Outline::polygon(&collar.map(|(x, y)| (side * x, y)))]);
        }
    }
}

fn features(figure: &mut Figure, looks: Looks, dice: &mut Dice) {
    let Looks { skin, hair, .. } = looks;
    let iris = dice.pick(&[Colour::rgb(80, 54, 36), Colour::rgb(70, 110, 150), Colour::rgb(80, 110, 70)]);
    for side in [-1.0, 1.0] {
        eye(figure, (side * 0.145, -0.16), iris);
        figure.line(
            hair.scale(0.7),
            0.026,
            curve(&[(side * 0.07, -0.255), (side * 0.15, -0.285), (side * 0.23, -0.25)]),
        );
    }
    let nose = [(0.02, -0.14), (0.045, -0.02), (0.05, 0.03), (0.0, 0.05), (-0.03, 0.035)];
    figure.line(skin.scale(0.68), 0.016, curve(&nose));
    let smile = dice.between(0.0, 0.05);
    let lips = Colour::rgb(176, 78, 76).mix(skin, 0.25);
    let mouth = [
        (-0.12, 0.14 - smile),
        (-0.04, 0.125),
        (0.0, 0.135),
        (0.04, 0.125),
        (0.12, 0.14 - smile),
        (0.05, 0.185),
        (0.0, 0.192),
        (-0.05, 0.185),
    ];
    figure.mark(lips, Outline::blob(&mouth));
    figure.line(lips.scale(0.55), 0.012, curve(&[(-0.12, 0.14 - smile), (0.0, 0.15), (0.12, 0.14 - smile)]));
    if dice.chance(0.2) {
        for side in [-1.0, 1.0] {
            let ring = Outline::ellipse((side * 0.145, -0.15), 0.1, 0.085, Angle::turns(0.0));
            let mut rim = ring.points().to_vec();
            rim.extend(ring.points().first().copied());
            figure.line(Colour::INK, 0.018, rim);
        }
        figure.line(Colour::INK, 0.018, vec![(-0.05, -0.16), (0.05, -0.16)]);
    }
}

fn eye(figure: &mut Figure, (x, y): Point, iris: Colour) {
    let white = [(x - 0.075, y), (x, y - 0.042), (x + 0.075, y), (x, y + 0.036)];
    figure.mark(Colour::rgb(248, 246, 242), Outline::blob(&white));
    figure.mark(iris, Outline::circle((x, y - 0.003), 0.036));
    figure.mark(Colour::INK, Outline::circle((x, y - 0.003), 0.018));
    figure.line(Colour::INK, 0.014, curve(&[(x - 0.08, y + 0.002), (x, y - 0.045), (x + 0.08, y + 0.002)]));
}

fn hairdo(figure: &mut Figure, looks: Looks, reach: f32, dice: &mut Dice) {
    let hair = looks.hair;
    let beard = !looks.long_hair && dice.chance(0.25);
    if beard {
        let chin = [
            (0.335, -0.06),
            (0.32, 0.1),
            (0.2, 0.33),
            (0.0, 0.42),
            (-0.2, 0.33),
            (-0.32, 0.1),
            (-0.335, -0.06),
            (-0.24, 0.08),
            (-0.14, 0.22),
            (0.0, 0.24),
            (0.14, 0.22),
            (0.24, 0.08),
        ];
        figure.solid(hair, [Outline::blob(&chin)]);
    }
    let part = dice.between(-0.14, 0.14);
    let side = if looks.long_hair { 0.12 } else { -0.12 };
    let cap = [
        (-0.37, side),
        (-0.41, -0.36),
        (-0.3, -0.68),
        (0.0, -0.8),
        (0.3, -0.68),
        (0.41, -0.36),
        (0.37, side),
        (0.32, -0.24),
        (0.24, -0.4),
        (part, -0.54),
        (-0.24, -0.4),
        (-0.32, -0.24),
    ];
    let mut parts = vec![Outline::blob(&cap)];
    if looks.long_hair {
        let locks = [-1.0, 1.0].map(|side| {
            Outline::tube(&[(side * 0.35, -0.4, 0.06), (side * 0.385, 0.0, 0.07), (side * 0.37, 0.9 * reach, 0.05)])
        });
        parts.extend(locks);
    }
    figure.solids(hair, parts);
    for k in 0..7 {
        let t = (k as f32 + 0.5) / 3.5 - 1.0;
        let strand = [(part + 0.1 * t, -0.7), (part + 0.24 * t, -0.62 + 0.04 * t * t), (0.34 * t, -0.56 + 0.2 * t * t)];
        figure.line(hair.scale(0.72), 0.012, curve(&strand));
    }
}
