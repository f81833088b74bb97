//! Quantities over a parameter that was swept, before they are drawn or written down.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_engine::graph::{AxisValue, Coordinates};
use dgpipe_engine::stage::StageError;

use super::Summary;

/// Which axes are swept, repeated and told apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SweepAxes<'a> {
    /// What was swept, such as `threshold`.
    pub(crate) swept: &'a str,
    /// What is drawn at random, such as `seed`; nothing where there is one repeat.
    pub(crate) repeat: Option<&'a str>,
    /// What has a line for each of its values, such as `target`; nothing where there is one line.
    pub(crate) series: Option<&'a str>,
}

/// Quantities, all of them shares from 0 to 1, for each series over what was swept.
#[derive(Clone, Debug)]
pub(crate) struct SweepSummary {
    /// The values of the series; nothing stands for the only one.
    pub(crate) series: Vec<Option<AxisValue>>,
    /// The quantities that there are, each with a [`SweepValues`] a series.
    pub(crate) quantities: Vec<Vec<SweepValues>>,
    /// How many repeats there are at most.
    pub(crate) repeats: usize,
}

/// A quantity in one series.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SweepValues {
    /// The values of what was swept, in their order, and what the quantity was there over the repeats.
    pub(crate) points: Vec<(f64, Summary)>,
    /// What does not depend on it.
    pub(crate) level: Option<Summary>,
}

impl SweepSummary {
    /// Averages over all axes that are not named for each repeat first, and sums up over repeats (two-phase weight
    /// importance, section 6). An axis that no input has, or that has no numbers, is an error.
    pub(crate) fn new(quantities: &[&[(Coordinates, f64)]], axes: SweepAxes<'_>) -> Result<Self, StageError> {
        let all = || quantities.iter().flat_map(|values| values.iter()).map(|(place, _)| place);
        if !all().any(|place| place.contains_key(axes.swept)) {
            let names: BTreeSet<&str> = all().flat_map(|place| place.keys().map(String::as_str)).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let what = format!("`axis` names `{}`, but the inputs come from cells with the axes [{names}]", axes.swept);
            return Err(StageError::new(what).hint("set `axis` to the one that was swept"));
        }
        let swept = all().filter(|place| place.contains_key(axes.swept));
        let series = swept.map(|place| axes.series.and_then(|axis| place.get(axis)).cloned());
        let series: Vec<Option<AxisValue>> = series.collect::<BTreeSet<_>>().into_iter().collect();
        let of = |values: &[(Coordinates, f64)]| -> Result<Vec<SweepValues>, StageError> {
            series.iter().map(|series| SweepValues::new(values, series.as_ref(), axes)).collect()
        };
        let quantities = quantities.iter().map(|values| of(values)).collect::<Result<_, _>>()?;
        let repeats =
            axes.repeat.map_or(0, |axis| all().filter_map(|place| place.get(axis)).collect::<BTreeSet<_>>().len());
        Ok(Self { series, quantities, repeats })
    }
}

impl SweepValues {
    fn new(values: &[(Coordinates, f64)], series: Option<&AxisValue>, axes: SweepAxes<'_>) -> Result<Self, StageError> {
        let mut by_place: BTreeMap<&AxisValue, Vec<&(Coordinates, f64)>> = BTreeMap::new();
        let mut without = Vec::new();
        for value in values {
            let of_series = axes.series.and_then(|axis| value.0.get(axis));
            // What does not have the axis of the series belongs to all of them.
            if of_series.is_some() && of_series != series {
                continue;
            }
            match value.0.get(axes.swept) {
                Some(place) => by_place.entry(place).or_default().push(value),
                None => without.push(value),
            }
        }
        let mut points = Vec::new();
        for (place, values) in by_place {
            let x = place.as_f64().ok_or_else(|| {
                let axis = axes.swept;
                StageError::new(format!("`{place}` on the axis `{axis}` is no number")).hint("sweep over numbers")
            })?;
            points.extend(summary(&values, axes).map(|summary| (x, summary)));
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(Self { points, level: summary(&without, axes) })
    }

    /// What the quantity was at one value of what was swept.
    pub(crate) fn at(&self, x: f64) -> Option<&Summary> {
        self.points.iter().find(|(place, _)| place.total_cmp(&x).is_eq()).map(|(_, summary)| summary)
    }
}

/// Averages per repeat, then summed up over repeats.
fn summary(values: &[&(Coordinates, f64)], axes: SweepAxes<'_>) -> Option<Summary> {
    let mut repeats: BTreeMap<Option<&AxisValue>, Vec<f64>> = BTreeMap::new();
    for (place, value) in values {
        repeats.entry(axes.repeat.and_then(|axis| place.get(axis))).or_default().push(*value);
    }
    let averages: Vec<f64> =
        repeats.into_values().map(|values| values.iter().sum::<f64>() / values.len() as f64).collect();
    Summary::of(&averages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(threshold: Option<f64>, target: &str, seed: i64) -> Coordinates {
        let axes = [("target", Some(target.into())), ("seed", Some(seed.into()))];
        let threshold = ("threshold", threshold.map(|value| serde_json::from_value(value.into()).unwrap()));
        let present = |(name, value): (&str, Option<AxisValue>)| Some((name.to_owned(), value?));
        axes.into_iter().chain([threshold]).filter_map(present).collect()
    }

    const AXES: SweepAxes<'static> = SweepAxes { swept: "threshold", repeat: Some("seed"), series: None };

    #[test]
    fn targets_are_averaged_per_seed_and_what_lacks_the_axis_is_a_level() {
        let values = [
            (place(Some(0.5), "a", 1), 0.6),
            (place(Some(0.5), "b", 1), 0.4),
            (place(Some(0.5), "a", 2), 0.7),
            (place(Some(0.5), "b", 2), 0.5),
            (place(Some(0.1), "a", 1), 0.3),
            (place(None, "a", 1), 0.45),
        ];
        let found = SweepSummary::new(&[&values], AXES).unwrap();
        let line = &found.quantities[0][0];
        assert_eq!((line.points[0].0, line.points[0].1), (0.1, Summary { n: 1, mean: 0.3, deviation: None }));
        assert_eq!((line.at(0.5).unwrap().n, line.level.unwrap().mean, line.at(0.2)), (2, 0.45, None));
        assert!((line.at(0.5).unwrap().mean - 0.55).abs() < 1e-12);
        assert!((line.at(0.5).unwrap().standard_error().unwrap() - 0.05).abs() < 1e-12);
        assert_eq!((found.series, found.repeats), (vec![None], 2));

        let found = SweepSummary::new(&[&values], SweepAxes { repeat: None, series: Some("target"), ..AXES }).unwrap();
        assert_eq!(found.series, [Some("a".into()), Some("b".into())]);
        assert_eq!((found.quantities[0][1].points.len(), found.quantities[0][1].level), (1, None));
    }

    #[test]
    fn an_axis_that_is_not_there_or_has_no_numbers_is_an_error() {
        let values = [(place(Some(0.5), "a", 1), 0.6)];
        let error = |swept| SweepSummary::new(&[&values], SweepAxes { swept, ..AXES }).unwrap_err().to_string();
        assert!(error("depth").contains("[seed, target, threshold]"), "{}", error("depth"));
        assert_eq!(error("target"), "`a` on the axis `target` is no number");
    }
}
