//! The guard of `VERSION`: the exact bytes of stage types that compute with whole numbers, or with few enough
//! floating-point operations to be the same on every machine. A digest that changes here asks for a new `VERSION`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::project::Project;

const PIPELINE: &str = "
pipeline: versions
params: { fractions: [0.25, 0.5] }
sources:
  digits: { path: pipelines/data/optdigits/digits.csv.gz, kind: file/1 }
  scores: { path: scores.json, kind: scores/1 }
stages:
  drawn: { uses: draw-miniature, config: { seed: 1, per_class: 2, size: 24 } }
  inspection: { uses: inspect-images, inputs: { images: drawn } }
  images: { uses: digits-domains, inputs: { digits: digits }, config: { seed: 7 } }
  vectors: { uses: embed-pixels, inputs: { images: images/deg_15 }, config: { size: 8 } }
  split: { uses: split-embeddings, inputs: { embeddings: vectors }, config: { seed: 1, stream: split } }
  head: { uses: init-head, inputs: { like: vectors }, config: { seed: 1, stream: head, hidden: [4] } }
  other: { uses: init-head, inputs: { like: vectors }, config: { seed: 2, stream: head, hidden: [4] } }
  importance: { uses: weight-importance, inputs: { initial: head, final: other } }
  consensus: { uses: consensus-importance, inputs: { importances: [importance, importance] } }
  mask: { uses: threshold-mask, inputs: { importance: consensus }, config: { top_fraction: 0.3 } }
  random: { uses: random-mask, inputs: { mask: mask }, config: { seed: 1, stream: random } }
  frozen: { uses: uniform-mask, inputs: { like: head }, config: { value: false } }
  matrix: { uses: plot-matrix, inputs: { matrices: mask } }
  network: { uses: plot-network, inputs: { weights: mask } }
  sheet: { uses: plot-images, inputs: { images: drawn } }
  swept: { for: { fraction: \"${fractions}\" }, uses: threshold-mask, inputs: { importance: consensus }, config: { top_fraction: \"${fraction}\" } }
  sweep: { uses: plot-sweep, inputs: { scores: scores, masks: \"swept[*]\" }, config: { axis: fraction } }
";

/// What `evaluate` writes of a model that took both of its items for the first class.
const SCORES: &str = r#"{
  "accuracy_target_all": 0.5, "accuracy_target_20": 0.5, "accuracy_source": 0.75, "mask_saw_target": false,
  "counts": { "target_all": 2, "target_20": 2, "source": 4 }, "classes": ["a", "b"],
  "recall": { "a": 1.0, "b": 0.0 }, "confusion": [[1, 0], [1, 0]],
  "predictions": { "ids": ["x", "y"], "labels": [0, 1], "predicted": [0, 0] }
}"#;

#[test]
fn bytes_change_only_with_a_new_version() {
    let project = Project::new();
    fs_err::write(project.path("versions.yaml"), PIPELINE).unwrap();
    fs_err::write(project.path("scores.json"), SCORES).unwrap();
    let ends = ["drawn", "inspection", "split", "random", "frozen", "matrix", "network", "sheet", "sweep"];
    project.run(&[&["versions.yaml"], &ends[..]].concat());
    let mut lines = BTreeSet::new();
    for (name, bytes) in project.files(".dgpipe/records-v1") {
        let record: Value = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let record = record.get("record").unwrap_or(&record);
        let made_by = &record["fingerprint"];
        for (port, output) in record["outputs"].as_object().unwrap() {
            let digest = output["artifact"]["digest"].as_str().unwrap();
            let stage_type = made_by["stage_type"].as_str().unwrap();
            lines.insert(format!("{stage_type} {} {port} {}", made_by["version"], &digest[..12]));
        }
    }
    insta::assert_snapshot!(lines.into_iter().collect::<Vec<_>>().join("\n"), @"
    consensus-importance 1 importance e88b00ce463c
    digits-domains 1 images 70e63c114334
    draw-miniature 1 images 3b211fa60ee6
    embed-pixels 3 embeddings dbf2ae8b1ce2
    init-head 1 weights 6ab13cd8fac3
    init-head 1 weights de1637841b02
    inspect-images 2 table 350a35e5ff55
    plot-images 2 figure 022ef80a495c
    plot-matrix 2 figure 6072bb54d544
    plot-network 2 figure f5b763df5325
    plot-sweep 2 figure 9dc9e24c54bc
    random-mask 1 mask 6559b4e7ad00
    split-embeddings 1 test de67ccbfef0d
    split-embeddings 1 train a26c66d89f6f
    threshold-mask 1 mask 56a6fb366d2b
    threshold-mask 1 mask a918dfd81f55
    threshold-mask 1 mask f86839ddac64
    uniform-mask 1 mask 0c045bff8561
    weight-importance 1 importance 93e4bde32fb4
    ");
}
