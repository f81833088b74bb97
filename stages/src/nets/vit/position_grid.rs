//! The table of positions on a grid of another side, as Hugging Face's `interpolate_pos_encoding` makes it.

use std::array;

/// A table `[1 + side², hidden]`: the class token's row, then one for each patch, row by row.
pub(super) struct PositionGrid<'a> {
    pub(super) side: usize,
    pub(super) hidden: usize,
    pub(super) values: &'a [f32],
}

/// One place of the new grid between four of the old.
struct Between {
    places: [usize; 4],
    weights: [f32; 4],
}

/// The coefficient of the cubic that `PyTorch` uses.
const A: f32 = -0.75;

impl PositionGrid<'_> {
    /// The side of the square grid that goes with a number of tokens, where there is one.
    pub(super) fn side(tokens: usize) -> Option<usize> {
        let patches = tokens.checked_sub(1)?;
        let side = patches.isqrt();
        (side > 0 && side * side == patches).then_some(side)
    }

    /// Bicubic, corners not aligned, without antialiasing; the class token's row is kept.
    pub(super) fn resized(&self, side: usize) -> Vec<f32> {
        let (class, grid) = self.values.split_at(self.hidden);
        let lines: Vec<Between> = (0..side).map(|place| between(place, self.side, side)).collect();
        let mut resized = class.to_vec();
        for row in &lines {
            for column in &lines {
                resized.extend((0..self.hidden).map(|unit| {
                    let at = |row: usize, column: usize| grid[(row * self.side + column) * self.hidden + unit];
                    let line = |row: usize| weigh(array::from_fn(|i| at(row, column.places[i])), &column.weights);
                    weigh(row.places.map(line), &row.weights)
                }));
            }
        }
        resized
    }
}

fn weigh(values: [f32; 4], weights: &[f32; 4]) -> f32 {
    values[0] * weights[0] + values[1] * weights[1] + values[2] * weights[2] + values[3] * weights[3]
}

/// Which places of a line of `from` make the place of a line of `to`. Beyond the ends the last one is repeated.
fn between(place: usize, from: usize, to: usize) -> Between {
    let scale = from as f32 / to as f32;
    let center = scale * (place as f32 + 0.5) - 0.5;
    let (whole, t) = (center.floor(), center - center.floor());
    let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let clamped = |offset: i64| (whole as i64 + offset).clamp(0, from as i64 - 1) as usize;
    Between {
        places: [clamped(-1), clamped(0), clamped(1), clamped(2)],
        weights: [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_squares_are_grids() {
        assert_eq!([0, 1, 2, 5, 6, 197].map(PositionGrid::side), [None, None, Some(1), Some(2), None, Some(14)]);
    }

    #[test]
    fn the_same_grid_is_kept_and_a_constant_stays_one() {
        let values: Vec<f32> = (0..5 * 3).map(|value| value as f32).collect();
        let grid = PositionGrid { side: 2, hidden: 3, values: &values };
        assert_eq!(grid.resized(2), values);
        let flat = [vec![9.0], vec![2.0; 9]].concat();
        let resized = PositionGrid { side: 3, hidden: 1, values: &flat }.resized(7);
        assert_eq!((resized.len(), resized[0].to_bits()), (50, 9.0_f32.to_bits()));
        assert!(resized[1..].iter().all(|value| (value - 2.0).abs() < 1e-6));
    }
}
