//! Training that was killed, and training that goes on after its end: the bytes are those of one that nobody disturbed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::project::Project;

const PIPELINE: &str = "
pipeline: resuming
params: { epochs: 120, freeze_epoch: 50, select: last }
sources: { digits: { path: pipelines/data/optdigits/digits.csv.gz, kind: file/1 } }
stages:
  drawn: { uses: draw-miniature, config: { seed: 1, per_class: 2, size: 24 } }
  images: { uses: digits-domains, inputs: { digits: digits }, config: { seed: 7 } }
  vectors: { uses: embed-pixels, inputs: { images: images/deg_15 }, config: { size: 8 } }
  split: { uses: split-embeddings, inputs: { embeddings: vectors }, config: { seed: 1, stream: split } }
  head: { uses: init-head, inputs: { like: vectors }, config: { seed: 1, stream: head, hidden: [8, 6] } }
  other: { uses: init-head, inputs: { like: vectors }, config: { seed: 2, stream: head, hidden: [8, 6] } }
  importance: { uses: weight-importance, inputs: { initial: head, final: other } }
  mask: { uses: threshold-mask, inputs: { importance: importance }, config: { top_fraction: 0.5 } }
  single:
    uses: train-single-class
    inputs: { embeddings: vectors, initial: head }
    config: { seed: 1, stream: single, classes: 4, epochs: \"${epochs}\" }
  lodo:
    uses: train-lodo
    inputs: { train: split.train, validation: split.test, initial: head, mask: mask }
    config: { seed: 1, stream: lodo, epochs: \"${epochs}\", freeze_epoch: \"${freeze_epoch}\", select: \"${select}\", learning_rate: 0.02 }
  backbone:
    uses: pretrain-vit
    inputs: { images: drawn }
    config: { seed: 1, size: 24, patch: 8, hidden: 8, layers: 1, heads: 2, mlp: 8, epochs: \"${epochs}\" }
";

fn project() -> Project {
    let project = Project::new();
    fs_err::write(project.path("resuming.yaml"), PIPELINE).unwrap();
    project
}

/// Runs a cell and returns the notes.
fn run(project: &Project, stage: &str, settings: &[&str]) -> Vec<String> {
    let stdout = project.call(&arguments(stage, settings, &[]));
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let notes = events.filter(|event| event["event"] == "cell-note" || event["event"] == "warning");
    notes.map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}

fn arguments<'a>(stage: &'a str, settings: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    ["run", "--json", "resuming.yaml", stage].into_iter().chain(settings).chain(more.iter().copied()).collect()
}

/// Outputs and metrics of a cell.
fn result(project: &Project, stage: &str, settings: &[&str]) -> (Value, Value) {
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let path = project.call(&[&["path", "resuming.yaml", stage], &settings[..]].concat());
    let digest = path.trim().rsplit('/').next().unwrap();
    let records = project.files(".dgpipe/records-v1").into_values();
    let mut records = records.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap()["record"].take());
    let made = |record: &Value| {
        record["outputs"].as_object().unwrap().values().any(|output| output["artifact"]["digest"] == digest)
    };
    let mut record = records.find(made).unwrap_or_else(|| panic!("no record has {digest}"));
    (record["outputs"].take(), record["metrics"].take())
}

/// Starts a run that writes a checkpoint after every epoch, and kills it as soon as it says that it is that far.
fn kill_at(project: &Project, stage: &str, settings: &[&str], epoch: u64) {
    let mut command = project.command(&arguments(stage, settings, &["--checkpoint-every", "0"]));
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let is_there = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["unit"] == "epochs" && event["done"].as_u64() >= Some(epoch)
    };
    assert!(lines.any(|line| is_there(&line.unwrap())), "{stage} never came to epoch {epoch}");
    run.kill().unwrap();
    let status = run.wait().unwrap();
    assert_eq!(status.code(), None, "{stage} was at its end before it could be killed");
}

/// The epoch from which training went on, of how many.
fn continued(notes: &[String]) -> (u64, u64) {
    let [note] = notes else { panic!("{notes:?}") };
    let mut numbers =
        note.strip_prefix("continues from epoch ").unwrap().split(" of ").map(|text| text.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn h3_killed_training_goes_on_from_its_last_checkpoint_and_gives_the_bytes_of_an_undisturbed_one() {
    let (undisturbed, disturbed) = (project(), project());
    for (stage, settings, kills) in [
        ("single", &[][..], &[3, 40][..]),
        // Before and after the mask begins to freeze.
        ("lodo", &[], &[20, 70]),
        ("lodo", &["select=source-validation"], &[60]),
        ("backbone", &[], &[20, 60]),
    ] {
        assert_eq!(run(&undisturbed, stage, settings), Vec::<String>::new());
        for epoch in kills {
            kill_at(&disturbed, stage, settings, *epoch);
        }
        let (from, of) = continued(&run(&disturbed, stage, settings));
        assert!(from >= kills[kills.len() - 1] && of == 120, "{stage}: from {from} of {of}");
        assert_eq!(result(&disturbed, stage, settings), result(&undisturbed, stage, settings), "{stage}");
    }
}

#[test]
fn more_epochs_go_on_from_the_end_of_fewer_and_give_the_bytes_of_a_full_training() {
    let (full, continuing) = (project(), project());
    for (stage, settings) in [
        ("single", &[][..]),
        ("lodo", &["freeze_epoch=5"]),
        ("lodo", &["freeze_epoch=15"]),
        ("lodo", &["select=source-validation"]),
    ] {
        let (ten, twenty) = ([settings, &["epochs=10"]].concat(), [settings, &["epochs=20"]].concat());
        assert_eq!(run(&continuing, stage, &ten), Vec::<String>::new());
        assert_eq!(continued(&run(&continuing, stage, &twenty)), (10, 20));
        run(&full, stage, &twenty);
        assert_eq!(result(&continuing, stage, &twenty), result(&full, stage, &twenty), "{stage} {settings:?}");
    }
}

#[test]
fn a_rate_that_depends_on_the_number_of_epochs_does_not_go_on() {
    let project = project();
    run(&project, "backbone", &["epochs=4"]);
    assert_eq!(run(&project, "backbone", &["epochs=5"]), Vec::<String>::new());
}
