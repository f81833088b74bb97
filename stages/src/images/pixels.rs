//! A picture of 8-bit RGB pixels in memory.

/// RGB pixels, row by row from the top, three bytes each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Pixels {
    /// Takes rows of RGB bytes.
    ///
    /// # Panics
    ///
    /// Panics where the number of bytes is not `width · height · 3`.
    pub fn new(width: usize, height: usize, bytes: Vec<u8>) -> Self {
        assert_eq!(bytes.len(), width * height * 3, "an RGB picture of {width}×{height}");
        Self { width, height, bytes }
    }

    /// Its width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Its height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Its bytes `[height, width, 3]`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The brightness of each pixel, 0–255, as Pillow's `convert("L")` weighs the colours (ITU-R 601-2).
    pub fn grey(&self) -> Vec<u8> {
        let grey = |pixel: &[u8]| {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            ((19_595 * r + 38_470 * g + 7_471 * b + 0x8000) >> 16) as u8
        };
        self.bytes.chunks_exact(3).map(grey).collect()
    }

    /// The picture as seen in a mirror.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for row in self.bytes.chunks_exact(self.width * 3) {
            bytes.extend(row.chunks_exact(3).rev().flatten());
        }
        Self { bytes, ..*self }
    }
}
