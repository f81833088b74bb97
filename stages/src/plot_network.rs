//! `plot-network`: a head as a layered graph, drawn and as a file for networkx.

use std::fmt::Write as _;
use std::num::NonZeroUsize;

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::figure::{ColourScale, Dpi, Look, NetworkChart, NetworkColumn, NetworkEdge, Width};
use crate::formats::{FigureFiles, Layer, Matrices, Meaning};

/// Settings of `plot-network`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotNetworkConfig {
    /// How many inputs are drawn: those whose lines carry most in all, of equal ones the first. `graph.json` has all.
    #[serde(default = "twenty")]
    pub top_inputs: NonZeroUsize,
    /// How many lines are drawn: the strongest, of equal ones the first. Masks are drawn whole. `graph.json` has all.
    #[serde(default = "three_hundred")]
    pub top_edges: NonZeroUsize,
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

fn twenty() -> NonZeroUsize {
    const { NonZeroUsize::new(20).expect("20 is not zero") }
}

fn three_hundred() -> NonZeroUsize {
    const { NonZeroUsize::new(300).expect("300 is not zero") }
}

const WEIGHTS: In<Matrices> = In::new("weights");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws units as dots and weights as lines, and writes the whole graph beside the figure (two-phase weight importance,
/// section 7). Biases are not drawn.
///
/// `graph.json` is what `networkx.node_link_graph(json, edges="edges")` takes: a directed graph, nodes `input.3`,
/// `layers.0.2`, `classifier.1` with `layer` and `index`, every weight an edge with `importance` (of weights their size
/// with its sign, of masks 0 or 1).
pub struct PlotNetwork;

impl StageType for PlotNetwork {
    type Config = PlotNetworkConfig;
    const NAME: &'static str = "plot-network";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Draws a head as a layered graph, and writes it for networkx.";

    fn ports() -> Ports {
        Ports::default().reads(WEIGHTS).writes(FIGURE)
    }

    fn execute(config: &PlotNetworkConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let matrices = context.read(WEIGHTS)?;
        let layers = matrices.layers();
        check_chain(&layers)?;
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let figure = chart(config, &matrices, &layers).draw(look);
        let graph = graph(&layers, matrices.classes.as_deref());
        let files = FigureFiles::of("network", &figure)?.beside("graph.json", graph.into_bytes());
        context.write(FIGURE, &files)
    }
}

/// Refuses layers of which one does not take what the one before it gives.
fn check_chain(layers: &[Layer]) -> Result<(), StageError> {
    if layers.is_empty() {
        return Err(StageError::new("input `weights` has no tensor with two dimensions, so there is no network"));
    }
    for pair in layers.windows(2) {
        let (given, taken) = (pair[0].weight.nrows(), pair[1].weight.ncols());
        if given != taken {
            let (first, second) = (&pair[0].name, &pair[1].name);
            return Err(StageError::new(format!(
                "layer `{first}` has {given} outputs, but `{second}` after it takes {taken} inputs, so they form no network"
            )));
        }
    }
    Ok(())
}

/// The inputs drawn: those whose lines carry most, in their own order.
fn top_inputs(layer: &Layer, most: usize) -> Vec<usize> {
    let carried = |input: usize| layer.weight.column(input).iter().map(|&value| f64::from(value.abs())).sum::<f64>();
    let totals: Vec<f64> = (0..layer.weight.ncols()).map(carried).collect();
    let mut inputs: Vec<usize> = (0..totals.len()).collect();
    inputs.sort_by(|&a, &b| totals[b].total_cmp(&totals[a]));
    inputs.truncate(most);
    inputs.sort_unstable();
    inputs
}

fn chart(config: &PlotNetworkConfig, matrices: &Matrices, layers: &[Layer]) -> NetworkChart {
    let all = layers[0].weight.ncols();
    let inputs = top_inputs(&layers[0], config.top_inputs.get());
    let count = if inputs.len() < all { format!("{} of {all}", inputs.len()) } else { all.to_string() };
    let names = inputs.iter().map(ToString::to_string).collect();
    let mut columns = vec![NetworkColumn { heading: vec!["inputs".to_owned(), count], units: names }];
    let mut edges = Vec::new();
    for (index, layer) in layers.iter().enumerate() {
        let outputs = layer.weight.nrows();
        let is_last = index + 1 == layers.len();
        let unit = |unit: usize| match &matrices.classes {
            _ if !is_last => String::new(),
            Some(classes) if classes.len() == outputs => classes[unit].clone(),
            _ => unit.to_string(),
        };
        let heading = vec![layer.name.clone(), outputs.to_string()];
        columns.push(NetworkColumn { heading, units: (0..outputs).map(unit).collect() });
        for ((to, from), &value) in layer.weight.indexed_iter() {
            let drawn = if index == 0 { inputs.binary_search(&from).ok() } else { Some(from) };
            edges.extend(drawn.map(|from| NetworkEdge { column: index, from, to, value }));
        }
    }
    let most = edges.iter().fold(0.0_f64, |most, edge| most.max(f64::from(edge.value.abs())));
    let most = if most > 0.0 { most } else { 1.0 };
    let (quantity, colours) = match matrices.meaning {
        Meaning::Weights => ("Weight", ColourScale::Around(most)),
        Meaning::Importance => ("Importance", ColourScale::Ink(most)),
        Meaning::Mask => ("Mask", ColourScale::Mask),
    };
    let mut notes = Vec::new();
    let lines = edges.iter().filter(|edge| edge.value != 0.0).count();
    if matrices.meaning != Meaning::Mask && lines > config.top_edges.get() {
        // Sorting keeps the order of equal ones.
        edges.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
        edges.truncate(config.top_edges.get());
        notes.push(format!("Lines: the {} strongest of {lines}.", config.top_edges));
    }
    if inputs.len() < all {
        notes.push(format!("Drawn are the {} inputs whose lines carry most, of {all}.", inputs.len()));
    }
    if matrices.meaning == Meaning::Mask {
        notes.push("Lines: weights that stay free.".to_owned());
    }
    NetworkChart { columns, edges, colours, quantity: quantity.to_owned(), notes }
}

/// The graph in the node-link form of networkx, one node or edge a line.
fn graph(layers: &[Layer], classes: Option<&[String]>) -> String {
    let id = |column: usize, unit: usize| match column {
        0 => format!("input.{unit}"),
        column => format!("{}.{unit}", layers[column - 1].name),
    };
    let mut nodes = Vec::new();
    let counts = std::iter::once(layers[0].weight.ncols()).chain(layers.iter().map(|layer| layer.weight.nrows()));
    for (column, count) in counts.enumerate() {
        for unit in 0..count {
            let mut node = json!({ "id": id(column, unit), "layer": column, "index": unit });
            if let Some(class) = classes.filter(|classes| column == layers.len() && classes.len() == count) {
                node["class"] = Value::String(class[unit].clone());
            }
            nodes.push(node.to_string());
        }
    }
    let mut edges = Vec::new();
    for (column, layer) in layers.iter().enumerate() {
        for ((to, from), &value) in layer.weight.indexed_iter() {
            let (source, target) = (id(column, from), id(column + 1, to));
            edges.push(json!({ "source": source, "target": target, "importance": value }).to_string());
        }
    }
    let mut text = "{\"directed\":true,\"multigraph\":false,\"graph\":{},\"nodes\":[\n".to_owned();
    let _ = write!(text, "{}\n],\"edges\":[\n{}\n]}}\n", nodes.join(",\n"), edges.join(",\n"));
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use dgpipe_engine::stage::{Solo, WriteFormat};
    use ndarray::{Array2, ArrayD};

    use super::*;
    use crate::formats::{Importance, Seen};

    fn config(text: &str) -> PlotNetworkConfig {
        serde_json::from_str(text).unwrap()
    }

    fn layer(name: &str, weight: Array2<f32>) -> Layer {
        Layer { name: name.to_owned(), weight, bias: None }
    }

    #[test]
    fn the_inputs_that_carry_most_are_drawn_in_their_own_order() {
        let layer = layer("a", ndarray::arr2(&[[0.1, -0.9, 0.0, 0.3], [0.1, 0.0, 0.0, 0.3]]));
        assert_eq!(top_inputs(&layer, 2), [1, 3]);
        assert_eq!(top_inputs(&layer, 3), [0, 1, 3]);
        assert_eq!(top_inputs(&layer, 9), [0, 1, 2, 3]);
    }

    #[test]
    fn the_figure_lies_beside_a_graph_with_every_weight() {
        let folder = tempfile::tempdir().unwrap();
        let tensors = BTreeMap::from([
            ("layers.0.weight".to_owned(), ArrayD::from_shape_fn(vec![2, 30], |index| index[1] as f32 / 32.0)),
            ("classifier.weight".to_owned(), ArrayD::from_elem(vec![3, 2], 0.5)),
        ]);
        Importance { tensors, seen: Seen::default() }.write(&folder.path().join("i")).unwrap();
        let solo = Solo::new(folder.path().join("out")).input("weights", folder.path().join("i"));
        let result = solo.execute::<PlotNetwork>(&config(r#"{"top_inputs": 5, "top_edges": 7}"#)).unwrap();
        let read = |name: &str| fs_err::read_to_string(result.outputs["figure"].join(name)).unwrap();
        assert!(read("network.svg").contains(">5 of 30<"));
        assert!(read("network.svg").contains("Lines: the 7 strongest of 16."));
        let graph: Value = serde_json::from_str(&read("graph.json")).unwrap();
        assert_eq!(graph["nodes"].as_array().unwrap().len(), 30 + 2 + 3);
        let edges = graph["edges"].as_array().unwrap();
        assert_eq!(edges.len(), 2 * 30 + 3 * 2);
        assert_eq!(edges[16], json!({ "importance": 0.5, "source": "input.16", "target": "layers.0.0" }));
    }

    #[test]
    fn layers_that_do_not_follow_one_another_are_no_network() {
        let layers = [layer("a", Array2::zeros((3, 2))), layer("b", Array2::zeros((2, 4)))];
        let error = check_chain(&layers).unwrap_err().to_string();
        assert!(error.starts_with("layer `a` has 3 outputs, but `b` after it takes 4 inputs"), "{error}");
        assert!(check_chain(&[]).is_err());
    }
}
