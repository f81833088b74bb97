//! The umbrella: an open canopy of panels with a scalloped edge, on a shaft with a crook.

use crate::drawing::colour::Colour;
use crate::drawing::dice::Dice;
use crate::drawing::figure::{Figure, Setting};
use crate::drawing::outline::{Outline, Point, curve};

const CLOTHS: [Colour; 6] = [
    Colour::rgb(196, 40, 52),
    Colour::rgb(48, 90, 170),
    Colour::rgb(236, 186, 50),
    Colour::rgb(50, 50, 58),
    Colour::rgb(70, 150, 130),
    Colour::rgb(220, 120, 160),
];

/// Builds an open umbrella.
pub(crate) fn umbrella(dice: &mut Dice) -> Figure {
    let cloth = dice.pick(&CLOTHS).vary(dice, 0.08);
    let other = if dice.chance(0.5) { cloth.mix(Colour::WHITE, 0.6) } else { cloth.scale(0.8) };
    let height = dice.between(0.6, 0.85);
    let setting = dice.pick(&[Setting::Land, Setting::Room]);
    let mut figure = Figure::new(setting);
    figure.sway(24.0);
    shaft(&mut figure, height, dice);
    figure.solid(cloth, [Outline::polygon(&canopy(height))]);
    let seam = |x: f32| curve(&[(0.0, -height), (0.72 * x, -0.6 * height), (x, 0.06)]);
    for pair in [(-0.56, 0.0), (0.56, 1.1)] {
        let mut panel = seam(pair.0);
        panel.extend(seam(pair.1).into_iter().rev());
        figure.decor(other, Outline::polygon(&panel));
    }
    for x in [-0.56, 0.0, 0.56] {
        figure.line(cloth.scale(0.55), 0.014, seam(x));
    }
    figure
}

fn shaft(figure: &mut Figure, height: f32, dice: &mut Dice) {
    let wood = Colour::rgb(120, 78, 48).vary(dice, 0.15);
    let crook = [
        (0.0, -height, 0.026),
        (0.0, 0.3, 0.026),
        (0.0, 0.74, 0.03),
        (0.07, 0.88, 0.034),
        (0.18, 0.86, 0.034),
        (0.22, 0.74, 0.034),
    ];
    figure.solid(wood, [Outline::tube(&crook)]);
    let tip = [(0.0, -height - 0.12, 0.014), (0.0, -height, 0.026)];
    figure.solid(wood, [Outline::tube(&tip)]);
}

/// The dome, then the scallops from right to left.
fn canopy(height: f32) -> Vec<Point> {
    let dome = [(-1.0, 0.0), (-0.86, 0.42), (-0.46, 0.86), (0.0, 1.0), (0.46, 0.86), (0.86, 0.42), (1.0, 0.0)];
    let mut edge = curve(&dome.map(|(x, y)| (x, 0.04 * (1.0 - y) - y * height)));
    let points = [-1.0, -0.56, 0.0, 0.56, 1.0].map(|x: f32| (x, 0.04 + 0.04 * (1.0 - x * x)));
    for pair in points.windows(2).rev() {
        let (a, b) = (pair[1], pair[0]);
        edge.extend(curve(&[a, (f32::midpoint(a.0, b.0), -0.06), b]));
    }
    edge
}
