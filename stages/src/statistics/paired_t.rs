//! The two-sided paired t test, with the interval of the difference.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Summary;

/// What a paired comparison found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PairedT {
    /// How many pairs there are.
    pub(crate) n: usize,
    /// The mean of first − second.
    pub(crate) difference: f64,
    /// The 95 % interval of that mean.
    pub(crate) interval: (f64, f64),
    /// The two-sided probability of a difference this large where there is none.
    pub(crate) p: f64,
}

impl PairedT {
    /// Compares pairs; nothing where there are fewer than two.
    ///
    /// t = mean / (sd / √n) with n − 1 degrees of freedom, sd dividing by n − 1. Where all differences are
    /// equal the interval has no width, and p is 1 for a difference of zero and 0 for any other.
    pub(crate) fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let differences: Vec<f64> = pairs.iter().map(|(first, second)| first - second).collect();
        let summary = Summary::of(&differences)?;
        let error = summary.standard_error()?;
        let difference = summary.mean;
        let freedom = (summary.n - 1) as f64;
        let student = StudentsT::new(0.0, 1.0, freedom).expect("there are two pairs or more");
        // Rounding leaves a deviation of some 1e-17 where the differences are equal.
        let is_constant = error <= 1e-12 * difference.abs() || error == 0.0;
        let p = match (is_constant, difference == 0.0) {
            (true, true) => 1.0,
            (true, false) => 0.0,
            (false, _) => (2.0 * student.sf((difference / error).abs())).min(1.0),
        };
        let half = student.inverse_cdf(0.975) * error;
        Some(Self { n: summary.n, difference, interval: (difference - half, difference + half), p })
    }

    /// Whether the interval leaves zero out.
    pub(crate) fn excludes_zero(&self) -> bool {
        self.interval.0 > 0.0 || self.interval.1 < 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn the_test_and_its_interval_are_those_of_scipy() {
        // scipy 1.17.1: r = stats.ttest_rel(a, b); r.pvalue, r.confidence_interval(0.95)
        let pairs = [(0.71, 0.68), (0.74, 0.72), (0.69, 0.70), (0.77, 0.71), (0.73, 0.69)];
        let found = PairedT::of(&pairs).unwrap();
        close(found.difference, 0.028);
        close(found.p, 0.072_855_059_610_255_83);
        close(found.interval.0, -0.004_139_675_707_319_934);
        close(found.interval.1, 0.060_139_675_707_319_94);
        assert!(!found.excludes_zero());
    }

    #[test]
    fn three_pairs_have_two_degrees_of_freedom() {
        let found = PairedT::of(&[(1.0, 0.5), (2.0, 2.5), (4.0, 2.0)]).unwrap();
        close(found.p, 0.455_668_946_048_182_7);
        close(found.interval.0, -2.459_138_073_021_221);
        close(found.interval.1, 3.792_471_406_354_554);
    }

    #[test]
    fn one_pair_is_not_compared() {
        assert_eq!(PairedT::of(&[(1.0, 0.5)]), None);
    }

    #[test]
    fn equal_differences_have_an_interval_without_width() {
        let same = PairedT::of(&[(0.5, 0.5), (0.7, 0.7)]).unwrap();
        assert_eq!((same.p, same.interval), (1.0, (0.0, 0.0)));
        let constant = PairedT::of(&[(0.6, 0.5), (0.8, 0.7), (0.3, 0.2)]).unwrap();
        close(constant.p, 0.0);
        assert!(constant.excludes_zero());
    }
}
