//! File bytes of a drawing: PNG for sketches, JPEG for the rest, as in PACS.

use super::Style;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ImageError, RgbImage};

/// High enough that blocks do not show at miniature sizes.
const JPEG_QUALITY: u8 = 92;

/// A drawing that could not be turned into file bytes.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode a {width}×{height} drawing as {extension}")]
pub struct EncodeError {
    width: u32,
    height: u32,
    extension: &'static str,
    source: ImageError,
}

/// Encodes a drawing in the file format of its style.
///
/// JPEG has no empty images, so an image of size 0 is an error there.
pub fn encode(style: Style, image: &RgbImage) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    let written = match style {
        Style::Sketch => image.write_with_encoder(PngEncoder::new(&mut bytes)),
        Style::ArtPainting | Style::Cartoon | Style::Photo => {
            image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))
        }
    };
    written.map_err(|source| EncodeError {
        width: image.width(),
        height: image.height(),
        extension: style.extension(),
        source,
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_begin_with_the_magic_of_the_extension() {
        let image = RgbImage::new(8, 8);
        for style in Style::ALL {
            let bytes = encode(style, &image).unwrap();
            let magic: &[u8] = if style.extension() == "png" {
                b"\x89PNG"
            } else {
                b"\xff\xd8\xff"
            };
            assert!(bytes.starts_with(magic), "{style}");
        }
    }

    #[test]
    fn an_empty_image_is_an_error_and_not_a_panic() {
        let refusal = encode(Style::Photo, &RgbImage::new(0, 0))
            .unwrap_err()
            .to_string();
        assert_eq!(refusal, "cannot encode a 0×0 drawing as jpg");
    }
}
