//! PNG files, row by row, so that a picture takes the memory of its RGB and no more. Interlaced ones, whose rows come in
//! parts, are decoded whole first.

use std::io::Cursor;
use std::ops::Range;

use png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};

use super::decode::check_size;
use super::{DecodeError, MaxPixels};
use crate::images::Pixels;

/// The most memory that a pixel may take while a picture is decoded, in bytes.
const PIXEL: usize = 8;

/// Where the bits of a sample and the colour type stand: the header is the first chunk and has one form.
const DEPTH_AND_COLOUR: Range<usize> = 24..26;

/// Decodes a PNG file. Of an animation it is the still picture that readers without animations show.
pub(super) fn decode(most: MaxPixels, bytes: &[u8]) -> Result<Pixels, DecodeError> {
    let mut reader = start(most, bytes)?;
    let (width, height) = reader.info().size();
    let (width, height) = (width as usize, height as usize);
    // The header, not the decoder, whose answer depends on whether a chunk makes one value transparent.
    let is_deep_grey = bytes.get(DEPTH_AND_COLOUR) == Some(&[16, 0]);
    let samples = Samples::of(reader.output_color_type(), is_deep_grey);
    let mut rgb = Vec::with_capacity(3 * width * height);
    if reader.info().interlaced {
        let mut whole = vec![0; reader.output_buffer_size().ok_or(png::DecodingError::LimitsExceeded)?];
        reader.next_frame(&mut whole)?;
        samples.to_rgb(&whole, &mut rgb);
    } else {
        while let Some(row) = reader.next_row()? {
            samples.to_rgb(row.data(), &mut rgb);
        }
    }
    Ok(Pixels::new(width, height, rgb))
}

/// Reads up to the first row.
fn start(most: MaxPixels, bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, DecodeError> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: most.get() * PIXEL });
    decoder.set_ignore_text_chunk(true);
    // A profile of colours is not applied, and a few bytes of one can unpack to any number.
    decoder.set_ignore_iccp_chunk(true);
    // Before anything else is read, since reading on may allocate.
    let header = decoder.read_header_info()?;
    check_size(most, header.width as usize, header.height as usize)?;
    // Palettes are looked up and fewer than eight bits become eight.
    decoder.set_transformations(Transformations::EXPAND);
    Ok(decoder.read_info()?)
}

/// How the samples of a pixel lie.
#[derive(Clone, Copy)]
struct Samples {
    /// How many there are.
    count: usize,
    /// Whether each has two bytes, the high one first.
    is_deep: bool,
    /// Whether what is above 255 is white.
    is_clipped: bool,
}

impl Samples {
    fn of((colour, depth): (ColorType, BitDepth), is_clipped: bool) -> Self {
        Self { count: colour.samples(), is_deep: depth == BitDepth::Sixteen, is_clipped }
    }

    /// Appends pixels as RGB: grey is repeated, alpha is dropped, nothing is rounded.
    fn to_rgb(self, bytes: &[u8], rgb: &mut Vec<u8>) {
        match (self.is_deep, self.is_clipped) {
            (false, _) => self.append(bytes, |[value]: [u8; 1]| value, rgb),
            (true, false) => self.append(bytes, |[high, _]: [u8; 2]| high, rgb),
            // 16-bit grey as Pillow 13 converts it. Not what a photographer wants, but what a net trained and tested through
            // Pillow is shown.
            (true, true) => self.append(bytes, |[high, low]: [u8; 2]| if high == 0 { low } else { u8::MAX }, rgb),
        }
    }

    fn append<const N: usize>(self, bytes: &[u8], value: impl Fn([u8; N]) -> u8, rgb: &mut Vec<u8>) {
        let (samples, _) = bytes.as_chunks::<N>();
        match self.count {
            1 => rgb.extend(samples.iter().flat_map(|grey| [value(*grey); 3])),
            2 => rgb.extend(samples.chunks_exact(2).flat_map(|pixel| [value(pixel[0]); 3])),
            3 => rgb.extend(samples.iter().map(|sample| value(*sample))),
            _ => rgb.extend(samples.chunks_exact(4).flat_map(|pixel| [0, 1, 2].map(|index| value(pixel[index])))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn decode(bytes: &[u8]) -> Result<Pixels, DecodeError> {
        super::decode(MaxPixels::default(), bytes)
    }

    fn chunk(name: &str, content: &[u8]) -> Vec<u8> {
        let mut sum = flate2::Crc::new();
        sum.update(name.as_bytes());
        sum.update(content);
        [&(content.len() as u32).to_be_bytes()[..], name.as_bytes(), content, &sum.sum().to_be_bytes()].concat()
    }

    /// A file of so many pixels a side, `bits` a sample of the colour type, whose rows are given in the order of the file.
    fn file(side: u32, [bits, colour, interlace]: [u8; 3], rows: &[Vec<u8>]) -> Vec<u8> {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        for row in rows {
            // Each row begins with its filter, here none.
            packed.write_all(&[0]).unwrap();
            packed.write_all(row).unwrap();
        }
        let side = side.to_be_bytes();
        let header = [&side[..], &side, &[bits, colour, 0, 0, interlace]].concat();
        let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
        for (name, content) in [("IHDR", header), ("IDAT", packed.finish().unwrap()), ("IEND", Vec::new())] {
            file.extend(chunk(name, &content));
        }
        file
    }

    #[test]
    fn a_profile_of_colours_is_not_unpacked() {
        let plain = file(2, [8, 0, 0], &[vec![1, 2], vec![3, 4]]);
        let mut packed = ZlibEncoder::new(b"name\0\0".to_vec(), Compression::best());
        packed.write_all(&vec![0; 1 << 20]).unwrap();
        // Signature and header have 33 bytes in every file.
        let bomb = [&plain[..33], &chunk("iCCP", &packed.finish().unwrap()), &plain[33..]].concat();
        assert!(start(MaxPixels::default(), &bomb).unwrap().info().icc_profile.is_none());
        assert!(decode(&bomb).unwrap() == decode(&plain).unwrap());
    }

    /// First column and row of each pass of an interlaced file, and the steps between them.
    const PASSES: [[usize; 4]; 7] =
        [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

    #[test]
    fn an_interlaced_picture_is_the_same_picture() {
        const SIDE: usize = 13;
        // Grey, grey with alpha, colours, colours with alpha; 8 and 16 bits.
        for (colour, count) in [(0, 1), (4, 2), (2, 3), (6, 4)] {
            for bits in [8, 16] {
                let size = count * bits as usize / 8;
                let pixel = |x: usize, y: usize| (0..size).map(move |byte| (x * 17 + y * 31 + byte * 71) as u8);
                let whole: Vec<Vec<u8>> = (0..SIDE).map(|y| (0..SIDE).flat_map(|x| pixel(x, y)).collect()).collect();
                let parts = PASSES.iter().flat_map(|&[left, top, across, down]| {
                    let row = move |y| (left..SIDE).step_by(across).flat_map(move |x| pixel(x, y)).collect::<Vec<u8>>();
                    (top..SIDE).step_by(down).map(row)
                });
                let plain = decode(&file(SIDE as u32, [bits, colour, 0], &whole)).unwrap();
                let interlaced = decode(&file(SIDE as u32, [bits, colour, 1], &parts.collect::<Vec<_>>())).unwrap();
                assert_eq!(plain.bytes().len(), SIDE * SIDE * 3);
                assert!(plain == interlaced, "colour type {colour} with {bits} bits");
            }
        }
    }
}
