//! The horse: a barrel on jointed legs, an arched neck with a mane, a long head and a flowing tail.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point};

const COATS: [Colour; 6] = [
    Colour::rgb(132, 78, 42),
    Colour::rgb(160, 98, 56),
    Colour::rgb(92, 58, 40),
    Colour::rgb(206, 164, 104),
    Colour::rgb(224, 220, 212),
    Colour::rgb(70, 62, 62),
];

/// Where the four feet are, from the far foreleg to the near hind one: `(x, y)` each.
type Gait = [Point; 4];

const STANDING: Gait = [(0.44, 1.0), (-0.4, 1.0), (0.34, 1.0), (-0.56, 1.0)];
const WALKING: Gait = [(0.6, 0.94), (-0.62, 1.0), (0.22, 1.0), (-0.32, 1.0)];
const TROTTING: Gait = [(0.62, 0.78), (-0.74, 0.9), (0.16, 1.0), (-0.3, 0.96)];
const GALLOPING: Gait = [(0.88, 0.62), (-0.98, 0.8), (0.72, 0.76), (-0.82, 0.94)];

/// Builds a horse that faces right.
pub(crate) fn horse(dice: &mut Dice) -> Figure {
    let coat = dice.pick(&COATS).vary(dice, 0.1);
    let hair = if dice.chance(0.3) { Colour::rgb(222, 200, 150) } else { Colour::rgb(44, 34, 32) };
    let gait = dice.pick(&[STANDING, STANDING, WALKING, WALKING, TROTTING, GALLOPING]);
    let mut figure = Figure::new(Setting::Land);
    tail(&mut figure, hair, gait == GALLOPING, dice);
    let far = [foreleg((0.36, 0.06), gait[0]), hindleg((-0.44, 0.0), gait[1])];
    figure.solid(coat.scale(0.7), far);
    figure.solid(coat, [ear(0.66)]);
    let (fore, hind) = (foreleg((0.3, 0.06), gait[2]), hindleg((-0.5, -0.02), gait[3]));
    figure.solid(coat, [torso(), neck(), jaw(), head(), fore, hind]);
    markings(&mut figure, coat, gait, dice);
    figure.solid(coat, [ear(0.58)]);
    mane(&mut figure, hair, dice);
    features(&mut figure, coat);
    hooves(&mut figure, gait);
    if dice.chance(0.15) {
        figure.crop((0.05, -1.0), (1.1, 0.1));
    }
    let (bow, long) = (dice.between(-0.05, 0.35), dice.between(0.92, 1.12));
    figure.moved(
        |(x, y)| {
            // Bowing turns what is in front of the shoulder a little downwards.
            let front = (x - 0.4).max(0.0);
            let up = (-0.2 - y).max(0.0);
            (x * long + 0.25 * bow * up, y + bow * front * up.min(1.0))
        },
        1.0,
    )
}

fn features(figure: &mut Figure, coat: Colour) {
    figure.mark(Colour::INK, Outline::circle((0.745, -0.71), 0.026));
    let nostril = Outline::ellipse((1.0, -0.4), 0.02, 0.014, Angle::turns(0.1));
    figure.mark(coat.scale(0.3), nostril);
    figure.line(coat.scale(0.4), 0.012, vec![(0.99, -0.31), (0.93, -0.34), (0.88, -0.39)]);
}

fn hooves(figure: &mut Figure, gait: Gait) {
    let hoof = [(-0.055, 0.02), (-0.04, -0.075), (0.045, -0.075), (0.085, 0.02)];
    for foot in gait {
        let placed = hoof.map(|(x, y)| (foot.0 + x, foot.1 + y));
        figure.mark(Colour::rgb(52, 44, 42), Outline::polygon(&placed));
    }
}

fn torso() -> Outline {
    Outline::blob(&[
        (-0.66, -0.08),
        (-0.58, -0.28),
        (-0.3, -0.29),
        (0.02, -0.23),
        (0.3, -0.33),
        (0.5, -0.12),
        (0.44, 0.14),
        (0.12, 0.24),
        (-0.26, 0.18),
        (-0.54, 0.16),
    ])
}

fn neck() -> Outline {
    Outline::tube(&[(0.3, -0.1, 0.24), (0.46, -0.42, 0.17), (0.6, -0.7, 0.12)])
}

fn jaw() -> Outline {
    Outline::circle((0.68, -0.68), 0.135)
}

fn head() -> Outline {
    Outline::tube(&[(0.64, -0.74, 0.11), (0.8, -0.58, 0.095), (0.93, -0.42, 0.072), (0.97, -0.37, 0.07)])
}

fn ear(x: f32) -> Outline {
    Outline::blob(&[(x - 0.04, -0.8), (x - 0.02, -0.9), (x + 0.03, -0.99), (x + 0.05, -0.88), (x + 0.04, -0.8)])
}

fn foreleg((x, y): Point, foot: Point) -> Outline {
    let reach = foot.0 - x;
    let knee = (x + 0.62 * reach + 0.03, y + 0.5 * (foot.1 - y));
    Outline::tube(&[
        (x, y, 0.16),
        (x + 0.3 * reach, y + 0.24, 0.1),
        (knee.0, knee.1, 0.062),
        (foot.0, foot.1 - 0.16, 0.045),
        (foot.0, foot.1 - 0.06, 0.048),
    ])
}

fn hindleg((x, y): Point, foot: Point) -> Outline {
    let reach = foot.0 - x;
    let hock = (x + 0.6 * reach - 0.07, y + 0.56 * (foot.1 - y));
    Outline::tube(&[
        (x, y, 0.2),
        (x + 0.1 * reach + 0.02, y + 0.26, 0.13),
        (hock.0, hock.1, 0.066),
        (foot.0 - 0.01, foot.1 - 0.16, 0.046),
        (foot.0, foot.1 - 0.06, 0.05),
    ])
}

fn markings(figure: &mut Figure, coat: Colour, gait: Gait, dice: &mut Dice) {
    if dice.chance(0.5) {
        figure.decor(
            Colour::WHITE.scale(0.94),
            Outline::tube(&[(0.76, -0.78, 0.03), (0.9, -0.58, 0.025), (1.02, -0.44, 0.03)]),
        );
    }
    if dice.chance(0.5) {
        for (x, y) in [gait[2], gait[3]] {
            figure.decor(Colour::WHITE.scale(0.94), Outline::rectangle((x - 0.1, y - 0.2), (x + 0.1, y)));
        }
    }
    if dice.chance(0.2) {
        for _ in 0..5 {
            let spot = (dice.between(-0.6, 0.4), dice.between(-0.3, 0.15));
            figure.decor(
                coat.mix(Colour::WHITE, 0.8),
                Outline::ellipse(spot, dice.between(0.06, 0.14), 0.08, Angle::turns(dice.around(0.2))),
            );
        }
    }
}

/// Locks that hang from the crest of the neck.
fn mane(figure: &mut Figure, hair: Colour, dice: &mut Dice) {
    let length = dice.between(0.12, 0.24);
    let crest = [(0.6, -0.84), (0.5, -0.72), (0.41, -0.6), (0.33, -0.5), (0.25, -0.4), (0.16, -0.31)];
    let locks = crest.iter().map(|&(x, y)| {
        let tip = (x - 0.03 + dice.around(0.03), y + length + dice.around(0.03));
        Outline::tube(&[(x, y, 0.05), (x - 0.05, y + 0.5 * length, 0.055), (tip.0, tip.1, 0.012)])
    });
    let mut parts: Vec<Outline> = locks.collect();
    parts.push(Outline::tube(&[(0.62, -0.86, 0.04), (0.7, -0.82, 0.04), (0.76, -0.74, 0.01)]));
    figure.solids(hair, parts);
}

fn tail(figure: &mut Figure, hair: Colour, flying: bool, dice: &mut Dice) {
    let (swing, drop) = if flying { (0.3, -0.3) } else { (dice.between(-0.06, 0.12), 0.0) };
    let spine = [
        (-0.6, -0.22, 0.05),
        (-0.76 - 0.3 * swing, -0.14 + 0.3 * drop, 0.075),
        (-0.82 - 0.8 * swing, 0.16 + 0.8 * drop, 0.1),
        (-0.8 - 1.2 * swing, 0.46 + drop, 0.07),
        (-0.84 - 1.5 * swing, 0.62 + 1.1 * drop, 0.012),
    ];
    figure.solid(hair, [Outline::tube(&spine)]);
}
