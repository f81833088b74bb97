//! `plot-confusion`: what items of each class were taken for, as a figure.

use std::collections::BTreeMap;

use dgpipe_engine::graph::{AxisValue, Coordinates};
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{ConfusionChart, ConfusionPanel, Dpi, Look, Width};
use crate::formats::{FigureFiles, Scores};

/// Settings of `plot-confusion`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotConfusionConfig {
    /// The axis whose values have a matrix each, such as `target`; one matrix of all where nothing is said. Scores that
    /// differ in other axes, such as seeds, are added up.
    #[serde(default)]
    pub panels: Option<String>,
    /// What the values of that axis and the classes are called in the figure.
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

const SCORES: Labelled<Scores> = Labelled::new("scores");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws each row in percent of the items of its class.
pub struct PlotConfusion;

impl StageType for PlotConfusion {
    type Config = PlotConfusionConfig;
    const NAME: &'static str = "plot-confusion";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws what items of each class were taken for.";

    fn ports() -> Ports {
        Ports::default().reads(SCORES).writes(FIGURE)
    }

    fn execute(config: &PlotConfusionConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let chart = chart(config, &context.read(SCORES)?)?;
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        context.write(FIGURE, &FigureFiles::of("confusion", &chart.draw(look))?)
    }
}

fn chart(config: &PlotConfusionConfig, scores: &[(Coordinates, Scores)]) -> Result<ConfusionChart, StageError> {
    let classes = scores.first().map_or(Vec::new(), |(_, scores)| scores.classes.clone());
    let named = |name: &String| config.names.get(name).cloned().unwrap_or_else(|| name.clone());
    let mut sums: BTreeMap<Option<AxisValue>, (Vec<Vec<u64>>, usize)> = BTreeMap::new();
    for (coordinates, scores) in scores {
        check(scores, &classes)?;
        let (sum, count) = sums.entry(panel_of(config, coordinates)?).or_insert_with(|| (empty(classes.len()), 0));
        *count += 1;
        for (row, counts) in sum.iter_mut().zip(&scores.confusion) {
            row.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
    }
    let most = sums.values().map(|(_, count)| *count).max().unwrap_or(0);
    let panels = sums.into_iter().map(|(value, (counts, _))| {
        let right: u64 = counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        let all: u64 = counts.iter().flatten().sum();
        let share = format!("{:.1} % right", 100.0 * right as f64 / all.max(1) as f64);
        let name = value.map_or(share.clone(), |value| format!("{}: {share}", named(&value.to_string())));
        ConfusionPanel { name, counts }
    });
    let panels = panels.collect();
    let notes = if most > 1 { vec![format!("Counts of {most} evaluations are added up.")] } else { Vec::new() };
    Ok(ConfusionChart { classes: classes.iter().map(named).collect(), panels, notes })
}

fn empty(classes: usize) -> Vec<Vec<u64>> {
    vec![vec![0; classes]; classes]
}

fn panel_of(config: &PlotConfusionConfig, coordinates: &Coordinates) -> Result<Option<AxisValue>, StageError> {
    let Some(axis) = &config.panels else {
        return Ok(None);
    };
    coordinates.get(axis).cloned().map(Some).ok_or_else(|| {
        let axes: Vec<&str> = coordinates.keys().map(String::as_str).collect();
        let axes = axes.join(", ");
        StageError::new(format!(
            "`panels` names the axis `{axis}`, but the scores come from cells with the axes [{axes}]"
        ))
        .hint("set `panels` to one of these, or leave it out for one matrix of all")
    })
}

fn check(scores: &Scores, classes: &[String]) -> Result<(), StageError> {
    if scores.classes != classes {
        let (these, those) = (scores.classes.join(", "), classes.join(", "));
        return Err(StageError::new(format!("scores differ in their classes, [{those}] and [{these}]"))
            .hint("draw scores of one data set in one figure"));
    }
    let count = classes.len();
    if scores.confusion.len() != count || scores.confusion.iter().any(|row| row.len() != count) {
        return Err(StageError::new(format!(
            "`confusion` of scores is no matrix of {count} × {count}, as its classes ask"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, WriteFormat};

    use super::*;
    use crate::formats::scoring;
    use crate::statistics::at;

    fn config(text: &str) -> PlotConfusionConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn seeds_are_added_up_and_targets_have_panels() {
        let scores = [
            (at("erm", "a", 1), scoring(0.5, false)),
            (at("erm", "a", 2), scoring(0.5, false)),
            (at("erm", "b", 1), scoring(0.5, false)),
        ];
        let chart = chart(&config(r#"{"panels": "target", "names": {"a": "A", "cat": "Cat"}}"#), &scores).unwrap();
        assert_eq!(chart.classes, ["Cat", "dog"]);
        assert_eq!(
            chart.panels.iter().map(|panel| panel.name.as_str()).collect::<Vec<_>>(),
            ["A: 100.0 % right", "b: 100.0 % right"]
        );
        assert_eq!(chart.panels[0].counts, [[4, 0], [0, 0]]);
        assert_eq!(chart.notes, ["Counts of 2 evaluations are added up."]);
    }

    #[test]
    fn what_cannot_be_added_up_is_refused() {
        let mut other = scoring(0.5, false);
        other.classes = vec!["x".to_owned(), "y".to_owned()];
        let scores = [(at("erm", "a", 1), scoring(0.5, false)), (at("erm", "a", 2), other)];
        let error = chart(&config("{}"), &scores).unwrap_err().to_string();
        assert_eq!(error, "scores differ in their classes, [cat, dog] and [x, y]");
        let mut ragged = scoring(0.5, false);
        ragged.confusion.pop();
        assert!(chart(&config("{}"), &[(at("erm", "a", 1), ragged)]).is_err());
        let error = chart(&config(r#"{"panels": "domain"}"#), &scores).unwrap_err().to_string();
        assert!(error.contains("[method, seed, target]"), "{error}");
    }

    #[test]
    fn the_figure_is_written_in_three_formats() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.json");
        scoring(0.5, false).write(&path).unwrap();
        let solo = Solo::new(folder.path().join("out")).labelled("scores", at("erm", "a", 1), &path);
        let result = solo.execute::<PlotConfusion>(&config("{}")).unwrap();
        for ending in ["svg", "pdf", "png"] {
            assert!(result.outputs["figure"].join(format!("confusion.{ending}")).exists(), "{ending}");
        }
    }
}
