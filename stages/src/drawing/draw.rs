//! From a subject, a style and a number to pixels; the same arguments give the same pixels everywhere.

use super::cartoon::cartoon;
use super::dice::Dice;
use super::painting::painting;
use super::photo::photo;
use super::sketch::sketch;
use super::{Style, Subject};
use image::RgbImage;

/// The largest side that [`draw`] accepts, in pixels.
pub const MAX_SIZE: u32 = 4096;

/// Draws one square image.
///
/// The drawing depends on the arguments only. A size of 0 gives an empty image.
///
/// # Panics
///
/// Panics if `size` exceeds [`MAX_SIZE`].
pub fn draw(subject: &Subject, style: Style, seed: u64, index: u32, size: u32) -> RgbImage {
    assert!(size <= MAX_SIZE, "a drawing of {size} pixels exceeds the limit of {MAX_SIZE}");
    if size == 0 {
        return RgbImage::new(0, 0);
    }
    let mut dice = Dice::new(seed, subject.name(), style, index);
    let figure = subject.figure(&mut dice).place(&mut dice);
    let raster = match style {
        Style::ArtPainting => painting(&figure, size, &mut dice),
        Style::Cartoon => cartoon(&figure, size, &mut dice),
        Style::Photo => photo(&figure, size, &mut dice),
        Style::Sketch => sketch(&figure, size, &mut dice),
    };
    raster.image()
}
