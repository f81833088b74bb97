//! `plot-matrix`: weights, importance or masks as heat maps.

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{ColourScale, Look, MatrixChart, MatrixPanel, Width};
use crate::formats::{FigureFiles, Layer, Matrices, Meaning};

/// Settings of `plot-matrix`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotMatrixConfig {
    /// Which layers are drawn, such as `layers.0`; all where nothing is said.
    #[serde(default)]
    pub layers: Option<Vec<String>>,
    /// Drawn at the top.
    #[serde(default)]
    pub title: Option<String>,
    /// Set below.
    #[serde(default)]
    pub caption: Option<String>,
    /// How wide it is printed.
    #[serde(default = "page")]
    pub width: Width,
}

fn page() -> Width {
    Width::Page
}

const MATRICES: In<Matrices> = In::new("matrices");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws every layer's matrix, with its bias to the right, on one scale for all (two-phase weight importance, section 7).
///
/// Importance is drawn from 0 to 1, or to its largest value where that is larger; weights around 0. Matrices with more
/// than 800 columns or 320 rows are averaged over neighbours.
pub struct PlotMatrix;

impl StageType for PlotMatrix {
    type Config = PlotMatrixConfig;
    const NAME: &'static str = "plot-matrix";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws weights, importance or masks as heat maps.";

    fn ports() -> Ports {
        Ports::default().reads(MATRICES).writes(FIGURE)
    }

    fn execute(config: &PlotMatrixConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let matrices = context.read(MATRICES)?;
        let layers = chosen(&matrices, config.layers.as_deref())?;
        let (quantity, stem) = match matrices.meaning {
            Meaning::Weights => ("Weight", "weights"),
            Meaning::Importance => ("Importance", "importance"),
            Meaning::Mask => ("Mask", "mask"),
        };
        let chart = MatrixChart {
            colours: colours(matrices.meaning, &layers),
            panels: layers.into_iter().map(panel).collect(),
            quantity: quantity.to_owned(),
        };
        let look = Look { title: config.title.as_deref(), caption: config.caption.as_deref(), width: config.width };
        context.write(FIGURE, &FigureFiles::of(stem, &chart.draw(look))?)
    }
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

fn panel(layer: Layer) -> MatrixPanel {
    MatrixPanel {
        name: layer.name,
        shape: layer.weight.dim(),
        weight: layer.weight.iter().copied().collect(),
        bias: layer.bias.map(|bias| bias.to_vec()),
    }
}

fn colours(meaning: Meaning, layers: &[Layer]) -> ColourScale {
    let values = layers.iter().flat_map(|layer| layer.weight.iter().chain(layer.bias.iter().flatten()));
    let most = f64::from(values.fold(0.0_f32, |most, value| most.max(value.abs())));
    match meaning {
        Meaning::Mask => ColourScale::Mask,
        Meaning::Importance => ColourScale::Up(if most > 1.0 { most } else { 1.0 }),
        Meaning::Weights => ColourScale::Around(if most > 0.0 { most } else { 1.0 }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dgpipe_engine::stage::{Solo, SoloResult, WriteFormat};
    use ndarray::ArrayD;

    use super::*;
    use crate::formats::{HeadArchitecture, Importance, Mask, Seen};
    use crate::nets::Head;
    use crate::random::Random;

    fn execute(folder: &tempfile::TempDir, text: &str) -> Result<SoloResult, StageError> {
        let config = serde_json::from_str(text).unwrap();
        Solo::new(folder.path().join("out")).input("matrices", folder.path().join("m")).execute::<PlotMatrix>(&config)
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
