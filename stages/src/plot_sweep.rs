//! `plot-sweep`: accuracy, and the share of free weights, over a parameter that was swept.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_engine::graph::{AxisValue, Coordinates};
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Dpi, Look, SweepChart, SweepLine, SweepPanel, SweepPoint, Width};
use crate::formats::{FigureFiles, Mask, Scores};
use crate::statistics::{Measure, Summary};

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
pub struct PlotSweep;

impl StageType for PlotSweep {
    type Config = PlotSweepConfig;
    const NAME: &'static str = "plot-sweep";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws accuracy and the share of free weights over a parameter that was swept.";

    fn ports() -> Ports {
        Ports::default().reads(SCORES).reads(MASKS).writes(FIGURE)
    }

    fn execute(config: &PlotSweepConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let scores = context.read(SCORES)?;
        let accuracies = scores.iter().map(|(place, scores)| (place.clone(), 100.0 * config.measure.of(scores)));
        let densities: Vec<(Coordinates, f64)> =
            context.read(MASKS)?.iter().map(|(place, mask)| (place.clone(), 100.0 * density(mask))).collect();
        let chart = chart(config, &accuracies.collect::<Vec<_>>(), &densities)?;
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        context.write(FIGURE, &FigureFiles::of("sweep", &chart.draw(look))?)
    }
}

/// The share of weights that stay free.
fn density(mask: &Mask) -> f64 {
    let all: usize = mask.tensors.values().map(ndarray::ArrayD::len).sum();
    let free: usize = mask.tensors.values().map(|tensor| tensor.iter().filter(|free| **free).count()).sum();
    free as f64 / all.max(1) as f64
}

fn chart(
    config: &PlotSweepConfig,
    accuracies: &[(Coordinates, f64)],
    densities: &[(Coordinates, f64)],
) -> Result<SweepChart, StageError> {
    let all = || accuracies.iter().chain(densities).map(|(place, _)| place);
    if !all().any(|place| place.contains_key(&config.axis)) {
        let axes: BTreeSet<&str> = all().flat_map(|place| place.keys().map(String::as_str)).collect();
        let axes = axes.into_iter().collect::<Vec<_>>().join(", ");
        let what = format!("`axis` names `{}`, but the inputs come from cells with the axes [{axes}]", config.axis);
        return Err(StageError::new(what).hint("set `axis` to the one that was swept"));
    }
    let series_of = |place: &Coordinates| config.series.as_ref().and_then(|axis| place.get(axis)).cloned();
    let swept = all().filter(|place| place.contains_key(&config.axis));
    let series: Vec<Option<AxisValue>> = swept.map(series_of).collect::<BTreeSet<_>>().into_iter().collect();
    let named = |name: &str| config.names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let mut panels = Vec::new();
    for (name, values) in [(config.measure.axis(), accuracies), ("Free weights (%)".to_owned(), densities)] {
        let lines = (0..series.len()).map(|index| line(config, values, index, &series[index]));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        if !values.is_empty() {
            panels.push(SweepPanel { name, lines });
        }
    }
    let repeats = config
        .repeat
        .as_ref()
        .map_or(0, |axis| all().filter_map(|place| place.get(axis)).collect::<BTreeSet<_>>().len());
    let mut notes = Vec::new();
    if let (Some(repeat), true) = (&config.repeat, repeats > 1) {
        notes.push(format!("Mean ± standard error over {repeats} {repeat}s."));
    }
    let series = series.iter().map(|value| value.as_ref().map_or(String::new(), |value| named(&value.to_string())));
    let series = series.collect();
    let level_name = named(&config.baseline);
    Ok(SweepChart { axis: named(&config.axis), series, level_name, panels, notes })
}

fn line(
    config: &PlotSweepConfig,
    values: &[(Coordinates, f64)],
    index: usize,
    series: &Option<AxisValue>,
) -> Result<SweepLine, StageError> {
    let of_series = |place: &Coordinates| {
        let value = config.series.as_ref().and_then(|axis| place.get(axis));
        // What does not have the axis of the series belongs to all of them.
        value.is_none() || value == series.as_ref()
    };
    let mine: Vec<&(Coordinates, f64)> = values.iter().filter(|(place, _)| of_series(place)).collect();
    let mut by_place: BTreeMap<&AxisValue, Vec<&(Coordinates, f64)>> = BTreeMap::new();
    let mut without = Vec::new();
    for &value in &mine {
        match value.0.get(&config.axis) {
            Some(place) => by_place.entry(place).or_default().push(value),
            None => without.push(value),
        }
    }
    let mut points = Vec::new();
    for (place, values) in by_place {
        let x = place.as_f64().ok_or_else(|| {
            let axis = &config.axis;
            StageError::new(format!("`{place}` on the axis `{axis}` is no number")).hint("sweep over numbers")
        })?;
        let summary = summary(config, &values);
        points.extend(summary.map(|summary| SweepPoint { x, mean: summary.mean, error: summary.standard_error() }));
    }
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    Ok(SweepLine { series: index, points, level: summary(config, &without).map(|summary| summary.mean) })
}

/// Averages per repeat, then summed up over repeats.
fn summary(config: &PlotSweepConfig, values: &[&(Coordinates, f64)]) -> Option<Summary> {
    let mut repeats: BTreeMap<Option<&AxisValue>, Vec<f64>> = BTreeMap::new();
    for (place, value) in values {
        repeats.entry(config.repeat.as_ref().and_then(|axis| place.get(axis))).or_default().push(*value);
    }
    let averages: Vec<f64> =
        repeats.into_values().map(|values| values.iter().sum::<f64>() / values.len() as f64).collect();
    Summary::of(&averages)
}

#[cfg(test)]
mod tests {
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
    fn targets_are_averaged_per_seed_and_scores_without_the_axis_are_a_level() {
        let values = [
            (place(Some(0.5), "a", 1), 60.0),
            (place(Some(0.5), "b", 1), 40.0),
            (place(Some(0.5), "a", 2), 70.0),
            (place(Some(0.5), "b", 2), 50.0),
            (place(Some(0.1), "a", 1), 30.0),
            (place(None, "a", 1), 45.0),
        ];
        let found = chart(&config(r#"{"axis": "threshold", "repeat": "seed"}"#), &values, &[]).unwrap();
        let line = &found.panels[0].lines[0];
        assert_eq!(line.points[0], SweepPoint { x: 0.1, mean: 30.0, error: None });
        assert_eq!((line.points[1].mean, line.level), (55.0, Some(45.0)));
        assert!((line.points[1].error.unwrap() - 5.0).abs() < 1e-9);
        assert_eq!((found.panels.len(), found.notes.len()), (1, 1));

        let found = chart(&config(r#"{"axis": "threshold", "series": "target"}"#), &values, &[]).unwrap();
        assert_eq!(found.series, ["a", "b"]);
        assert_eq!((found.panels[0].lines[1].points.len(), found.panels[0].lines[1].level), (1, None));
    }

    #[test]
    fn an_axis_that_is_not_there_or_has_no_numbers_is_an_error() {
        let values = [(place(Some(0.5), "a", 1), 60.0)];
        let error = chart(&config(r#"{"axis": "depth"}"#), &values, &[]).unwrap_err().to_string();
        assert!(error.contains("[seed, target, threshold]"), "{error}");
        let error = chart(&config(r#"{"axis": "target"}"#), &values, &[]).unwrap_err().to_string();
        assert_eq!(error, "`a` on the axis `target` is no number");
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
    }
}
