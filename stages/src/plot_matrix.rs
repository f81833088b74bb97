//! `plot-matrix`: weights, importance or masks as heat maps.

use std::collections::{BTreeMap, BTreeSet};

use dgpipe_engine::graph::Coordinates;
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{ColourScale, Dpi, Look, MatrixBlock, MatrixChart, MatrixPanel, Width};
use crate::formats::{FigureFiles, Layer, Matrices, Meaning};

/// Settings of `plot-matrix`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotMatrixConfig {
    /// Which layers are drawn, such as `layers.0`; all where nothing is said.
    #[serde(default)]
    pub layers: Option<Vec<String>>,
    /// What the coordinates of several networks are called in the figure.
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

const MATRICES: Labelled<Matrices> = Labelled::new("matrices");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws every layer's matrix, with its bias to the right, on one scale for all that are of one kind (two-phase weight
/// importance, section 7). Several networks, such as the importance of each domain or the weights, importance and mask of
/// one head, are drawn one below the other.
///
/// Importance is drawn from 0 to 1, or to its largest value where that is larger; weights around 0. Matrices with more
/// than 800 columns or 320 rows are averaged over neighbours.
pub struct PlotMatrix;

impl StageType for PlotMatrix {
    type Config = PlotMatrixConfig;
    const NAME: &'static str = "plot-matrix";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Draws weights, importance or masks as heat maps.";

    fn ports() -> Ports {
        Ports::default().reads(MATRICES).writes(FIGURE)
    }

    fn execute(config: &PlotMatrixConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let matrices = context.read(MATRICES)?;
        let kinds: BTreeSet<&str> = matrices.iter().map(|(_, matrices)| words(matrices.meaning).1).collect();
        let stem = if kinds.len() == 1 { kinds.first().copied().unwrap_or_default() } else { "matrices" };
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        context.write(FIGURE, &FigureFiles::of(stem, &chart(config, &matrices)?.draw(look))?)
    }
}

/// What the numbers are called beside their scale and in the names of files.
fn words(meaning: Meaning) -> (&'static str, &'static str) {
    match meaning {
        Meaning::Weights => ("Weight", "weights"),
        Meaning::Importance => ("Importance", "importance"),
        Meaning::Mask => ("Mask", "mask"),
    }
}

fn chart(config: &PlotMatrixConfig, matrices: &[(Coordinates, Matrices)]) -> Result<MatrixChart, StageError> {
    let networks = matrices
        .iter()
        .map(|(place, matrices)| Ok((place, matrices.meaning, chosen(matrices, config.layers.as_deref())?)));
    let networks = networks.collect::<Result<Vec<_>, StageError>>()?;
    let most = |meaning: Meaning| {
        let alike = networks.iter().filter(|(_, other, _)| *other == meaning).flat_map(|(_, _, layers)| layers);
        let values = alike.flat_map(|layer| layer.weight.iter().chain(layer.bias.iter().flatten()));
        f64::from(values.fold(0.0_f32, |most, value| most.max(value.abs())))
    };
    let blocks = networks.iter().map(|(place, meaning, layers)| {
        let (quantity, _) = words(*meaning);
        let differing =
            place.iter().filter(|(axis, value)| matrices.iter().any(|(other, _)| other.get(*axis) != Some(value)));
        let names = differing.map(|(_, value)| {
            let value = value.to_string();
            config.names.get(&value).cloned().unwrap_or(value)
        });
        let names: Vec<String> = std::iter::once(quantity.to_owned()).chain(names).collect();
        MatrixBlock {
            name: (matrices.len() > 1).then(|| names.join(", ")),
            colours: colours(*meaning, most(*meaning)),
            panels: layers.iter().map(panel).collect(),
            quantity: quantity.to_owned(),
        }
    });
    Ok(MatrixChart { blocks: blocks.collect() })
}

/// The layers asked for, in the order of the network.
fn chosen(matrices: &Matrices, wanted: Option<&[String]>) -> Result<Vec<Layer>, StageError> {
    let layers = matrices.layers();
    let names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
    if names.is_empty() {
        return Err(StageError::new("input `matrices` has no tensor with two dimensions, so there is nothing to draw"));
    }
    let Some(wanted) = wanted else {
        return Ok(layers);
    };
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        return Err(StageError::new(format!("there is no layer `{unknown}`; layers are [{}]", names.join(", ")))
            .hint("correct `layers`, or leave it out to draw all"));
    }
    Ok(layers.into_iter().filter(|layer| wanted.contains(&layer.name)).collect())
}

fn panel(layer: &Layer) -> MatrixPanel {
    MatrixPanel {
        name: layer.name.clone(),
        shape: layer.weight.dim(),
        weight: layer.weight.iter().copied().collect(),
        bias: layer.bias.as_ref().map(|bias| bias.to_vec()),
    }
}

fn colours(meaning: Meaning, most: f64) -> ColourScale {
    match meaning {
        Meaning::Mask => ColourScale::Mask,
        Meaning::Importance => ColourScale::Up(if most > 1.0 { most } else { 1.0 }),
        Meaning::Weights => ColourScale::Around(if most > 0.0 { most } else { 1.0 }),
    }
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, SoloResult, WriteFormat};
    use ndarray::ArrayD;

    use super::*;
    use crate::formats::{HeadArchitecture, Importance, Mask, Seen};
    use crate::nets::Head;
    use crate::random::Random;

    fn execute(folder: &tempfile::TempDir, text: &str) -> Result<SoloResult, StageError> {
        let config = serde_json::from_str(text).unwrap();
        Solo::new(folder.path().join("out"))
            .labelled("matrices", Coordinates::new(), folder.path().join("m"))
            .execute::<PlotMatrix>(&config)
    }

    #[test]
    fn weights_importance_and_masks_can_all_be_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let head = HeadArchitecture { input: 60, hidden: vec![4], classes, batch_norm: true, dropout: 0.2 };
        Head::initial(head, &mut Random::new(1, "s", "initial", 0)).write(&folder.path().join("m")).unwrap();
        let result = execute(&folder, "{}").unwrap();
        let svg = fs_err::read_to_string(result.outputs["figure"].join("weights.svg")).unwrap();
        assert!(svg.contains("layers.0 (4 × 60)") && svg.contains("classifier (2 × 4)") && !svg.contains("bns"));

        let folder = tempfile::tempdir().unwrap();
        let tensors = BTreeMap::from([("a.weight".to_owned(), ArrayD::from_elem(vec![2, 2], 2.5))]);
        Importance { tensors, seen: Seen::default() }.write(&folder.path().join("m")).unwrap();
        let result = execute(&folder, "{}").unwrap();
        let svg = fs_err::read_to_string(result.outputs["figure"].join("importance.svg")).unwrap();
        assert!(svg.contains(">2<") && !svg.contains(">0.5<"), "the scale reaches the largest importance");
    }

    #[test]
    fn networks_of_one_kind_share_a_scale_and_are_called_by_what_differs() {
        let at =
            |domain: &str| Coordinates::from([("domain".to_owned(), domain.into()), ("seed".to_owned(), 1.into())]);
        let of = |meaning: Meaning, most: f32| {
            let tensors = BTreeMap::from([("a.weight".to_owned(), ArrayD::from_elem(vec![2, 2], most))]);
            Matrices { meaning, tensors, classes: None }
        };
        let matrices = [
            (at("photo"), of(Meaning::Importance, 2.0)),
            (at("art"), of(Meaning::Importance, 3.0)),
            (at("art"), of(Meaning::Weights, 0.5)),
        ];
        let config: PlotMatrixConfig = serde_json::from_str(r#"{"names": {"art": "Art"}}"#).unwrap();
        let found = chart(&config, &matrices).unwrap();
        let names: Vec<&str> = found.blocks.iter().filter_map(|block| block.name.as_deref()).collect();
        assert_eq!(names, ["Importance, photo", "Importance, Art", "Weight, Art"]);
        assert_eq!(
            (found.blocks[0].colours, found.blocks[2].colours),
            (ColourScale::Up(3.0), ColourScale::Around(0.5))
        );
        assert_eq!(chart(&config, &matrices[..1]).unwrap().blocks[0].name, None);
    }

    #[test]
    fn a_layer_that_is_not_there_is_named_with_those_that_are() {
        let folder = tempfile::tempdir().unwrap();
        let tensors = BTreeMap::from([("a.weight".to_owned(), ArrayD::from_elem(vec![2, 2], true))]);
        Mask { tensors, seen: Seen::default() }.write(&folder.path().join("m")).unwrap();
        let error = execute(&folder, r#"{"layers": ["b"]}"#).unwrap_err().to_string();
        assert_eq!(error, "there is no layer `b`; layers are [a]");
        assert!(execute(&folder, r#"{"layers": ["a"]}"#).unwrap().outputs["figure"].join("mask.png").exists());
    }

    #[test]
    fn vectors_alone_cannot_be_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let tensors = BTreeMap::from([("a.bias".to_owned(), ArrayD::from_elem(vec![2], true))]);
        Mask { tensors, seen: Seen::default() }.write(&folder.path().join("m")).unwrap();
        assert!(execute(&folder, "{}").unwrap_err().to_string().contains("no tensor with two dimensions"));
    }
}
