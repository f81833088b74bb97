//! The dog: from the side with its tail up, or its face from the front.

use super::dog_face::dog_face;
use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const COATS: [Colour; 6] = [
    Colour::rgb(196, 146, 88),
    Colour::rgb(140, 92, 56),
    Colour::rgb(226, 206, 170),
    Colour::rgb(84, 66, 58),
    Colour::rgb(176, 168, 160),
    Colour::rgb(212, 172, 120),
];
const COLLARS: [Colour; 3] = [Colour::rgb(196, 40, 44), Colour::rgb(40, 90, 180), Colour::rgb(40, 140, 90)];
pub(super) const TONGUE: Colour = Colour::rgb(222, 110, 116);

/// Builds a dog: its whole side, facing right, or its face.
pub(crate) fn dog(dice: &mut Dice) -> Figure {
    let coat = dice.pick(&COATS).vary(dice, 0.1);
    let dark = if dice.chance(0.5) { coat.scale(0.55) } else { coat.scale(0.8) };
    if dice.chance(0.3) { dog_face(coat, dark, dice) } else { side(coat, dark, dice) }
}

fn side(coat: Colour, dark: Colour, dice: &mut Dice) -> Figure {
    let mut figure = Figure::new(Setting::Land);
    let step = dice.around(0.12);
    // How far the snout reaches in front of the skull.
    let snout = 0.3 * dice.between(0.85, 1.2);
    figure.solid(coat.scale(0.72), [foreleg(0.4, -step), hindleg(-0.4, step)]);
    if dice.chance(0.4) {
        let x = 0.62 + 0.66 * snout;
        let tongue = [(x, -0.34, 0.05), (x + 0.05, -0.22, 0.05), (x + 0.05, -0.16, 0.045)];
        figure.solid(TONGUE, [Outline::tube(&tongue)]);
    }
    let torso = Outline::tube(&[(-0.46, -0.02, 0.2), (-0.1, 0.0, 0.185), (0.28, 0.0, 0.24)]);
    let neck = Outline::tube(&[(0.34, -0.06, 0.2), (0.5, -0.4, 0.17)]);
    let (fore, hind) = (foreleg(0.28, step), hindleg(-0.5, -step));
    let skull = Outline::circle((0.56, -0.5), 0.215);
    figure.solid(coat, [tail(dice.around(0.14)), torso, neck, skull, muzzle(snout), fore, hind]);
    coat_pattern(&mut figure, coat, dark, dice);
    if dice.chance(0.5) {
        let band = Outline::tube(&[(0.31, -0.26, 0.04), (0.46, -0.2, 0.04), (0.63, -0.2, 0.04)]);
        figure.flat(dice.pick(&COLLARS), [band]);
    }
    features(&mut figure, coat, 0.62 + 1.27 * snout);
    let ear = if dice.chance(0.65) { hanging_ear() } else { pricked_ear() };
    figure.solid(dark, [ear]);
    let (legs, long) = (dice.between(0.6, 1.1), dice.between(0.88, 1.15));
    // Breeds differ most in the length of their legs and back.
    let stretch_x = |x: f32| if x < 0.2 { 0.2 + (x - 0.2) * long } else { x };
    let stretch_y = |y: f32| if y > 0.1 { 0.1 + (y - 0.1) * legs } else { y };
    figure.moved(|(x, y)| (stretch_x(x), stretch_y(y)), 1.0)
}

fn tail(wag: f32) -> Outline {
    Outline::tube(&[
        (-0.56, -0.1, 0.075),
        (-0.76, -0.28, 0.068),
        (-0.84 + 0.5 * wag, -0.5, 0.055),
        (-0.76 + wag, -0.7, 0.03),
    ])
}

fn muzzle(snout: f32) -> Outline {
    Outline::tube(&[(0.62, -0.45, 0.14), (0.62 + 0.73 * snout, -0.41, 0.105), (0.62 + snout, -0.41, 0.09)])
}

/// Eye, nose and mouth; the nose is at `tip`.
fn features(figure: &mut Figure, coat: Colour, tip: f32) {
    figure.mark(Colour::INK, Outline::ellipse((tip, -0.47), 0.06, 0.048, Angle::turns(0.05)));
    let mouth = curve(&[(tip - 0.02, -0.4), (tip - 0.12, -0.34), (tip - 0.24, -0.36)]);
    figure.line(coat.scale(0.35), 0.016, mouth);
    figure.mark(Colour::INK, Outline::circle((0.66, -0.56), 0.034));
}

fn foreleg(x: f32, step: f32) -> Outline {
    let foot = x + step;
    Outline::tube(&[
        (x, 0.02, 0.14),
        (x + 0.02, 0.34, 0.085),
        (foot, 0.68, 0.066),
        (foot + 0.02, 0.78, 0.066),
        (foot + 0.09, 0.79, 0.055),
    ])
}

fn hindleg(x: f32, step: f32) -> Outline {
    let foot = x + step;
    Outline::tube(&[
        (x, 0.02, 0.18),
        (x + 0.03, 0.26, 0.115),
        (foot - 0.08, 0.52, 0.07),
        (foot - 0.02, 0.76, 0.062),
        (foot + 0.08, 0.79, 0.056),
    ])
}

fn hanging_ear() -> Outline {
    Outline::blob(&[
        (0.44, -0.68),
        (0.53, -0.66),
        (0.56, -0.5),
        (0.54, -0.32),
        (0.45, -0.23),
        (0.37, -0.32),
        (0.38, -0.52),
    ])
}

fn pricked_ear() -> Outline {
    Outline::blob(&[(0.42, -0.62), (0.41, -0.8), (0.45, -0.95), (0.54, -0.82), (0.58, -0.67), (0.5, -0.6)])
}

fn coat_pattern(figure: &mut Figure, coat: Colour, dark: Colour, dice: &mut Dice) {
    if dice.chance(0.5) {
        return;
    }
    if dice.chance(0.5) {
        figure.decor(coat.mix(Colour::WHITE, 0.7), Outline::ellipse((0.42, 0.1), 0.2, 0.24, Angle::turns(0.0)));
        figure.decor(coat.mix(Colour::WHITE, 0.7), Outline::ellipse((0.9, -0.36), 0.18, 0.09, Angle::turns(0.0)));
    } else {
        figure.decor(dark, Outline::ellipse((-0.2, -0.12), dice.between(0.16, 0.3), 0.16, Angle::turns(0.02)));
        figure.decor(dark, Outline::ellipse((-0.56, 0.08), 0.12, dice.between(0.1, 0.2), Angle::turns(0.0)));
    }
}
