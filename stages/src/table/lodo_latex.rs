//! The table for papers, with the rules of `booktabs`; needs `\usepackage{booktabs}` and nothing else.

use super::lodo_markdown::capitalised;
use super::lodo_summary::named;
use super::percent::{points, probability, with_error};
use super::{LodoRow, LodoSummary, Words};
use crate::statistics::Summary;

const NOTHING: &str = "--";

/// Writes a `table` with its caption above and its notes below: results by column first, then what compares rows, since
/// both beside one another are wider than a page.
pub(crate) fn latex(summary: &LodoSummary, words: Words<'_>, caption: Option<&str>, notes: &[String]) -> String {
    let mut lines = vec!["\\begin{table}", "\\centering\\footnotesize\\setlength{\\tabcolsep}{3.5pt}"];
    let caption = caption.map(|caption| format!("\\caption{{{}}}\n\\par\\smallskip", escaped(caption)));
    lines.extend(caption.as_deref());
    let (results, comparisons) = (results(summary, words), comparisons(summary, words));
    lines.extend([results.as_str(), "\\par\\medskip", &comparisons]);
    let notes: Vec<String> = notes.iter().map(|note| escaped(note)).collect();
    let notes = format!("\\par\\smallskip\n\\begin{{flushleft}}\n{}\n\\end{{flushleft}}", notes.join("\n"));
    lines.extend([notes.as_str(), "\\end{table}\n"]);
    lines.join("\n")
}

/// A `tabular` with the rules of `booktabs`.
pub(super) fn tabular(header: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![format!("\\begin{{tabular}}{{l{}}}", "r".repeat(header.len() - 1))];
    lines.push(format!("\\toprule\n{} \\\\\n\\midrule", header.join(" & ")));
    lines.extend(rows.map(|cells| format!("{} \\\\", cells.join(" & "))));
    lines.push("\\bottomrule\n\\end{tabular}".to_owned());
    lines.join("\n")
}

/// The value of every row in every column, and their average.
fn results(summary: &LodoSummary, words: Words<'_>) -> String {
    let mut header = vec![escaped(&capitalised(words.row))];
    header.extend(summary.columns.iter().map(|column| escaped(&named(column, words.names))));
    header.push("Average".to_owned());
    let cells = |row: &LodoRow| {
        let mut cells = vec![escaped(&row.name(words.names))];
        let columns = row.cells.iter().zip(&row.saw);
        cells.extend(columns.map(|(cell, &saw)| value(cell.as_ref(), false, saw)));
        cells.push(value(row.average.as_ref(), row.is_best, row.saw_any()));
        cells
    };
    tabular(&header, summary.rows.iter().map(cells))
}

/// The worst column of every row, its accuracy on the sources, and how it compares with the baseline, where there is one.
fn comparisons(summary: &LodoSummary, words: Words<'_>) -> String {
    let mut header = vec![escaped(&capitalised(words.row))];
    header.extend(["Worst", "Source"].map(str::to_owned));
    if summary.has_baseline {
        header.extend(["Difference", "$p$"].map(str::to_owned));
    }
    header.extend(summary.knows_trainable().then(|| "Free weights".to_owned()));
    let nothing = || NOTHING.to_owned();
    let cells = |row: &LodoRow| {
        let mut cells = vec![escaped(&row.name(words.names))];
        cells.push(row.worst.map_or_else(nothing, |index| {
            let mean = row.cells[index].map_or(f64::NAN, |cell| cell.mean);
            format!("{:.1} ({})", 100.0 * mean, escaped(&named(&summary.columns[index], words.names)))
        }));
        cells.push(value(row.source.as_ref(), false, false));
        if summary.has_baseline {
            cells.push(row.comparison.as_ref().map_or_else(nothing, |comparison| {
                let (low, high) = comparison.test.interval;
                let (low, high) = (points(low, "-"), points(high, "-"));
                format!("${}$ $[{low}, {high}]$", points(comparison.test.difference, "-"))
            }));
            let p = row.comparison.as_ref().map(|comparison| format!("${}$", probability(comparison.adjusted)));
            cells.push(p.unwrap_or_else(nothing));
        }
        if summary.knows_trainable() {
            cells.push(row.trainable.map_or_else(nothing, |count| format!("{count:.0}")));
        }
        cells
    };
    tabular(&header, summary.rows.iter().map(cells))
}

/// A mean with its error in smaller type, in bold where it is the best, with a dagger where a mask saw the column.
pub(super) fn value(summary: Option<&Summary>, is_bold: bool, saw: bool) -> String {
    let Some(summary) = summary else {
        return NOTHING.to_owned();
    };
    let text = with_error(summary, "\\pm");
    let (mean, error) = text.split_once(" \\pm ").map_or((text.as_str(), None), |(mean, error)| (mean, Some(error)));
    let mean = if is_bold { format!("\\mathbf{{{mean}}}") } else { mean.to_owned() };
    let error = error.map_or(String::new(), |error| format!("{{\\scriptstyle\\,\\pm\\,{error}}}"));
    format!("${mean}{error}{}$", if saw { "^\\dagger" } else { "" })
}

/// Text as LaTeX sets it. What stands between backticks is set as code.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut backticks = text.matches('`').count() / 2 * 2;
    for letter in text.chars() {
        match letter {
            '\\' => safe.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => safe.extend(['\\', letter]),
            '~' => safe.push_str("\\textasciitilde{}"),
            '^' => safe.push_str("\\textasciicircum{}"),
            '`' if backticks == 0 => safe.push_str("\\textasciigrave{}"),
            '`' => {
                safe.push_str(if backticks.is_multiple_of(2) { "\\texttt{" } else { "}" });
                backticks -= 1;
            }
            '±' => safe.push_str("$\\pm$"),
            '†' => safe.push_str("$^\\dagger$"),
            '°' => safe.push_str("$^\\circ$"),
            '×' => safe.push_str("$\\times$"),
            '−' => safe.push_str("$-$"),
            '–' => safe.push_str("--"),
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
        let summary = LodoSummary::new(&grid, Measure::default(), Some("erm")).unwrap();
        let names = BTreeMap::new();
        let words =
            Words { row: "method", column: "target", repeat: "seed", measure: Measure::default(), names: &names };
        let found = latex(&summary, words, Some("100 % of it."), &["† A note.".to_owned()]);
        insta::assert_snapshot!(found, @r"
        \begin{table}
        \centering\footnotesize\setlength{\tabcolsep}{3.5pt}
        \caption{100 \% of it.}
        \par\smallskip
        \begin{tabular}{lrrr}
        \toprule
        Method & a & b & Average \\
        \midrule
        erm & $51.0{\scriptstyle\,\pm\,1.0}$ & $41.0{\scriptstyle\,\pm\,1.0}$ & $46.0{\scriptstyle\,\pm\,1.0}$ \\
        random\_mask & $56.5{\scriptstyle\,\pm\,0.5}^\dagger$ & $46.5{\scriptstyle\,\pm\,0.5}$ & $51.5{\scriptstyle\,\pm\,0.5}^\dagger$ \\
        \bottomrule
        \end{tabular}
        \par\medskip
        \begin{tabular}{lrrrr}
        \toprule
        Method & Worst & Source & Difference & $p$ \\
        \midrule
        erm & 41.0 (b) & $90.0{\scriptstyle\,\pm\,0.0}$ & -- & -- \\
        random\_mask & 46.5 (b) & $90.0{\scriptstyle\,\pm\,0.0}$ & $+5.5$ $[-0.9, +11.9]$ & $0.058$ \\
        \bottomrule
        \end{tabular}
        \par\smallskip
        \begin{flushleft}
        $^\dagger$ A note.
        \end{flushleft}
        \end{table}
        ");
    }

    #[test]
    fn text_from_outside_is_set_as_it_is() {
        assert_eq!(escaped("50 % of a_b & `c_d` 15°"), "50 \\% of a\\_b \\& \\texttt{c\\_d} 15$^\\circ$");
        assert_eq!(escaped("`a` and `"), "\\texttt{a} and \\textasciigrave{}");
        assert_eq!(escaped("\\input{x}\n~^"), "\\textbackslash{}input\\{x\\} \\textasciitilde{}\\textasciicircum{}");
    }
}
