//! How good a classification is.

use ndarray::ArrayView2;

/// Loss and accuracy over a set of samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measured {
    /// Mean cross-entropy.
    pub loss: f64,
    /// Share classified right.
    pub accuracy: f64,
}

impl Measured {
    /// Measures logits `[n, classes]` against labels. The class with the largest logit is the prediction, the first of equals;
    /// logits that are not finite give a loss that is not finite. Nothing measured is 0.
    #[expect(clippy::needless_pass_by_value, reason = "a view is a reference already")]
    pub fn of(logits: ArrayView2<'_, f32>, labels: impl IntoIterator<Item = usize>) -> Self {
        let (mut loss, mut right, mut count) = (0.0, 0_usize, 0_usize);
        for (row, label) in logits.rows().into_iter().zip(labels) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row.iter().map(|&logit| f64::from(logit - largest).exp()).sum();
            loss += sum.ln() - f64::from(row[label] - largest);
            right += usize::from(row.iter().position(|&logit| logit >= largest) == Some(label));
            count += 1;
        }
        let count = count.max(1) as f64;
        Self { loss: loss / count, accuracy: right as f64 / count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_cost_the_logarithm_of_the_number_of_classes() {
        let logits = ndarray::arr2(&[[3.0_f32; 4], [1000.0; 4]]);
        let measured = Measured::of(logits.view(), [0, 1]);
        assert!((measured.loss - 4.0_f64.ln()).abs() < 1e-12);
        assert!((measured.accuracy - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_logit_that_is_not_a_number_is_no_success() {
        let logits = ndarray::arr2(&[[f32::NAN, f32::NAN]]);
        let measured = Measured::of(logits.view(), [0]);
        assert!(!measured.loss.is_finite() && measured.accuracy < 1e-12, "{measured:?}");
    }
}
