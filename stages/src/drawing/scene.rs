//! What lies behind a figure in the styles that have depth: sky and ground, a room, or water.

use super::colour::Colour;
use super::dice::Dice;
use super::figure::Setting;
use super::noise::Noise;

/// A backdrop, to be asked for its colour at any position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    setting: Setting,
    far: [Colour; 2],
    near: [Colour; 2],
    hedge: Option<Colour>,
    horizon: f32,
    noise: Noise,
    texture: f32,
}

impl Scene {
    /// Chooses a backdrop; behind a portrait it is calmer.
    pub(crate) fn new(setting: Setting, portrait: bool, dice: &mut Dice) -> Self {
        let (far, near) = match setting {
            Setting::Land => (dice.pick(&SKIES), dice.pick(&GROUNDS)),
            Setting::Room => (dice.pick(&WALLS), dice.pick(&FLOORS)),
            Setting::Water => (dice.pick(&SKIES), dice.pick(&WATERS)),
            Setting::Deep => (dice.pick(&DEPTHS), dice.pick(&FLOORS)),
        };
        let horizon = match setting {
            Setting::Land if portrait => dice.between(0.6, 0.9),
            Setting::Land => dice.between(0.38, 0.66),
            Setting::Room => dice.between(0.72, 0.95),
            Setting::Water => dice.between(0.5, 0.66),
            Setting::Deep => 2.0,
        };
        let hedge = dice.pick(&HEDGES).vary(dice, 0.2);
        let open_air = matches!(setting, Setting::Land | Setting::Water);
        Self {
            setting,
            far: far.map(|colour| colour.vary(dice, 0.08)),
            near: near.map(|colour| colour.vary(dice, 0.12)),
            hedge: (open_air && dice.chance(0.6)).then_some(hedge),
            horizon,
            noise: Noise::new(dice.salt()),
            texture: if portrait { 0.4 } else { dice.between(0.7, 1.2) },
        }
    }

    /// The colour at a position of the unit square.
    pub(crate) fn at(&self, x: f32, y: f32) -> Colour {
        if y > self.horizon {
            return self.ground(x, y);
        }
        let height = self.horizon - y;
        match self.hedge {
            // Only what is near the horizon needs the outline of the hedge.
            Some(hedge) if height < 0.22 && height < 0.05 + 0.09 * (1.0 + self.noise.fractal(x * 5.0, 0.5, 3)) => {
                hedge.scale(0.9 + 0.35 * self.noise.fractal(x * 14.0, y * 14.0, 2))
            }
            _ => self.sky(x, y),
        }
    }

    fn sky(&self, x: f32, y: f32) -> Colour {
        let span = (y / self.horizon.min(1.0)).clamp(0.0, 1.0);
        let base = self.far[0].mix(self.far[1], span);
        let noise = match self.setting {
            Setting::Land | Setting::Water => {
                let cloud = self.noise.fractal(x * 2.5, y * 6.0 + 9.0, 3);
                return base.mix(Colour::WHITE, (0.9 * cloud).clamp(0.0, 0.5));
            }
            Setting::Room => self.noise.fractal(x * 7.0, y * 7.0, 2),
            Setting::Deep => self.noise.smooth(x * 6.0 + y * 2.0, y * 1.5),
        };
        base.scale(1.0 + 0.09 * self.texture * noise)
    }

    fn ground(&self, x: f32, y: f32) -> Colour {
        let depth = (y - self.horizon) / (1.05 - self.horizon);
        let base = self.near[0].mix(self.near[1], depth);
        // Texture gets larger towards the viewer, as on a plane seen at a low angle.
        let zoom = 1.0 / (0.12 + 0.5 * depth);
        let (u, v) = ((x - 0.5) * zoom * 7.0, zoom * 9.0);
        let noise = match self.setting {
            Setting::Land => self.noise.fractal(u, v, 4),
            Setting::Room => {
                0.6 * self.noise.smooth((x - 0.5) * zoom * 4.0, 3.0) + 0.3 * self.noise.smooth(u * 0.6, v * 3.0)
            }
            Setting::Water | Setting::Deep => self.noise.fractal(u * 0.5, v * 2.2, 2),
        };
        // On snow and pale sand, the same unevenness would look like rubble.
        base.scale(1.0 + (0.52 - 0.42 * base.luma()) * self.texture * noise)
    }
}

/// From the top down to the horizon.
const SKIES: [[Colour; 2]; 5] = [
    [Colour::rgb(92, 146, 204), Colour::rgb(190, 212, 230)],
    [Colour::rgb(58, 118, 190), Colour::rgb(160, 196, 224)],
    [Colour::rgb(176, 186, 196), Colour::rgb(220, 222, 220)],
    [Colour::rgb(146, 160, 186), Colour::rgb(238, 206, 170)],
    [Colour::rgb(206, 218, 228), Colour::rgb(232, 236, 236)],
];

/// From the horizon down to the viewer: meadow, savanna, sand, road, snow.
const GROUNDS: [[Colour; 2]; 6] = [
    [Colour::rgb(122, 148, 74), Colour::rgb(84, 122, 48)],
    [Colour::rgb(150, 164, 96), Colour::rgb(106, 138, 58)],
    [Colour::rgb(196, 176, 112), Colour::rgb(168, 142, 80)],
    [Colour::rgb(206, 186, 150), Colour::rgb(180, 150, 112)],
    [Colour::rgb(158, 156, 152), Colour::rgb(122, 120, 118)],
    [Colour::rgb(226, 230, 234), Colour::rgb(208, 214, 222)],
];

const WALLS: [[Colour; 2]; 5] = [
    [Colour::rgb(206, 198, 184), Colour::rgb(226, 218, 206)],
    [Colour::rgb(150, 164, 170), Colour::rgb(182, 192, 194)],
    [Colour::rgb(66, 74, 84), Colour::rgb(104, 112, 118)],
    [Colour::rgb(232, 232, 230), Colour::rgb(246, 246, 244)],
    [Colour::rgb(120, 62, 54), Colour::rgb(156, 92, 78)],
];

const FLOORS: [[Colour; 2]; 3] = [
    [Colour::rgb(142, 104, 72), Colour::rgb(118, 82, 54)],
    [Colour::rgb(176, 164, 148), Colour::rgb(152, 138, 122)],
    [Colour::rgb(92, 84, 84), Colour::rgb(70, 64, 64)],
];

const WATERS: [[Colour; 2]; 3] = [
    [Colour::rgb(126, 164, 184), Colour::rgb(44, 88, 120)],
    [Colour::rgb(110, 150, 150), Colour::rgb(40, 90, 92)],
    [Colour::rgb(150, 160, 170), Colour::rgb(74, 88, 104)],
];

const DEPTHS: [[Colour; 2]; 2] =
    [[Colour::rgb(96, 176, 200), Colour::rgb(14, 62, 108)], [Colour::rgb(120, 180, 160), Colour::rgb(24, 74, 76)]];

const HEDGES: [Colour; 4] =
    [Colour::rgb(58, 84, 46), Colour::rgb(78, 96, 62), Colour::rgb(98, 104, 84), Colour::rgb(104, 118, 134)];
