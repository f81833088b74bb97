//! The table for readers of text.

use std::fmt::Write as _;

use super::lodo_summary::named;
use super::percent::{NOTHING, points, probability, with_error};
use super::{LodoRow, LodoSummary, Words};

/// Writes the table with its caption above and its notes below.
pub(crate) fn markdown(summary: &LodoSummary, words: Words<'_>, caption: Option<&str>, notes: &[String]) -> String {
    let mut header = vec![capitalised(words.row)];
    header.extend(summary.columns.iter().map(|column| named(column, words.names)));
    header.extend(["Average", "Worst", "Source"].map(str::to_owned));
    if summary.has_baseline {
        header.extend(["Difference", "p"].map(str::to_owned));
    }
    if summary.knows_trainable() {
        header.push("Free weights".to_owned());
    }
    let rule = std::iter::once("---").chain(std::iter::repeat_n("---:", header.len() - 1));
    let mut lines = vec![line(header.iter().cloned()), line(rule.map(str::to_owned))];
    lines.extend(summary.rows.iter().map(|row| line(cells(summary, row, words).into_iter())));
    let mut text = String::new();
    if let Some(caption) = caption {
        let _ = write!(text, "**{}**\n\n", escaped(caption));
    }
    text.push_str(&lines.join("\n"));
    text.push('\n');
    for note in notes {
        let _ = writeln!(text, "\n{}", escaped(note));
    }
    text
}

fn cells(summary: &LodoSummary, row: &LodoRow, words: Words<'_>) -> Vec<String> {
    let dagger = |saw: bool| if saw { " †" } else { "" };
    let nothing = || NOTHING.to_owned();
    let mut cells = vec![row.name(words.names)];
    for (cell, &saw) in row.cells.iter().zip(&row.saw) {
        cells.push(cell.as_ref().map_or_else(nothing, |cell| with_error(cell, "±") + dagger(saw)));
    }
    let average = row.average.as_ref().map_or_else(nothing, |average| with_error(average, "±"));
    let average = if row.is_best { format!("**{average}**") } else { average };
    cells.push(average + if row.average.is_some() { dagger(row.saw_any()) } else { "" });
    cells.push(row.worst.map_or_else(nothing, |index| {
        let mean = row.cells[index].map_or(f64::NAN, |cell| cell.mean);
        format!("{:.1} ({})", 100.0 * mean, named(&summary.columns[index], words.names))
    }));
    cells.push(row.source.as_ref().map_or_else(nothing, |source| with_error(source, "±")));
    if summary.has_baseline {
        cells.push(row.comparison.as_ref().map_or_else(nothing, |comparison| {
            let (low, high) = comparison.test.interval;
            let (low, high) = (points(low, "−"), points(high, "−"));
            format!("{} [{low}, {high}]", points(comparison.test.difference, "−"))
        }));
        cells.push(row.comparison.as_ref().map_or_else(nothing, |comparison| probability(comparison.adjusted)));
    }
    if summary.knows_trainable() {
        cells.push(row.trainable.map_or_else(nothing, |count| format!("{count:.0}")));
    }
    cells
}

/// A row of a table.
pub(super) fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |", cells.join(" | "))
}

/// Keeps underscores of names from turning into emphasis, and the text on one line.
pub(super) fn escaped(text: &str) -> String {
    text.replace('_', "\\_").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::lodo_summary::tests::grid;
    use super::*;
    use crate::statistics::Measure;

    #[test]
    fn the_table_reads_as_in_a_paper() {
        let grid = grid(&[("erm", &[0.5, 0.52]), ("other", &[0.56, 0.57])], "other");
        let summary = LodoSummary::new(&grid, Measure::default(), Some("erm")).unwrap();
        let names = BTreeMap::from([("erm".to_owned(), "ERM".to_owned())]);
        let words =
            Words { row: "method", column: "target", repeat: "seed", measure: Measure::default(), names: &names };
        let found = markdown(&summary, words, Some("A caption."), &["A note on a_b.".to_owned()]);
        insta::assert_snapshot!(found, @r"
        **A caption.**

        | Method | a | b | Average | Worst | Source | Difference | p |
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
        | ERM | 51.0 ± 1.0 | 41.0 ± 1.0 | 46.0 ± 1.0 | 41.0 (b) | 90.0 ± 0.0 | – | – |
        | other | 56.5 ± 0.5 † | 46.5 ± 0.5 | 51.5 ± 0.5 † | 46.5 (b) | 90.0 ± 0.0 | +5.5 [−0.9, +11.9] | 0.058 |

        A note on a\_b.
        ");
    }
}
