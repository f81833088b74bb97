//! Decodes files to RGB as Pillow's `convert("RGB")` does: grey is repeated, palettes are looked up, alpha is dropped,
//! 16-bit channels keep their high byte, and orientation tags are not applied.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, Limits};

use super::Pixels;

/// The longest side that is decoded: a few bytes can claim any size.
const LONGEST_SIDE: u32 = 32_768;
/// The most memory that one picture may take, in bytes.
const MOST_MEMORY: u64 = 512 << 20;

/// A file that is no readable picture.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither PNG nor JPEG.
    #[error("is neither a PNG nor a JPEG file")]
    Unknown,
    /// The file ends early.
    #[error("ends before the picture does")]
    Truncated,
    /// The decoder gave up.
    #[error("cannot be decoded: {0}")]
    Decoder(#[from] image::ImageError),
}

/// Decodes a PNG or JPEG file, recognised by its content, not by its name.
pub fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(image::ImageError::IoError)?;
    let format = reader.format().ok_or(DecodeError::Unknown)?;
    if !matches!(format, image::ImageFormat::Png | image::ImageFormat::Jpeg) {
        return Err(DecodeError::Unknown);
    }
    if format == image::ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err(DecodeError::Truncated);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let image = reader.decode()?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    Ok(Pixels::new(width, height, rgb(image)))
}

/// Whether the end-of-image marker follows the last start of a scan. The decoder fills what is missing with grey
/// and says nothing.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xFF, marker]);
    last(0xD9) > last(0xDA)
}

fn rgb(image: DynamicImage) -> Vec<u8> {
    let high = |value: u16| (value >> 8) as u8;
    match image {
        DynamicImage::ImageLuma16(grey) => grey.into_raw().into_iter().flat_map(|v| [high(v); 3]).collect(),
        DynamicImage::ImageLumaA16(grey) => {
            grey.into_raw().chunks_exact(2).flat_map(|pixel| [high(pixel[0]); 3]).collect()
        }
        DynamicImage::ImageRgb16(colours) => colours.into_raw().into_iter().map(high).collect(),
        DynamicImage::ImageRgba16(colours) => {
            colours.into_raw().chunks_exact(4).flat_map(|p| [high(p[0]), high(p[1]), high(p[2])]).collect()
        }
        // Eight-bit conversions repeat grey and drop alpha; nothing is rounded.
        other => other.into_rgb8().into_raw(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn golden(name: &str) -> Vec<u8> {
        fs_err::read(format!("{}/tests/golden/decode/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn every_mode_becomes_pillows_rgb() {
        for mode in ["rgb", "grey", "grey_alpha", "alpha", "palette", "palette_alpha", "bits", "rgb16"] {
            let (found, expected) = (golden(&format!("{mode}.png")), golden(&format!("{mode}.rgb")));
            assert_eq!(decode(&found).unwrap().bytes(), expected, "{mode}");
        }
    }

    #[test]
    fn jpeg_is_pillows_within_rounding() {
        for (mode, tolerance) in [("rgb", 3), ("grey", 1), ("cmyk", 4)] {
            let found = decode(&golden(&format!("{mode}.jpg"))).unwrap();
            let expected = golden(&format!("{mode}.jpg.rgb"));
            let worst = found.bytes().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst.unwrap() <= tolerance, "{mode} {worst:?}");
        }
    }

    #[test]
    fn what_is_no_whole_picture_is_an_error() {
        let png = golden("rgb.png");
        let jpeg = golden("rgb.jpg");
        for bytes in [&png[..png.len() / 2], &jpeg[..jpeg.len() / 2], &jpeg[..jpeg.len() - 2], b"", b"text", b"GIF89a"]
        {
            assert!(decode(bytes).is_err(), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn a_header_that_claims_any_size_costs_no_memory() {
        let mut png = golden("rgb.png");
        png[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
        assert!(decode(&png).is_err());
    }
}
