//! What a table of leave-one-domain-out results says, before it is written down.

use std::collections::BTreeMap;

use dgpipe_engine::graph::AxisValue;
use dgpipe_engine::stage::StageError;

use crate::statistics::{Measure, PairedT, ScoreGrid, Summary, holm};

/// From so many repeats on, the best method may be set in bold (two-phase weight importance, section 6).
const ENOUGH_FOR_BOLD: usize = 5;

/// How things are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// The row axis, such as `method`.
    pub(crate) row: &'a str,
    /// The column axis, such as `target`.
    pub(crate) column: &'a str,
    /// What is repeated, such as `seed`.
    pub(crate) repeat: &'a str,
    /// Which accuracy is compared.
    pub(crate) measure: Measure,
    /// What values of the axes are called.
    pub(crate) names: &'a BTreeMap<String, String>,
}

/// Everything that the table says.
#[derive(Clone, Debug)]
pub(crate) struct LodoSummary {
    /// The values of the column axis.
    pub(crate) columns: Vec<AxisValue>,
    /// One row a method; where there is a baseline, it is the first.
    pub(crate) rows: Vec<LodoRow>,
    /// Whether there is a baseline that the other rows are compared with.
    pub(crate) has_baseline: bool,
    /// The most repeats of any place.
    pub(crate) repeats: usize,
}

/// What the table says about one method.
#[derive(Clone, Debug)]
pub(crate) struct LodoRow {
    /// The value of the row axis.
    pub(crate) value: AxisValue,
    /// The measure per column over repeats; nothing where there are no scores.
    pub(crate) cells: Vec<Option<Summary>>,
    /// Per column, whether a mask has seen the target.
    pub(crate) saw: Vec<bool>,
    /// The average over columns per repeat, over the repeats that have all columns.
    pub(crate) average: Option<Summary>,
    /// The column with the lowest mean.
    pub(crate) worst: Option<usize>,
    /// Accuracy on the sources, averaged likewise.
    pub(crate) source: Option<Summary>,
    /// Weights left free after the freeze, their mean over places, where all scores know.
    pub(crate) trainable: Option<f64>,
    /// The comparison with the baseline; nothing for itself, without one, and with fewer than two common repeats.
    pub(crate) comparison: Option<Comparison>,
    /// Whether its average is set in bold.
    pub(crate) is_best: bool,
}

/// A method against the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// The paired test on averages per repeat.
    pub(crate) test: PairedT,
    /// Its p after Holm over the methods.
    pub(crate) adjusted: f64,
}

impl LodoSummary {
    /// Summarises scores. A baseline that is no row is an error.
    pub(crate) fn new(grid: &ScoreGrid, measure: Measure, baseline: Option<&str>) -> Result<Self, StageError> {
        let mut values: Vec<AxisValue> = grid.rows().to_vec();
        if let Some(baseline) = baseline {
            let Some(place) = values.iter().position(|value| value.to_string() == baseline) else {
                let names: Vec<String> = values.iter().map(ToString::to_string).collect();
                return Err(StageError::new(format!(
                    "there is no `{baseline}` to compare with; rows are [{}]",
                    names.join(", ")
                ))
                .hint("set `baseline` to one of these, or leave it out"));
            };
            values[..=place].rotate_right(1);
        }
        let averages: Vec<BTreeMap<AxisValue, f64>> =
            values.iter().map(|value| grid.averages(value, |scores| measure.of(scores))).collect();
        let mut rows: Vec<LodoRow> = values.iter().map(|value| LodoRow::new(grid, measure, value)).collect();
        if baseline.is_some() {
            compare(&mut rows, &averages);
        }
        mark_best(&mut rows, &averages);
        let has_baseline = baseline.is_some();
        Ok(Self { columns: grid.columns().to_vec(), rows, has_baseline, repeats: grid.repeats() })
    }

    /// Whether any mask has seen a target.
    pub(crate) fn saw_any(&self) -> bool {
        self.rows.iter().any(LodoRow::saw_any)
    }

    /// The sentences below the table.
    pub(crate) fn notes(&self, words: Words<'_>) -> Vec<String> {
        let (repeat, column) = (words.repeat, words.column);
        let what = words.measure.words();
        let mut notes = vec![match self.repeats {
            0 | 1 => format!("Values: {what} in percent; n = 1 {repeat}, so no errors are given."),
            n => {
                format!("Values: {what} in percent, mean ± standard error over n = {n} {repeat}s.")
            }
        }];
        notes.push(format!(
            "Average: over {column}s for each {repeat} first. Worst: the {column} with the lowest mean. \
             Source: accuracy on the test parts of the source domains, averaged likewise."
        ));
        let ns: Vec<usize> = self.rows.iter().flat_map(|row| row.cells.iter().flatten().map(|cell| cell.n)).collect();
        if ns.iter().any(|&n| n < self.repeats) {
            notes.push(format!("Some places have fewer {repeat}s, down to n = {}.", ns.iter().min().unwrap_or(&0)));
        }
        let compared = self.rows.iter().filter(|row| row.comparison.is_some()).count();
        if compared > 0 {
            let baseline = self.rows[0].name(words.names);
            notes.push(format!(
                "Difference: to {baseline}, in points with its 95 % interval; two-sided paired t test on the averages of \
                 each {repeat}, p after Holm over {compared} comparisons."
            ));
        }
        if self.rows.iter().any(|row| row.is_best) {
            notes.push("Bold: the 95 % interval of the paired difference to the runner-up excludes 0.".to_owned());
        }
        if self.saw_any() {
            notes.push(format!("† The mask has seen labelled images of this {column}, so it was not unseen."));
        }
        notes
    }

    /// Whether the weights left free are known for any row.
    pub(crate) fn knows_trainable(&self) -> bool {
        self.rows.iter().any(|row| row.trainable.is_some())
    }
}

impl LodoRow {
    fn new(grid: &ScoreGrid, measure: Measure, value: &AxisValue) -> Self {
        let cell = |column: &AxisValue| {
            let values: Vec<f64> = grid.cell(value, column).map(|scores| measure.of(scores)).collect();
            Summary::of(&values)
        };
        let cells: Vec<Option<Summary>> = grid.columns().iter().map(cell).collect();
        let mean = |index: &usize| cells[*index].map_or(f64::INFINITY, |cell| cell.mean);
        let worst = (0..cells.len()).filter(|&index| cells[index].is_some()).min_by(|a, b| mean(a).total_cmp(&mean(b)));
        let over = |averages: BTreeMap<AxisValue, f64>| Summary::of(&averages.into_values().collect::<Vec<f64>>());
        let counts =
            grid.columns().iter().flat_map(|column| grid.cell(value, column)).map(|scores| scores.trainable_weights);
        let counts: Option<Vec<f64>> = counts.map(|count| count.map(|count| count as f64)).collect();
        Self {
            value: value.clone(),
            saw: grid.columns().iter().map(|column| grid.saw_target(value, column)).collect(),
            average: over(grid.averages(value, |scores| measure.of(scores))),
            worst,
            source: over(grid.averages(value, |scores| scores.accuracy_source)),
            trainable: counts.and_then(|counts| Summary::of(&counts)).map(|summary| summary.mean),
            comparison: None,
            is_best: false,
            cells,
        }
    }

    /// What it is called.
    pub(crate) fn name(&self, names: &BTreeMap<String, String>) -> String {
        named(&self.value, names)
    }

    /// Whether a mask has seen any of its targets.
    pub(crate) fn saw_any(&self) -> bool {
        self.saw.contains(&true)
    }
}

/// What a value of an axis is called.
pub(super) fn named(value: &AxisValue, names: &BTreeMap<String, String>) -> String {
    let value = value.to_string();
    names.get(&value).cloned().unwrap_or(value)
}

/// Pairs the averages of two rows by repeat.
fn pairs(first: &BTreeMap<AxisValue, f64>, second: &BTreeMap<AxisValue, f64>) -> Vec<(f64, f64)> {
    first.iter().filter_map(|(repeat, &value)| Some((value, *second.get(repeat)?))).collect()
}

/// Compares every row with the first, and adjusts for making several comparisons.
fn compare(rows: &mut [LodoRow], averages: &[BTreeMap<AxisValue, f64>]) {
    let tests: Vec<(usize, PairedT)> = (1..rows.len())
        .filter_map(|index| Some((index, PairedT::of(&pairs(&averages[index], &averages[0]))?)))
        .collect();
    let adjusted = holm(&tests.iter().map(|(_, test)| test.p).collect::<Vec<f64>>());
    for ((index, test), adjusted) in tests.into_iter().zip(adjusted) {
        rows[index].comparison = Some(Comparison { test, adjusted });
    }
}

/// Marks the best average where it is surely better than the runner-up and has not seen what it was tested on.
fn mark_best(rows: &mut [LodoRow], averages: &[BTreeMap<AxisValue, f64>]) {
    let mut order: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].average.is_some()).collect();
    let mean = |index: usize| rows[index].average.map_or(f64::NEG_INFINITY, |average| average.mean);
    order.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
    let [best, second, ..] = order[..] else {
        return;
    };
    let test = PairedT::of(&pairs(&averages[best], &averages[second]));
    let is_sure = test.is_some_and(|test| test.n >= ENOUGH_FOR_BOLD && test.difference > 0.0 && test.excludes_zero());
    rows[best].is_best = is_sure && !rows[best].saw_any();
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::formats::scoring;
    use crate::statistics::{AXES, at};

    /// Scores of methods on two targets: `base` per seed on `a`, 0.1 less on `b`.
    pub(crate) fn grid(methods: &[(&str, &[f64])], saw: &str) -> ScoreGrid {
        let mut scores = Vec::new();
        for (method, values) in methods {
            for (seed, value) in values.iter().enumerate() {
                scores.push((at(method, "a", seed as i64), scoring(*value, *method == saw)));
                scores.push((at(method, "b", seed as i64), scoring(value - 0.1, false)));
            }
        }
        ScoreGrid::new(scores, AXES).unwrap()
    }

    fn summary(methods: &[(&str, &[f64])], saw: &str) -> LodoSummary {
        LodoSummary::new(&grid(methods, saw), Measure::AccuracyTargetAll, Some("erm")).unwrap()
    }

    const ERM: [f64; 5] = [0.68, 0.72, 0.70, 0.71, 0.69];
    const GOOD: [f64; 5] = [0.71, 0.74, 0.69, 0.77, 0.73];

    #[test]
    fn methods_are_compared_with_the_baseline_on_their_averages_per_seed() {
        let found = summary(&[("better", &GOOD), ("erm", &ERM)], "");
        assert_eq!(found.rows.iter().map(|row| row.value.to_string()).collect::<Vec<_>>(), ["erm", "better"]);
        let comparison = found.rows[1].comparison.unwrap();
        // The values of scipy in `paired_t.rs`: both targets are shifted alike, which cancels.
        assert!((comparison.test.p - 0.072_855_059_610_255_83).abs() < 1e-9);
        assert!((comparison.adjusted - comparison.test.p).abs() < 1e-15);
        assert_eq!(found.rows[0].comparison, None);
        assert_eq!((found.rows[1].worst, found.rows[1].is_best), (Some(1), false));
    }

    #[test]
    fn bold_needs_five_seeds_and_an_interval_without_zero() {
        let far: Vec<f64> = ERM.iter().enumerate().map(|(seed, value)| value + 0.1 + 0.001 * seed as f64).collect();
        let is_best =
            |count: usize, saw: &str| summary(&[("erm", &ERM[..count]), ("far", &far[..count])], saw).rows[1].is_best;
        assert!(is_best(5, ""));
        assert!(!is_best(4, ""), "four seeds are too few");
        assert!(!is_best(5, "far"), "a method that has seen the target is not the best");
    }

    #[test]
    fn one_seed_has_no_errors_and_no_comparison() {
        let found = summary(&[("erm", &[0.5]), ("other", &[0.6])], "");
        assert!(found.rows.iter().all(|row| row.comparison.is_none() && row.average.unwrap().deviation.is_none()));
        let words = Words {
            row: "method",
            column: "target",
            repeat: "seed",
            measure: Measure::default(),
            names: &BTreeMap::new(),
        };
        let notes = found.notes(words);
        assert!(notes[0].contains("n = 1 seed, so no errors") && notes.len() == 2, "{notes:?}");
    }

    #[test]
    fn without_a_baseline_rows_keep_their_order_and_nothing_is_compared() {
        let grid = grid(&[("better", &GOOD), ("erm", &ERM)], "");
        let found = LodoSummary::new(&grid, Measure::default(), None).unwrap();
        assert_eq!(found.rows.iter().map(|row| row.value.to_string()).collect::<Vec<_>>(), ["better", "erm"]);
        assert!(found.rows.iter().all(|row| row.comparison.is_none()));
    }

    #[test]
    fn a_baseline_that_is_not_there_is_named_with_what_is() {
        let error = LodoSummary::new(&grid(&[("erm", &[0.5])], ""), Measure::default(), Some("ermm")).unwrap_err();
        assert_eq!(error.to_string(), "there is no `ermm` to compare with; rows are [erm]");
    }
}
