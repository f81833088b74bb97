//! A linear scale between values and places, and the round numbers on it.

/// Maps values from `low` to `high` to places from `start` to `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// A scale with exactly these ends. Ends that are equal are moved apart.
    pub(crate) fn new((low, high): (f64, f64), (start, end): (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, start, end }
    }

    /// A scale that shows all values with some air, or 0 to 1 where there are none.
    pub(crate) fn around(values: impl IntoIterator<Item = f64>, places: (f64, f64)) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            return Self::new((0.0, 1.0), places);
        }
        let air = if high > low { 0.06 * (high - low) } else { 0.05 * high.abs().max(0.1) };
        Self::new((low - air, high + air), places)
    }

    /// Keeps the ends within what is possible, such as accuracies between 0 and 1.
    #[must_use]
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        Self::new((self.low.max(low), self.high.min(high)), (self.start, self.end))
    }

    /// Where a value lies.
    pub(crate) fn place(&self, value: f64) -> f64 {
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// About `wanted` round numbers on the scale, with what is written beside them.
    pub(crate) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / wanted.max(1) as f64;
        let power = rough.log10().floor();
        let magnitude = 10f64.powf(power);
        let (factor, extra) = match rough / magnitude {
            share if share <= 1.0 => (1.0, 0),
            share if share <= 2.0 => (2.0, 0),
            share if share <= 2.5 => (2.5, 1),
            share if share <= 5.0 => (5.0, 0),
            _ => (10.0, -1),
        };
        let step = factor * magnitude;
        let decimals = (extra - power as i32).clamp(0, 9) as usize;
        let slack = 1e-9 * step;
        let first = ((self.low - slack) / step).ceil() as i64;
        let last = ((self.high + slack) / step).floor() as i64;
        (first..=last.min(first + 100)).map(|index| label(index as f64 * step, decimals)).collect()
    }

    /// Round numbers that are whole, as for epochs.
    pub(crate) fn whole_ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let ticks = self.ticks(wanted);
        ticks.into_iter().filter(|(value, _)| (value - value.round()).abs() < 1e-9).map(|(v, _)| label(v, 0)).collect()
    }
}

fn label(value: f64, decimals: usize) -> (f64, String) {
    // A true minus sign, and none before zero.
    let text = format!("{:.decimals$}", value.abs());
    let negative = value < 0.0 && text.chars().any(|digit| ('1'..='9').contains(&digit));
    (value, if negative { format!("−{text}") } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64, wanted: usize) -> Vec<String> {
        Scale::new((low, high), (0.0, 1.0)).ticks(wanted).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(0.0, 1.0, 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(0.0, 10.0, 4), ["0.0", "2.5", "5.0", "7.5", "10.0"]);
        assert_eq!(labels(-0.05, 0.05, 4), ["−0.050", "−0.025", "0.000", "0.025", "0.050"]);
        assert_eq!(labels(37.0, 93.0, 6), ["40", "50", "60", "70", "80", "90"]);
    }

    #[test]
    fn epochs_are_whole_numbers() {
        let ticks = Scale::new((0.0, 3.0), (0.0, 1.0)).whole_ticks(6);
        assert_eq!(ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    }

    #[test]
    fn equal_values_still_give_a_scale() {
        let scale = Scale::around([0.5, 0.5], (0.0, 10.0));
        assert!((scale.place(0.5) - 5.0).abs() < 1e-9);
        assert!(Scale::around([], (0.0, 10.0)).place(0.5).is_finite());
    }
}
