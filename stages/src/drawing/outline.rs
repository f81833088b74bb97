//! Shapes as dense closed polylines, so that placing, wobbling and measuring them is plain arithmetic.

use super::angle::Angle;

/// A position: x to the right, y down.
pub(crate) type Point = (f32, f32);

/// Points put on a smooth curve between two of its knots.
const STEPS: usize = 7;

/// A closed shape.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outline {
    points: Vec<Point>,
}

impl Outline {
    /// A shape with straight sides.
    pub(crate) fn polygon(corners: &[Point]) -> Self {
        Self {
            points: corners.to_vec(),
        }
    }

    /// A smooth shape through the knots.
    pub(crate) fn blob(knots: &[Point]) -> Self {
        let knots: Vec<[f32; 3]> = knots.iter().map(|&(x, y)| [x, y, 0.0]).collect();
        let n = knots.len();
        let at = |i: usize| knots[i % n];
        let spans = (0..n).map(|i| [at(i + n - 1), at(i), at(i + 1), at(i + 2)]);
        let points =
            spans.flat_map(|span| (0..STEPS).map(move |s| spline(&span, s as f32 / STEPS as f32)));
        Self {
            points: points.map(|[x, y, _]| (x, y)).collect(),
        }
    }

    /// A smooth shape that mirrors its right half, whose knots go from the top to the bottom, to the left.
    pub(crate) fn symmetric(right: &[Point]) -> Self {
        let left = right
            .iter()
            .rev()
            .filter(|knot| knot.0 > 0.0)
            .map(|&(x, y)| (-x, y));
        Self::blob(&right.iter().copied().chain(left).collect::<Vec<_>>())
    }

    /// An ellipse, turned by an angle.
    pub(crate) fn ellipse(centre: Point, rx: f32, ry: f32, angle: Angle) -> Self {
        let (cos, sin) = angle.direction();
        let points = (0..32).map(|k| {
            let (u, v) = Angle::turns(k as f32 / 32.0).direction();
            let (u, v) = (u * rx, v * ry);
            (centre.0 + u * cos - v * sin, centre.1 + u * sin + v * cos)
        });
        Self {
            points: points.collect(),
        }
    }

    /// A circle.
    pub(crate) fn circle(centre: Point, r: f32) -> Self {
        Self::ellipse(centre, r, r, Angle::turns(0.0))
    }

    /// An upright rectangle from its top left corner to its bottom right one.
    pub(crate) fn rectangle(from: Point, to: Point) -> Self {
        Self::polygon(&[from, (to.0, from.1), to, (from.0, to.1)])
    }

    /// A limb: a smooth spine of `(x, y, radius)` knots, thickened and rounded at both ends.
    pub(crate) fn tube(knots: &[(f32, f32, f32)]) -> Self {
        let spine = smooth_spine(&knots.iter().map(|&(x, y, r)| [x, y, r]).collect::<Vec<_>>());
        let headings: Vec<Point> = (0..spine.len()).map(|i| heading(&spine, i)).collect();
        let side = |i: usize, sign: f32| {
            let ([x, y, r], (hx, hy)) = (spine[i], headings[i]);
            (x - sign * hy * r, y + sign * hx * r)
        };
        let last = spine.len() - 1;
        let mut points: Vec<Point> = (0..=last).map(|i| side(i, 1.0)).collect();
        points.extend(cap(spine[last], headings[last]));
        points.extend((0..=last).rev().map(|i| side(i, -1.0)));
        points.extend(cap(spine[0], (-headings[0].0, -headings[0].1)));
        Self { points }
    }

    /// The corners, in order.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// The same shape with every point moved.
    pub(crate) fn map(&self, f: impl Fn(Point) -> Point) -> Self {
        Self {
            points: self.points.iter().map(|&p| f(p)).collect(),
        }
    }
}

/// An open smooth line through the knots.
pub(crate) fn curve(knots: &[Point]) -> Vec<Point> {
    let spine = smooth_spine(&knots.iter().map(|&(x, y)| [x, y, 0.0]).collect::<Vec<_>>());
    spine.into_iter().map(|[x, y, _]| (x, y)).collect()
}

fn smooth_spine(knots: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let last = knots.len() - 1;
    let mut spine = Vec::with_capacity(last * STEPS + 1);
    for i in 0..last {
        let span = [
            knots[i.saturating_sub(1)],
            knots[i],
            knots[i + 1],
            knots[(i + 2).min(last)],
        ];
        spine.extend((0..STEPS).map(|s| spline(&span, s as f32 / STEPS as f32)));
    }
    spine.push(knots[last]);
    spine
}

/// Catmull-Rom between the two middle knots.
fn spline(span: &[[f32; 3]; 4], t: f32) -> [f32; 3] {
    let [a, b, c, d] = span;
    std::array::from_fn(|k| {
        let (a, b, c, d) = (a[k], b[k], c[k], d[k]);
        b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
    })
}

fn heading(spine: &[[f32; 3]], i: usize) -> Point {
    let from = spine[i.saturating_sub(1)];
    let to = spine[(i + 1).min(spine.len() - 1)];
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    (dx / length, dy / length)
}

/// Half a circle around the end of a limb, from its left side to its right one.
fn cap([x, y, r]: [f32; 3], (hx, hy): Point) -> impl Iterator<Item = Point> {
    (1..6).map(move |k| {
        let (cos, sin) = Angle::turns(k as f32 / 12.0).direction();
        (x + r * (hx * sin - hy * cos), y + r * (hy * sin + hx * cos))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_passes_through_its_knots() {
        let knots = [(0.0, 0.0), (1.0, 0.2), (0.8, 1.0), (0.1, 0.9)];
        let blob = Outline::blob(&knots);
        assert!(knots.iter().all(|knot| blob.points().contains(knot)));
    }

    #[test]
    fn a_tube_keeps_its_radius_from_the_spine() {
        let tube = Outline::tube(&[(0.0, 0.0, 0.5), (4.0, 0.0, 0.5)]);
        for &(x, y) in tube.points() {
            let past = (x - x.clamp(0.0, 4.0)).abs();
            assert!(((past * past + y * y).sqrt() - 0.5).abs() < 1e-3);
        }
    }
}
