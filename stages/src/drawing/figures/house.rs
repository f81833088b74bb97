//! The house: walls under a roof, with a door, windows and a chimney, from the front or with its side in view.

use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point};

const WALLS: [Colour; 6] = [
    Colour::rgb(238, 226, 200),
    Colour::rgb(224, 190, 140),
    Colour::rgb(184, 104, 84),
    Colour::rgb(206, 216, 222),
    Colour::rgb(240, 240, 236),
    Colour::rgb(214, 186, 120),
];
const ROOFS: [Colour; 4] =
    [Colour::rgb(160, 62, 46), Colour::rgb(98, 74, 64), Colour::rgb(84, 92, 106), Colour::rgb(126, 50, 44)];
const DOORS: [Colour; 4] =
    [Colour::rgb(116, 66, 38), Colour::rgb(150, 36, 40), Colour::rgb(40, 84, 120), Colour::rgb(44, 96, 66)];
const GLASS: Colour = Colour::rgb(146, 188, 212);
const FRAME: Colour = Colour::rgb(248, 246, 238);

/// Builds a house that stands upright.
pub(crate) fn house(dice: &mut Dice) -> Figure {
    let mut figure = Figure::new(Setting::Land);
    figure.sway(1.5);
    let wall = dice.pick(&WALLS).vary(dice, 0.06);
    let roof = dice.pick(&ROOFS).vary(dice, 0.1);
    if dice.chance(0.45) {
        with_side(&mut figure, wall, roof, dice);
    } else {
        from_front(&mut figure, wall, roof, dice);
    }
    if dice.chance(0.5) {
        bush(&mut figure, -0.78, dice);
        bush(&mut figure, dice.between(0.5, 0.85), dice);
    }
    figure
}

fn from_front(figure: &mut Figure, wall: Colour, roof: Colour, dice: &mut Dice) {
    let half = dice.between(0.58, 0.8);
    let floors = dice.whole(1, 2);
    let eaves = if floors == 1 { 0.28 } else { -0.06 };
    let rise = dice.between(0.45, 0.7);
    let ridge = dice.pick(&[0.0, 0.0, 0.62]) * half;
    let stack = half * dice.pick(&[-0.55, 0.5]);
    // On a hipped roof the ridge is long, and the chimney must rise above it.
    let top = eaves - if ridge > 0.0 { 1.22 } else { 0.92 } * rise;
    chimney(figure, stack, top, eaves - 0.2, dice);
    figure.flat(wall, [Outline::rectangle((-half, eaves - 0.05), (half, 1.0))]);
    let over = half + 0.13;
    figure.flat(
        roof,
        [Outline::polygon(&[(-over, eaves), (-ridge, eaves - rise), (ridge, eaves - rise), (over, eaves)])],
    );
    tiles(figure, roof, |t, v| {
        let reach = ridge + (over - ridge) * v;
        (reach * (2.0 * t - 1.0), eaves - rise * (1.0 - v))
    });
    if ridge < 0.01 && dice.chance(0.7) {
        round_window(figure, (0.0, eaves - 0.36 * rise));
    }
    let door = dice.pick(&[-0.4, 0.0, 0.0, 0.38]) * half;
    let columns: &[f32] = if door.abs() < 0.01 {
        &[-0.6, 0.6]
    } else if door < 0.0 {
        &[0.12, 0.62]
    } else {
        &[-0.62, -0.12]
    };
    for x in columns {
        window(figure, (x * half, if floors == 1 { 0.58 } else { 0.66 }), 0.13);
    }
    if floors == 2 {
        for x in [-0.6, 0.0, 0.6] {
            window(figure, (x * half, 0.2), 0.12);
        }
    }
    doorway(figure, door, dice);
}

/// The gable in front and one side wall under the slope of the roof.
fn with_side(figure: &mut Figure, wall: Colour, roof: Colour, dice: &mut Dice) {
    let corner = dice.between(-0.2, 0.0);
    let (left, right) = (-0.85, dice.between(0.7, 0.95));
    let apex = (f32::midpoint(left, corner), -0.5);
    chimney(figure, 0.35, -0.78, -0.3, dice);
    figure.flat(wall.scale(0.82), [Outline::polygon(&[(corner, 0.05), (right, 0.08), (right, 0.92), (corner, 1.0)])]);
    figure.flat(wall, [Outline::polygon(&[(left, 0.1), apex, (corner, 0.08), (corner, 1.0), (left, 0.98)])]);
    let top = right - 0.32;
    figure.flat(
        roof,
        [Outline::polygon(&[(apex.0 - 0.04, apex.1 - 0.06), (top, -0.48), (right + 0.1, 0.12), (corner + 0.06, 0.14)])],
    );
    tiles(figure, roof, |t, v| {
        let from = (apex.0 + (corner + 0.06 - apex.0) * v, -0.5 + 0.62 * v);
        let to = (top + (right + 0.1 - top) * v, -0.46 + 0.56 * v);
        (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t)
    });
    figure.line(roof.scale(0.8), 0.05, vec![(left - 0.07, 0.17), (apex.0 - 0.02, apex.1 - 0.03)]);
    window(figure, (apex.0, -0.05), 0.1);
    window(figure, (corner + 0.3 * (right - corner), 0.48), 0.13);
    window(figure, (corner + 0.72 * (right - corner), 0.48), 0.13);
    window(figure, (left + 0.16, 0.56), 0.09);
    doorway(figure, corner - 0.2, dice);
}

fn chimney(figure: &mut Figure, x: f32, top: f32, bottom: f32, dice: &mut Dice) {
    let brick = Colour::rgb(158, 88, 70).vary(dice, 0.12);
    figure.flat(brick, [Outline::rectangle((x - 0.085, top), (x + 0.085, bottom))]);
    figure.flat(brick.scale(0.75), [Outline::rectangle((x - 0.11, top - 0.05), (x + 0.11, top + 0.02))]);
    if dice.chance(0.35) {
        let puffs = [(0.0, 0.1, 0.05), (0.07, 0.22, 0.07), (0.17, 0.34, 0.085)];
        let smoke = puffs.map(|(dx, dy, r)| Outline::circle((x + dx, top - dy), r));
        figure.solid(Colour::rgb(226, 226, 228), smoke);
    }
}

/// Rows of tiles on a roof; `place` maps across and down, both from 0 to 1, to the roof.
fn tiles(figure: &mut Figure, roof: Colour, place: impl Fn(f32, f32) -> Point) {
    for v in [0.25, 0.5, 0.75] {
        figure.line(roof.scale(0.7), 0.012, vec![place(0.0, v), place(1.0, v)]);
    }
}

fn window(figure: &mut Figure, (x, y): Point, r: f32) {
    figure.flat(FRAME, [Outline::rectangle((x - r, y - r), (x + r, y + r))]);
    figure.decor(GLASS, Outline::rectangle((x - 0.8 * r, y - 0.8 * r), (x - 0.09 * r, y - 0.09 * r)));
    figure.decor(GLASS, Outline::rectangle((x + 0.09 * r, y - 0.8 * r), (x + 0.8 * r, y - 0.09 * r)));
    figure.decor(GLASS, Outline::rectangle((x - 0.8 * r, y + 0.09 * r), (x - 0.09 * r, y + 0.8 * r)));
    figure.decor(GLASS, Outline::rectangle((x + 0.09 * r, y + 0.09 * r), (x + 0.8 * r, y + 0.8 * r)));
}

fn round_window(figure: &mut Figure, centre: Point) {
    figure.flat(FRAME, [Outline::circle(centre, 0.1)]);
    figure.decor(GLASS.scale(0.8), Outline::circle(centre, 0.075));
}

fn doorway(figure: &mut Figure, x: f32, dice: &mut Dice) {
    let paint = dice.pick(&DOORS).vary(dice, 0.1);
    figure.flat(FRAME, [Outline::rectangle((x - 0.15, 0.5), (x + 0.15, 1.0))]);
    figure.decor(paint, Outline::rectangle((x - 0.12, 0.53), (x + 0.12, 1.0)));
    figure.mark(Colour::rgb(230, 190, 80), Outline::circle((x + 0.075, 0.78), 0.022));
}

fn bush(figure: &mut Figure, x: f32, dice: &mut Dice) {
    let green = Colour::rgb(74, 118, 54).vary(dice, 0.2);
    let lumps = [(-0.11, 0.93, 0.09), (0.0, 0.87, 0.12), (0.12, 0.93, 0.085)];
    figure.solid(green, lumps.map(|(dx, y, r)| Outline::circle((x + dx, y), r)));
}
