//! A rectangle of single numbers: coverage, height or brightness.

use super::canvas::path;
use super::outline::Outline;
use tiny_skia::{FillRule, Mask, Transform};

/// Rows of numbers over a window of the picture; zero outside it.
#[derive(Debug, Clone)]
pub(crate) struct Plane {
    x: i32,
    y: i32,
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Plane {
    /// The coverage of the union of the shapes, over their bounding box widened by a margin in pixels.
    ///
    /// Parts beyond the margin outside the picture are cut off.
    pub(crate) fn coverage(shapes: &[Outline], size: usize, margin: i32) -> Option<Self> {
        let scale = size as f32;
        let points = || shapes.iter().flat_map(Outline::points);
        let low = |v: f32| ((v * scale).floor().clamp(-8.0, scale + 8.0)) as i32 - margin;
        let high = |v: f32| ((v * scale).ceil().clamp(-8.0, scale + 8.0)) as i32 + margin;
        let x = low(points().map(|p| p.0).fold(f32::MAX, f32::min));
        let y = low(points().map(|p| p.1).fold(f32::MAX, f32::min));
        let width = high(points().map(|p| p.0).fold(f32::MIN, f32::max)) - x;
        let height = high(points().map(|p| p.1).fold(f32::MIN, f32::max)) - y;
        let mut mask = Mask::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?)?;
        let window = Transform::from_row(scale, 0.0, 0.0, scale, -x as f32, -y as f32);
        for path in shapes.iter().filter_map(|shape| path(shape.points(), true)) {
            mask.fill_path(&path, FillRule::Winding, true, window);
        }
        let values = mask.data().iter().map(|&v| f32::from(v) / 255.0).collect();
        Some(Self {
            x,
            y,
            width: width as usize,
            height: height as usize,
            values,
        })
    }

    /// The number at a position of the picture.
    pub(crate) fn at(&self, x: i32, y: i32) -> f32 {
        let (u, v) = (x - self.x, y - self.y);
        if u < 0 || v < 0 || u as usize >= self.width || v as usize >= self.height {
            return 0.0;
        }
        self.values[v as usize * self.width + u as usize]
    }

    /// The positions of the picture that the window covers, within a picture of this size.
    pub(crate) fn window(&self, size: usize) -> impl Iterator<Item = (i32, i32)> + use<> {
        let size = size as i32;
        let (x0, x1) = (self.x.max(0), (self.x + self.width as i32).min(size));
        let (y0, y1) = (self.y.max(0), (self.y + self.height as i32).min(size));
        (y0..y1).flat_map(move |y| (x0..x1).map(move |x| (x, y)))
    }

    /// Blurs by two passes of a box along each axis, which comes close to a bell.
    pub(crate) fn blur(mut self, radius: usize) -> Self {
        let mut buffer = vec![0.0; self.width.max(self.height)];
        for _ in 0..2 {
            for row in self.values.chunks_exact_mut(self.width) {
                box_blur(row, 1, self.width, radius, &mut buffer);
            }
            for column in 0..self.width {
                box_blur(
                    &mut self.values[column..],
                    self.width,
                    self.height,
                    radius,
                    &mut buffer,
                );
            }
        }
        self
    }
}

/// Running mean over `2 * radius + 1` values, every `step`-th of the slice; beyond the ends lie zeros.
fn box_blur(values: &mut [f32], step: usize, count: usize, radius: usize, buffer: &mut [f32]) {
    for (k, slot) in buffer[..count].iter_mut().enumerate() {
        *slot = values[k * step];
    }
    let share = 1.0 / (2 * radius + 1) as f32;
    let mut sum: f32 = buffer[..radius.min(count)].iter().sum();
    for k in 0..count {
        if k + radius < count {
            sum += buffer[k + radius];
        }
        values[k * step] = sum * share;
        if k >= radius {
            sum -= buffer[k - radius];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blurring_keeps_the_sum_when_the_margin_is_wide() {
        let square = [Outline::rectangle((0.4, 0.4), (0.6, 0.6))];
        let sharp = Plane::coverage(&square, 20, 8).unwrap();
        let before: f32 = sharp.values.iter().sum();
        let after: f32 = sharp.blur(3).values.iter().sum();
        assert!((before - after).abs() < 1e-2 * before, "{before} {after}");
    }

    #[test]
    fn outside_the_window_is_zero() {
        let plane = Plane::coverage(&[Outline::circle((0.5, 0.5), 0.1)], 50, 1).unwrap();
        assert!(plane.at(25, 25) > 0.99);
        assert_eq!(plane.at(-4, 400).to_bits(), 0);
    }
}
