//! Self-attention of one head after the other, on parts of the rows that hold query, key and value.

use super::normalise::Softmax;
use super::panels::Panels;
use super::plane::Plane;
use super::product::{Finish, Product, Start};
use super::tile::Left;

/// What one head needs, kept from head to head.
#[derive(Clone, Debug)]
pub(super) struct Attention {
    heads: usize,
    keys: Panels,
    values: Panels,
    /// `[tokens, tokens]`.
    scores: Plane,
    /// `[tokens, width of a head]`.
    mixed: Plane,
}

impl Attention {
    /// Room for so many tokens and heads.
    pub(super) fn new(tokens: usize, hidden: usize, heads: usize) -> Self {
        let (keys, values) = (Panels::default(), Panels::default());
        let (scores, mixed) = (Plane::zeros(tokens, tokens), Plane::zeros(tokens, hidden / heads));
        Self { heads, keys, values, scores, mixed }
    }

    /// `softmax(Q Kᵀ / √(width of a head)) V` of every head, heads side by side. A row of `projected` is the token's
    /// query, key and value one after the other.
    pub(super) fn run(&mut self, projected: &Plane, out: &mut Plane) {
        let (tokens, hidden) = (out.rows(), out.width());
        let width = hidden / self.heads;
        for head in 0..self.heads {
            let [query, key, value] = [0, 1, 2].map(|part| part * hidden + head * width);
            self.keys.fill_from_rows(tokens, width, |token| projected.rest(token, key));
            self.values.fill_from_lines(width, tokens, |token| projected.rest(token, value));
            let left = Left { values: projected.rest(0, query), stride: projected.stride() };
            product(tokens, left, &self.keys, &mut self.scores);
            Softmax { values: &mut self.scores, scale: 1.0 / (width as f32).sqrt() }.run();
            let left = Left { values: self.scores.rest(0, 0), stride: self.scores.stride() };
            product(tokens, left, &self.values, &mut self.mixed);
            for token in 0..tokens {
                out.rest_mut(token, head * width)[..width].copy_from_slice(&self.mixed.row(token)[..width]);
            }
        }
    }
}

fn product(rows: usize, left: Left<'_>, right: &Panels, out: &mut Plane) {
    let out_stride = out.stride();
    let (start, finish) = (Start::Zero, Finish::Keep);
    Product { rows, left, right, start, finish, out: out.rest_mut(0, 0), out_stride }.run();
}

#[cfg(test)]
mod tests {
    use super::super::instruction_sets::{numbers, with_each};
    use super::*;

    /// What each head finds, with plain loops in 64 bits: `[tokens, heads · width]`.
    fn expected(projected: &Plane, [tokens, heads, width]: [usize; 3]) -> Vec<f64> {
        let hidden = heads * width;
        let number = |token: usize, part: usize, column: usize| f64::from(projected.row(token)[part * hidden + column]);
        let mut out = vec![0.0; tokens * hidden];
        for head in 0..heads {
            let columns = head * width..(head + 1) * width;
            for token in 0..tokens {
                let score = |other: usize| {
                    let product = columns.clone().map(|column| number(token, 0, column) * number(other, 1, column));
                    product.sum::<f64>() / (width as f64).sqrt()
                };
                let raised: Vec<f64> = (0..tokens).map(|other| score(other).exp()).collect();
                let sum: f64 = raised.iter().sum();
                for column in columns.clone() {
                    let mixed = (0..tokens).map(|other| raised[other] / sum * number(other, 2, column));
                    out[token * hidden + column] = mixed.sum();
                }
            }
        }
        out
    }

    #[test]
    fn every_head_attends_as_by_plain_loops_whatever_the_sizes() {
        with_each(|set| {
            for tokens in [1, 2, 5, 8, 9, 16, 17, 37] {
                for (heads, width) in [(1, 1), (1, 16), (2, 3), (2, 8), (3, 5), (3, 17), (4, 20), (2, 64)] {
                    let hidden = heads * width;
                    let mut projected = Plane::zeros(tokens, 3 * hidden);
                    for token in 0..tokens {
                        let values = numbers(token * 100 + hidden, 3 * hidden);
                        projected.row_mut(token)[..3 * hidden].copy_from_slice(&values);
                    }
                    let mut out = Plane::zeros(tokens, hidden);
                    let mut attention = Attention::new(tokens, hidden, heads);
                    // Twice in the same room: what the first left must not show.
                    attention.run(&projected, &mut out);
                    attention.run(&projected, &mut out);
                    let expected = expected(&projected, [tokens, heads, width]);
                    for token in 0..tokens {
                        for (column, value) in out.row(token)[..hidden].iter().enumerate() {
                            let apart = (f64::from(*value) - expected[token * hidden + column]).abs();
                            assert!(apart < 5e-6, "{set}: {apart:e}, {tokens} tokens, {heads} heads of {width}");
                        }
                    }
                }
            }
        });
    }
}
