//! JPEG files, by libjpeg-turbo's decoder, which is Pillow's too: other decoders differ by a level here and there, and by
//! several where chroma is subsampled.

use std::panic::catch_unwind;

use mozjpeg::{ColorSpace, Decompress};

use super::decode::check_size;
use super::{DecodeError, cmyk};
use crate::images::Pixels;

/// Decodes a JPEG file. Orientation tags are not applied.
pub(super) fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    if !is_whole(bytes) {
        return Err(DecodeError::Truncated);
    }
    // The library leaves its C code by unwinding where it gives up.
    catch_unwind(|| decode_whole(bytes)).unwrap_or_else(|payload| {
        let text = payload.downcast::<String>().map_or_else(|_| "unknown reason".to_owned(), |text| *text);
        Err(DecodeError::Jpeg(text.trim_start_matches("libjpeg fatal error: ").to_owned()))
    })
}

fn decode_whole(bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let file = Decompress::new_mem(bytes).map_err(failed)?;
    let (width, height) = file.size();
    check_size(width, height)?;
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

/// Whether the end-of-image marker follows the last start of a scan. The decoder fills what is missing with grey
/// and says nothing.
fn is_whole(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xFF, marker]);
    last(0xD9) > last(0xDA)
}
