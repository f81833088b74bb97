//! The table for programs: one line a value, shares from 0 to 1, full precision.

use dgpipe_engine::stage::StageError;

use super::{LodoRow, LodoSummary, Words};
use crate::statistics::Summary;

/// Writes the long form. Columns: the row axis, `statistic` (`measure`, `average`, `worst`, `source`, `difference`,
/// `trainable_weights`), the column axis (empty where a statistic spans it), `measure`, `n`, `value`, `standard_error`,
/// `interval_low`, `interval_high`, `p`, `p_holm`, `mask_saw_target`.
pub(crate) fn csv(summary: &LodoSummary, words: Words<'_>) -> Result<String, StageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        words.row,
        "statistic",
        words.column,
        "measure",
        "n",
        "value",
        "standard_error",
        "interval_low",
        "interval_high",
        "p",
        "p_holm",
        "mask_saw_target",
    ])?;
    for row in &summary.rows {
        for line in lines(summary, row) {
            let method = row.value.to_string();
            let measure = if line.statistic == "source" { "accuracy_source" } else { words.measure.key() };
            let fixed = [method.as_str(), line.statistic, &line.column, measure];
            writer.write_record(fixed.into_iter().chain(line.numbers.iter().map(String::as_str)))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| StageError::new(error.to_string()))?;
    Ok(String::from_utf8(bytes)?)
}

struct Line {
    statistic: &'static str,
    column: String,
    numbers: [String; 8],
}

fn lines(summary: &LodoSummary, row: &LodoRow) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |statistic: &'static str, column: String, value: &Summary, saw: bool| {
        let error = value.standard_error().map_or(String::new(), |error| error.to_string());
        let none = String::new;
        let numbers =
            [value.n.to_string(), value.mean.to_string(), error, none(), none(), none(), none(), saw.to_string()];
        lines.push(Line { statistic, column, numbers });
    };
    for (index, column) in summary.columns.iter().enumerate() {
        if let Some(cell) = &row.cells[index] {
            add("measure", column.to_string(), cell, row.saw[index]);
        }
    }
    if let Some(average) = &row.average {
        add("average", String::new(), average, row.saw_any());
    }
    if let Some((index, cell)) = row.worst.and_then(|index| Some((index, row.cells[index].as_ref()?))) {
        add("worst", summary.columns[index].to_string(), cell, row.saw[index]);
    }
    if let Some(source) = &row.source {
        add("source", String::new(), source, row.saw_any());
    }
    if let Some(comparison) = &row.comparison {
        let (test, adjusted) = (comparison.test, comparison.adjusted);
        let numbers = [test.n as f64, test.difference, f64::NAN, test.interval.0, test.interval.1, test.p, adjusted];
        let texts = numbers.map(|value| if value.is_nan() { String::new() } else { value.to_string() });
        let [n, value, error, low, high, p, p_holm] = texts;
        let numbers = [n, value, error, low, high, p, p_holm, row.saw_any().to_string()];
        lines.push(Line { statistic: "difference", column: String::new(), numbers });
    }
    if let Some(trainable) = row.trainable {
        let mut numbers: [String; 8] = Default::default();
        numbers[1] = trainable.to_string();
        lines.push(Line { statistic: "trainable_weights", column: String::new(), numbers });
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::lodo_summary::tests::grid;
    use super::*;
    use crate::statistics::Measure;

    #[test]
    fn every_value_is_a_line() {
        let grid = grid(&[("erm", &[0.5, 0.75]), ("other", &[0.75, 0.75])], "other");
        let summary = LodoSummary::new(&grid, Measure::default(), Some("erm")).unwrap();
        let names = BTreeMap::new();
        let words =
            Words { row: "method", column: "target", repeat: "seed", measure: Measure::default(), names: &names };
        let text = csv(&summary, words).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("method,statistic,target,measure,n,value,standard_error,"));
        assert_eq!(lines[1], "erm,measure,a,accuracy_target_all,2,0.625,0.125,,,,,false");
        assert!(text.contains("other,measure,a,accuracy_target_all,2,0.75,0,,,,,true\n"), "{text}");
        assert!(text.contains("other,difference,,accuracy_target_all,2,0.1"), "{text}");
        // Header; two targets, average, worst and source twice; one difference.
        assert_eq!(lines.len(), 1 + 2 * 5 + 1);
    }
}
