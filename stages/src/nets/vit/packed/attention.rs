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
