//! t-SNE (van der Maaten and Hinton, 2008), exact in its repulsion and with the nearest neighbours alone in its
//! attraction. It starts from principal components, so it has no randomness, and sums in a fixed order, so that it
//! gives the same places on any number of threads.

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use super::Pca;

/// Settings of the embedding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tsne {
    /// How many neighbours an item has, about.
    pub(crate) perplexity: f64,
    /// How many steps are taken.
    pub(crate) iterations: usize,
}

/// Attraction is this much stronger in the first quarter of the steps, so that groups find one another.
const EXAGGERATION: f64 = 12.0;
/// Momentum in that quarter and after it.
const MOMENTA: [f64; 2] = [0.5, 0.8];
/// The standard deviation of the places at the start.
const START: f64 = 1e-4;
/// How many sums are kept at once, which lets the compiler use wide registers without changing their order.
const LANES: usize = 8;

impl Tsne {
    /// Places rows in the plane: `[n, 2]`. `each` is called before every step and may end the work.
    pub(crate) fn of<E>(
        self,
        rows: ArrayView2<'_, f32>,
        mut each: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Array2<f64>, E> {
        let count = rows.nrows();
        let mut places = start(rows);
        if count < 4 {
            return Ok(places);
        }
        let attraction = Attraction::of(rows, self.perplexity);
        // scikit-learn's `auto`.
        let rate = (count as f64 / EXAGGERATION / 4.0).max(50.0);
        let early = self.iterations / 4;
        let mut speed = Array2::<f64>::zeros((count, 2));
        let mut gains = Array2::<f64>::ones((count, 2));
        for step in 0..self.iterations {
            each(step)?;
            let (strength, momentum) = if step < early { (EXAGGERATION, MOMENTA[0]) } else { (1.0, MOMENTA[1]) };
            let gradient = attraction.gradient(&places, strength);
            for (((place, speed), gain), slope) in places.iter_mut().zip(&mut speed).zip(&mut gains).zip(&gradient) {
                // Steps grow while they go on in one direction (Jacobs, 1988).
                *gain = if (*slope > 0.0) == (*speed > 0.0) { (*gain * 0.8).max(0.01) } else { *gain + 0.2 };
                *speed = momentum * *speed - rate * *gain * slope;
                *place += *speed;
            }
        }
        Ok(places)
    }
}

/// The first two principal components, made tiny.
fn start(rows: ArrayView2<'_, f32>) -> Array2<f64> {
    let places = Pca::of(rows).places;
    let first = places.column(0);
    let deviation = (first.dot(&first) / first.len().max(1) as f64).sqrt();
    if deviation > 0.0 { places * (START / deviation) } else { places }
}

/// How strongly items attract one another: p of the paper, for nearest neighbours only.
struct Attraction {
    neighbours: Vec<Vec<(usize, f64)>>,
}

impl Attraction {
    fn of(rows: ArrayView2<'_, f32>, perplexity: f64) -> Self {
        let count = rows.nrows();
        let perplexity = perplexity.min((count - 1) as f64 / 3.0).max(1.0);
        let wanted = ((3.0 * perplexity).ceil() as usize).min(count - 1);
        let near: Vec<Vec<(usize, f64)>> =
            (0..count).into_par_iter().map(|item| conditional(&nearest(rows, item, wanted), perplexity)).collect();
        let mut neighbours = vec![Vec::new(); count];
        for (item, near) in near.iter().enumerate() {
            for &(other, share) in near {
                let half = share / (2 * count) as f64;
                neighbours[item].push((other, half));
                neighbours[other].push((item, half));
            }
        }
        for list in &mut neighbours {
            list.sort_by_key(|(other, _)| *other);
        }
        Self { neighbours }
    }

    /// 4 Σ (p − q) q' (yᵢ − yⱼ) with q' = 1 / (1 + |yᵢ − yⱼ|²) and q = q' / Σ q'.
    fn gradient(&self, places: &Array2<f64>, strength: f64) -> Array2<f64> {
        let across: Vec<f32> = places.column(0).iter().map(|&place| place as f32).collect();
        let up: Vec<f32> = places.column(1).iter().map(|&place| place as f32).collect();
        let count = places.nrows();
        let repulsion: Vec<[f64; 3]> =
            (0..count).into_par_iter().map(|item| repulsion((across[item], up[item]), &across, &up)).collect();
        // Every item was counted against itself once.
        let sum = repulsion.iter().map(|parts| parts[0]).sum::<f64>() - count as f64;
        let mut gradient = Array2::zeros((count, 2));
        for (item, list) in self.neighbours.iter().enumerate() {
            let mut force = [-repulsion[item][1] / sum, -repulsion[item][2] / sum];
            for &(other, share) in list {
                let apart = [places[[item, 0]] - places[[other, 0]], places[[item, 1]] - places[[other, 1]]];
                let weight = strength * share / (1.0 + apart[0] * apart[0] + apart[1] * apart[1]);
                force[0] += weight * apart[0];
                force[1] += weight * apart[1];
            }
            gradient[[item, 0]] = 4.0 * force[0];
            gradient[[item, 1]] = 4.0 * force[1];
        }
        gradient
    }
}

/// The sums of q', q'²·Δx and q'²·Δy over all items.
fn repulsion((x, y): (f32, f32), across: &[f32], up: &[f32]) -> [f64; 3] {
    let mut sums = [[0.0_f32; LANES]; 3];
    let mut add = |lane: usize, other: (f32, f32)| {
        let (dx, dy) = (x - other.0, y - other.1);
        let near = 1.0 / (1.0 + dx * dx + dy * dy);
        sums[0][lane] += near;
        sums[1][lane] += near * near * dx;
        sums[2][lane] += near * near * dy;
    };
    let (whole_across, rest_across) = across.as_chunks::<LANES>();
    let (whole_up, rest_up) = up.as_chunks::<LANES>();
    for (xs, ys) in whole_across.iter().zip(whole_up) {
        for lane in 0..LANES {
            add(lane, (xs[lane], ys[lane]));
        }
    }
    for (lane, (&x, &y)) in rest_across.iter().zip(rest_up).enumerate() {
        add(lane, (x, y));
    }
    sums.map(|lanes| lanes.iter().map(|&sum| f64::from(sum)).sum())
}

/// The nearest items with their squared distances; of equally near ones the first.
fn nearest(rows: ArrayView2<'_, f32>, item: usize, wanted: usize) -> Vec<(usize, f64)> {
    let own = rows.row(item);
    let distance =
        |other: usize| own.iter().zip(rows.row(other)).map(|(a, b)| f64::from(a - b) * f64::from(a - b)).sum::<f64>();
    let mut others: Vec<(usize, f64)> =
        (0..rows.nrows()).filter(|&other| other != item).map(|other| (other, distance(other))).collect();
    others.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    others.truncate(wanted);
    others
}

/// Shares of neighbours, with the width of the bell at which their entropy is that of `perplexity` equal ones.
fn conditional(near: &[(usize, f64)], perplexity: f64) -> Vec<(usize, f64)> {
    let nearest = near.first().map_or(0.0, |(_, distance)| *distance);
    let (mut low, mut high, mut precision) = (0.0, f64::INFINITY, 1.0);
    let mut shares = Vec::new();
    for _ in 0..64 {
        // The nearest has the weight 1, so that the sum is never lost to rounding.
        let weights: Vec<f64> = near.iter().map(|(_, distance)| (-precision * (distance - nearest)).exp()).collect();
        let sum: f64 = weights.iter().sum();
        shares = weights.iter().map(|weight| weight / sum).collect::<Vec<f64>>();
        let entropy: f64 = shares.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
        let excess = entropy - perplexity.ln();
        if excess.abs() < 1e-5 {
            break;
        }
        if excess > 0.0 {
            low = precision;
            precision = if high.is_finite() { f64::midpoint(low, high) } else { 2.0 * precision };
        } else {
            high = precision;
            precision = f64::midpoint(low, high);
        }
    }
    near.iter().zip(shares).map(|((other, _), share)| (*other, share)).collect()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::random::Random;

    fn place(rows: ArrayView2<'_, f32>) -> Array2<f64> {
        Tsne { perplexity: 10.0, iterations: 300 }.of(rows, |_| Ok::<(), Infallible>(())).unwrap()
    }

    /// Three clouds of twenty items in five dimensions.
    fn clouds() -> Array2<f32> {
        let mut random = Random::new(1, "test", "clouds", 0);
        Array2::from_shape_fn((60, 5), |(row, column)| {
            random.between(-1.0, 1.0) + if row / 20 == column { 12.0 } else { 0.0 }
        })
    }

    #[test]
    fn clouds_stay_apart() {
        let places = place(clouds().view());
        let middle = |cloud: usize| {
            let rows = places.slice(ndarray::s![20 * cloud..20 * (cloud + 1), ..]).to_owned();
            rows.mean_axis(ndarray::Axis(0)).unwrap()
        };
        let middles = [middle(0), middle(1), middle(2)];
        for (item, row) in places.rows().into_iter().enumerate() {
            let distance = |cloud: usize| (&row - &middles[cloud]).mapv(|value| value * value).sum();
            let nearest = (0..3).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
            assert_eq!(nearest, Some(item / 20), "{item}");
        }
    }

    #[test]
    fn threads_do_not_matter() {
        let pool = |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let rows = clouds();
        assert_eq!(pool(1).install(|| place(rows.view())), pool(3).install(|| place(rows.view())));
    }

    #[test]
    fn the_entropy_of_neighbours_is_that_of_the_perplexity() {
        let near: Vec<(usize, f64)> = (0..30).map(|other| (other, (other * other) as f64)).collect();
        let shares = conditional(&near, 10.0);
        let entropy: f64 = shares.iter().map(|(_, share)| -share * share.max(1e-300).ln()).sum();
        assert!((entropy.exp() - 10.0).abs() < 1e-3, "{entropy}");
    }

    #[test]
    fn few_and_equal_items_have_places() {
        for rows in [Array2::zeros((0, 3)), Array2::zeros((1, 3)), Array2::zeros((3, 3)), Array2::zeros((9, 3))] {
            assert!(place(rows.view()).iter().all(|place| place.is_finite()));
        }
    }
}
