//! `plot-sweep`: accuracy, and the share of free weights, over a parameter that was swept.

use std::collections::BTreeMap;

use dgpipe_engine::graph::Coordinates;
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Dpi, Look, SweepChart, SweepLine, SweepPanel, SweepPoint, Width};
use crate::formats::{FigureFiles, Mask, Scores};
use crate::statistics::{Measure, SweepAxes, SweepSummary, SweepValues};
use crate::table::SweepTable;

/// Settings of `plot-sweep`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotSweepConfig {
    /// The axis that was swept, such as `threshold`; its values are numbers.
    pub axis: String,
    /// The axis of the repeats, such as seeds, over which errors are computed; nothing where there is one repeat.
    #[serde(default)]
    pub repeat: Option<String>,
    /// The axis whose values have a line each, such as `target`; one line where nothing is said. Other axes are averaged
    /// over for each repeat first.
    #[serde(default)]
    pub series: Option<String>,
    /// Which accuracy is drawn.
    #[serde(default)]
    pub measure: Measure,
    /// What the scores that do not have the axis are called; they are drawn as a dashed level.
    #[serde(default = "baseline")]
    pub baseline: String,
    /// What the axis and the values of the series are called in the figure.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Drawn at the top.
    #[serde(default)]
    pub title: Option<String>,
    /// Set below.
    #[serde(default)]
    pub caption: Option<String>,
    /// How wide it is printed.
    #[serde(default = "Width::double")]
    pub width: Width,
    /// Dots an inch of the PNG.
    #[serde(default)]
    pub dpi: Dpi,
}

fn baseline() -> String {
    "baseline".to_owned()
}

const SCORES: Labelled<Scores> = Labelled::new("scores");
const MASKS: Labelled<Mask> = Labelled::new("masks").optional();
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws means with standard errors over repeats, averaged over all other axes per repeat first (two-phase weight
/// importance, section 6). The share of free weights counts every entry of a mask.
///
/// `sweep.csv` has a line a value, with shares from 0 to 1; what does not depend on the value has an empty one. `sweep.md`
/// and `sweep.tex` are the same table in percent.
pub struct PlotSweep;

impl StageType for PlotSweep {
    type Config = PlotSweepConfig;
    const NAME: &'static str = "plot-sweep";
    const VERSION: u32 = 2;
    const ABOUT: &'static str =
        "Draws accuracy and the share of free weights over a parameter that was swept, with a table of both.";

    fn ports() -> Ports {
        Ports::default().reads(SCORES).reads(MASKS).writes(FIGURE)
    }

    fn execute(config: &PlotSweepConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let scores = context.read(SCORES)?;
        let accuracies: Vec<(Coordinates, f64)> =
            scores.iter().map(|(place, scores)| (place.clone(), config.measure.of(scores))).collect();
        let densities: Vec<(Coordinates, f64)> =
            context.read(MASKS)?.iter().map(|(place, mask)| (place.clone(), density(mask))).collect();
        let mut values = vec![accuracies.as_slice()];
        let mut quantities = vec![(config.measure.key(), config.measure.words())];
        let mut labels = vec![config.measure.axis()];
        if !densities.is_empty() {
            values.push(&densities);
            quantities.push(("free_weights", "share of free weights"));
            labels.push("Free weights (%)".to_owned());
        }
        let axes =
            SweepAxes { swept: &config.axis, repeat: config.repeat.as_deref(), series: config.series.as_deref() };
        let summary = SweepSummary::new(&values, axes)?;
        let table = SweepTable {
            summary: &summary,
            axes,
            quantities: &quantities,
            level: &config.baseline,
            names: &config.names,
            caption: config.caption.as_deref(),
        };
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let files = FigureFiles::of("sweep", &chart(config, &summary, labels).draw(look))?
            .beside("sweep.csv", table.csv()?.into_bytes())
            .beside("sweep.md", table.markdown().into_bytes())
            .beside("sweep.tex", table.latex().into_bytes());
        context.write(FIGURE, &files)
    }
}

/// The share of weights that stay free.
fn density(mask: &Mask) -> f64 {
    let all: usize = mask.tensors.values().map(ndarray::ArrayD::len).sum();
    let free: usize = mask.tensors.values().map(|tensor| tensor.iter().filter(|free| **free).count()).sum();
    free as f64 / all.max(1) as f64
}

/// What is drawn, in percent.
fn chart(config: &PlotSweepConfig, summary: &SweepSummary, labels: Vec<String>) -> SweepChart {
    let percent = |share: f64| 100.0 * share;
    let line = |(series, values): (usize, &SweepValues)| SweepLine {
        series,
        points: (values.points.iter())
            .map(|(x, summary)| SweepPoint {
                x: *x,
                mean: percent(summary.mean),
                error: summary.standard_error().map(percent),
            })
            .collect(),
        level: values.level.map(|summary| percent(summary.mean)),
    };
    let panel = |(name, lines): (String, &Vec<SweepValues>)| SweepPanel {
        name,
        lines: lines.iter().enumerate().map(line).collect(),
    };
    let named = |name: &str| config.names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut notes = Vec::new();
    if let (Some(repeat), true) = (&config.repeat, summary.repeats > 1) {
        notes.push(format!("Mean ± standard error over {} {repeat}s.", summary.repeats));
    }
    let series = summary.series.iter();
    SweepChart {
        axis: named(&config.axis),
        series: series.map(|value| value.as_ref().map_or(String::new(), |value| named(&value.to_string()))).collect(),
        level_name: named(&config.baseline),
        panels: labels.into_iter().zip(&summary.quantities).map(panel).collect(),
        notes,
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::graph::AxisValue;
    use dgpipe_engine::stage::{Solo, WriteFormat};

    use super::*;
    use crate::formats::{Seen, scoring};

    fn config(text: &str) -> PlotSweepConfig {
        serde_json::from_str(text).unwrap()
    }

    fn place(threshold: Option<f64>, target: &str, seed: i64) -> Coordinates {
        let axes = [("target", Some(target.into())), ("seed", Some(seed.into()))];
        let threshold = ("threshold", threshold.map(|value| serde_json::from_value(value.into()).unwrap()));
        let present = |(name, value): (&str, Option<AxisValue>)| Some((name.to_owned(), value?));
        axes.into_iter().chain([threshold]).filter_map(present).collect()
    }

    #[test]
    fn masks_have_a_panel_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.json");
        scoring(0.5, false).write(&path).unwrap();
        let tensor = ndarray::arr1(&[true, false, false, false]).into_dyn();
        let mask = Mask { tensors: BTreeMap::from([("a.weight".to_owned(), tensor)]), seen: Seen::default() };
        assert!((density(&mask) - 0.25).abs() < 1e-12);
        mask.write(&folder.path().join("m")).unwrap();
        let solo = Solo::new(folder.path().join("out")).labelled("scores", place(Some(0.5), "a", 1), &path).labelled(
            "masks",
            place(Some(0.5), "a", 1),
            folder.path().join("m"),
        );
        let result = solo.execute::<PlotSweep>(&config(r#"{"axis": "threshold"}"#)).unwrap();
        let svg = fs_err::read_to_string(result.outputs["figure"].join("sweep.svg")).unwrap();
        assert!(svg.contains("Free weights (%)"), "{svg}");
        let csv = fs_err::read_to_string(result.outputs["figure"].join("sweep.csv")).unwrap();
        let header = "threshold,accuracy_target_all,accuracy_target_all_standard_error,accuracy_target_all_n,\
                      free_weights,free_weights_standard_error,free_weights_n";
        assert_eq!(csv, format!("{header}\n0.5,0.5,,1,0.25,,1\n"));
    }
}
