//! The elephant: a heavy body on columns, a fan of an ear, tusks, and a trunk that hangs, curls or rises.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, curve};

const SKINS: [Colour; 4] = [
    Colour::rgb(142, 140, 142),
    Colour::rgb(124, 128, 138),
    Colour::rgb(150, 138, 126),
    Colour::rgb(112, 110, 116),
];

/// Builds an elephant that faces right.
pub(crate) fn elephant(dice: &mut Dice) -> Figure {
    let skin = dice.pick(&SKINS).vary(dice, 0.1);
    let mut figure = Figure::new(Setting::Land);
    let step = dice.around(0.12);
    tail(&mut figure, skin, dice);
    figure.solid(skin.scale(0.72), [column(-0.34, -step), column(0.44, step)]);
    body(&mut figure, skin, step, dice);
    for x in [-0.55 + step, 0.22 - step] {
        for k in 0..3 {
            let nail = (x - 0.06 + 0.075 * k as f32, 0.965);
            figure.mark(
                skin.mix(Colour::WHITE, 0.55),
                Outline::ellipse(nail, 0.03, 0.035, Angle::turns(0.0)),
            );
        }
    }
    if dice.chance(0.85) {
        let reach = dice.between(0.75, 1.25);
        let tip = (0.70 + 0.34 * reach, 0.16 - 0.1 * reach, 0.012);
        let ivory = Colour::rgb(246, 240, 220);
        figure.solid(
            ivory,
            [Outline::tube(&[
                (0.70, -0.02, 0.042),
                (0.70 + 0.18 * reach, 0.14, 0.036),
                tip,
            ])],
        );
    }
    ear(&mut figure, skin, dice);
    figure.mark(Colour::INK, Outline::circle((0.7, -0.33), 0.03));
    figure.line(
        skin.scale(0.5),
        0.014,
        curve(&[(0.65, -0.39), (0.71, -0.4), (0.76, -0.36)]),
    );
    let long = dice.between(0.9, 1.12);
    if dice.chance(0.15) {
        figure.crop((0.0, -0.66), (1.25, 0.62));
    }
    figure.moved(
        |(x, y)| (if x < 0.1 { 0.1 + (x - 0.1) * long } else { x }, y),
        1.0,
    )
}

fn column(x: f32, step: f32) -> Outline {
    Outline::tube(&[
        (x, 0.1, 0.18),
        (x + 0.5 * step, 0.52, 0.13),
        (x + step, 0.8, 0.12),
        (x + step, 0.87, 0.13),
    ])
}

fn body(figure: &mut Figure, skin: Colour, step: f32, dice: &mut Dice) {
    let hump = dice.between(-0.04, 0.06);
    let torso = Outline::blob(&[
        (-0.82, -0.04),
        (-0.66, -0.36),
        (-0.28, -0.5 - hump),
        (0.14, -0.44),
        (0.45, -0.4),
        (0.54, 0.06),
        (0.24, 0.33),
        (-0.3, 0.36),
        (-0.7, 0.28),
    ]);
    let head = Outline::blob(&[
        (0.38, -0.42),
        (0.52, -0.6),
        (0.7, -0.57),
        (0.83, -0.36),
        (0.86, -0.12),
        (0.68, 0.04),
        (0.44, -0.02),
    ]);
    let lip = Outline::tube(&[(0.58, -0.08, 0.12), (0.66, 0.08, 0.06), (0.74, 0.1, 0.03)]);
    let (trunk, rings) = trunk(dice);
    figure.solid(
        skin,
        [
            torso,
            column(-0.55, step),
            column(0.22, -step),
            lip,
            head,
            trunk,
        ],
    );
    for ring in rings {
        figure.line(skin.scale(0.68), 0.012, ring);
    }
}

/// The trunk, and the wrinkles across it.
fn trunk(dice: &mut Dice) -> (Outline, Vec<Vec<(f32, f32)>>) {
    let swing = dice.between(-0.06, 0.14);
    let spine = match dice.whole(0, 3) {
        0 => [
            (0.74, -0.26, 0.13),
            (0.92, 0.0, 0.115),
            (1.1, -0.08, 0.085),
            (1.16, -0.38, 0.066),
            (1.3, -0.56, 0.05),
        ],
        1 => [
            (0.74, -0.26, 0.13),
            (0.88, 0.08, 0.115),
            (0.92, 0.4, 0.09),
            (1.06, 0.58, 0.07),
            (1.2, 0.44, 0.05),
        ],
        _ => [
            (0.74, -0.26, 0.13),
            (0.87, 0.06, 0.115),
            (0.9, 0.36, 0.09),
            (0.92, 0.64, 0.07),
            (1.02, 0.78, 0.05),
        ],
    };
    let bent = spine.map(|(x, y, r)| (x + swing * (x - 0.74) / 0.3, y, r));
    let rings = bent.windows(2).skip(1).flat_map(|pair| {
        let [a, b] = [pair[0], pair[1]];
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = (dx * dx + dy * dy).sqrt().max(1e-3);
        let across = (-dy / length, dx / length);
        [0.1, 0.6].map(|t| {
            let (x, y, r) = (a.0 + t * dx, a.1 + t * dy, 0.75 * (a.2 + t * (b.2 - a.2)));
            vec![
                (x - across.0 * r, y - across.1 * r),
                (x + across.0 * r * 0.4, y + across.1 * r * 0.4),
            ]
        })
    });
    (Outline::tube(&bent), rings.collect())
}

fn ear(figure: &mut Figure, skin: Colour, dice: &mut Dice) {
    let (wide, tall) = (dice.between(0.85, 1.25), dice.between(0.85, 1.2));
    let at = |x: f32, y: f32| (0.56 + (x - 0.56) * wide, -0.4 + (y + 0.4) * tall);
    let knots = [
        at(0.54, -0.48),
        at(0.58, -0.3),
        at(0.54, -0.06),
        at(0.42, 0.18),
        at(0.28, 0.06),
        at(0.12, -0.18),
        at(0.1, -0.42),
        at(0.26, -0.56),
    ];
    figure.solid(skin.scale(0.9), [Outline::blob(&knots)]);
    let inner = knots.map(|(x, y)| (x + 0.32 * (0.38 - x), y + 0.32 * (-0.2 - y)));
    figure.decor(
        skin.mix(Colour::rgb(214, 160, 150), 0.4),
        Outline::blob(&inner),
    );
}

fn tail(figure: &mut Figure, skin: Colour, dice: &mut Dice) {
    let swing = dice.between(-0.1, 0.08);
    let end = (-0.94 + swing, 0.32);
    figure.solid(
        skin.scale(0.8),
        [Outline::tube(&[
            (-0.76, -0.16, 0.035),
            (-0.88, 0.02, 0.025),
            (end.0, end.1, 0.018),
        ])],
    );
    figure.mark(
        skin.scale(0.4),
        Outline::ellipse((end.0, end.1 + 0.06), 0.03, 0.08, Angle::turns(0.0)),
    );
}
