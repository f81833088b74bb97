//! A figure in its scene under a light: the picture from which photos and paintings are made.

use super::canvas::{Canvas, Finish};
use super::dice::Dice;
use super::figure::{Figure, Setting};
use super::light::Light;
use super::noise::Noise;
use super::plane::Plane;
use super::raster::Raster;
use super::scene::Scene;

/// A lit picture and how much of each pixel the figure covers.
#[derive(Debug, Clone)]
pub(crate) struct Composition {
    /// The picture.
    pub(crate) raster: Raster,
    /// The share of each pixel that the figure covers.
    pub(crate) coverage: Vec<f32>,
}

impl Composition {
    /// Sets a placed figure into a scene.
    pub(crate) fn new(figure: &Figure, size: u32, texture: f32, dice: &mut Dice) -> Self {
        let scene = Scene::new(figure.setting(), figure.is_cropped(), dice);
        let side = if dice.chance(0.5) { -1.0 } else { 1.0 };
        let light = Light {
            from: (side * dice.between(0.35, 0.8), -dice.between(0.5, 0.9)),
            ambient: dice.between(0.3, 0.45),
            strength: dice.between(0.72, 0.9),
        };
        let mut raster = Raster::from_fn(size as usize, |x, y| scene.at(x, y));
        if let Some(shadow) = shadow(light, figure, size as usize) {
            darken(&mut raster, &shadow, dice.between(0.35, 0.6));
        }
        let mut canvas = Canvas::new(size);
        canvas.figure(figure, Finish::Plain);
        let (mut colours, coverage) = canvas.finish();
        let shade = light.shade(figure, size as usize);
        let hide = Noise::new(dice.salt());
        for (k, pixel) in colours.pixels_mut().iter_mut().enumerate() {
            let cover = coverage[k];
            let behind = raster.pixels()[k].scale(1.0 - cover);
            if cover > 0.0 {
                let (x, y) = position(k, size);
                let lit = shade[k] * (1.0 + texture * hide.fractal(x * 24.0, y * 24.0, 3));
                let own = pixel.scale(lit);
                *pixel = super::colour::Colour(std::array::from_fn(|c| own.0[c] + behind.0[c]));
            } else {
                *pixel = behind;
            }
        }
        raster = colours;
        Self { raster, coverage }
    }
}

fn shadow(light: Light, figure: &Figure, size: usize) -> Option<Plane> {
    match figure.setting() {
        Setting::Land if !figure.is_cropped() => light.ground_shadow(figure, size),
        Setting::Room => light.wall_shadow(figure, size),
        Setting::Land | Setting::Water | Setting::Deep => None,
    }
}

fn darken(raster: &mut Raster, shadow: &Plane, depth: f32) {
    let size = raster.size();
    for (x, y) in shadow.window(size) {
        let pixel = &mut raster.pixels_mut()[y as usize * size + x as usize];
        *pixel = pixel.scale(1.0 - depth * shadow.at(x, y));
    }
}

fn position(k: usize, size: u32) -> (f32, f32) {
    let size = size as usize;
    (
        (k % size) as f32 / size as f32,
        (k / size) as f32 / size as f32,
    )
}
