//! `split-embeddings`: a test part and a training part of a domain, each class in its share
//! (two-phase weight importance, section 2).

use std::borrow::Cow;

use dgpipe_engine::stage::{Context, In, Out, Ports, StageError, StageType};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::formats::Embeddings;
use crate::random::Random;

/// A share of items, above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct TestShare(f64);

impl Default for TestShare {
    fn default() -> Self {
        Self(0.2)
    }
}

impl TryFrom<f64> for TestShare {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        let fits = value > 0.0 && value < 1.0;
        if fits { Ok(Self(value)) } else { Err(format!("a share of test items is above 0 and below 1, not {value}")) }
    }
}

impl From<TestShare> for f64 {
    fn from(share: TestShare) -> Self {
        share.0
    }
}

impl JsonSchema for TestShare {
    fn schema_name() -> Cow<'static, str> {
        "TestShare".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 })
    }
}

/// How `split-embeddings` splits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitEmbeddingsConfig {
    /// Seed of the draw.
    pub seed: u64,
    /// Stream of the random numbers.
    pub stream: String,
    /// The share of test items, rounded up over the whole and dealt out to the classes by largest remainder.
    #[serde(default)]
    pub test: TestShare,
}

const EMBEDDINGS: In<Embeddings> = In::new("embeddings");
const TRAIN: Out<Embeddings> = Out::new("train");
const TEST: Out<Embeddings> = Out::new("test");

/// See the module's documentation.
pub struct SplitEmbeddings;

impl StageType for SplitEmbeddings {
    type Config = SplitEmbeddingsConfig;
    const NAME: &'static str = "split-embeddings";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Splits embeddings into a training and a test part, each class in its share.";

    fn ports() -> Ports {
        Ports::default().reads(EMBEDDINGS).writes(TRAIN).writes(TEST)
    }

    fn execute(config: &Self::Config, context: &mut Context<'_>) -> Result<(), StageError> {
        let embeddings = context.read(EMBEDDINGS)?;
        if embeddings.len() < 2 {
            let what = format!("there are {} items; a training and a test part need at least 2", embeddings.len());
            return Err(StageError::new(what));
        }
        let is_test = config.draw(&embeddings);
        let part = |test: bool| -> Vec<usize> { (0..embeddings.len()).filter(|&item| is_test[item] == test).collect() };
        let (train, test) = (part(false), part(true));
        context.metric("train", train.len());
        context.metric("test", test.len());
        context.write(TRAIN, &embeddings.select(&train))?;
        context.write(TEST, &embeddings.select(&test))
    }
}

impl SplitEmbeddingsConfig {
    /// Which items are test items.
    fn draw(&self, embeddings: &Embeddings) -> Vec<bool> {
        let classes: Vec<Vec<usize>> = (0..embeddings.classes.len()).map(|class| embeddings.of_class(class)).collect();
        let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
        let mut is_test = vec![false; embeddings.len()];
        for (class, (items, count)) in classes.iter().zip(test_sizes(&sizes, self.test.0)).enumerate() {
            // Each class draws from numbers of its own, so that an item more in one changes nothing in the others.
            let mut random = Random::new(self.seed, &self.stream, "split", class as u64);
            for index in random.subset(items.len(), count) {
                is_test[items[index]] = true;
            }
        }
        is_test
    }
}

/// How many test items each class gets: ⌈share · n⌉ in all, in proportion to the classes' sizes, what is left by largest
/// remainder, ties to the lower class.
fn test_sizes(sizes: &[usize], share: f64) -> Vec<usize> {
    let all: usize = sizes.iter().sum();
    // Decimal shares are not exact in binary; without the slack, 0.07 · 100 would round up to 8.
    let test = ((share * all as f64 - 1e-9).ceil() as usize).min(all - 1);
    let mut counts: Vec<usize> = sizes.iter().map(|size| test * size / all).collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(test * sizes[class] % all));
    let left = test - counts.iter().sum::<usize>();
    for &class in by_remainder.iter().take(left) {
        counts[class] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, View, WriteFormat};
    use ndarray::Array2;

    use super::*;

    const PACS: [[usize; 7]; 4] = [
        [379, 255, 285, 184, 201, 295, 449],
        [389, 457, 346, 135, 324, 288, 405],
        [189, 202, 182, 186, 199, 280, 432],
        [772, 740, 753, 608, 816, 80, 160],
    ];

    fn embeddings(sizes: &[usize]) -> Embeddings {
        let labels: Vec<i64> = sizes.iter().enumerate().flat_map(|(class, &size)| vec![class as i64; size]).collect();
        let texts = || (0..labels.len()).map(|item| item.to_string()).collect();
        Embeddings {
            vectors: Array2::from_shape_fn((labels.len(), 1), |(item, _)| item as f32),
            ids: texts(),
            digests: texts(),
            classes: (0..sizes.len()).map(|class| class.to_string()).collect(),
            labels,
        }
    }

    fn split(sizes: &[usize], config: &str) -> (Embeddings, Embeddings) {
        let folder = tempfile::tempdir().unwrap();
        embeddings(sizes).write(&folder.path().join("in")).unwrap();
        let solo = Solo::new(folder.path().join("out")).input("embeddings", folder.path().join("in"));
        let result = solo.execute::<SplitEmbeddings>(&serde_json::from_str(config).unwrap()).unwrap();
        let read = |port: &str| Embeddings::read(&View::disk(&result.outputs[port])).unwrap();
        (read("train"), read("test"))
    }

    #[test]
    fn the_sizes_on_pacs_are_those_of_the_method() {
        for (sizes, expected) in PACS.iter().zip([(1638, 410), (1875, 469), (1336, 334), (3143, 786)]) {
            let (train, test) = split(sizes, r#"{"seed":42,"stream":"split/x"}"#);
            assert_eq!((train.len(), test.len()), expected);
            for (class, &size) in sizes.iter().enumerate() {
                let share = test.of_class(class).len() as f64 / size as f64;
                assert!((share - 0.2).abs() < 1.0 / size as f64, "class {class}: {share}");
            }
        }
    }

    #[test]
    fn every_item_is_in_one_part_and_its_row_came_along() {
        let (train, test) = split(&[9, 0, 14], r#"{"seed":1,"stream":"s","test":0.5}"#);
        let mut ids: Vec<usize> = train.ids.iter().chain(&test.ids).map(|id| id.parse().unwrap()).collect();
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..23));
        assert!(test.vectors.iter().zip(&test.ids).all(|(value, id)| value.to_string() == *id));
        assert_eq!(test.len(), 12);
    }

    #[test]
    fn ties_go_to_the_lower_class_and_decimal_shares_do_not_round_up() {
        assert_eq!(test_sizes(&[5, 5, 5], 0.2), [1, 1, 1]);
        assert_eq!(test_sizes(&[3, 3, 3], 0.2), [1, 1, 0]);
        assert_eq!(test_sizes(&[100], 0.07), [7]);
        assert_eq!(test_sizes(&[1, 1], 0.99), [1, 0]);
    }

    #[test]
    fn the_seed_decides_who_is_tested_not_how_many() {
        let one = split(&[20, 30], r#"{"seed":1,"stream":"s"}"#).1;
        let two = split(&[20, 30], r#"{"seed":2,"stream":"s"}"#).1;
        assert_eq!(one, split(&[20, 30], r#"{"seed":1,"stream":"s"}"#).1);
        assert!(one.ids != two.ids && one.labels == two.labels);
    }

    #[test]
    fn a_share_of_nothing_or_all_is_refused() {
        for share in ["0", "1", "-0.1", "20"] {
            assert!(serde_json::from_str::<TestShare>(share).is_err(), "{share}");
        }
    }
}
