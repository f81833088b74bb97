//! The passport in an SVG: an element `metadata` before the end of the root element. A passport's text has no character
//! that XML would have to escape.

use std::ops::Range;

use super::passport::last;

const OPEN: &[u8] = b"<metadata id=\"dgpipe-passport\">";
const CLOSE: &[u8] = b"</metadata>\n";

/// An SVG with a passport; nothing where the bytes do not end as an SVG with its root in the default namespace does.
pub(super) fn put(bytes: &[u8], text: &str) -> Option<Vec<u8>> {
    let end = last(bytes, b"</svg")?;
    let after = bytes[end + 5..].trim_ascii_start().strip_prefix(b">")?;
    // What comes behind could be a comment with an end of its own in it.
    if !after.trim_ascii().is_empty() {
        return None;
    }
    Some([&bytes[..end], OPEN, text.as_bytes(), CLOSE, &bytes[end..]].concat())
}

/// The element around a passport's text.
pub(super) fn stamp(bytes: &[u8], text: Range<usize>) -> Option<Range<usize>> {
    let around = bytes[..text.start].ends_with(OPEN) && bytes[text.end..].starts_with(CLOSE);
    around.then(|| text.start - OPEN.len()..text.end + CLOSE.len())
}
