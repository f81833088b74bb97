//! The table for papers, with the rules of `booktabs`; needs `\usepackage{booktabs}` and nothing else.

use super::lodo_markdown::capitalised;
use super::lodo_summary::named;
use super::percent::{points, probability, with_error};
use super::{LodoRow, LodoSummary, Words};

const NOTHING: &str = "--";

/// Writes a `table` with its caption above and its notes below.
pub(crate) fn latex(summary: &LodoSummary, words: Words<'_>, caption: Option<&str>, notes: &[String]) -> String {
    let mut header = vec![escaped(&capitalised(words.row))];
    header.extend(summary.columns.iter().map(|column| escaped(&named(column, words.names))));
    header.extend(["Average", "Worst", "Source", "Difference", "$p$"].map(str::to_owned));
    if summary.knows_trainable() {
        header.push("Free weights".to_owned());
    }
    let mut lines = vec!["\\begin{table}".to_owned(), "\\centering".to_owned()];
    if let Some(caption) = caption {
        lines.push(format!("\\caption{{{}}}", escaped(caption)));
    }
    lines.push(format!("\\begin{{tabular}}{{l{}}}", "r".repeat(header.len() - 1)));
    lines.push("\\toprule".to_owned());
    lines.push(format!("{} \\\\", header.join(" & ")));
    lines.push("\\midrule".to_owned());
    lines.extend(summary.rows.iter().map(|row| format!("{} \\\\", cells(summary, row, words).join(" & "))));
    lines.push("\\bottomrule".to_owned());
    lines.push("\\end{tabular}".to_owned());
    if !notes.is_empty() {
        let notes: Vec<String> = notes.iter().map(|note| escaped(note)).collect();
        lines.push(format!("\\par\\smallskip\\footnotesize {}", notes.join("\n")));
    }
    lines.push("\\end{table}\n".to_owned());
    lines.join("\n")
}

fn cells(summary: &LodoSummary, row: &LodoRow, words: Words<'_>) -> Vec<String> {
    let dagger = |saw: bool| if saw { "$^\\dagger$" } else { "" };
    let nothing = || NOTHING.to_owned();
    let mut cells = vec![escaped(&row.name(words.names))];
    for (cell, &saw) in row.cells.iter().zip(&row.saw) {
        cells.push(cell.as_ref().map_or_else(nothing, |cell| math(&with_error(cell, "\\pm"), false) + dagger(saw)));
    }
    cells.push(
        row.average
            .as_ref()
            .map_or_else(nothing, |average| math(&with_error(average, "\\pm"), row.is_best) + dagger(row.saw_any())),
    );
    cells.push(row.worst.map_or_else(nothing, |index| {
        let mean = row.cells[index].map_or(f64::NAN, |cell| cell.mean);
        format!("{:.1} ({})", 100.0 * mean, escaped(&named(&summary.columns[index], words.names)))
    }));
    cells.push(row.source.as_ref().map_or_else(nothing, |source| math(&with_error(source, "\\pm"), false)));
    cells.push(row.comparison.as_ref().map_or_else(nothing, |comparison| {
        let (low, high) = comparison.test.interval;
        let (low, high) = (points(low, "-"), points(high, "-"));
        format!("${}$ $[{low}, {high}]$", points(comparison.test.difference, "-"))
    }));
    cells.push(
        row.comparison.as_ref().map_or_else(nothing, |comparison| format!("${}$", probability(comparison.adjusted))),
    );
    if summary.knows_trainable() {
        cells.push(row.trainable.map_or_else(nothing, |count| format!("{count:.0}")));
    }
    cells
}

fn math(text: &str, is_bold: bool) -> String {
    if is_bold { format!("$\\mathbf{{{text}}}$") } else { format!("${text}$") }
}

/// Text as LaTeX sets it.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => safe.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => safe.extend(['\\', letter]),
            '~' => safe.push_str("\\textasciitilde{}"),
            '^' => safe.push_str("\\textasciicircum{}"),
            '±' => safe.push_str("$\\pm$"),
            '†' => safe.push_str("$^\\dagger$"),
            '\n' | '\r' => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::lodo_summary::tests::grid;
    use super::*;
    use crate::statistics::Measure;

    #[test]
    fn the_table_has_the_rules_of_booktabs_and_escapes_names() {
        let grid = grid(&[("erm", &[0.5, 0.52]), ("random_mask", &[0.56, 0.57])], "random_mask");
        let summary = LodoSummary::new(&grid, Measure::default(), "erm").unwrap();
        let names = BTreeMap::new();
        let words =
            Words { row: "method", column: "target", repeat: "seed", measure: Measure::default(), names: &names };
        let found = latex(&summary, words, Some("100 % of it."), &["† A note.".to_owned()]);
        insta::assert_snapshot!(found, @r"
        \begin{table}
        \centering
        \caption{100 \% of it.}
        \begin{tabular}{lrrrrrrr}
        \toprule
        Method & a & b & Average & Worst & Source & Difference & $p$ \\
        \midrule
        erm & $51.0 \pm 1.0$ & $41.0 \pm 1.0$ & $46.0 \pm 1.0$ & 41.0 (b) & $90.0 \pm 0.0$ & -- & -- \\
        random\_mask & $56.5 \pm 0.5$$^\dagger$ & $46.5 \pm 0.5$ & $51.5 \pm 0.5$$^\dagger$ & 46.5 (b) & $90.0 \pm 0.0$ & $+5.5$ $[-0.9, +11.9]$ & $0.058$ \\
        \bottomrule
        \end{tabular}
        \par\smallskip\footnotesize $^\dagger$ A note.
        \end{table}
        ");
    }
}
