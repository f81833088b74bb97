//! Rasterises a figure's SVG.

use std::io;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use resvg::tiny_skia;

use super::Figure;
use super::tree::tree_of;

/// The most pixels along a side; larger figures have fewer dots an inch.
const MOST_PIXELS: f64 = 10_000.0;
const INCH: f64 = 25.4;

/// The figure as a PNG file of as many dots an inch as it asks for.
pub(crate) fn png_of(figure: &Figure) -> io::Result<Vec<u8>> {
    let (width, height) = figure.size();
    let dots = (f64::from(figure.dpi().get()) / INCH).min(MOST_PIXELS / width.max(height));
    let tree = tree_of(figure)?;
    let pixels = ((width * dots).round() as u32, (height * dots).round() as u32);
    let mut sheet = tiny_skia::Pixmap::new(pixels.0, pixels.1)
        .ok_or_else(|| io::Error::other(format!("a figure of {width} × {height} mm has no pixels")))?;
    let scale = (pixels.0 as f32 / tree.size().width(), pixels.1 as f32 / tree.size().height());
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale.0, scale.1), &mut sheet.as_mut());
    // The sheet is opaque: its background is part of the figure.
    let colours: Vec<u8> = sheet.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::Adaptive)
        .write_image(&colours, pixels.0, pixels.1, ExtendedColorType::Rgb8)
        .map_err(io::Error::other)?;
    Ok(with_resolution(bytes, (dots * 1000.0).round() as u32))
}

/// Adds the chunk `pHYs`, so that programs place the picture at its printed size.
fn with_resolution(mut bytes: Vec<u8>, dots_a_metre: u32) -> Vec<u8> {
    // Eight bytes of signature and 25 of the chunk `IHDR`.
    const HEADER: usize = 33;
    let mut chunk = b"pHYs".to_vec();
    for _ in 0..2 {
        chunk.extend(dots_a_metre.to_be_bytes());
    }
    chunk.push(1);
    let mut sum = flate2::Crc::new();
    sum.update(&chunk);
    let length = (chunk.len() as u32 - 4).to_be_bytes();
    let whole = length.into_iter().chain(chunk).chain(sum.sum().to_be_bytes());
    bytes.splice(HEADER..HEADER, whole);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Anchor, Ink, Text};

    fn sample() -> Figure {
        let mut figure = Figure::new(85.0, "sample", Some("A sample ± 0.5 †"), None);
        figure.rectangle((5.0, 10.0), (20.0, 10.0), Ink::fill("#0072b2"));
        figure.text((5.0, 25.0), "text", Text::normal(Anchor::Start));
        figure.advance_to(30.0);
        figure.close()
    }

    #[test]
    fn the_same_figure_gives_the_same_bytes() {
        assert_eq!(png_of(&sample()).unwrap(), png_of(&sample()).unwrap());
        assert_eq!(sample().svg(), sample().svg());
    }

    #[test]
    fn a_png_has_the_dots_an_inch_that_are_asked_for_and_the_colours_of_the_figure() {
        let coarse = png_of(&sample().at(serde_json::from_str("100").unwrap())).unwrap();
        assert_eq!(image::load_from_memory(&coarse).unwrap().width(), 335);
        let bytes = png_of(&sample()).unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(picture.width(), 1004);
        // 15 mm to the right and 15 mm down lies in the rectangle.
        assert_eq!(picture.get_pixel(177, 177).0, [0x00, 0x72, 0xb2]);
        assert_eq!(&bytes[37..41], b"pHYs");
        assert_eq!(u32::from_be_bytes(bytes[41..45].try_into().unwrap()), 11811);
    }

    #[test]
    fn text_is_drawn_with_the_shipped_font() {
        let mut with_text = Figure::new(20.0, "x", None, None);
        with_text.text((2.0, 6.0), "H", Text::normal(Anchor::Start));
        with_text.advance_to(8.0);
        let picture = image::load_from_memory(&png_of(&with_text.close()).unwrap()).unwrap().to_luma8();
        assert!(picture.pixels().any(|pixel| pixel.0[0] < 60));
    }
}
