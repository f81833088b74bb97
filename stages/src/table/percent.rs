//! Shares as papers write them: in percent, with one decimal.

use crate::statistics::Summary;

/// What stands where there is nothing.
pub(super) const NOTHING: &str = "–";

/// `53.1 ± 1.2`, or `53.1` where there is no error; the sign between them is given.
pub(super) fn with_error(summary: &Summary, sign: &str) -> String {
    let mean = format!("{:.1}", 100.0 * summary.mean);
    match summary.standard_error() {
        Some(error) => format!("{mean} {sign} {:.1}", 100.0 * error),
        None => mean,
    }
}

/// A difference in points with its sign, such as `+1.2` or `−0.3`; the minus sign is given.
pub(super) fn points(difference: f64, minus: &str) -> String {
    let text = format!("{:.1}", 100.0 * difference.abs());
    // What rounds to nothing has no sign.
    let is_nothing = text == "0.0";
    match difference {
        _ if is_nothing => text,
        value if value < 0.0 => format!("{minus}{text}"),
        _ => format!("+{text}"),
    }
}

/// A probability with three decimals, small ones as a bound.
pub(super) fn probability(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_only_beside_repeats() {
        assert_eq!(with_error(&Summary::of(&[0.531]).unwrap(), "±"), "53.1");
        assert_eq!(with_error(&Summary::of(&[0.52, 0.54]).unwrap(), "±"), "53.0 ± 1.0");
    }

    #[test]
    fn differences_have_a_sign_unless_they_are_nothing() {
        assert_eq!([points(0.012, "−"), points(-0.003, "−"), points(-0.0001, "−")], ["+1.2", "−0.3", "0.0"]);
    }

    #[test]
    fn small_probabilities_are_bounds() {
        assert_eq!([probability(0.0004), probability(0.0728)], ["< 0.001", "0.073"]);
    }
}
