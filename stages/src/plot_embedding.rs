//! `plot-embedding`: vectors in the plane, coloured by class and marked by domain.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use dgpipe_engine::graph::{AxisValue, Coordinates};
use dgpipe_engine::stage::{Context, Labelled, Out, Ports, StageError, StageType};
use ndarray::Array2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figure::{Dpi, Look, ScatterChart, ScatterPoint, Width};
use crate::formats::{Embeddings, FigureFiles};
use crate::projection::{Pca, Tsne};
use crate::random::Random;

/// How vectors come to lie in the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Projection {
    /// Neighbours stay neighbours; distances between groups mean little.
    #[default]
    Tsne,
    /// The two directions of the largest variance.
    Pca,
}

/// Settings of `plot-embedding`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlotEmbeddingConfig {
    /// How vectors come to lie in the plane.
    #[serde(default)]
    pub projection: Projection,
    /// The axis whose values have a mark each, such as `domain`; one mark for all where nothing is said.
    #[serde(default)]
    pub marks: Option<String>,
    /// How many items are drawn at most, chosen at random.
    #[serde(default = "two_thousand")]
    pub points: NonZeroUsize,
    /// About how many neighbours an item has in t-SNE; at most a third of the items.
    #[serde(default = "thirty")]
    pub perplexity: NonZeroUsize,
    /// How many steps t-SNE takes.
    #[serde(default = "thousand")]
    pub iterations: NonZeroUsize,
    /// Decides which items are chosen and which lie above others.
    #[serde(default)]
    pub seed: u64,
    /// Tells apart figures of one seed.
    #[serde(default = "stream")]
    pub stream: String,
    /// What classes and the values of the axis are called in the figure.
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

const fn number(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).expect("defaults are not zero")
}

fn two_thousand() -> NonZeroUsize {
    const { number(2000) }
}

fn thirty() -> NonZeroUsize {
    const { number(30) }
}

fn thousand() -> NonZeroUsize {
    const { number(1000) }
}

fn stream() -> String {
    PlotEmbedding::NAME.to_owned()
}

const EMBEDDINGS: Labelled<Embeddings> = Labelled::new("embeddings");
const FIGURE: Out<FigureFiles> = Out::new("figure");

/// Draws items by t-SNE (van der Maaten and Hinton, 2008; started from principal components) or by their principal
/// components. `points.csv` beside the figure has `id`, `class`, `mark`, `x` and `y` of each.
pub struct PlotEmbedding;

impl StageType for PlotEmbedding {
    type Config = PlotEmbeddingConfig;
    const NAME: &'static str = "plot-embedding";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Draws vectors in the plane by t-SNE or principal components.";

    fn ports() -> Ports {
        Ports::default().reads(EMBEDDINGS).writes(FIGURE)
    }

    fn execute(config: &PlotEmbeddingConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let items = Items::new(config, context.read(EMBEDDINGS)?)?;
        if items.embeddings.len() < items.all {
            context.note(format!("{} of {} items are drawn", items.embeddings.len(), items.all));
        }
        let vectors = items.embeddings.vectors.view();
        let (places, axes) = match config.projection {
            Projection::Pca => {
                let Pca { places, shares } = Pca::of(vectors);
                (places, Some([0, 1].map(|index| format!("PC {} ({:.1} %)", index + 1, 100.0 * shares[index]))))
            }
            Projection::Tsne => {
                let (perplexity, iterations) = (config.perplexity.get() as f64, config.iterations.get());
                let places = Tsne { perplexity, iterations }.of(vectors, |step| {
                    context.progress(step as u64, iterations as u64, "steps");
                    context.stop_if_cancelled()
                })?;
                (places, None)
            }
        };
        let look = Look {
            title: config.title.as_deref(),
            caption: config.caption.as_deref(),
            width: config.width,
            dpi: config.dpi,
        };
        let files = FigureFiles::of("embedding", &chart(config, &items, &places, axes).draw(look))?;
        context.write(FIGURE, &files.beside("points.csv", csv(&items, &places)?))
    }
}

/// The items drawn.
struct Items {
    embeddings: Embeddings,
    /// The values of the axis of the marks, and which of them each item has.
    groups: Vec<Option<AxisValue>>,
    group: Vec<usize>,
    /// How many there were to choose from.
    all: usize,
}

impl Items {
    fn new(config: &PlotEmbeddingConfig, labelled: Vec<(Coordinates, Embeddings)>) -> Result<Self, StageError> {
        let value_of = |place: &Coordinates| config.marks.as_ref().and_then(|axis| place.get(axis)).cloned();
        if let Some(axis) = &config.marks
            && let Some((place, _)) = labelled.iter().find(|(place, _)| !place.contains_key(axis))
        {
            let axes: Vec<&str> = place.keys().map(String::as_str).collect();
            let what =
                format!("`marks` names `{axis}`, but embeddings come from cells with the axes [{}]", axes.join(", "));
            return Err(StageError::new(what).hint("set `marks` to one of these, or leave it out"));
        }
        let groups: Vec<Option<AxisValue>> =
            labelled.iter().map(|(place, _)| value_of(place)).collect::<BTreeSet<_>>().into_iter().collect();
        let group_of = |place: &Coordinates| groups.iter().position(|group| *group == value_of(place)).unwrap_or(0);
        let group: Vec<usize> =
            labelled.iter().flat_map(|(place, part)| std::iter::repeat_n(group_of(place), part.len())).collect();
        let parts: Vec<Embeddings> = labelled.into_iter().map(|(_, part)| part).collect();
        let embeddings = Embeddings::joined("embeddings", &parts)?;
        // A random order also decides which points lie above others.
        let mut order = Random::new(config.seed, &config.stream, "points", 0).permutation(embeddings.len());
        order.truncate(config.points.get());
        let group = order.iter().map(|&index| group[index]).collect();
        Ok(Self { all: embeddings.len(), embeddings: embeddings.select(&order), groups, group })
    }
}

fn chart(config: &PlotEmbeddingConfig, items: &Items, places: &Array2<f64>, axes: Option<[String; 2]>) -> ScatterChart {
    let named = |name: &String| config.names.get(name).cloned().unwrap_or_else(|| name.clone());
    let classes: Vec<String> = items.embeddings.classes.iter().map(named).collect();
    let point = |(index, place): (usize, ndarray::ArrayView1<'_, f64>)| ScatterPoint {
        place: (place[0], place[1]),
        class: usize::try_from(items.embeddings.labels[index]).unwrap_or(0),
        group: items.group[index],
    };
    let points: Vec<ScatterPoint> = places.rows().into_iter().enumerate().map(point).collect();
    let mut notes = Vec::new();
    if classes.len() > ScatterChart::COLOURS_APART {
        let numbered = classes.iter().enumerate().map(|(index, class)| format!("{index} {class}"));
        notes.push(format!("Classes: {}.", numbered.collect::<Vec<_>>().join(", ")));
    }
    if points.len() < items.all {
        notes.push(format!("Drawn are {} of {} items, chosen at random.", points.len(), items.all));
    }
    let name = match config.projection {
        Projection::Tsne => {
            notes.push(format!("t-SNE, perplexity {}; distances between groups mean little.", config.perplexity));
            "t-SNE of embeddings"
        }
        Projection::Pca => "Principal components of embeddings",
    };
    let groups =
        items.groups.iter().map(|group| group.as_ref().map_or(String::new(), |value| named(&value.to_string())));
    ScatterChart { name: name.to_owned(), classes, groups: groups.collect(), points, axes, notes }
}

fn csv(items: &Items, places: &Array2<f64>) -> Result<Vec<u8>, StageError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "class", "mark", "x", "y"])?;
    let embeddings = &items.embeddings;
    for (index, place) in places.rows().into_iter().enumerate() {
        let class = usize::try_from(embeddings.labels[index]).ok().and_then(|label| embeddings.classes.get(label));
        let mark = items.groups[items.group[index]].as_ref().map_or(String::new(), ToString::to_string);
        let class = class.map_or("", String::as_str);
        writer.write_record([&embeddings.ids[index], class, &mark, &place[0].to_string(), &place[1].to_string()])?;
    }
    writer.into_inner().map_err(|error| StageError::new(error.to_string()))
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Solo, WriteFormat};

    use super::*;

    fn config(text: &str) -> PlotEmbeddingConfig {
        serde_json::from_str(text).unwrap()
    }

    fn embeddings(count: usize) -> Embeddings {
        let texts = |prefix: &str| (0..count).map(|index| format!("{prefix}{index}")).collect();
        Embeddings {
            vectors: Array2::from_shape_fn((count, 3), |(row, column)| (row * (column + 1) % 7) as f32),
            labels: (0..count as i64).map(|index| index % 2).collect(),
            classes: vec!["cat".to_owned(), "dog".to_owned()],
            ids: texts("id"),
            digests: texts("digest"),
        }
    }

    fn at(domain: &str) -> Coordinates {
        Coordinates::from([("domain".to_owned(), domain.into())])
    }

    #[test]
    fn items_keep_their_class_and_domain_when_some_are_chosen() {
        let parts = vec![(at("photo"), embeddings(8)), (at("art"), embeddings(4))];
        let items = Items::new(&config(r#"{"marks": "domain", "points": 10}"#), parts).unwrap();
        assert_eq!((items.all, items.embeddings.len()), (12, 10));
        assert_eq!(items.groups, [Some("art".into()), Some("photo".into())]);
        for (index, id) in items.embeddings.ids.iter().enumerate() {
            assert!(items.group[index] == 1 || id.as_str() < "id4", "{id}");
        }
        let error = Items::new(&config(r#"{"marks": "seed"}"#), vec![(at("photo"), embeddings(2))]).err().unwrap();
        assert!(error.to_string().contains("[domain]"), "{error}");
    }

    #[test]
    fn both_projections_are_written_with_their_points() {
        for projection in ["pca", "tsne"] {
            let folder = tempfile::tempdir().unwrap();
            embeddings(12).write(&folder.path().join("e")).unwrap();
            let solo =
                Solo::new(folder.path().join("out")).labelled("embeddings", at("photo"), folder.path().join("e"));
            let text = format!(r#"{{"projection": "{projection}", "iterations": 20}}"#);
            let result = solo.execute::<PlotEmbedding>(&config(&text)).unwrap();
            let read = |name: &str| fs_err::read_to_string(result.outputs["figure"].join(name)).unwrap();
            assert_eq!(read("points.csv").lines().count(), 13);
            assert_eq!(read("embedding.svg").contains("PC 1 ("), projection == "pca");
        }
    }
}
