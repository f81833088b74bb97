//! Holm's correction for several comparisons.

/// Adjusts probabilities so that the chance of any false finding among them stays bounded.
///
/// The smallest of m is multiplied by m, the next by m − 1, and so on; none becomes smaller than one
/// before it or larger than 1 (S. Holm, "A simple sequentially rejective multiple test procedure", 1979).
/// The result is in the order given.
pub(crate) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
    let mut adjusted = vec![0.0; probabilities.len()];
    let mut floor = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        let factor = (probabilities.len() - rank) as f64;
        floor = floor.max((factor * probabilities[index]).min(1.0));
        adjusted[index] = floor;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adjusted_values_are_those_of_statsmodels() {
        // statsmodels 0.15.0: multipletests(p, method="holm")[1]
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
        }
        assert_eq!(holm(&[0.02, 0.02, 0.9]), [0.06, 0.06, 0.9]);
    }

    #[test]
    fn a_single_comparison_is_left_as_it_is() {
        assert_eq!(holm(&[0.04]), [0.04]);
        assert!(holm(&[]).is_empty());
    }
}
