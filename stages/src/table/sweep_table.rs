//! A sweep as a table: for programs, readers and papers.

use std::collections::BTreeMap;

use dgpipe_engine::stage::StageError;

use super::lodo_latex::{escaped as latex_text, tabular, value};
use super::lodo_markdown::{capitalised, escaped as markdown_text, line};
use super::percent::{NOTHING, with_error};
use crate::statistics::{Summary, SweepAxes, SweepSummary};

/// What a sweep found, a row a value; what does not depend on the value has the first row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SweepTable<'a> {
    /// What was found.
    pub(crate) summary: &'a SweepSummary,
    /// The axes that it was found over.
    pub(crate) axes: SweepAxes<'a>,
    /// What each quantity is called in files and in sentences, in their order.
    pub(crate) quantities: &'a [(&'a str, &'a str)],
    /// What the level is called.
    pub(crate) level: &'a str,
    /// What axes and values are called.
    pub(crate) names: &'a BTreeMap<String, String>,
    /// Set above.
    pub(crate) caption: Option<&'a str>,
}

/// A row: its series, its value of what was swept or nothing for the level, and each quantity there.
type Row<'a> = (usize, Option<f64>, Vec<Option<&'a Summary>>);

impl SweepTable<'_> {
    /// One line a value, shares from 0 to 1, full precision. Columns: the axis of the series where there is one, the axis that
    /// was swept (empty for the level), and `NAME`, `NAME_standard_error`, `NAME_n` for each quantity.
    pub(crate) fn csv(&self) -> Result<String, StageError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header: Vec<String> =
            self.axes.series.into_iter().chain([self.axes.swept]).map(str::to_owned).collect();
        for (key, _) in self.quantities {
            header.extend([(*key).to_owned(), format!("{key}_standard_error"), format!("{key}_n")]);
        }
        writer.write_record(&header)?;
        for (series, x, values) in self.rows() {
            let mut record = Vec::new();
            if self.axes.series.is_some() {
                record.push(self.summary.series[series].as_ref().map_or(String::new(), ToString::to_string));
            }
            record.push(x.map_or(String::new(), |x| x.to_string()));
            for value in values {
                let error = value.and_then(Summary::standard_error);
                record.push(value.map_or(String::new(), |value| value.mean.to_string()));
                record.push(error.map_or(String::new(), |error| error.to_string()));
                record.push(value.map_or_else(|| "0".to_owned(), |value| value.n.to_string()));
            }
            writer.write_record(&record)?;
        }
        let bytes = writer.into_inner().map_err(|error| StageError::new(error.to_string()))?;
        Ok(String::from_utf8(bytes)?)
    }

    /// The table for readers of text.
    pub(crate) fn markdown(&self) -> String {
        let header = self.header();
        let first = self.firsts();
        let rule = (0..header.len()).map(|index| if index < first { "---" } else { "---:" }.to_owned());
        let mut lines: Vec<String> =
            self.caption.map(|caption| format!("**{}**\n", markdown_text(caption))).into_iter().collect();
        lines.extend([line(header.into_iter()), line(rule)]);
        lines.extend(self.rows().into_iter().map(|(series, x, values)| {
            let values =
                values.into_iter().map(|value| value.map_or(NOTHING.to_owned(), |value| with_error(value, "±")));
            line(self.places(series, x).into_iter().chain(values))
        }));
        lines.push(format!("\n{}\n", markdown_text(&self.note())));
        lines.join("\n")
    }

    /// The table for papers, with the rules of `booktabs`.
    pub(crate) fn latex(&self) -> String {
        let header: Vec<String> = self.header().iter().map(|text| latex_text(text)).collect();
        let rows = self.rows().into_iter().map(|(series, x, values)| {
            let places = self.places(series, x).into_iter().map(|text| latex_text(&text));
            places.chain(values.into_iter().map(|found| value(found, false, false))).collect()
        });
        let mut lines = vec!["\\begin{table}\n\\centering\\footnotesize".to_owned()];
        lines.extend(self.caption.map(|caption| format!("\\caption{{{}}}\n\\par\\smallskip", latex_text(caption))));
        lines.push(tabular(&header, rows));
        lines.push(format!(
            "\\par\\smallskip\n\\begin{{flushleft}}\n{}\n\\end{{flushleft}}\n\\end{{table}}\n",
            latex_text(&self.note())
        ));
        lines.join("\n")
    }

    /// How many columns say where a row is.
    fn firsts(&self) -> usize {
        1 + usize::from(self.axes.series.is_some())
    }

    fn named(&self, name: &str) -> String {
        self.names.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    fn header(&self) -> Vec<String> {
        let axes = self.axes.series.into_iter().chain([self.axes.swept]);
        let quantities = self.quantities.iter().map(|(_, words)| capitalised(words));
        axes.map(|axis| capitalised(&self.named(axis))).chain(quantities).collect()
    }

    /// What the first columns of a row say.
    fn places(&self, series: usize, x: Option<f64>) -> Vec<String> {
        let series = self.axes.series.map(|_| match &self.summary.series[series] {
            Some(value) => self.named(&value.to_string()),
            None => NOTHING.to_owned(),
        });
        series.into_iter().chain([x.map_or_else(|| self.named(self.level), |x| x.to_string())]).collect()
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::new();
        for series in 0..self.summary.series.len() {
            let quantities = || self.summary.quantities.iter().map(|lines| &lines[series]);
            let levels: Vec<Option<&Summary>> = quantities().map(|values| values.level.as_ref()).collect();
            if levels.iter().any(Option::is_some) {
                rows.push((series, None, levels));
            }
            let mut places: Vec<f64> = quantities().flat_map(|values| values.points.iter().map(|(x, _)| *x)).collect();
            places.sort_by(f64::total_cmp);
            places.dedup_by(|one, other| one.total_cmp(other).is_eq());
            rows.extend(
                places.into_iter().map(|x| (series, Some(x), quantities().map(|values| values.at(x)).collect())),
            );
        }
        rows
    }

    fn note(&self) -> String {
        match (self.axes.repeat, self.summary.repeats) {
            (Some(repeat), n) if n > 1 => {
                format!(
                    "Values in percent, mean ± standard error over n = {n} {repeat}s, other axes averaged for each {repeat} first."
                )
            }
            _ => "Values in percent; one repeat, so no errors are given.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::graph::{AxisValue, Coordinates};

    use super::*;

    fn place(threshold: Option<f64>, target: &str, seed: i64) -> Coordinates {
        let number = |value: f64| -> AxisValue { serde_json::from_value(value.into()).unwrap() };
        let axes = [("target", Some(target.into())), ("seed", Some(seed.into())), ("threshold", threshold.map(number))];
        axes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    const AXES: SweepAxes<'static> = SweepAxes { swept: "threshold", repeat: Some("seed"), series: None };
    const QUANTITIES: [(&str, &str); 2] = [("accuracy", "accuracy"), ("free_weights", "free weights")];

    fn summary(axes: SweepAxes<'_>) -> SweepSummary {
        let accuracies = [
            (place(None, "a", 1), 0.5),
            (place(Some(0.1), "a", 1), 0.25),
            (place(Some(0.1), "a", 2), 0.75),
            (place(Some(0.5), "a", 1), 0.875),
        ];
        let densities = [(place(Some(0.1), "a", 1), 0.125), (place(Some(1.0), "a", 1), 0.0)];
        SweepSummary::new(&[&accuracies, &densities], axes).unwrap()
    }

    fn table<'a>(
        summary: &'a SweepSummary,
        axes: SweepAxes<'a>,
        names: &'a BTreeMap<String, String>,
    ) -> SweepTable<'a> {
        SweepTable { summary, axes, quantities: &QUANTITIES, level: "erm", names, caption: Some("A_caption.") }
    }

    #[test]
    fn every_value_is_a_line_for_programs() {
        let (found, names) = (summary(AXES), BTreeMap::new());
        insta::assert_snapshot!(table(&found, AXES, &names).csv().unwrap(), @"
        threshold,accuracy,accuracy_standard_error,accuracy_n,free_weights,free_weights_standard_error,free_weights_n
        ,0.5,,1,,,0
        0.1,0.5,0.25,2,0.125,,1
        0.5,0.875,,1,,,0
        1,,,0,0,,1
        ");
        let axes = SweepAxes { series: Some("target"), ..AXES };
        let found = summary(axes);
        let text = table(&found, axes, &names).csv().unwrap();
        assert!(text.starts_with("target,threshold,accuracy,") && text.contains("\na,0.5,0.875,,1,,,0\n"), "{text}");
    }

    #[test]
    fn readers_and_papers_get_percents_with_errors() {
        let (found, names) = (summary(AXES), BTreeMap::from([("erm".to_owned(), "ERM".to_owned())]));
        insta::assert_snapshot!(table(&found, AXES, &names).markdown(), @r"
        **A\_caption.**

        | Threshold | Accuracy | Free weights |
        | --- | ---: | ---: |
        | ERM | 50.0 | – |
        | 0.1 | 50.0 ± 25.0 | 12.5 |
        | 0.5 | 87.5 | – |
        | 1 | – | 0.0 |

        Values in percent, mean ± standard error over n = 2 seeds, other axes averaged for each seed first.
        ");
        insta::assert_snapshot!(table(&found, AXES, &names).latex(), @r"
        \begin{table}
        \centering\footnotesize
        \caption{A\_caption.}
        \par\smallskip
        \begin{tabular}{lrr}
        \toprule
        Threshold & Accuracy & Free weights \\
        \midrule
        ERM & $50.0$ & -- \\
        0.1 & $50.0{\scriptstyle\,\pm\,25.0}$ & $12.5$ \\
        0.5 & $87.5$ & -- \\
        1 & -- & $0.0$ \\
        \bottomrule
        \end{tabular}
        \par\smallskip
        \begin{flushleft}
        Values in percent, mean $\pm$ standard error over n = 2 seeds, other axes averaged for each seed first.
        \end{flushleft}
        \end{table}
        ");
    }
}
