//! A dog's face and chest, from the front.

use super::dog::TONGUE;
use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point, curve};

/// Builds the face of a dog that looks at the viewer.
pub(super) fn dog_face(coat: Colour, dark: Colour, dice: &mut Dice) -> Figure {
    let setting = dice.pick(&[Setting::Land, Setting::Room]);
    let mut figure = Figure::new(setting);
    let pale = coat.mix(Colour::WHITE, 0.5);
    let chest = [(0.0, 0.2), (0.3, 0.34), (0.52, 0.7), (0.6, 1.4), (0.0, 1.4)];
    figure.solid(coat.scale(0.92), [Outline::symmetric(&chest)]);
    figure.decor(pale, Outline::ellipse((0.0, 0.85), 0.24, 0.4, Angle::turns(0.0)));
    let pricked = dice.chance(0.35);
    if pricked {
        pricked_ears(&mut figure, dark);
    }
    figure.solid(coat, [Outline::symmetric(&SKULL)]);
    if dice.chance(0.5) {
        let blaze = [(0.0, -0.7), (0.06, -0.5), (0.08, -0.1), (0.0, 0.1)];
        figure.decor(pale, Outline::symmetric(&blaze));
    }
    if !pricked {
        hanging_ears(&mut figure, dark);
    }
    muzzle(&mut figure, pale, dice);
    eyes(&mut figure, [(-0.17, -0.16), (0.17, -0.16)]);
    figure.crop((-0.66, if pricked { -0.95 } else { -0.72 }), (0.66, 0.62));
    figure
}

/// The right half of the head, from the top to the chin.
const SKULL: [Point; 7] =
    [(0.0, -0.62), (0.26, -0.57), (0.41, -0.32), (0.39, -0.02), (0.27, 0.26), (0.14, 0.42), (0.0, 0.45)];

fn pricked_ears(figure: &mut Figure, dark: Colour) {
    for side in [-1.0, 1.0] {
        let at = |(x, y): Point| (side * x, y);
        let ear = [(0.14, -0.5), (0.3, -0.78), (0.42, -0.9), (0.46, -0.6), (0.4, -0.3)];
        figure.solid(dark, [Outline::blob(&ear.map(at))]);
        let inside = [(0.26, -0.5), (0.38, -0.78), (0.39, -0.45)];
        figure.decor(Colour::rgb(214, 160, 150), Outline::blob(&inside.map(at)));
    }
}

fn hanging_ears(figure: &mut Figure, dark: Colour) {
    let ear = [(0.2, -0.58), (0.4, -0.56), (0.57, -0.25), (0.56, 0.12), (0.46, 0.2), (0.38, 0.0), (0.34, -0.3)];
    for side in [-1.0, 1.0] {
        figure.solid(dark, [Outline::blob(&ear.map(|(x, y)| (side * x, y)))]);
    }
}

fn muzzle(figure: &mut Figure, pale: Colour, dice: &mut Dice) {
    if dice.chance(0.6) {
        figure.solid(TONGUE, [Outline::symmetric(&[(0.0, 0.3), (0.08, 0.32), (0.085, 0.5), (0.0, 0.58)])]);
        figure.line(TONGUE.scale(0.7), 0.012, vec![(0.0, 0.34), (0.0, 0.5)]);
    }
    figure.solid(
        pale,
        [
            Outline::ellipse((-0.11, 0.22), 0.15, 0.14, Angle::turns(0.0)),
            Outline::ellipse((0.11, 0.22), 0.15, 0.14, Angle::turns(0.0)),
            Outline::ellipse((0.0, 0.1), 0.14, 0.14, Angle::turns(0.0)),
        ],
    );
    figure.mark(Colour::INK, Outline::symmetric(&[(0.0, 0.02), (0.08, 0.03), (0.1, 0.08), (0.05, 0.14), (0.0, 0.16)]));
    figure.line(Colour::INK, 0.018, curve(&[(0.0, 0.14), (0.0, 0.26), (-0.08, 0.31), (-0.17, 0.28)]));
    figure.line(Colour::INK, 0.018, curve(&[(0.0, 0.26), (0.08, 0.31), (0.17, 0.28)]));
}

fn eyes(figure: &mut Figure, places: [Point; 2]) {
    for (x, y) in places {
        figure.mark(Colour::rgb(40, 26, 20), Outline::ellipse((x, y), 0.058, 0.062, Angle::turns(0.0)));
        figure.mark(Colour::WHITE, Outline::circle((x + 0.02, y - 0.022), 0.018));
    }
}
