//! Widths of texts in the font that is shipped, `DejaVu Sans`, so that labels can be laid out without a renderer.

use std::sync::OnceLock;

/// The font that measures and rasterises all text of figures; its licence lies beside it.
pub(super) const FONT: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans.ttf");

/// The advance widths of the font's letters.
struct Widths {
    units_per_size: f64,
    segments: Vec<Segment>,
    advances: Vec<u16>,
}

/// A run of letters in the table that maps letters to glyphs (`OpenType`, `cmap` format 4).
struct Segment {
    first: u16,
    last: u16,
    delta: u16,
    glyphs: Option<usize>,
}

/// The width of a line of text, in the unit of `size`.
pub(crate) fn text_width(text: &str, size: f64) -> f64 {
    static WIDTHS: OnceLock<Widths> = OnceLock::new();
    let widths = WIDTHS.get_or_init(|| Widths::parse().expect("the shipped font is whole"));
    let units: f64 = text.chars().map(|letter| f64::from(widths.advance(letter))).sum();
    units / widths.units_per_size * size
}

/// Breaks text at its spaces into lines no wider than `width`; a longer word is broken where it must be.
pub(super) fn wrapped(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, size, width)) {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// A word in parts that fit.
fn pieces(word: &str, size: f64, width: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in word.chars() {
        let last = pieces.last_mut().expect("there is a piece from the start");
        if !last.is_empty() && text_width(&format!("{last}{letter}"), size) > width {
            pieces.push(letter.to_string());
        } else {
            last.push(letter);
        }
    }
    pieces
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub(super) fn shortened(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        if text_width(&format!("{short}{letter}…"), size) > width {
            break;
        }
        short.push(letter);
    }
    format!("{}…", short.trim_end())
}

impl Widths {
    fn parse() -> Option<Self> {
        let units_per_size = f64::from(short(table(*b"head")? + 18)?);
        let count = usize::from(short(table(*b"hhea")? + 34)?);
        let metrics = table(*b"hmtx")?;
        let advances = (0..count).map(|glyph| short(metrics + 4 * glyph)).collect::<Option<_>>()?;
        Some(Self { units_per_size, segments: segments()?, advances })
    }

    fn advance(&self, letter: char) -> u16 {
        let glyph = u16::try_from(u32::from(letter)).ok().and_then(|code| self.glyph(code)).unwrap_or(0);
        // Glyphs beyond the table share its last width.
        self.advances.get(usize::from(glyph)).or(self.advances.last()).copied().unwrap_or(0)
    }

    fn glyph(&self, code: u16) -> Option<u16> {
        let segment = self.segments.iter().find(|segment| code <= segment.last)?;
        if code < segment.first {
            return None;
        }
        match segment.glyphs {
            None => Some(code.wrapping_add(segment.delta)),
            Some(start) => match short(start + 2 * usize::from(code - segment.first))? {
                0 => None,
                glyph => Some(glyph.wrapping_add(segment.delta)),
            },
        }
    }
}

fn segments() -> Option<Vec<Segment>> {
    let cmap = table(*b"cmap")?;
    let count = usize::from(short(cmap + 2)?);
    let starts = (0..count).filter_map(|record| long(cmap + 4 + 8 * record + 4));
    let start = starts.map(|offset| cmap + offset).find(|&start| short(start) == Some(4))?;
    let double = usize::from(short(start + 6)?);
    let segment = |index: usize| {
        let last = start + 14 + 2 * index;
        let range = last + 2 + 3 * double;
        let glyphs = match short(range)? {
            0 => None,
            offset => Some(range + usize::from(offset)),
        };
        let (first, delta) = (short(last + 2 + double)?, short(last + 2 + 2 * double)?);
        Some(Segment { first, last: short(last)?, delta, glyphs })
    };
    (0..double / 2).map(segment).collect()
}

fn table(tag: [u8; 4]) -> Option<usize> {
    let count = usize::from(short(4)?);
    let record = (0..count).map(|index| 12 + 16 * index).find(|&at| FONT.get(at..at + 4) == Some(&tag[..]))?;
    long(record + 8)
}

fn short(at: usize) -> Option<u16> {
    let bytes = FONT.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

fn long(at: usize) -> Option<usize> {
    Some((usize::from(short(at)?) << 16) | usize::from(short(at + 2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font_file() {
        // fontTools 4.68: TTFont("DejaVuSans.ttf")["hmtx"] over 2048 units an em.
        let expected = [('A', 1401.0), ('i', 569.0), (' ', 651.0), ('0', 1303.0), ('±', 1716.0), ('†', 1024.0)];
        for (letter, units) in expected {
            assert!((text_width(&letter.to_string(), 2048.0) - units).abs() < 1e-9, "{letter}");
        }
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(wrapped("aa bb cc", 1.0, text_width("aa bb", 1.0)), ["aa bb", "cc"]);
        assert_eq!(wrapped("abcdef b", 1.0, text_width("abcd", 1.0)), ["abcd", "ef b"]);
        assert!(wrapped("", 1.0, 1.0).is_empty());
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(shortened("art painting", 1.0, 100.0), "art painting");
        let width = text_width("art …", 1.0);
        assert_eq!(shortened("art painting", 1.0, width), "art…");
        assert!(text_width(&shortened("art painting", 1.0, width), 1.0) <= width);
        assert_eq!(shortened("word", 1.0, 0.0), "…");
    }
}
