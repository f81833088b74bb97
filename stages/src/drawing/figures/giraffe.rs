//! The giraffe: stilts for legs, a long patched neck, ossicones and a mane along the nape.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point};

const COATS: [Colour; 3] = [Colour::rgb(236, 200, 126), Colour::rgb(226, 186, 120), Colour::rgb(240, 214, 156)];
const PATCHES: [Colour; 3] = [Colour::rgb(150, 92, 40), Colour::rgb(122, 72, 36), Colour::rgb(168, 104, 48)];

/// Builds a giraffe that faces right.
pub(crate) fn giraffe(dice: &mut Dice) -> Figure {
    let coat = dice.pick(&COATS).vary(dice, 0.06);
    let patch = dice.pick(&PATCHES).vary(dice, 0.08);
    let step = dice.around(0.16);
    let mut figure = Figure::new(Setting::Land);
    tail(&mut figure, coat, patch);
    figure.solid(coat.scale(0.75), [foreleg(0.2, step), hindleg(-0.3, -step)]);
    figure.solid(patch.scale(0.9), [mane()]);
    figure.solid(coat, [ear((0.44, -1.24), 0.14)]);
    horns(&mut figure, coat, patch, 0.47);
    let (fore, hind) = (foreleg(0.1, -step), hindleg(-0.42, step));
    figure.solid(coat, [torso(), neck(), head(), fore, hind]);
    spots(&mut figure, patch, dice);
    let snout = Outline::ellipse((0.76, -1.03), 0.1, 0.09, Angle::turns(0.06));
    figure.decor(coat.mix(Colour::WHITE, 0.45), snout);
    horns(&mut figure, coat, patch, 0.39);
    figure.solid(coat.mix(patch, 0.25), [ear((0.33, -1.2), -0.17)]);
    features(&mut figure, patch);
    hooves(&mut figure, patch, step);
    if dice.chance(0.15) {
        figure.crop((-0.35, -1.5), (1.0, -0.2));
    }
    let (lean, stretch) = (dice.between(-0.12, 0.3), dice.between(0.85, 1.12));
    // The neck leans and varies in length; what is above the withers follows.
    let above = |y: f32| (-0.25 - y).max(0.0);
    let raise = |y: f32| {
        if above(y) > 0.0 { -0.25 - above(y) * stretch } else { y }
    };
    figure.moved(|(x, y)| (x + lean * above(y), raise(y)), 1.0)
}

fn features(figure: &mut Figure, patch: Colour) {
    figure.mark(Colour::INK, Outline::circle((0.52, -1.19), 0.028));
    figure.mark(Colour::INK, Outline::circle((0.77, -1.07), 0.012));
    let mouth = vec![(0.78, -1.0), (0.69, -1.03), (0.64, -1.05)];
    figure.line(patch.scale(0.6), 0.012, mouth);
}

fn hooves(figure: &mut Figure, patch: Colour, step: f32) {
    let hoof = [(-0.05, 1.05), (-0.04, 0.98), (0.04, 0.98), (0.065, 1.05)];
    for foot in [0.1 - step, 0.2 + step, -0.45 + step, -0.33 - step] {
        figure.mark(patch.scale(0.45), Outline::polygon(&hoof.map(|(x, y)| (foot + x, y))));
    }
}

fn mane() -> Outline {
    Outline::tube(&[(0.0, -0.3, 0.05), (0.12, -0.6, 0.05), (0.24, -0.95, 0.04), (0.31, -1.26, 0.03)])
}

fn torso() -> Outline {
    Outline::blob(&[
        (-0.53, 0.04),
        (-0.44, -0.13),
        (-0.12, -0.23),
        (0.1, -0.34),
        (0.26, -0.16),
        (0.23, 0.08),
        (0.0, 0.19),
        (-0.3, 0.17),
        (-0.5, 0.16),
    ])
}

fn neck() -> Outline {
    Outline::tube(&[(0.1, -0.1, 0.2), (0.2, -0.45, 0.125), (0.3, -0.85, 0.09), (0.38, -1.16, 0.08)])
}

fn head() -> Outline {
    Outline::tube(&[(0.4, -1.2, 0.1), (0.54, -1.15, 0.085), (0.7, -1.07, 0.058), (0.77, -1.04, 0.055)])
}

fn foreleg(x: f32, step: f32) -> Outline {
    Outline::tube(&[(x, 0.0, 0.11), (x + 0.02, 0.3, 0.06), (x + 0.6 * step, 0.6, 0.045), (x + step, 1.0, 0.04)])
}

fn hindleg(x: f32, step: f32) -> Outline {
    Outline::tube(&[
        (x, 0.02, 0.13),
        (x - 0.02, 0.28, 0.075),
        (x - 0.06 + 0.4 * step, 0.56, 0.046),
        (x - 0.03 + step, 1.0, 0.04),
    ])
}

fn ear((x, y): Point, reach: f32) -> Outline {
    Outline::blob(&[(x, y), (x + 0.5 * reach, y - 0.07), (x + reach, y - 0.05), (x + 0.6 * reach, y + 0.03)])
}

fn horns(figure: &mut Figure, coat: Colour, patch: Colour, x: f32) {
    figure.solid(coat, [Outline::tube(&[(x, -1.26, 0.028), (x - 0.03, -1.42, 0.024)])]);
    figure.mark(patch.scale(0.6), Outline::circle((x - 0.035, -1.44), 0.04));
}

fn tail(figure: &mut Figure, coat: Colour, patch: Colour) {
    figure.solid(coat.scale(0.85), [Outline::tube(&[(-0.48, 0.0, 0.03), (-0.58, 0.16, 0.022), (-0.6, 0.38, 0.016)])]);
    figure.mark(patch.scale(0.4), Outline::ellipse((-0.6, 0.46), 0.035, 0.1, Angle::turns(0.0)));
}

/// Patches in staggered rows; those beyond the silhouette are cut off by it.
fn spots(figure: &mut Figure, patch: Colour, dice: &mut Dice) {
    let pitch = dice.between(0.15, 0.19);
    for row in 0..9 {
        let y = -1.04 + pitch * row as f32;
        // Above the withers only the neck has patches.
        let (left, right) = if y < -0.3 { (-0.1, 0.5) } else { (-0.62, 0.32) };
        let mut x = left + if row % 2 == 0 { 0.0 } else { pitch / 2.0 };
        while x < right {
            let centre = (x + dice.around(0.015), y + dice.around(0.015));
            figure.decor(patch.vary(dice, 0.08), spot(centre, 0.46 * pitch, dice));
            x += pitch;
        }
    }
    for y in [0.36, 0.5] {
        for x in [-0.44, 0.1] {
            figure.decor(patch, spot((x, y), 0.045, dice));
        }
    }
}

fn spot((x, y): Point, r: f32, dice: &mut Dice) -> Outline {
    let start = dice.between(0.0, 1.0);
    let corners: Vec<Point> = (0..6)
        .map(|k| {
            let (cos, sin) = Angle::turns(start + k as f32 / 6.0 + dice.around(0.03)).direction();
            let reach = r * dice.between(0.82, 1.12);
            (x + cos * reach, y + sin * reach)
        })
        .collect();
    Outline::polygon(&corners)
}
