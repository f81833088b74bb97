//! The mean of repeats and how well it is known.

/// Mean, standard deviation and standard error of repeated measurements.
///
/// The standard deviation divides by n − 1 and the standard error is sd / √n
/// (two-phase weight importance, section 6). One repeat has neither.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    /// How many values there are.
    pub(crate) n: usize,
    /// Their mean.
    pub(crate) mean: f64,
    /// Their standard deviation, where there are two or more.
    pub(crate) deviation: Option<f64>,
}

impl Summary {
    /// Summarises values in the order given; nothing where there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        Some(Self { n, mean, deviation })
    }

    /// The standard error of the mean, where there are two values or more.
    pub(crate) fn standard_error(&self) -> Option<f64> {
        self.deviation.map(|deviation| deviation / (self.n as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_that_of_scipy() {
        let summary = Summary::of(&[0.71, 0.74, 0.69, 0.77, 0.73]).unwrap();
        // scipy 1.17.1: stats.sem(x), numpy.std(x, ddof=1)
        assert!((summary.standard_error().unwrap() - 0.013_564_659_966_250_546).abs() < 1e-15);
        assert!((summary.deviation.unwrap() - 0.030_331_501_776_206_228).abs() < 1e-15);
        assert_eq!(summary.n, 5);
    }

    #[test]
    fn one_value_has_a_mean_and_no_error() {
        let summary = Summary::of(&[0.5]).unwrap();
        assert_eq!((summary.mean, summary.standard_error()), (0.5, None));
    }

    #[test]
    fn no_values_have_no_summary() {
        assert_eq!(Summary::of(&[]), None);
    }
}
