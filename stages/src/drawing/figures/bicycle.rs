//! The bicycle: two spoked wheels, a diamond frame, a saddle and a handlebar.

use crate::drawing::angle::Angle;
use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point, curve};

const PAINTS: [Colour; 5] = [
    Colour::rgb(190, 40, 44),
    Colour::rgb(36, 92, 170),
    Colour::rgb(44, 130, 84),
    Colour::rgb(230, 160, 40),
    Colour::rgb(70, 70, 76),
];
const TYRE: Colour = Colour::rgb(40, 38, 40);

/// Builds a bicycle that faces right.
pub(crate) fn bicycle(dice: &mut Dice) -> Figure {
    let paint = dice.pick(&PAINTS).vary(dice, 0.1);
    let r = dice.between(0.38, 0.46);
    let (back, front) = ((-0.6, 0.5), (0.62, 0.5));
    let (crank, seat, stem) = ((-0.06, 0.52), (-0.24, -0.16), (0.44, -0.12));
    let mut figure = Figure::new(Setting::Land);
    for hub in [back, front] {
        wheel(&mut figure, hub, r, dice);
    }
    for tube in [
        [back, crank],
        [back, seat],
        [crank, seat],
        [crank, stem],
        [seat, stem],
        [stem, front],
    ] {
        figure.solid(paint, [Outline::tube(&tube.map(|(x, y)| (x, y, 0.03)))]);
    }
    figure.solid(TYRE, [Outline::circle(crank, 0.09)]);
    figure.line(
        TYRE,
        0.03,
        vec![
            (crank.0 - 0.1, crank.1 - 0.12),
            crank,
            (crank.0 + 0.1, crank.1 + 0.12),
        ],
    );
    figure.line(TYRE, 0.035, vec![seat, (seat.0 - 0.03, seat.1 - 0.12)]);
    let saddle = [
        (seat.0 - 0.18, -0.3),
        (seat.0 + 0.02, -0.31),
        (seat.0 + 0.14, -0.28),
        (seat.0, -0.24),
        (seat.0 - 0.14, -0.22),
    ];
    figure.solid(TYRE, [Outline::blob(&saddle)]);
    let bar = if dice.chance(0.5) {
        curve(&[
            stem,
            (0.4, -0.28),
            (0.56, -0.34),
            (0.62, -0.24),
            (0.54, -0.16),
        ])
    } else {
        curve(&[stem, (0.4, -0.3), (0.3, -0.36), (0.2, -0.34)])
    };
    figure.line(TYRE, 0.045, bar);
    figure
}

fn wheel(figure: &mut Figure, hub: Point, r: f32, dice: &mut Dice) {
    let start = dice.between(0.0, 1.0);
    for k in 0..6 {
        let (cos, sin) = Angle::turns(start + k as f32 / 12.0).direction();
        let spoke = vec![
            (hub.0 - r * cos, hub.1 - r * sin),
            (hub.0 + r * cos, hub.1 + r * sin),
        ];
        figure.line(Colour::rgb(150, 150, 154), 0.01, spoke);
    }
    let rim = (0..=32).map(|k| Angle::turns(k as f32 / 32.0).direction());
    figure.line(
        TYRE,
        0.055,
        rim.map(|(cos, sin)| (hub.0 + r * cos, hub.1 + r * sin))
            .collect(),
    );
    figure.mark(TYRE, Outline::circle(hub, 0.045));
}
