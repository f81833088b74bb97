//! Tests of what both phases promise, on real digits: equal bytes where equal work is done, frozen weights, longer runs that
//! extend shorter ones, refusals.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use dgpipe_engine::stage::{Ambient, Format, Metric, Solo, SoloResult, StageError, View, WriteFormat};
use ndarray::{Array2, ArrayD};

use crate::device::Device;
use crate::formats::{Embeddings, History, Mask, Order, Role, Seen, Weights};
use crate::random::Random;
use crate::train_lodo::TrainLodo;
use crate::train_single_class::TrainSingleClass;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/parity").join(name)
}

fn digits() -> Embeddings {
    Embeddings::read(&View::disk(golden("digits"))).unwrap()
}

fn initial() -> Weights {
    Weights::read(&View::disk(golden("initial_norm"))).unwrap()
}

/// A mask of one value for every Linear tensor of the initial head.
fn mask(value: bool) -> Mask {
    let linear = initial().head().tensors().into_iter().filter(|(_, _, role)| *role == Role::Linear);
    let tensors = linear.map(|(name, shape, _)| (name, ArrayD::from_elem(shape, value))).collect();
    Mask { tensors, seen: Seen::of(["seen by the mask".to_owned()]) }
}

fn half_mask() -> Mask {
    Mask::read(&View::disk(golden("mask"))).unwrap()
}

/// A folder in which one training takes place.
struct Bench {
    folder: tempfile::TempDir,
    solo: Solo,
}

struct Trained {
    weights: Weights,
    order: Order,
    history: History,
    model: Vec<u8>,
    metrics: BTreeMap<String, Metric>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ambient = Ambient::default().with(Device::cpu());
        let solo = Solo::new(folder.path().join("out")).ambient(ambient).input("initial", golden("initial_norm"));
        Self { folder, solo }
    }

    fn with(mut self, port: &str, value: &impl WriteFormat) -> Self {
        let path = tempfile::tempdir_in(self.folder.path()).unwrap().keep().join(port);
        value.write(&path).unwrap();
        self.solo = self.solo.input(port, path);
        self
    }

    fn read(result: &SoloResult, port: &str) -> Trained {
        let view = |port: &str| View::disk(&result.outputs[port]);
        Trained {
            weights: Weights::read(&view(port)).unwrap(),
            order: Order::read(&view("order")).unwrap(),
            history: History::read(&view("history")).unwrap(),
            model: fs_err::read(result.outputs[port].join("model.safetensors")).unwrap(),
            metrics: result.metrics.clone(),
        }
    }

    fn lodo(self, more: &str) -> Result<Trained, StageError> {
        let config = format!(r#"{{"seed":1,"stream":"phase2/x"{more}}}"#);
        let result = self.solo.execute::<TrainLodo>(&serde_json::from_str(&config).unwrap())?;
        Ok(Self::read(&result, "model"))
    }

    fn single(self, more: &str) -> Result<Trained, StageError> {
        let config = format!(r#"{{"seed":1,"stream":"phase1/x"{more}}}"#);
        let result = self.solo.execute::<TrainSingleClass>(&serde_json::from_str(&config).unwrap())?;
        Ok(Self::read(&result, "final"))
    }
}

fn lodo(more: &str) -> Trained {
    Bench::new().with("train", &digits()).lodo(more).unwrap()
}

fn masked(mask: &Mask, more: &str) -> Trained {
    Bench::new().with("train", &digits()).with("mask", mask).lodo(more).unwrap()
}

fn message(result: Result<Trained, StageError>) -> String {
    result.err().expect("the training should have been refused").to_string()
}

#[test]
fn an_all_ones_mask_gives_the_bytes_of_no_mask_in_both_modes() {
    let plain = lodo(r#","epochs":4,"freeze_epoch":2,"dropout":0.2"#);
    for mode in ["update", "gradient"] {
        let more = format!(r#","epochs":4,"freeze_epoch":2,"dropout":0.2,"mask_mode":"{mode}""#);
        let ones = masked(&mask(true), &more);
        assert!(ones.model == plain.model && ones.history == plain.history, "{mode}");
    }
}

#[test]
fn a_mask_without_a_freeze_epoch_changes_nothing() {
    let never = masked(&half_mask(), r#","epochs":2,"freeze_epoch":null"#);
    assert_eq!(never.model, lodo(r#","epochs":2"#).model);
    assert!(never.history.0.iter().all(|record| record.scale == Some(1.0)));
}

#[test]
fn freezing_at_once_keeps_every_bit_of_masked_weights_and_moves_the_others() {
    let half = half_mask();
    let trained = masked(&half, r#","epochs":3,"freeze_epoch":0"#).weights;
    for (name, mask) in &half.tensors {
        let pairs = initial().tensors[name].clone().into_iter().zip(trained.tensors[name].clone());
        for ((before, after), free) in pairs.zip(mask) {
            assert_eq!(before.to_bits() == after.to_bits(), !free, "{name}");
        }
    }
    assert_ne!(trained.tensors["bns.0.weight"], initial().tensors["bns.0.weight"]);
    assert_ne!(trained.tensors["bns.0.running_mean"], initial().tensors["bns.0.running_mean"]);
}

#[test]
fn weights_frozen_on_the_way_keep_the_bits_they_had_when_the_scale_reached_zero() {
    let at_freeze = masked(&half_mask(), r#","epochs":2,"freeze_epoch":2"#).weights;
    let later = masked(&half_mask(), r#","epochs":5,"freeze_epoch":2"#).weights;
    for (name, mask) in &half_mask().tensors {
        let pairs = at_freeze.tensors[name].clone().into_iter().zip(later.tensors[name].clone());
        for ((before, after), free) in pairs.zip(mask) {
            assert_eq!(before.to_bits() == after.to_bits(), !free, "{name}");
        }
    }
}

#[test]
fn more_epochs_extend_fewer() {
    let few = masked(&half_mask(), r#","epochs":3,"freeze_epoch":7,"dropout":0.2"#);
    let more = masked(&half_mask(), r#","epochs":6,"freeze_epoch":7,"dropout":0.2"#);
    assert_eq!(more.history.0[..3], few.history.0);
    assert_eq!(more.order.0.slice(ndarray::s![..3, ..]), few.order.0);
    assert_ne!(more.order.0.row(0), more.order.0.row(1));
}

#[test]
fn methods_that_share_a_stream_take_the_samples_in_the_same_order() {
    let (erm, frozen) = (lodo(r#","epochs":2"#), masked(&mask(false), r#","epochs":2,"freeze_epoch":0"#));
    assert_eq!(erm.order, frozen.order);
    assert!((erm.history.0[0].train_loss - frozen.history.0[0].train_loss).abs() < 0.5);
}

#[test]
fn a_model_carries_what_its_mask_has_seen() {
    assert_eq!(masked(&mask(false), r#","epochs":1"#).weights.seen, Seen::of(["seen by the mask".to_owned()]));
    assert_eq!(lodo(r#","epochs":1"#).weights.seen, Seen::default());
}

#[test]
fn a_head_learns_digits_and_says_how_it_went() {
    let trained = Bench::new()
        .with("train", &digits())
        .with("validation", &digits())
        .lodo(r#","epochs":60,"learning_rate":0.01"#);
    let trained = trained.unwrap();
    let (first, last) = (&trained.history.0[0], &trained.history.0[59]);
    assert!(last.val_acc.unwrap() > 0.95 && first.val_acc.unwrap() < 0.6, "{first:?} {last:?}");
    assert!(last.train_loss < first.train_loss && last.val_loss.unwrap() < 0.3, "{last:?}");
    // 193 samples are 6 batches: the last sample joins the sixth.
    assert_eq!((last.steps, trained.weights.counters["bns.0.num_batches_tracked"]), (360, 360));
    assert_eq!(trained.metrics["val_acc"], last.val_acc.unwrap().into());
    assert_eq!(trained.metrics["trainable_after_freeze"], trained.weights.head().trainable().into());
}

#[test]
fn the_best_validated_epoch_is_selected_where_asked_for() {
    let digits = digits();
    // A rate so high that the accuracy goes up and down.
    let config = r#","epochs":12,"learning_rate":0.3,"select":"source-validation""#;
    let best = Bench::new().with("train", &digits).with("validation", &digits).lodo(config).unwrap();
    let accuracy = |index: usize| best.history.0[index].val_acc.unwrap();
    let chosen = (0..12).rev().max_by(|&one, &two| accuracy(one).total_cmp(&accuracy(two))).unwrap();
    assert!(chosen < 11, "the last epoch is the best, so the test shows nothing");
    assert_eq!(best.metrics["epoch"], Metric::Count(chosen as i64));
    let until_then = format!(r#","epochs":{},"learning_rate":0.3"#, chosen + 1);
    assert_eq!(best.model, lodo(&until_then).model);
    let without = Bench::new().with("train", &digits).lodo(config);
    assert_eq!(message(without), "`select: source-validation` needs the input `validation`");
}

#[test]
fn phase_1_trains_on_one_class_and_its_order_speaks_of_input_rows() {
    let digits = digits();
    let trained = Bench::new().with("embeddings", &digits).single(r#","classes":["3"],"epochs":2"#).unwrap();
    let threes = digits.of_class(3);
    for epoch in trained.order.0.rows() {
        let mut rows: Vec<usize> = epoch.iter().map(|&row| row as usize).collect();
        assert_ne!(rows, threes);
        rows.sort_unstable();
        assert_eq!(rows, threes);
    }
    assert_eq!(trained.weights.seen, Seen::of(threes.iter().map(|&row| digits.digests[row].clone())));
    assert_eq!(trained.metrics["class"], "3".into());
    assert_eq!((&trained.metrics["images"], &trained.metrics["steps"]), (&Metric::Count(20), &Metric::Count(2)));
    let Metric::Number(share) = trained.metrics["weight_decay_share"] else { panic!("not a number") };
    assert!(share > 0.0 && share < 0.05, "{share}");
}

#[test]
fn phase_1_draws_its_class_and_takes_as_many_as_asked_for() {
    let class = |more: &str| Bench::new().with("embeddings", &digits()).single(more).unwrap().metrics["class"].clone();
    assert_eq!(class(r#","epochs":1"#), class(r#","epochs":2"#));
    assert!(class(r#","epochs":1,"classes":3"#).to_string().split(", ").count() == 3);
    assert_eq!(class(r#","epochs":1,"classes":"all""#).to_string(), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9");
}

#[test]
fn inputs_that_do_not_fit_are_refused_in_words() {
    let mut other = digits();
    other.classes.reverse();
    let both = Bench::new().with("train", &digits()).with("train", &other).lodo("");
    assert!(message(both).contains("differ in their classes"));
    assert!(message(Bench::new().with("train", &other).lodo("")).starts_with("the head's classes are [0, 1,"));
    let mut narrow = digits();
    narrow.vectors = narrow.vectors.slice(ndarray::s![.., ..9]).to_owned();
    let error = message(Bench::new().with("train", &narrow).lodo(""));
    assert_eq!(error, "the head takes vectors of width 40, the embeddings have 9");
    let error = message(Bench::new().with("train", &digits().select(&[0])).lodo(""));
    assert_eq!(error, "there are 1 items to learn from; at least 2 are needed");
    let mut wrong = half_mask();
    let tensor = wrong.tensors.remove("classifier.bias").unwrap();
    wrong.tensors.insert("classifier.gain".to_owned(), tensor);
    let error = message(Bench::new().with("train", &digits()).with("mask", &wrong).lodo(""));
    assert!(error.starts_with("the mask is for `classifier.gain`, but the head trains [layers.0.weight,"), "{error}");
    let wide = Mask { tensors: [("classifier.bias".to_owned(), ArrayD::from_elem(vec![3], true))].into(), ..wrong };
    let error = message(Bench::new().with("train", &digits()).with("mask", &wide).lodo(""));
    assert_eq!(error, "the mask of `classifier.bias` has shape [3], the head's tensor [10]");
}

#[test]
fn a_loss_that_is_not_finite_fails_and_says_what_to_do() {
    let error = Bench::new().with("train", &digits()).lodo(r#","learning_rate":1e38"#).err().unwrap();
    assert!(error.to_string().starts_with("the training loss is "), "{error}");
    assert!(error.hint_text().unwrap().contains("learning_rate"));
}

#[test]
fn two_trainings_at_once_give_the_bytes_of_each_alone() {
    let train =
        |mode: &str| masked(&half_mask(), &format!(r#","epochs":4,"freeze_epoch":2,"mask_mode":"{mode}""#)).model;
    let alone = [train("update"), train("gradient")];
    for _ in 0..4 {
        let together = std::thread::scope(|scope| {
            let threads = ["update", "gradient"].map(|mode| scope.spawn(move || train(mode)));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(together == alone);
    }
}

/// A training large enough for burn to spread what it spreads over threads.
fn wide_training() -> blake3::Hash {
    let mut random = Random::new(5, "threads", "vectors", 0);
    let count = 700;
    let texts = || (0..count).map(|item| item.to_string()).collect();
    let samples = Embeddings {
        vectors: Array2::from_shape_simple_fn((count, 768), || random.between(-1.0, 1.0)),
        labels: (0..count as i64).map(|item| item % 7).collect(),
        classes: (0..7).map(|class| class.to_string()).collect(),
        ids: texts(),
        digests: texts(),
    };
    let mut architecture = initial().head().clone();
    (architecture.input, architecture.hidden) = (768, vec![300, 10]);
    architecture.classes = samples.classes.clone();
    let folder = tempfile::tempdir().unwrap();
    crate::nets::Head::initial(architecture, &mut random).write(&folder.path().join("initial")).unwrap();
    samples.write(&folder.path().join("samples")).unwrap();
    let solo = Solo::new(folder.path().join("out")).ambient(Ambient::default().with(Device::cpu()));
    let solo = solo.input("initial", folder.path().join("initial"));
    let solo = solo.input("train", folder.path().join("samples")).input("validation", folder.path().join("samples"));
    let config = r#"{"seed":1,"stream":"s","epochs":2,"batch_size":200,"dropout":0.2}"#;
    let outputs = solo.execute::<TrainLodo>(&serde_json::from_str(config).unwrap()).unwrap().outputs;
    digest(&[outputs["model"].join("model.safetensors"), outputs["history"].clone()])
}

fn digest(files: &[impl AsRef<Path>]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(&fs_err::read(file.as_ref()).unwrap());
    }
    hasher.finalize()
}

#[test]
#[ignore = "started by the next test: cargo test -p dgpipe the_bytes_do_not_depend_on_the_number_of_threads"]
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
fn print_the_digest_of_a_wide_training() {
    println!("digest {}", wide_training());
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let digest = |threads: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([
            "--exact",
            "training::properties::print_the_digest_of_a_wide_training",
            "--ignored",
            "--nocapture",
        ]);
        let output = child.env("RAYON_NUM_THREADS", threads).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.split_once("digest ").map(|(_, digest)| digest.trim().to_owned()));
        line.unwrap_or_else(|| panic!("no digest in {text}"))
    };
    let one = digest("1");
    assert_eq!(one.len(), 64);
    assert_eq!(digest("4"), one);
    assert_eq!(digest("3"), one);
}
