//! JPEG files, by libjpeg-turbo's decoder, which is Pillow's too: other decoders differ by a level here and there, and by
//! several where chroma is subsampled.

use std::panic::catch_unwind;

use mozjpeg::{ColorSpace, Decompress};

use super::decode::check_size;
use super::{DecodeError, MaxPixels, cmyk};
use crate::images::Pixels;

/// Decodes a JPEG file. Orientation tags are not applied.
pub(super) fn decode(most: MaxPixels, bytes: &[u8]) -> Result<Pixels, DecodeError> {
    if !is_whole(bytes) {
        return Err(DecodeError::Truncated);
    }
    // The library leaves its C code by unwinding where it gives up.
    catch_unwind(|| decode_whole(most, bytes)).unwrap_or_else(|payload| {
        let text = payload.downcast::<String>().map_or_else(|_| "unknown reason".to_owned(), |text| *text);
        Err(DecodeError::Jpeg(text.trim_start_matches("libjpeg fatal error: ").to_owned()))
    })
}

fn decode_whole(most: MaxPixels, bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let file = Decompress::new_mem(bytes).map_err(failed)?;
    let (width, height) = file.size();
    check_size(most, width, height)?;
    let is_cmyk = matches!(file.color_space(), ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK);
    let space = if is_cmyk { ColorSpace::JCS_CMYK } else { ColorSpace::JCS_RGB };
    let mut started = file.to_colorspace(space).map_err(failed)?;
    let values = started.read_scanlines::<u8>().map_err(failed)?;
    // The coefficients of a progressive file lie there.
    drop(started);
    Ok(Pixels::new(width, height, if is_cmyk { cmyk::to_rgb(&values) } else { values }))
}

fn failed(error: std::io::Error) -> DecodeError {
    DecodeError::Jpeg(error.to_string())
}

/// Whether the end-of-image marker of the picture is there. The decoder fills what is missing with grey and says nothing.
///
/// Markers are walked as the decoder walks them. What lies inside a segment, such as a small picture among its tags, or behind
/// the end, such as the film of a motion photo, has markers too, and says nothing of this picture.
fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        // Bytes of a scan, and whatever else stands between segments.
        let Some(at) = rest.iter().position(|&byte| byte == 0xFF) else { return false };
        rest = &rest[at..];
        // Any number of these may stand before a marker.
        let Some(at) = rest.iter().position(|&byte| byte != 0xFF) else { return false };
        let marker = rest[at];
        rest = &rest[at + 1..];
        match marker {
            END_OF_IMAGE => return true,
            // A byte FF of a scan, and markers without a segment: restarts, the start of the image.
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ => {
                let &[high, low, ..] = rest else { return false };
                let length = usize::from(u16::from_be_bytes([high, low]));
                let Some(behind) = rest.get(length.max(2)..) else { return false };
                rest = behind;
            }
        }
    }
}

const END_OF_IMAGE: u8 = 0xD9;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
        super::decode(MaxPixels::default(), bytes)
    }

    fn golden(name: &str) -> Vec<u8> {
        fs_err::read(format!("{}/tests/golden/decode/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn what_follows_a_picture_does_not_matter() {
        for name in ["rgb.jpg", "progressive.jpg", "half.jpg"] {
            let picture = golden(name);
            let pixels = decode(&picture).unwrap();
            // The film of a motion photo, a second picture, a start and an end of nothing, a start alone.
            let film = b"\0\0\0\x18ftypmp42 \xFF\xDA \xFF\xD9 \xFF\xDA".as_slice();
            for tail in
                [film, picture.as_slice(), &picture[..picture.len() / 2], b"\xFF\xDA\xFF\xD9", b"\xFF\xDA", b"\xFF"]
            {
                assert!(decode(&[&picture, tail].concat()).unwrap() == pixels, "{name} with {} bytes", tail.len());
            }
        }
    }

    #[test]
    fn the_end_of_a_picture_among_the_tags_is_not_the_end() {
        for name in ["rgb.jpg", "progressive.jpg"] {
            let picture = golden(name);
            let small = golden("quarter.jpg");
            let length = u16::try_from(small.len() + 2).unwrap().to_be_bytes();
            // Fill bytes before a marker belong to it.
            let tags = [b"\xFF\xD8\xFF\xFF\xFF\xE1".as_slice(), &length, &small].concat();
            let tagged = [&tags, &picture[2..]].concat();
            assert!(decode(&tagged).unwrap() == decode(&picture).unwrap(), "{name}");
            for missing in (1..tagged.len() - 2).step_by(7) {
                assert!(decode(&tagged[..tagged.len() - missing]).is_err(), "{name} without {missing} bytes");
            }
        }
    }
}
