//! The photo style: a lit composition seen through a camera with a vignette, a soft lens and grain.

use super::colour::Colour;
use super::composition::Composition;
use super::dice::Dice;
use super::figure::Figure;
use super::noise::Noise;
use super::raster::Raster;

/// Draws a placed figure as a photo.
pub(crate) fn photo(figure: &Figure, size: u32, dice: &mut Dice) -> Raster {
    let texture = dice.between(0.1, 0.2);
    let scene = Composition::new(figure, size, texture, dice).raster;
    // A lens blurs by a share of the picture; one pass is about a pixel, which is enough at most sizes.
    let mut raster = scene.soften(dice.between(0.15, 0.45));
    let exposure = dice.between(0.88, 1.1);
    let warmth = dice.around(0.05);
    let balance = Colour([exposure * (1.0 + warmth), exposure, exposure * (1.0 - warmth)]);
    let colourfulness = dice.between(0.7, 1.05);
    let vignette = dice.between(0.1, 0.5);
    let grain = Noise::new(dice.salt());
    let strength = dice.between(0.012, 0.036);
    let side = size as usize;
    for (k, pixel) in raster.pixels_mut().iter_mut().enumerate() {
        let (column, row) = (k % side, k / side);
        let (x, y) = (column as f32 / size as f32 - 0.5, row as f32 / size as f32 - 0.5);
        let fall = 1.0 - vignette * (x * x + y * y);
        let speck = speck(grain, column as i32, row as i32) * strength;
        let seen = pixel.saturate(colourfulness).tint(balance).scale(fall);
        *pixel = Colour(seen.0.map(|c| c + speck));
    }
    raster
}

/// Two throws added, so that strong specks are rarer than weak ones.
fn speck(grain: Noise, x: i32, y: i32) -> f32 {
    grain.at(x, y) + grain.at(x + 7001, y)
}
