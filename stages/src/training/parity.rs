//! Tests against `PyTorch`: same inputs, initial weights and order, dropout off, in both phases and all mask modes
//! (two-phase weight importance, section 6, last paragraph). `tests/golden/make_parity.py` made the expected weights.

#[path = "../../tests/pipelines/head_arrays.rs"]
mod head_arrays;

use std::path::PathBuf;

use dgpipe_engine::stage::{Ambient, Format, Solo, View, WriteFormat};
use safetensors::SafeTensors;

use self::head_arrays::HeadArrays;
use crate::device::Device;
use crate::formats::{Order, Weights};
use crate::train_lodo::TrainLodo;
use crate::train_single_class::TrainSingleClass;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/parity").join(name)
}

/// Trains as `make_parity.py` does; `name` is one of its cases.
fn trained(name: &str) -> (Weights, Order) {
    let folder = tempfile::tempdir().unwrap();
    let initial = golden(if name.ends_with("norm") { "initial_norm" } else { "initial_plain" });
    let solo = Solo::new(folder.path()).input("initial", initial).ambient(Ambient::default().with(Device::cpu()));
    let (result, port) = if name.starts_with("single") {
        let config = r#"{"seed":7,"stream":"parity","classes":["3"],"batch_size":10,"epochs":10}"#;
        let solo = solo.input("embeddings", golden("digits"));
        (solo.execute::<TrainSingleClass>(&serde_json::from_str(config).unwrap()), "final")
    } else {
        let mode = if name.contains("gradient") { "gradient" } else { "update" };
        let config = format!(r#"{{"seed":7,"stream":"parity","epochs":5,"freeze_epoch":3,"mask_mode":"{mode}"}}"#);
        let solo = solo.input("train", golden("digits"));
        let solo = if name.contains("none") { solo } else { solo.input("mask", golden("mask")) };
        (solo.execute::<TrainLodo>(&serde_json::from_str(&config).unwrap()), "model")
    };
    let outputs = result.unwrap().outputs;
    let weights = Weights::read(&View::disk(&outputs[port])).unwrap();
    (weights, Order::read(&View::disk(&outputs["order"])).unwrap())
}

const CASES: [&str; 8] = [
    "single_plain",
    "single_norm",
    "lodo_none_plain",
    "lodo_none_norm",
    "lodo_update_plain",
    "lodo_update_norm",
    "lodo_gradient_plain",
    "lodo_gradient_norm",
];

#[test]
#[ignore = "writes golden inputs: cargo test -p dgpipe parity -- --ignored, then make_parity.py"]
fn write_the_orders() {
    for case in CASES {
        let path = golden(&format!("{case}_order.npy"));
        fs_err::remove_file(&path).ok();
        trained(case).1.write(&path).unwrap();
    }
}

/// |ours − theirs| / |theirs| by Euclidean norm.
fn distance(ours: &[f32], theirs: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    norm(&mut ours.iter().zip(theirs).map(|(ours, theirs)| ours - theirs)) / norm(&mut theirs.iter().copied())
}

/// What differs from `PyTorch` by how much, worst first.
fn distances(case: &str) -> Vec<(f64, String)> {
    let (weights, order) = trained(case);
    let recorded = Order::read(&View::disk(golden(&format!("{case}_order.npy")))).unwrap();
    assert_eq!(order, recorded, "{case}: the order is not the one that PyTorch trained in");
    let bytes = fs_err::read(golden(&format!("{case}_final.safetensors"))).unwrap();
    let model = SafeTensors::deserialize(&bytes).unwrap();
    let theirs = |name: &str| -> Vec<f32> {
        let view = model.tensor(name).unwrap();
        view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let names = || weights.tensors.keys();
    let found = names().map(|name| (name.clone(), weights.tensors[name].iter().copied().collect()));
    let found = HeadArrays::new(found.collect());
    let expected = HeadArrays::new(names().map(|name| (name.clone(), theirs(name))).collect());
    assert_eq!(found.means.len(), if case.ends_with("norm") { 2 } else { 0 }, "{case}");
    assert_eq!(found.stray_mean(&expected), None, "{case}");
    let pairs = found.decided.iter().zip(expected.decided.values());
    let mut distances: Vec<(f64, String)> =
        pairs.map(|((name, found), expected)| (distance(found, expected), name.clone())).collect();
    distances.sort_by(|one, two| two.0.total_cmp(&one.0));
    for (name, count) in &weights.counters {
        let theirs = i64::from_le_bytes(model.tensor(name).unwrap().data().try_into().unwrap());
        assert_eq!(*count, theirs, "{case}: {name}");
    }
    distances
}

#[test]
fn training_gives_the_weights_of_pytorch_in_both_phases_and_all_mask_modes() {
    for case in CASES {
        let distances = distances(case);
        let (worst, name) = &distances[0];
        assert!(*worst < 1e-4, "{case}: {name} differs by {worst:.1e}, of {distances:?}");
    }
}

#[test]
fn the_mask_modes_and_no_mask_lead_to_different_weights() {
    let [none, update, gradient] = ["none", "update", "gradient"].map(|mode| trained(&format!("lodo_{mode}_plain")).0);
    let values = |weights: &Weights| weights.tensors["layers.1.weight"].iter().copied().collect::<Vec<f32>>();
    assert!(distance(&values(&update), &values(&none)) > 5e-3);
    assert!(distance(&values(&update), &values(&gradient)) > 5e-3);
}
