//! PNG files, by the crate `image`.

use std::io::Cursor;
use std::ops::Range;

use image::codecs::png::PngDecoder;
use image::{DynamicImage, ImageDecoder, Limits};

use super::decode::check_size;
use super::{DecodeError, MOST_PIXELS};
use crate::images::Pixels;

/// The most memory that one picture may take while it is decoded, in bytes: eight for each pixel.
const MOST_MEMORY: u64 = MOST_PIXELS as u64 * 8;

/// Where the bits of a sample and the colour type stand: the header is the first chunk and has one form.
const DEPTH_AND_COLOUR: Range<usize> = 24..26;

/// Decodes a PNG file. Of an animation it is the still picture that readers without animations show.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as usize, height as usize);
    check_size(width, height)?;
    // The header, not the decoder, whose answer depends on whether a chunk makes one value transparent.
    let is_deep_grey = bytes.get(DEPTH_AND_COLOUR) == Some(&[16, 0]);
    let image = DynamicImage::from_decoder(decoder)?;
    let rgb = if is_deep_grey { deep_grey(image) } else { rgb(image) };
    Ok(Pixels::new(width, height, rgb))
}

/// 16-bit grey as Pillow 13 converts it: what is above 255 is white. Not what a photographer wants, but what a net
/// trained and tested through Pillow is shown.
fn deep_grey(image: DynamicImage) -> Vec<u8> {
    let clipped = |value: u16| value.min(255) as u8;
    image.into_luma16().into_raw().into_iter().flat_map(|value| [clipped(value); 3]).collect()
}

/// Other 16-bit channels keep their high byte.
fn rgb(image: DynamicImage) -> Vec<u8> {
    let high = |value: u16| (value >> 8) as u8;
    match image {
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
