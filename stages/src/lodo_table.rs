//! `lodo-table`: the results of leaving each domain out once, as a table.

use std::collections::BTreeMap;

use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::formats::{Scores, Table};
use crate::statistics::{GridAxes, Measure, ScoreGrid};
use crate::table::{LodoSummary, Words, csv, latex, markdown};

/// Settings of `lodo-table`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LodoTableConfig {
    /// The axis of the methods, one row each.
    pub row: String,
    /// The axis of the targets, one column each.
    pub column: String,
    /// The axis of the repeats, such as seeds; nothing where there is one repeat.
    #[serde(default)]
    pub repeat: Option<String>,
    /// The method that all others are compared with; without one, rows keep the order of their values and no comparison
    /// is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// Which accuracy is compared.
    #[serde(default)]
    pub measure: Measure,
    /// What methods and targets are called in the table, by their values on the axes; `table.csv` keeps the values.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Set above the table.
    #[serde(default)]
    pub caption: Option<String>,
    /// Set below the table, such as that pre-training may have seen test images.
    #[serde(default)]
    pub note: Option<String>,
}

const SCORES: Labelled<Scores> = Labelled::new("scores");
const TABLE: Out<Table> = Out::new("table");

/// Writes means with standard errors, averages, the worst domain and comparisons with the baseline, as the statistics of
/// section 6 of two-phase weight importance ask for.
///
/// A method is never set in bold where a mask of it has seen a target, however well it does.
pub struct LodoTable;

impl StageType for LodoTable {
    type Config = LodoTableConfig;
    const NAME: &'static str = "lodo-table";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Writes the results of leaving each domain out once as a table.";

    fn ports() -> Ports {
        Ports::default().reads(SCORES).writes(TABLE)
    }

    fn execute(config: &LodoTableConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let axes = GridAxes { row: &config.row, column: &config.column, repeat: config.repeat.as_deref() };
        let grid = ScoreGrid::new(context.read(SCORES)?, axes)?;
        let summary = LodoSummary::new(&grid, config.measure, config.baseline.as_deref())?;
        for row in &summary.rows {
            if let Some(average) = &row.average {
                context.metric(format!("average.{}", row.value), average.mean);
            }
        }
        if summary.saw_any() {
            context.note("masks have seen labelled images of targets; the table marks these places with †");
        }
        let words = Words {
            row: &config.row,
            column: &config.column,
            repeat: config.repeat.as_deref().unwrap_or("run"),
            measure: config.measure,
            names: &config.names,
        };
        let mut notes = summary.notes(words);
        notes.extend(config.note.clone());
        let caption = config.caption.as_deref();
        let table = Table {
            csv: csv(&summary, words)?,
            markdown: markdown(&summary, words, caption, &notes),
            latex: latex(&summary, words, caption, &notes),
        };
        context.write(TABLE, &table)
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};

    use super::*;
    use crate::formats::scoring;
    use crate::statistics::at;

    fn config(baseline: Option<&str>) -> LodoTableConfig {
        let mut config = serde_json::json!({"row": "method", "column": "target", "repeat": "seed"});
        if let Some(baseline) = baseline {
            config["baseline"] = baseline.into();
        }
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn the_table_is_written_three_times_with_its_notes() {
        let folder = tempfile::tempdir().unwrap();
        let config = r#"{"row": "method", "column": "target", "repeat": "seed", "baseline": "erm", "note": "Pre-training may have seen test images."}"#;
        let mut solo = Solo::new(folder.path().join("out"));
        for (index, (method, accuracy)) in
            [("erm", 0.5), ("erm", 0.6), ("mask", 0.7), ("mask", 0.9)].into_iter().enumerate()
        {
            let path = folder.path().join(format!("{index}.json"));
            scoring(accuracy, index == 2).write(&path).unwrap();
            solo = solo.labelled("scores", at(method, "sketch", index as i64 % 2), path);
        }
        let result = solo.execute::<LodoTable>(&serde_json::from_str(config).unwrap()).unwrap();
        let table = Table::read(&View::disk(&result.outputs["table"])).unwrap();
        assert_eq!(result.metrics["average.erm"], 0.55.into());
        assert!(result.notes[0].contains('†'));
        for text in [&table.markdown, &table.latex] {
            assert!(text.contains("Pre-training may have seen test images."), "{text}");
        }
        assert!(table.markdown.contains("† The mask has seen labelled images"), "{}", table.markdown);
        assert!(table.csv.starts_with("method,statistic,target,measure,n,"));
        for text in [&table.markdown, &table.latex] {
            assert!(text.contains("Difference"), "{text}");
        }
    }

    #[test]
    fn a_table_without_a_baseline_has_no_columns_of_comparisons() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(None);
        let mut solo = Solo::new(folder.path().join("out"));
        for seed in 0..2 {
            let path = folder.path().join(format!("{seed}.json"));
            scoring(0.5 + 0.1 * seed as f64, false).write(&path).unwrap();
            for method in ["erm", "mask"] {
                solo = solo.labelled("scores", at(method, "sketch", seed), &path);
            }
        }
        let result = solo.execute::<LodoTable>(&config).unwrap();
        let table = Table::read(&View::disk(&result.outputs["table"])).unwrap();
        assert!(table.markdown.contains("| Method | sketch | Average | Worst | Source |\n"), "{}", table.markdown);
        assert!(table.latex.contains("Method & Worst & Source \\\\\n"), "{}", table.latex);
        for text in [&table.csv, &table.markdown, &table.latex] {
            assert!(!text.to_lowercase().contains("difference"), "{text}");
        }
    }

    #[test]
    fn a_baseline_that_is_left_out_is_in_no_key() {
        let written = |baseline: Option<&str>| serde_json::to_value(config(baseline)).unwrap();
        assert_eq!(written(Some("erm"))["baseline"], "erm");
        assert_eq!(written(None).get("baseline"), None);
    }
}
