//! Principal components, by power iteration on the covariance matrix.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::random::Random;

/// The first two principal components of rows of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Pca {
    /// Each row on the two components: `[n, 2]`.
    pub(crate) places: Array2<f64>,
    /// The shares of the variance that they explain.
    pub(crate) shares: [f64; 2],
}

/// The most rounds of the iteration, and the change of the direction at which it ends.
const ROUNDS: usize = 2000;
const ENOUGH: f64 = 1e-10;

impl Pca {
    /// Projects rows. Components point to where their largest entry is positive, so that the sign is no accident.
    pub(crate) fn of(rows: ArrayView2<'_, f32>) -> Self {
        let rows = rows.mapv(f64::from);
        let count = rows.nrows();
        let Some(mean) = rows.mean_axis(Axis(0)) else {
            return Self { places: Array2::zeros((0, 2)), shares: [0.0; 2] };
        };
        let centred = rows - mean;
        let mut covariance = centred.t().dot(&centred) / (count.max(2) - 1) as f64;
        let all: f64 = covariance.diag().sum();
        let mut places = Array2::zeros((count, 2));
        let mut shares = [0.0; 2];
        for (component, share) in shares.iter_mut().enumerate() {
            let Some((direction, variance)) = strongest(&covariance, component) else {
                break;
            };
            places.column_mut(component).assign(&centred.dot(&direction));
            *share = variance / all;
            // What is left is what the component does not explain.
            let column = direction.view().insert_axis(Axis(1));
            covariance -= &(column.dot(&column.t()) * variance);
        }
        Self { places, shares }
    }
}

/// The direction of the largest variance, and that variance; nothing where there is none.
fn strongest(covariance: &Array2<f64>, component: usize) -> Option<(Array1<f64>, f64)> {
    let mut random = Random::new(0, "pca", "start", component as u64);
    let mut direction = Array1::from_shape_simple_fn(covariance.nrows(), || random.uniform_f64() - 0.5);
    let mut variance = 0.0;
    for _ in 0..ROUNDS {
        let next = covariance.dot(&direction);
        variance = next.dot(&next).sqrt();
        if variance <= f64::MIN_POSITIVE || !variance.is_finite() {
            return None;
        }
        let next = next / variance;
        let change = (&next - &direction).mapv(f64::abs).sum();
        direction = next;
        if change < ENOUGH {
            break;
        }
    }
    let largest = direction.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
    Some((direction * largest.signum(), variance))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: [f64; 2] = [0.788_512_349_528_506_5, 0.178_373_695_791_702_9];
    const PLACES: [f64; 10] = [
        -2.779_840_986_796_811,
        -1.333_600_347_949_904,
        -0.494_055_524_620_278_1,
        -1.475_118_333_137_267,
        1.361_284_480_074_599_3,
        -0.221_999_781_375_599_14,
        5.016_851_199_702_581_5,
        0.649_456_207_009_431_2,
        -3.104_239_168_360_092_7,
        2.381_262_255_453_34,
    ];

    #[test]
    fn the_components_are_those_of_scikit_learn() {
        // scikit-learn 1.9.1: PCA(2).fit_transform(x), explained_variance_ratio_; signs by the largest entry.
        let rows =
            ndarray::arr2(&[[2.0, 0.0, 1.0], [4.0, 1.0, 0.0], [6.0, 1.5, 2.0], [9.0, 4.0, 1.0], [1.0, 3.0, 3.0]]);
        let found = Pca::of(rows.view());
        assert!((found.shares[0] - SHARES[0]).abs() < 1e-6 && (found.shares[1] - SHARES[1]).abs() < 1e-6, "{found:?}");
        for (place, expected) in found.places.iter().zip(PLACES) {
            assert!((place - expected).abs() < 1e-5, "{found:?}");
        }
    }

    #[test]
    fn rows_that_are_equal_or_none_lie_at_zero() {
        let found = Pca::of(Array2::from_elem((4, 3), 2.5).view());
        assert!(found.places.iter().chain(&found.shares).all(|value| *value == 0.0));
        assert_eq!(Pca::of(Array2::zeros((0, 3)).view()).places.nrows(), 0);
        // One dimension has one component.
        let line = Pca::of(ndarray::arr2(&[[1.0], [2.0], [3.0]]).view());
        assert!(line.places.column(1).iter().all(|place| *place == 0.0));
    }
}
