//! `evaluate`: how well a trained head does on a domain it was not trained on, and on those it was.

use std::collections::BTreeMap;

use dgpipe_engine::stage::{Context, In, Many, Out, Ports, StageError, StageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::formats::{Counts, Embeddings, HeadArchitecture, Predictions, Scores, Weights};
use crate::nets::Classifier;

/// Settings of `evaluate`: there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluateConfig {}

const MODEL: In<Weights> = In::new("model");
const TARGET: In<Embeddings> = In::new("target");
const TARGET_TEST: In<Embeddings> = In::new("target_test");
const SOURCE_TEST: Many<Embeddings> = Many::new("source_test");
const SCORES: Out<Scores> = Out::new("scores").named("scores.json");

/// Scores a model (two-phase weight importance, section 6): running statistics, no dropout, the first of equal logits.
///
/// Heads are small, so this always computes on the CPU and gives the same bytes on every machine of one instruction set.
pub struct Evaluate;

impl StageType for Evaluate {
    type Config = EvaluateConfig;
    const NAME: &'static str = "evaluate";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Scores a trained head on the target domain and on its sources.";

    fn ports() -> Ports {
        Ports::default().reads(MODEL).reads(TARGET).reads(TARGET_TEST).reads(SOURCE_TEST).writes(SCORES)
    }

    fn execute(_config: &EvaluateConfig, context: &mut Context<'_>) -> Result<(), StageError> {
        let model = context.read(MODEL)?;
        let (target, target_test) = (context.read(TARGET)?, context.read(TARGET_TEST)?);
        let source_test = context.read(SOURCE_TEST)?;
        let head = model.head();
        let named = [("target", &target), ("target_test", &target_test)];
        for (port, embeddings) in named.into_iter().chain(source_test.iter().map(|part| ("source_test", part))) {
            check_fits(head, port, embeddings)?;
        }
        let classifier = Classifier::new(&model, Device::cpu().tensors());
        let predicted = predict(&classifier, &target);
        let test = predict(&classifier, &target_test);
        let source = Embeddings::joined("source_test", &source_test)?;
        let of_source = predict(&classifier, &source);
        let scores = Scores {
            accuracy_target_all: accuracy("target", &target.labels, &predicted)?,
            accuracy_target_20: accuracy("target_test", &target_test.labels, &test)?,
            accuracy_source: accuracy("source_test", &source.labels, &of_source)?,
            mask_saw_target: model.seen.contains_any(&target.digests),
            trainable_weights: model.trainable,
            counts: Counts {
                target_all: target.len() as u64,
                target_20: target_test.len() as u64,
                source: source.len() as u64,
            },
            recall: recall(&target, &predicted),
            confusion: confusion(&target, &predicted),
            predictions: Predictions { ids: target.ids, labels: target.labels, predicted },
            classes: target.classes,
        };
        report(&scores, context);
        context.write(SCORES, &scores)
    }
}

fn report(scores: &Scores, context: &mut Context<'_>) {
    context.metric("accuracy_target_all", scores.accuracy_target_all);
    context.metric("accuracy_target_20", scores.accuracy_target_20);
    context.metric("accuracy_source", scores.accuracy_source);
    context.metric("mask_saw_target", scores.mask_saw_target);
    if scores.mask_saw_target {
        context.note("the mask of this model has seen labelled images of the target, so the target was not unseen");
    }
}

/// Refuses embeddings that the head cannot classify, and says what differs.
fn check_fits(head: &HeadArchitecture, port: &str, embeddings: &Embeddings) -> Result<(), StageError> {
    if embeddings.width() != head.input {
        let (theirs, ours) = (embeddings.width(), head.input);
        let what = format!("input `{port}`: the embeddings have width {theirs}, but the model takes width {ours}");
        return Err(StageError::new(what).hint("embed all domains with the backbone that the model was trained on"));
    }
    if embeddings.classes == head.classes {
        return Ok(());
    }
    let only = |one: &[String], other: &[String]| -> String {
        let names: Vec<&str> = one.iter().filter(|name| !other.contains(name)).map(String::as_str).collect();
        names.join(", ")
    };
    let (theirs, ours) = (only(&embeddings.classes, &head.classes), only(&head.classes, &embeddings.classes));
    let difference = if theirs.is_empty() && ours.is_empty() {
        let order = |names: &[String]| names.join(", ");
        format!("their order is [{}] and [{}]", order(&embeddings.classes), order(&head.classes))
    } else {
        format!("only the embeddings have [{theirs}], only the model has [{ours}]")
    };
    Err(StageError::new(format!("input `{port}`: the classes are not those of the model: {difference}"))
        .hint("embed all domains with the class list of the whole image folder"))
}

/// The class of the largest logit of every item; of equal ones the first.
fn predict(classifier: &Classifier, items: &Embeddings) -> Vec<i64> {
    if items.is_empty() {
        return Vec::new();
    }
    let logits = classifier.logits(items.vectors.view());
    let largest = |row: ndarray::ArrayView1<'_, f32>| {
        let best = row.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(0, |(index, _)| index as i64)
    };
    logits.rows().into_iter().map(largest).collect()
}

fn accuracy(port: &str, labels: &[i64], predicted: &[i64]) -> Result<f64, StageError> {
    if labels.is_empty() {
        return Err(StageError::new(format!("input `{port}` has no items, so there is no accuracy")));
    }
    let right = labels.iter().zip(predicted).filter(|(label, predicted)| label == predicted).count();
    Ok(right as f64 / labels.len() as f64)
}

/// Labels in rows, predictions in columns. Labels were checked to be classes when the embeddings were read.
fn confusion(items: &Embeddings, predicted: &[i64]) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; items.classes.len()]; items.classes.len()];
    for (&label, &predicted) in items.labels.iter().zip(predicted) {
        counts[label as usize][predicted as usize] += 1;
    }
    counts
}

fn recall(items: &Embeddings, predicted: &[i64]) -> BTreeMap<String, Option<f64>> {
    let share = |(class, counts): (usize, Vec<u64>)| {
        let all: u64 = counts.iter().sum();
        (items.classes[class].clone(), (all > 0).then(|| counts[class] as f64 / all as f64))
    };
    confusion(items, predicted).into_iter().enumerate().map(share).collect()
}

#[cfg(test)]
mod tests {
    use dgpipe_engine::stage::{Format, Solo, SoloResult, View, WriteFormat};
    use ndarray::{Array2, ArrayD};

    use super::*;
    use crate::formats::{Architecture, Seen};

    fn classes() -> Vec<String> {
        ["cat", "dog", "owl"].map(str::to_owned).to_vec()
    }

    /// A linear probe whose logits are the vector itself.
    fn model(seen: &[&str]) -> Weights {
        let head = HeadArchitecture { input: 3, hidden: vec![], classes: classes(), batch_norm: false, dropout: 0.0 };
        let tensors = BTreeMap::from([
            ("classifier.weight".to_owned(), Array2::eye(3).into_dyn()),
            ("classifier.bias".to_owned(), ArrayD::zeros(vec![3])),
        ]);
        let seen = Seen::of(seen.iter().map(|&digest| digest.to_owned()));
        Weights { architecture: Architecture::Head(head), tensors, counters: BTreeMap::new(), seen, trainable: None }
    }

    /// Items of these labels, each of which looks like that class.
    fn items(name: &str, labels: &[i64], looks_like: &[usize]) -> Embeddings {
        let texts = |what: &str| (0..labels.len()).map(|index| format!("{name}-{what}{index}")).collect();
        let vectors =
            Array2::from_shape_fn((labels.len(), 3), |(row, column)| f32::from(u8::from(looks_like[row] == column)));
        Embeddings { vectors, labels: labels.to_vec(), classes: classes(), ids: texts("id"), digests: texts("digest") }
    }

    fn execute(model: &Weights, target: &Embeddings) -> Result<(Scores, SoloResult), StageError> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        model.write(&at("model")).unwrap();
        target.write(&at("target")).unwrap();
        items("test", &[0, 1], &[0, 0]).write(&at("test")).unwrap();
        items("one", &[2], &[2]).write(&at("one")).unwrap();
        items("two", &[0, 1, 2], &[0, 1, 1]).write(&at("two")).unwrap();
        let solo = Solo::new(at("out"))
            .input("model", at("model"))
            .input("target", at("target"))
            .input("target_test", at("test"))
            .input("source_test", at("one"))
            .input("source_test", at("two"));
        let result = solo.execute::<Evaluate>(&EvaluateConfig {})?;
        Ok((Scores::read(&View::disk(&result.outputs["scores"])).unwrap(), result))
    }

    #[test]
    fn accuracies_recall_and_confusion_are_counted() {
        let target = items("target", &[0, 0, 1, 1, 1], &[0, 1, 1, 1, 2]);
        let (scores, result) = execute(&model(&[]), &target).unwrap();
        assert_eq!((scores.accuracy_target_all, scores.accuracy_target_20, scores.accuracy_source), (0.6, 0.5, 0.75));
        assert_eq!(scores.confusion, [[1, 1, 0], [0, 2, 1], [0, 0, 0]]);
        let recall = |class: &str| scores.recall[class];
        assert_eq!((recall("cat"), recall("dog"), recall("owl")), (Some(0.5), Some(2.0 / 3.0), None));
        assert_eq!(scores.predictions.predicted, [0, 1, 1, 1, 2]);
        assert_eq!(scores.counts, Counts { target_all: 5, target_20: 2, source: 4 });
        assert_eq!(result.metrics["accuracy_target_all"], 0.6.into());
        assert_eq!((scores.mask_saw_target, scores.trainable_weights, result.notes.len()), (false, None, 0));
    }

    #[test]
    fn a_mask_that_has_seen_an_item_of_the_target_is_told_by_its_digest() {
        let target = items("target", &[0, 1], &[0, 1]);
        let (scores, result) = execute(&model(&["elsewhere", "target-digest1"]), &target).unwrap();
        assert!(scores.mask_saw_target && result.notes[0].contains("has seen"));
        // The held-out items of sources may have been seen: that is no leak.
        assert!(!execute(&model(&["one-digest0"]), &target).unwrap().0.mask_saw_target);
    }

    #[test]
    fn what_could_change_after_the_freeze_is_passed_on() {
        let model = Weights { trainable: Some(6), ..model(&[]) };
        let (scores, _) = execute(&model, &items("target", &[0], &[0])).unwrap();
        assert_eq!(scores.trainable_weights, Some(6));
    }

    #[test]
    fn other_classes_are_refused_by_name() {
        let mut target = items("target", &[0], &[0]);
        target.classes[2] = "emu".to_owned();
        let error = execute(&model(&[]), &target).unwrap_err().to_string();
        assert!(error.ends_with("only the embeddings have [emu], only the model has [owl]"), "{error}");
        target.classes = ["dog", "cat", "owl"].map(str::to_owned).to_vec();
        let error = execute(&model(&[]), &target).unwrap_err().to_string();
        assert!(error.ends_with("their order is [dog, cat, owl] and [cat, dog, owl]"), "{error}");
    }

    #[test]
    fn a_target_without_items_has_no_accuracy() {
        let error = execute(&model(&[]), &items("target", &[], &[])).unwrap_err().to_string();
        assert_eq!(error, "input `target` has no items, so there is no accuracy");
    }
}
