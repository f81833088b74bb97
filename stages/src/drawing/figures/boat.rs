//! The boat: a hull on the water with a mast and two sails.

use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const HULLS: [Colour; 4] =
    [Colour::rgb(170, 54, 46), Colour::rgb(240, 238, 230), Colour::rgb(112, 74, 46), Colour::rgb(40, 70, 120)];
const SAILS: [Colour; 4] =
    [Colour::rgb(248, 246, 238), Colour::rgb(238, 220, 180), Colour::rgb(214, 96, 64), Colour::rgb(226, 234, 240)];

/// Builds a sailing boat.
pub(crate) fn boat(dice: &mut Dice) -> Figure {
    let mut figure = Figure::new(Setting::Water);
    rig(&mut figure, dice);
    hull(&mut figure, dice);
    for k in 0..3 {
        let x = -0.6 + 0.5 * k as f32;
        let wave = curve(&[(x, 0.84), (x + 0.12, 0.81), (x + 0.24, 0.84), (x + 0.36, 0.81)]);
        figure.line(Colour::rgb(220, 234, 242), 0.025, wave);
    }
    figure
}

/// The mast with one or two sails and perhaps a flag.
fn rig(figure: &mut Figure, dice: &mut Dice) {
    let mast = dice.between(-0.12, 0.08);
    let top = dice.between(-1.05, -0.8);
    let wood = Colour::rgb(116, 84, 56);
    figure.solid(wood, [Outline::tube(&[(mast, 0.5, 0.026), (mast, top - 0.04, 0.02)])]);
    let belly = dice.between(0.05, 0.18);
    let main = sail((mast - 0.04, top), (mast - 0.04, 0.3), -0.68, belly);
    figure.solid(dice.pick(&SAILS), [Outline::polygon(&main)]);
    if dice.chance(0.85) {
        let jib = sail((mast + 0.04, top + 0.14), (mast + 0.04, 0.3), 0.6, belly);
        figure.solid(dice.pick(&SAILS), [Outline::polygon(&jib)]);
    }
    if dice.chance(0.5) {
        let y = top - 0.04;
        let flag = [(mast, y), (mast + 0.2, y + 0.06), (mast, y + 0.12)];
        figure.flat(dice.pick(&HULLS), [Outline::polygon(&flag)]);
    }
}

fn hull(figure: &mut Figure, dice: &mut Dice) {
    let paint = dice.pick(&HULLS).vary(dice, 0.08);
    let deck = dice.between(0.4, 0.46);
    let side = [(-0.82, deck), (0.9, deck - 0.06), (0.72, 0.66), (0.5, 0.78), (-0.56, 0.78), (-0.72, 0.64)];
    figure.solid(paint, [Outline::polygon(&side)]);
    let stripe = [(-1.0, deck), (1.0, deck - 0.06), (1.0, deck + 0.04), (-1.0, deck + 0.09)];
    figure.decor(paint.mix(Colour::WHITE, 0.6), Outline::polygon(&stripe));
}

/// A triangle whose free edge is swollen by the wind.
fn sail(top: (f32, f32), foot: (f32, f32), reach: f32, belly: f32) -> Vec<(f32, f32)> {
    let clew = (foot.0 + reach, foot.1 - 0.02);
    let middle = (f32::midpoint(top.0, clew.0) + reach * belly, f32::midpoint(top.1, clew.1));
    let mut edge = curve(&[top, middle, clew]);
    edge.push(foot);
    edge
}
