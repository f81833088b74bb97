//! `verify`: what it finds in the store, and in results that are executed again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dgpipe_tests::Sandbox;

use crate::project;

const CHAIN: &str = "
pipeline: chain
stages:
  a: { uses: constant, config: { value: 100 } }
  b: { uses: add, inputs: { terms: a }, config: { plus: 10 } }
  parts: { uses: spread, config: { parts: { x: 7, y: 8 } } }
publish: { results/b.txt: b, results/parts: parts }
";

fn chain() -> Sandbox {
    let sandbox = project(CHAIN);
    sandbox.run().exits(0);
    sandbox
}

/// What the store holds for good: paths with bytes.
fn stored(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    let folders = ["objects-v1", "records-v1", "logs-v1", "scratch", "leases-v1", "projects-v1"];
    let files = folders.iter().flat_map(|folder| sandbox.files(&format!(".dgpipe/{folder}")));
    files.map(|path| (path.clone(), fs_err::read(path).unwrap())).collect()
}

#[test]
fn a_good_store_is_said_to_be_good() {
    let sandbox = chain();
    let verify = sandbox.call(&["verify"]).exits(0);
    assert_eq!(verify.stdout, "");
    assert!(verify.stderr.contains("3 records looked at: 0 damaged"), "{}", verify.stderr);
    let below = sandbox.path("some/folder");
    fs_err::create_dir_all(&below).unwrap();
    sandbox.call_in(&below, &["verify"]).exits(0);
    sandbox.call(&["verify", "pipeline.yaml"]).exits(0);
}

#[test]
fn every_damage_is_listed_at_once_and_the_next_run_heals_it() {
    let sandbox = chain();
    sandbox.damage("100\n", b"10");
    sandbox.damage("110\n", b"111\n");
    sandbox.damage("7\n", b"");
    let verify = sandbox.call(&["verify"]).exits(1);
    let lines: Vec<&str> = verify.stdout.lines().collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("damaged ")).count(), 3, "{lines:#?}");
    assert!(lines.iter().all(|line| !line.starts_with("damaged") || line.ends_with("moved to quarantine")));
    let incomplete: Vec<&&str> = lines.iter().filter(|line| line.starts_with("incomplete ")).collect();
    assert_eq!(incomplete.len(), 3);
    assert!(incomplete.iter().any(|line| line.contains("`spread`") && line.contains("the cell executes again")));
    assert!(verify.stderr.contains("3 damaged, 3 records incomplete"), "{}", verify.stderr);
    assert_eq!(sandbox.files(".dgpipe/quarantine-v1").len(), 3);
    sandbox.remove("results");
    assert_eq!(sandbox.run().exits(0).executed(), ["a", "b", "parts"]);
    assert_eq!(sandbox.read("results/b.txt"), "110\n");
    let verify = sandbox.call(&["verify"]).exits(0);
    assert_eq!(verify.stdout, "");
}

#[test]
fn c4_a_record_without_its_bytes_is_told_of_and_the_next_run_that_needs_them_makes_them_again() {
    let sandbox = chain();
    fs_err::remove_file(sandbox.object("100\n")).unwrap();
    let verify = sandbox.call(&["verify"]).exits(1);
    assert!(verify.stdout.starts_with("incomplete  the record "), "{}", verify.stdout);
    assert!(verify.stdout.contains("of `constant`") && verify.stdout.lines().count() == 1);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0, "nobody needs them");
    sandbox.edit("plus: 10", "plus: 11");
    assert_eq!(sandbox.run().exits(0).executed(), ["a", "b"]);
    sandbox.call(&["verify"]).exits(0);
}

#[test]
fn the_findings_are_there_as_json() {
    let sandbox = chain();
    sandbox.damage("100\n", b"10");
    let verify = sandbox.call(&["verify", "--json"]).exits(1);
    let found: serde_json::Value = serde_json::from_str(&verify.stdout).unwrap();
    assert_eq!(found["records"], 3);
    assert_eq!(found["problems"][0]["quarantined"], true);
    assert_eq!(found["problems"][0]["reason"].as_str().unwrap().split(' ').next(), Some("its"));
    assert_eq!(found["incomplete"][0]["stage_type"], "constant");
    assert_eq!(verify.stderr, "");
}

#[test]
fn without_a_store_there_is_nothing_to_verify() {
    let sandbox = project(CHAIN);
    let verify = sandbox.call(&["verify"]).exits(2);
    assert!(verify.stderr.contains("there is no store at `") && verify.stderr.contains("--cache"), "{}", verify.stderr);
    assert!(!sandbox.has(".dgpipe"));
}

#[test]
fn executing_again_compares_and_leaves_the_store_as_it_was() {
    let sandbox = chain();
    let before = stored(&sandbox);
    let verify = sandbox.call(&["verify", "--rerun", "2", "pipeline.yaml"]).exits(0);
    assert_eq!(verify.stdout, "same        a  on toy\nsame        b  on toy\nsame        parts  on toy\n");
    assert!(verify.stderr.contains("3 cells gave the same bytes, 0 did not, 0 skipped"), "{}", verify.stderr);
    assert_eq!(stored(&sandbox), before);
}

#[test]
fn what_is_not_reproducible_is_named_with_file_and_device() {
    let sandbox = project(
        "pipeline: p
stages:
  steady: { uses: constant, config: { value: 1 } }
  noise:
    uses: command
    shell: true
    run: mkdir -p ${out.x}/sub && head -c 16 /dev/urandom > ${out.x}/sub/noise && echo same > ${out.x}/same
    outputs: { x: { folder: x } }
  number:
    uses: command
    shell: true
    run: head -c 16 /dev/urandom > ${out.y}
    outputs: { y: { file: y.bin } }
",
    );
    sandbox.run().exits(0);
    let before = stored(&sandbox);
    let verify = sandbox.call(&["verify", "--rerun", "1", "pipeline.yaml"]).exits(1);
    assert!(
        verify.stdout.contains("different   noise  `command` on toy\n            x/sub/noise\n"),
        "{}",
        verify.stdout
    );
    assert!(verify.stdout.contains("different   number  `command` on toy\n            y\n"), "{}", verify.stdout);
    assert!(verify.stdout.contains("same        steady"));
    assert!(!verify.stdout.contains("x/same"));
    assert_eq!(stored(&sandbox), before);
    let json = sandbox.call(&["verify", "--rerun", "1", "pipeline.yaml", "--json"]).exits(1);
    let found: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let noise = found["cells"].as_array().unwrap().iter().find(|cell| cell["cell"] == "noise").unwrap();
    assert_eq!(noise["result"]["result"], "different");
    assert_eq!(noise["result"]["files"]["x"][0], "sub/noise");
    assert_eq!((&noise["recorded_device"], &noise["device"]), (&"toy".into(), &"toy".into()));
}

#[test]
fn a_cell_that_fails_when_it_is_executed_again_leaves_nothing_behind() {
    let sandbox = project(
        "pipeline: p
stages:
  moody:
    uses: command
    shell: true
    run: echo said; test ! -e $HERE/fail && echo 1 > ${out.x}
    outputs: { x: { file: x.txt } }
    env: [HERE]
",
    );
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    sandbox.run().exits(0);
    sandbox.write("fail", "");
    let before = stored(&sandbox);
    let verify = sandbox.call(&["verify", "--rerun", "1", "pipeline.yaml"]).exits(1);
    assert!(verify.stdout.starts_with("failed      moody  "), "{}", verify.stdout);
    assert_eq!(stored(&sandbox), before);
}

#[test]
fn what_cannot_be_executed_again_is_skipped_with_the_reason() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: constant, config: { value: 100 } }
  b: { uses: add, inputs: { terms: a }, config: { plus: 10 } }
  here:
    uses: command
    cwd: project
    shell: true
    run: echo 5 > out.txt
    outputs: { x: { file: out.txt } }
",
    );
    sandbox.run().exits(0);
    fs_err::remove_file(sandbox.object("100\n")).unwrap();
    let verify = sandbox.call(&["verify", "--rerun", "1", "pipeline.yaml"]).exits(0);
    assert!(verify.stdout.contains("skipped     b  bytes of its inputs are not in the store"), "{}", verify.stdout);
    assert!(verify.stdout.contains("skipped     here  it works in the project's own folder"), "{}", verify.stdout);
}

#[test]
fn a_sample_has_some_of_every_stage_and_is_the_same_each_time() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }
stages:
  many: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  sum: { uses: add, inputs: { terms: \"many[*]\" } }
",
    );
    sandbox.run().exits(0);
    let sample = |percent: &str| {
        let verify = sandbox.call(&["verify", "--rerun", "1", "--sample", percent, "pipeline.yaml"]).exits(0);
        verify.stdout.lines().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let few = sample("20%");
    assert_eq!(few.len(), 3, "two of ten, and the only one");
    assert_eq!(sample("20"), few);
    let more = sample("50%");
    assert!(more.len() == 6 && few.iter().all(|line| more.contains(line)));
    assert_eq!(sample("1%").len(), 2);
    for wrong in ["0%", "101%", "x"] {
        sandbox.call(&["verify", "--rerun", "1", "--sample", wrong, "pipeline.yaml"]).exits(2);
    }
    sandbox.call(&["verify", "--rerun", "1"]).exits(2);
    sandbox.call(&["verify", "--rerun", "0", "pipeline.yaml"]).exits(2);
}

#[test]
fn without_records_there_is_nothing_to_execute_again() {
    let sandbox = project(CHAIN);
    let verify = sandbox.call(&["verify", "--rerun", "1", "pipeline.yaml"]).exits(2);
    assert!(verify.stderr.contains("no cell of this pipeline has a record"), "{}", verify.stderr);
    assert!(!sandbox.has(".dgpipe"));
}
