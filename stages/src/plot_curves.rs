//! `plot-curves`: training curves of one or several trainings as a figure.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_engine::graph::{AxisValue, Coordinates};
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{CurvesChart, CurvesRun, Dpi, Look, Width};
use crate::formats::{EpochRecord, FigureFiles, History};

/// Settings of `plot-curves`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotCurvesConfig {
    /// The axis whose values have a colour each; runs that differ in others share one, with their mean drawn bold. Where
    /// nothing is said, the first axis by name that has several values which are text, else the first with several.
    #[serde(default)]
    pub series: Option<String>,
    /// What the values of that axis are called in the figure.
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

const HISTORY: Labelled<History> = Labelled::new("history");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws loss and accuracy over epochs, with the freeze schedule of section 5 of two-phase weight importance behind them.
pub struct PlotCurves;

impl StageType for PlotCurves {
    type Config = PlotCurvesConfig;
    const NAME: &'static str = "plot-curves";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Draws the loss and accuracy of trainings over their epochs.";

    fn ports() -> Ports {
        Ports::default().reads(HISTORY).writes(FIGURE)
    }

    fn execute(config: &PlotCurvesConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let histories = context.read(HISTORY)?;
        if histories.iter().all(|(_, History(epochs))| epochs.is_empty()) {
            context.note("no history has an epoch: the figure is empty");
        }
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let figure = chart(config, &histories)?.draw(look);
        context.write(FIGURE, &FigureFiles::of("curves", &figure)?)
    }
}

fn chart(config: &PlotCurvesConfig, histories: &[(Coordinates, History)]) -> Result<CurvesChart, StageError> {
    let axis = series_axis(config, histories)?;
    let value_of = |coordinates: &Coordinates| axis.as_ref().and_then(|axis| coordinates.get(axis)).cloned();
    let values: BTreeSet<Option<AxisValue>> = histories.iter().map(|(coordinates, _)| value_of(coordinates)).collect();
    let values: Vec<Option<AxisValue>> = values.into_iter().collect();
    let named = |value: &Option<AxisValue>| {
        let value = value.as_ref().map_or("training".to_owned(), ToString::to_string);
        config.names.get(&value).cloned().unwrap_or(value)
    };
    let run = |(coordinates, History(epochs)): &(Coordinates, History)| {
        let value = value_of(coordinates);
        let series = values.iter().position(|other| *other == value).unwrap_or(0);
        let percent = |share: f64| 100.0 * share;
        let validation = |of: fn(&EpochRecord) -> Option<f64>| -> Vec<f64> {
            epochs.iter().map(of).collect::<Option<_>>().unwrap_or_default()
        };
        let train_accuracy = epochs.iter().map(|epoch| percent(epoch.train_accuracy)).collect();
        let val_accuracy = validation(|epoch| epoch.val_acc).into_iter().map(percent).collect();
        CurvesRun {
            series,
            loss: [epochs.iter().map(|epoch| epoch.train_loss).collect(), validation(|epoch| epoch.val_loss)],
            accuracy: [train_accuracy, val_accuracy],
        }
    };
    let runs: Vec<CurvesRun> = histories.iter().map(run).collect();
    let (freedom, differs) = freedom(histories);
    let mut notes = Vec::new();
    if (0..values.len()).any(|series| runs.iter().filter(|run| run.series == series).count() > 1) {
        notes.push("Thin lines: single runs; bold lines: their mean.".to_owned());
    }
    if differs {
        notes.push("The runs have different freeze schedules, which are not drawn.".to_owned());
    }
    Ok(CurvesChart { series: values.iter().map(named).collect(), runs, freedom, notes })
}

/// The axis whose values have a colour each.
fn series_axis(config: &PlotCurvesConfig, histories: &[(Coordinates, History)]) -> Result<Option<String>, StageError> {
    let mut axes: BTreeMap<&String, BTreeSet<&AxisValue>> = BTreeMap::new();
    for (coordinates, _) in histories {
        for (axis, value) in coordinates {
            axes.entry(axis).or_default().insert(value);
        }
    }
    if let Some(series) = &config.series {
        if axes.contains_key(series) {
            return Ok(Some(series.clone()));
        }
        let names: Vec<&str> = axes.keys().map(|axis| axis.as_str()).collect();
        let what =
            format!("`series` names the axis `{series}`, but the trainings have the axes [{}]", names.join(", "));
        return Err(StageError::new(what).hint("set `series` to one of these, or leave it out"));
    }
    let several = || axes.iter().filter(|(_, values)| values.len() > 1);
    let is_text = |values: &BTreeSet<&AxisValue>| values.iter().all(|value| value.as_f64().is_none());
    let chosen =
        several().find(|(_, values)| is_text(values)).or_else(|| several().next()).or_else(|| axes.iter().next());
    Ok(chosen.map(|(axis, _)| (*axis).clone()))
}

/// How free unimportant weights were by epoch, and whether the runs disagree about it.
fn freedom(histories: &[(Coordinates, History)]) -> (Vec<f64>, bool) {
    let schedules: Vec<Vec<f64>> = histories
        .iter()
        .filter_map(|(_, History(epochs))| epochs.iter().map(|epoch| epoch.scale).collect::<Option<Vec<f64>>>())
        .filter(|schedule| !schedule.is_empty())
        .collect();
    let Some(first) = schedules.first() else {
        return (Vec::new(), false);
    };
    let differs = schedules.len() < histories.len() || schedules.iter().any(|schedule| schedule != first);
    (if differs { Vec::new() } else { first.clone() }, differs)
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, WriteFormat};

    use super::*;
    use crate::statistics::at;

    fn config(text: &str) -> PlotCurvesConfig {
        serde_json::from_str(text).unwrap()
    }

    fn history(scales: &[f64], validated: bool) -> History {
        let epoch = |(epoch, &scale): (usize, &f64)| EpochRecord {
            epoch: epoch as u64,
            train_loss: 1.0 / (epoch + 1) as f64,
            train_accuracy: 0.5,
            val_loss: validated.then_some(1.0),
            val_acc: validated.then_some(0.4),
            scale: Some(scale),
            ..EpochRecord::default()
        };
        History(scales.iter().enumerate().map(epoch).collect())
    }

    #[test]
    fn targets_have_colours_and_seeds_share_them() {
        let histories = [
            (at("erm", "b", 1), history(&[1.0, 0.5], true)),
            (at("erm", "a", 1), history(&[1.0, 0.5], true)),
            (at("erm", "a", 2), history(&[1.0, 0.5], false)),
        ];
        let chart = chart(&config(r#"{"names": {"b": "B"}}"#), &histories).unwrap();
        assert_eq!(chart.series, ["a", "B"]);
        assert_eq!(chart.runs.iter().map(|run| run.series).collect::<Vec<_>>(), [1, 0, 0]);
        assert_eq!((chart.runs[0].accuracy[1].as_slice(), chart.runs[2].accuracy[1].len()), (&[40.0, 40.0][..], 0));
        assert_eq!((chart.freedom, chart.notes.len()), (vec![1.0, 0.5], 1));
    }

    #[test]
    fn another_axis_can_be_named_and_one_that_is_not_there_is_an_error() {
        let histories = [(at("erm", "a", 1), history(&[1.0], true)), (at("erm", "a", 2), history(&[0.5], true))];
        let found = chart(&config(r#"{"series": "seed"}"#), &histories).unwrap();
        assert_eq!(found.series, ["1", "2"]);
        assert!(found.freedom.is_empty() && found.notes[0].contains("different freeze schedules"));
        let error = chart(&config(r#"{"series": "domain"}"#), &histories).unwrap_err().to_string();
        assert!(error.contains("[method, seed, target]"), "{error}");
    }

    #[test]
    fn the_figure_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        history(&[1.0, 0.0], true).write(&path).unwrap();
        let solo = Solo::new(folder.path().join("out")).input("history", &path);
        let result = solo.execute::<PlotCurves>(&config("{}")).unwrap();
        assert!(result.outputs["figure"].join("curves.svg").exists());
    }
}
