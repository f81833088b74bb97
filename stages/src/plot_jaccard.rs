//! `plot-jaccard`: how alike the masks of seeds and domains are, beside chance.

use std::collections::BTreeMap;

use dgpipe_engine::graph::Coordinates;
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Dpi, JaccardChart, JaccardRow, Look, Width};
use crate::formats::{FigureFiles, Mask, number_in};
use crate::statistics::Overlap;

/// Settings of `plot-jaccard`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotJaccardConfig {
    /// The axes that are compared, such as `[seed, domain]`: for each, pairs of masks that differ in it and in no other.
    pub axes: Vec<String>,
    /// What axes and tensors are called in the figure.
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

const MASKS: Labelled<Mask> = Labelled::new("masks");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// What stands for all tensors together.
const ALL: &str = "all weights";

/// Draws the Jaccard index of the free weights of pairs of masks, tensor by tensor and over all, beside the index at the
/// overlap expected of random masks with as many free weights in each tensor (two-phase weight importance, section 6).
///
/// `jaccard.csv` has a line a pair and tensor: `axis`, `first`, `second`, `tensor`, `both`, `either`, `jaccard`, `chance`.
/// Pairs of which both masks are empty in a tensor have no index. Positions mean the same only within one initial head,
/// so masks of different seeds are expected at chance.
pub struct PlotJaccard;

impl StageType for PlotJaccard {
    type Config = PlotJaccardConfig;
    const NAME: &'static str = "plot-jaccard";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws how alike the masks of seeds and domains are, beside chance.";

    fn ports() -> Ports {
        Ports::default().reads(MASKS).writes(FIGURE)
    }

    fn execute(config: &PlotJaccardConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let pairs = pairs(config, &context.read(MASKS)?)?;
        if pairs.is_empty() {
            context
                .note(format!("no two masks differ in one of [{}] alone: the figure is empty", config.axes.join(", ")));
        }
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let files = FigureFiles::of("jaccard", &chart(config, &pairs).draw(look))?;
        context.write(FIGURE, &files.beside("jaccard.csv", csv(&pairs)?))
    }
}

/// Two masks that differ in one axis.
struct Pair {
    axis: usize,
    axis_name: String,
    cells: [String; 2],
    overlaps: Vec<(String, Overlap)>,
}

fn pairs(config: &PlotJaccardConfig, masks: &[(Coordinates, Mask)]) -> Result<Vec<Pair>, StageError> {
    if let Some(axis) = config.axes.iter().find(|axis| !masks.iter().any(|(place, _)| place.contains_key(*axis))) {
        let axes: Vec<&str> =
            masks.first().into_iter().flat_map(|(place, _)| place.keys().map(String::as_str)).collect();
        let what = format!("`axes` names `{axis}`, but the masks come from cells with the axes [{}]", axes.join(", "));
        return Err(StageError::new(what).hint("correct `axes`"));
    }
    let mut pairs = Vec::new();
    for (index, (place, mask)) in masks.iter().enumerate() {
        for (other_place, other) in &masks[index + 1..] {
            let Some(axis) = only_difference(config, place, other_place) else {
                continue;
            };
            let cells = [place, other_place].map(cell);
            let overlaps = overlaps(mask, other, &cells)?;
            pairs.push(Pair { axis, axis_name: config.axes[axis].clone(), cells, overlaps });
        }
    }
    Ok(pairs)
}

/// Which of the axes is the only one in which two cells differ.
fn only_difference(config: &PlotJaccardConfig, first: &Coordinates, second: &Coordinates) -> Option<usize> {
    let names = first.keys().chain(second.keys().filter(|name| !first.contains_key(*name)));
    let mut differing = names.filter(|name| first.get(*name) != second.get(*name));
    let (only, more) = (differing.next()?, differing.next());
    config.axes.iter().position(|axis| axis == only && more.is_none())
}

fn cell(place: &Coordinates) -> String {
    place.iter().map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(" ")
}

/// The overlap in every tensor, then in all together.
fn overlaps(first: &Mask, second: &Mask, cells: &[String; 2]) -> Result<Vec<(String, Overlap)>, StageError> {
    let shapes = |mask: &Mask| -> Vec<(String, Vec<usize>)> {
        mask.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape().to_vec())).collect()
    };
    if shapes(first) != shapes(second) {
        let what = format!("the masks of `{}` and `{}` have different tensors", cells[0], cells[1]);
        return Err(StageError::new(what).hint("compare masks of one architecture"));
    }
    let tensors = first.tensors.iter().zip(second.tensors.values());
    let mut overlaps: Vec<(String, Overlap)> =
        tensors.map(|((name, a), b)| (name.clone(), Overlap::of(a.iter(), b.iter()))).collect();
    // The order of the network, in which `layers.10` comes after `layers.2` and the classifier last.
    overlaps.sort_by_key(|(name, _)| number_in(name));
    let all = overlaps.iter().fold(Overlap::default(), |all, (_, overlap)| all.and(*overlap));
    overlaps.push((ALL.to_owned(), all));
    Ok(overlaps)
}

fn chart(config: &PlotJaccardConfig, pairs: &[Pair]) -> JaccardChart {
    let named = |name: &String| config.names.get(name).cloned().unwrap_or_else(|| name.clone());
    let tensors = pairs.first().into_iter().flat_map(|pair| &pair.overlaps).map(|(name, _)| name);
    let row = |(index, name): (usize, &String)| {
        let of_axis =
            |axis: usize| pairs.iter().filter(move |pair| pair.axis == axis).map(move |pair| pair.overlaps[index].1);
        let values = |axis: usize| of_axis(axis).filter_map(Overlap::jaccard).collect();
        let chance = |axis: usize| {
            let values: Vec<f64> = of_axis(axis).filter_map(Overlap::chance).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let axes = 0..config.axes.len();
        JaccardRow { name: named(name), values: axes.clone().map(values).collect(), chance: axes.map(chance).collect() }
    };
    let rows = tensors.enumerate().map(row).collect();
    let mut notes = vec!["Dots: pairs of masks; marks: their means.".to_owned()];
    let counts = config.axes.iter().enumerate().map(|(index, axis)| {
        let count = pairs.iter().filter(|pair| pair.axis == index).count();
        format!("{count} pairs of another {}", named(axis))
    });
    notes.push(format!("{}.", counts.collect::<Vec<_>>().join(", ")));
    let series = config.axes.iter().map(|axis| format!("another {}", named(axis))).collect();
    JaccardChart { series, rows, notes }
}

fn csv(pairs: &[Pair]) -> Result<Vec<u8>, StageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["axis", "first", "second", "tensor", "both", "either", "jaccard", "chance"])?;
    let text = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    for pair in pairs {
        let [first, second] = &pair.cells;
        for (tensor, overlap) in &pair.overlaps {
            let numbers =
                [overlap.both.to_string(), overlap.either.to_string(), text(overlap.jaccard()), text(overlap.chance())];
            let fixed = [&pair.axis_name, first, second, tensor];
            writer.write_record(fixed.into_iter().chain(&numbers))?;
        }
    }
    writer.into_inner().map_err(|error| StageError::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, WriteFormat};

    use super::*;
    use crate::formats::Seen;
    use crate::statistics::at;

    fn config(text: &str) -> PlotJaccardConfig {
        serde_json::from_str(text).unwrap()
    }

    fn mask(values: &[bool]) -> Mask {
        let tensor = ndarray::Array1::from(values.to_vec()).into_dyn();
        Mask { tensors: BTreeMap::from([("a.weight".to_owned(), tensor)]), seen: Seen::default() }
    }

    #[test]
    fn only_masks_that_differ_in_one_axis_are_compared() {
        let masks = [
            (at("m", "a", 1), mask(&[true, true, false, false])),
            (at("m", "a", 2), mask(&[true, false, false, false])),
            (at("m", "b", 2), mask(&[false, false, true, true])),
        ];
        let config = config(r#"{"axes": ["seed", "target"], "names": {"target": "domain"}}"#);
        let pairs = pairs(&config, &masks).unwrap();
        assert_eq!(pairs.iter().map(|pair| pair.axis).collect::<Vec<_>>(), [0, 1]);
        let chart = chart(&config, &pairs);
        assert_eq!(chart.series, ["another seed", "another domain"]);
        assert_eq!(chart.rows[0].values, [vec![0.5], vec![0.0]]);
        assert_eq!((chart.rows.len(), chart.rows[1].name.as_str()), (2, "all weights"));
        let text = String::from_utf8(csv(&pairs).unwrap()).unwrap();
        assert!(text.contains("seed,method=m seed=1 target=a,method=m seed=2 target=a,a.weight,1,2,0.5,"), "{text}");
    }

    #[test]
    fn masks_of_other_networks_and_axes_that_are_not_there_are_refused() {
        let masks = [(at("m", "a", 1), mask(&[true])), (at("m", "a", 2), mask(&[true, false]))];
        let error = pairs(&config(r#"{"axes": ["seed"]}"#), &masks).err().unwrap().to_string();
        assert!(error.ends_with("have different tensors"), "{error}");
        let error = pairs(&config(r#"{"axes": ["domain"]}"#), &masks).err().unwrap().to_string();
        assert!(error.contains("[method, seed, target]"), "{error}");
    }

    #[test]
    fn one_seed_is_an_empty_figure_with_a_note() {
        let folder = tempfile::tempdir().unwrap();
        mask(&[true, false]).write(&folder.path().join("m")).unwrap();
        let solo = Solo::new(folder.path().join("out")).labelled("masks", at("m", "a", 1), folder.path().join("m"));
        let result = solo.execute::<PlotJaccard>(&config(r#"{"axes": ["seed"]}"#)).unwrap();
        assert!(result.notes[0].contains("the figure is empty"), "{:?}", result.notes);
        assert!(result.outputs["figure"].join("jaccard.csv").exists());
    }
}
