//! The passport in a PNG: an uncompressed chunk `iTXt` before the first picture data, as the PNG specification
//! (W3C, third edition, section 11.3.3.4) lays it out. Pictures are decoded by nobody here.

use std::ops::Range;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Keyword, no compression, no language, no translated keyword.
const HEAD: &[u8] = b"iTXtdgpipe passport\0\0\0\0\0";

/// A PNG with a passport; nothing where the bytes are no PNG.
pub(super) fn put(bytes: &[u8], text: &str) -> Option<Vec<u8>> {
    let place = first_picture_data(bytes)?;
    let mut chunk = HEAD.to_vec();
    chunk.extend(text.as_bytes());
    let length = u32::try_from(chunk.len() - 4).ok()?.to_be_bytes();
    let sum = crc32fast::hash(&chunk).to_be_bytes();
    Some([&bytes[..place], &length, &chunk, &sum, &bytes[place..]].concat())
}

/// The chunk around a passport's text.
pub(super) fn stamp(bytes: &[u8], text: Range<usize>) -> Option<Range<usize>> {
    let start = text.start.checked_sub(HEAD.len() + 4)?;
    let end = text.end + 4;
    (bytes[..text.start].ends_with(HEAD) && end <= bytes.len()).then_some(start..end)
}

/// Where the first chunk `IDAT` begins.
fn first_picture_data(bytes: &[u8]) -> Option<usize> {
    let mut place = SIGNATURE.len();
    if !bytes.starts_with(SIGNATURE) || bytes.get(place + 4..place + 8)? != b"IHDR" {
        return None;
    }
    loop {
        let length = u32::from_be_bytes(bytes.get(place..place + 4)?.try_into().ok()?);
        if bytes.get(place + 4..place + 8)? == b"IDAT" {
            return Some(place);
        }
        // Length, type and checksum are four bytes each.
        place = place.checked_add(12)?.checked_add(length as usize)?;
    }
}
