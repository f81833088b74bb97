//! The person: standing, waving or walking in trousers or a dress; about half of them are portraits.

use super::portrait::portrait;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point, curve};

const CLOTHES: [Colour; 8] = [
    Colour::rgb(190, 50, 52),
    Colour::rgb(50, 92, 160),
    Colour::rgb(64, 128, 88),
    Colour::rgb(220, 174, 70),
    Colour::rgb(112, 72, 132),
    Colour::rgb(226, 224, 218),
    Colour::rgb(60, 62, 70),
    Colour::rgb(206, 120, 140),
];
const TROUSERS: [Colour; 4] =
    [Colour::rgb(54, 70, 112), Colour::rgb(58, 54, 54), Colour::rgb(136, 112, 82), Colour::rgb(92, 98, 106)];
const SKINS: [Colour; 5] = [
    Colour::rgb(240, 204, 178),
    Colour::rgb(226, 178, 142),
    Colour::rgb(190, 136, 98),
    Colour::rgb(138, 92, 64),
    Colour::rgb(100, 66, 48),
];
const HAIRS: [Colour; 5] = [
    Colour::rgb(46, 34, 30),
    Colour::rgb(104, 68, 40),
    Colour::rgb(206, 168, 96),
    Colour::rgb(150, 76, 40),
    Colour::rgb(150, 148, 148),
];

/// What a person looks like, whole or in a portrait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    pub(super) skin: Colour,
    pub(super) hair: Colour,
    pub(super) top: Colour,
    pub(super) long_hair: bool,
}

/// Builds a person who faces the viewer.
pub(crate) fn person(dice: &mut Dice) -> Figure {
    let looks = Looks {
        skin: dice.pick(&SKINS).vary(dice, 0.05),
        hair: dice.pick(&HAIRS).vary(dice, 0.1),
        top: dice.pick(&CLOTHES).vary(dice, 0.1),
        long_hair: dice.chance(0.45),
    };
    if dice.chance(0.45) { portrait(looks, dice) } else { standing(looks, dice) }
}

fn standing(looks: Looks, dice: &mut Dice) -> Figure {
    let setting = dice.pick(&[Setting::Land, Setting::Land, Setting::Room]);
    let mut figure = Figure::new(setting);
    if looks.long_hair {
        let fall = [(0.0, -0.98), (0.16, -0.9), (0.19, -0.66), (0.17, -0.5), (0.0, -0.5)];
        figure.solid(looks.hair.scale(0.85), [Outline::symmetric(&fall)]);
    }
    let stride = dice.between(0.02, 0.14);
    let dress = looks.long_hair && dice.chance(0.5);
    legs(&mut figure, looks, dress, stride, dice);
    arm(&mut figure, looks, -1.0, dice);
    arm(&mut figure, looks, 1.0, dice);
    let neck = Outline::tube(&[(0.0, -0.68, 0.062), (0.0, -0.5, 0.07)]);
    figure.solid(looks.skin.scale(0.92), [neck]);
    clothes(&mut figure, looks, dress);
    head(&mut figure, looks);
    let broad = dice.between(0.9, 1.2);
    figure.moved(|(x, y)| (x * broad, y), 1.0)
}

/// The right half of the trunk, from the neck to the hips.
const TORSO: [Point; 7] =
    [(0.0, -0.52), (0.1, -0.54), (0.25, -0.46), (0.22, -0.2), (0.18, 0.02), (0.2, 0.14), (0.0, 0.16)];

fn clothes(figure: &mut Figure, looks: Looks, dress: bool) {
    let torso = Outline::symmetric(&TORSO);
    if dress {
        let skirt = [(0.0, -0.06), (0.15, -0.06), (0.25, 0.2), (0.33, 0.46), (0.0, 0.5)];
        figure.solid(looks.top, [torso, Outline::symmetric(&skirt)]);
    } else {
        figure.solid(looks.top, [torso]);
        let belt = Outline::rectangle((-0.3, 0.08), (0.3, 0.13));
        figure.decor(Colour::rgb(60, 44, 34), belt);
    }
    let neckline = [(0.0, -0.6), (0.07, -0.56), (0.05, -0.5), (0.0, -0.46)];
    figure.decor(looks.skin, Outline::symmetric(&neckline));
}

fn legs(figure: &mut Figure, looks: Looks, bare: bool, stride: f32, dice: &mut Dice) {
    let cloth = if bare { looks.skin } else { dice.pick(&TROUSERS).vary(dice, 0.1) };
    let thick = if bare { 0.75 } else { 1.0 };
    for side in [-1.0, 1.0] {
        let foot = side * (0.1 + stride);
        let shoe = Outline::tube(&[(foot, 0.95, 0.05), (foot + side * 0.07, 0.965, 0.042)]);
        figure.solid(Colour::rgb(58, 44, 40), [shoe]);
        let hip = (side * 0.1, 0.1, 0.115 * thick);
        let knee = (side * (0.1 + 0.5 * stride), 0.5, 0.085 * thick);
        figure.solid(cloth, [Outline::tube(&[hip, knee, (foot, 0.9, 0.062 * thick)])]);
    }
}

fn arm(figure: &mut Figure, looks: Looks, side: f32, dice: &mut Dice) {
    let shoulder = (side * 0.23, -0.42, 0.075);
    let (elbow, hand) = match dice.whole(0, 3) {
        0 => ((side * 0.42, -0.5, 0.055), (side * 0.5, -0.8, 0.042)),
        1 => ((side * 0.4, -0.2, 0.055), (side * 0.22, 0.04, 0.042)),
        _ => ((side * 0.32, -0.16, 0.056), (side * 0.34, 0.14, 0.042)),
    };
    figure.solid(looks.skin, [Outline::tube(&[elbow, hand]), Outline::circle((hand.0, hand.1), 0.055)]);
    let cuff = if dice.chance(0.5) { 0.85 } else { 0.1 };
    let end = (elbow.0 + cuff * (hand.0 - elbow.0), elbow.1 + cuff * (hand.1 - elbow.1), 0.056);
    figure.solid(looks.top.scale(0.9), [Outline::tube(&[shoulder, elbow, end])]);
}

fn head(figure: &mut Figure, looks: Looks) {
    let face =
        Outline::symmetric(&[(0.0, -0.96), (0.1, -0.92), (0.135, -0.8), (0.11, -0.67), (0.05, -0.61), (0.0, -0.6)]);
    figure.solid(looks.skin, [face]);
    for side in [-1.0, 1.0] {
        figure.mark(Colour::INK, Outline::circle((side * 0.048, -0.79), 0.015));
        figure.line(looks.hair.scale(0.7), 0.01, vec![(side * 0.03, -0.83), (side * 0.068, -0.828)]);
    }
    figure.line(looks.skin.scale(0.65), 0.01, vec![(0.0, -0.77), (0.012, -0.73), (-0.006, -0.725)]);
    figure.line(Colour::rgb(150, 56, 56), 0.014, curve(&[(-0.04, -0.68), (0.0, -0.666), (0.04, -0.68)]));
    let fringe =
        [(0.0, -1.0), (0.11, -0.965), (0.155, -0.85), (0.14, -0.77), (0.115, -0.84), (0.05, -0.88), (0.0, -0.87)];
    let mut parts = vec![Outline::symmetric(&fringe)];
    if looks.long_hair {
        let locks = [-1.0, 1.0].map(|side| {
            Outline::tube(&[(side * 0.13, -0.86, 0.03), (side * 0.15, -0.7, 0.035), (side * 0.15, -0.53, 0.024)])
        });
        parts.extend(locks);
    }
    figure.solids(looks.hair, parts);
}
