//! `plot-lodo`: accuracy by target and method as a figure.

use std::collections::BTreeMap;

use dgpipe_engine::graph::AxisValue;
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Dpi, LodoChart, LodoPoint, LodoSeries, Look, Width};
use crate::formats::{FigureFiles, Scores};
use crate::statistics::{GridAxes, Measure, ScoreGrid, Summary};

/// Settings of `plot-lodo`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotLodoConfig {
    /// The axis of the methods, one series each.
    pub row: String,
    /// The axis of the targets, one group each.
    pub column: String,
    /// The axis of the repeats, such as seeds; nothing where there is one repeat.
    #[serde(default)]
    pub repeat: Option<String>,
    /// Which accuracy is drawn.
    #[serde(default)]
    pub measure: Measure,
    /// What methods and targets are called in the figure, by their values on the axes.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Drawn at the top.
    #[serde(default)]
    pub title: Option<String>,
    /// Set below.
    #[serde(default)]
    pub caption: Option<String>,
    /// How wide it is printed.
    #[serde(default = "Width::single")]
    pub width: Width,
    /// Dots an inch of the PNG.
    #[serde(default)]
    pub dpi: Dpi,
}

const SCORES: Labelled<Scores> = Labelled::new("scores");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws means with standard errors over repeats, every repeat as a point, and the average over targets per repeat
/// first (two-phase weight importance, section 6).
pub struct PlotLodo;

impl StageType for PlotLodo {
    type Config = PlotLodoConfig;
    const NAME: &'static str = "plot-lodo";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Draws accuracy by target and method.";

    fn ports() -> Ports {
        Ports::default().reads(SCORES).writes(FIGURE)
    }

    fn execute(config: &PlotLodoConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let axes = GridAxes { row: &config.row, column: &config.column, repeat: config.repeat.as_deref() };
        let grid = ScoreGrid::new(context.read(SCORES)?, axes)?;
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let figure = chart(config, &grid).draw(look);
        context.write(FIGURE, &FigureFiles::of("lodo", &figure)?)
    }
}

fn chart(config: &PlotLodoConfig, grid: &ScoreGrid) -> LodoChart {
    let named = |value: &AxisValue| {
        let value = value.to_string();
        config.names.get(&value).cloned().unwrap_or(value)
    };
    let mut groups: Vec<String> = grid.columns().iter().map(named).collect();
    // One target is its own average.
    let apart = usize::from(groups.len() > 1);
    groups.extend((apart == 1).then(|| "average".to_owned()));
    let series = grid.rows().iter().map(|row| {
        let mut points: Vec<Option<LodoPoint>> =
            grid.columns().iter().map(|column| point_of(config, grid, row, column)).collect();
        if apart == 1 {
            let averages: Vec<f64> = grid.averages(row, |scores| config.measure.of(scores)).into_values().collect();
            let saw = grid.columns().iter().any(|column| grid.saw_target(row, column));
            points.push(point(&averages, saw));
        }
        LodoSeries { name: named(row), points }
    });
    let series: Vec<LodoSeries> = series.collect();
    let notes = notes(config, grid, &series);
    LodoChart { measure: config.measure.axis(), groups, apart, series, notes }
}

fn point_of(config: &PlotLodoConfig, grid: &ScoreGrid, row: &AxisValue, column: &AxisValue) -> Option<LodoPoint> {
    let values: Vec<f64> = grid.cell(row, column).map(|scores| config.measure.of(scores)).collect();
    point(&values, grid.saw_target(row, column))
}

/// Means and errors in percent.
fn point(shares: &[f64], marked: bool) -> Option<LodoPoint> {
    let values: Vec<f64> = shares.iter().map(|share| 100.0 * share).collect();
    let summary = Summary::of(&values)?;
    let error = summary.standard_error();
    // A single value is the mean; it needs no point of its own.
    let values = if summary.n > 1 { values } else { Vec::new() };
    Some(LodoPoint { mean: summary.mean, error, values, marked })
}

fn notes(config: &PlotLodoConfig, grid: &ScoreGrid, series: &[LodoSeries]) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(repeat), true) = (&config.repeat, grid.repeats() > 1) {
        let count = grid.repeats();
        notes.push(format!("Dots: each {repeat}; bars: mean ± standard error over {count} {repeat}s."));
    }
    if series.iter().flat_map(|series| series.points.iter().flatten()).any(|point| point.marked) {
        notes.push("† The mask has seen labelled images of this target.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, WriteFormat};

    use super::*;
    use crate::formats::scoring;
    use crate::statistics::{AXES, at};

    fn config(text: &str) -> PlotLodoConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn points_are_means_in_percent_with_the_average_per_seed_first() {
        let config = config(r#"{"row": "method", "column": "target", "repeat": "seed", "names": {"erm": "ERM"}}"#);
        let scores = vec![
            (at("erm", "a", 1), scoring(0.5, false)),
            (at("erm", "a", 2), scoring(0.7, true)),
            (at("erm", "b", 1), scoring(0.4, false)),
            (at("erm", "b", 2), scoring(0.2, false)),
        ];
        let chart = chart(&config, &ScoreGrid::new(scores, AXES).unwrap());
        assert_eq!(chart.groups, ["a", "b", "average"]);
        assert_eq!(chart.series[0].name, "ERM");
        let points: Vec<&LodoPoint> = chart.series[0].points.iter().flatten().collect();
        assert!((points[0].mean - 60.0).abs() < 1e-9 && (points[0].error.unwrap() - 10.0).abs() < 1e-9);
        assert!((points[2].mean - 45.0).abs() < 1e-9 && points[2].error.unwrap() < 1e-9);
        assert_eq!(points.iter().map(|point| point.marked).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(chart.notes.len(), 2);
    }

    #[test]
    fn one_seed_has_neither_bars_nor_dots() {
        let config = config(r#"{"row": "method", "column": "target", "repeat": "seed"}"#);
        let grid = ScoreGrid::new(vec![(at("erm", "a", 1), scoring(0.5, false))], AXES).unwrap();
        let chart = chart(&config, &grid);
        let point = chart.series[0].points[0].as_ref().unwrap();
        assert_eq!((point.error, point.values.len(), chart.notes.len(), chart.apart), (None, 0, 0, 0));
    }

    #[test]
    fn the_figure_is_written_as_svg_and_png() {
        let folder = tempfile::tempdir().unwrap();
        scoring(0.5, false).write(&folder.path().join("s.json")).unwrap();
        let config =
            config(r#"{"row": "method", "column": "target", "title": "T", "caption": "C.", "width": "double"}"#);
        let solo =
            Solo::new(folder.path().join("out")).labelled("scores", at("erm", "a", 1), folder.path().join("s.json"));
        let result = solo.execute::<PlotLodo>(&config).unwrap();
        assert!(
            result.outputs["figure"].join("lodo.svg").exists() && result.outputs["figure"].join("lodo.png").exists()
        );
    }
}
