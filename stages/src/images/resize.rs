//! Resizes with the antialiased bilinear filter of Pillow, to the bit.
//!
//! The filter is a triangle whose support grows with the ratio of a reduction. It runs along rows and along columns;
//! weights are 22-bit fixed point and the picture in between is rounded to 8 bits, so the order counts: a level in some
//! pixels. It is that of Pillow 13; older ones always start with the rows.

use super::Pixels;

/// Fractional bits of a weight: 32 less the 8 of a pixel and 2 to spare.
const PRECISION: u32 = 22;

/// The pixels that make one pixel of the result, with their weights.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes to exactly `width`×`height`, without keeping the aspect.
///
/// # Panics
///
/// Panics where a picture has no pixels.
pub fn resize(pixels: &Pixels, width: usize, height: usize) -> Pixels {
    assert!(pixels.width() * pixels.height() * width * height > 0, "a picture has pixels");
    match (pixels.width() != width, pixels.height() != height) {
        (false, false) => pixels.clone(),
        (true, false) => resize_rows(pixels, width),
        (false, true) => resize_columns(pixels, height),
        (true, true) if shrinks_mostly_in_height(pixels, width, height) => {
            resize_rows(&resize_columns(pixels, height), width)
        }
        (true, true) => resize_columns(&resize_rows(pixels, width), height),
    }
}

/// Whether more than twice as many rows are lost as columns.
fn shrinks_mostly_in_height(pixels: &Pixels, width: usize, height: usize) -> bool {
    pixels.height().saturating_sub(height) > 2 * pixels.width().saturating_sub(width)
}

fn resize_rows(pixels: &Pixels, width: usize) -> Pixels {
    let taps = taps(pixels.width(), width);
    let mut bytes = Vec::with_capacity(width * pixels.height() * 3);
    for row in pixels.bytes().chunks_exact(pixels.width() * 3) {
        for Taps { first, weights } in &taps {
            let mut sums = [1_i32 << (PRECISION - 1); 3];
            for (pixel, weight) in row[first * 3..].chunks_exact(3).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(value) * weight;
                }
            }
            bytes.extend(sums.map(to_byte));
        }
    }
    Pixels::new(width, pixels.height(), bytes)
}

fn resize_columns(pixels: &Pixels, height: usize) -> Pixels {
    let stride = pixels.width() * 3;
    let mut bytes = Vec::with_capacity(stride * height);
    let mut sums = vec![0_i32; stride];
    for Taps { first, weights } in taps(pixels.height(), height) {
        sums.fill(1 << (PRECISION - 1));
        for (row, weight) in pixels.bytes()[first * stride..].chunks_exact(stride).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        bytes.extend(sums.iter().copied().map(to_byte));
    }
    Pixels::new(pixels.width(), height, bytes)
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// Weighs the pixels of a line of `from` pixels for each pixel of a line of `to`.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let tap = |index: usize| {
        let center = (index as f64 + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(from);
        let triangle = |x: usize| (1.0 - ((x as f64 - center + 0.5) / support).abs()).max(0.0);
        let weights: Vec<f64> = (first..end).map(triangle).collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (0.5 + weight / total * f64::from(1 << PRECISION)) as i32;
        Taps { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::decode;

    /// Golden pictures by Pillow; `make.py` beside them made them.
    fn golden(name: &str) -> Pixels {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/resize");
        decode(&fs_err::read(format!("{path}/{name}.png")).unwrap()).unwrap()
    }

    #[test]
    fn every_pixel_is_pillows() {
        let source = golden("source");
        for (width, height) in [(24, 24), (48, 48), (61, 45), (64, 17), (13, 90), (1, 1), (80, 20), (61, 38), (61, 39)]
        {
            let expected = golden(&format!("to_{width}x{height}"));
            assert!(resize(&source, width, height) == expected, "to {width}×{height}");
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let source = golden("source");
        assert!(resize(&source, source.width(), source.height()) == source);
    }
}
