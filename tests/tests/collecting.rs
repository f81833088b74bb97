//! `gc` and `pin`, on the real binary: beside runs, between projects, and what people see.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dgpipe_cache::{LeaseAttempt, Store};
use dgpipe_tests::faults::oracle;
use dgpipe_tests::{Outcome, Sandbox};
use serde_json::Value;

use crate::project;
use crate::signals::wait_until;

/// All that is not in use, however young.
const EVERYTHING: [&str; 5] = ["gc", "--older-than", "0s", "--grace", "0s"];

const CHAIN: &str = "
pipeline: chain
params: { plus: 10 }
stages:
  a: { uses: constant, config: { value: 100 } }
  b: { uses: add, inputs: { terms: a }, config: { plus: \"${plus}\" } }
publish: { results/b.txt: b }
";

fn gc(sandbox: &Sandbox, more: &[&str]) -> Value {
    let gc = sandbox.call(&[&EVERYTHING[..], &["--json"], more].concat()).exits(0);
    serde_json::from_str(&gc.stdout).unwrap()
}

fn removed(collection: &Value, what: &str) -> usize {
    collection["removed"].as_array().unwrap().iter().filter(|removed| removed["what"] == what).count()
}

fn records(sandbox: &Sandbox) -> usize {
    sandbox.files(".dgpipe/records-v1").len()
}

#[test]
fn what_is_out_of_use_goes_with_a_word_why() {
    let sandbox = project(CHAIN);
    sandbox.run().exits(0);
    sandbox.run_with(&["--set", "plus=20"]).exits(0);
    let young = sandbox.call(&["gc"]).exits(0);
    assert_eq!(young.stdout, "", "it was the latest a moment ago");
    let dry = sandbox.call(&[&EVERYTHING[..], &["--dry-run"]].concat()).exits(0);
    assert_eq!(records(&sandbox), 3);
    let lines: Vec<&str> = dry.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].starts_with("record  ") && lines[0].contains(" of `b`: nothing uses it since "), "{}", lines[0]);
    assert!(lines[1].starts_with("object  ") && lines[1].ends_with("1 of them: its record is gone"), "{}", lines[1]);
    assert!(dry.stderr.starts_with("would free ") && dry.stderr.contains("in 2 records stay"), "{}", dry.stderr);
    let real = sandbox.call(&EVERYTHING).exits(0);
    assert_eq!(real.stdout, dry.stdout);
    assert_eq!(real.stderr, dry.stderr.replace("would free", "freed"));
    assert_eq!((records(&sandbox), sandbox.files(".dgpipe/objects-v1").len()), (2, 3));
    assert_eq!(sandbox.run_with(&["--set", "plus=20"]).exits(0).count("executed"), 0);
    assert_eq!(sandbox.run().exits(0).executed(), ["b"], "it costs only time");
    sandbox.call(&["verify"]).exits(0);
}

#[test]
fn pins_hold_until_they_are_removed() {
    let sandbox = project(CHAIN);
    sandbox.call(&["pin", "pipeline.yaml", "b"]).exits(2);
    sandbox.run().exits(0);
    sandbox.call(&["pin", "pipeline.yaml", "b"]).exits(0);
    sandbox.run_with(&["--set", "plus=20"]).exits(0);
    sandbox.run_with(&["--set", "plus=30"]).exits(0);
    assert_eq!(removed(&gc(&sandbox, &["--max-size", "0"]), "record"), 1);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0, "it was pinned");
    sandbox.run_with(&["--set", "plus=30"]).exits(0);
    let list = sandbox.call(&["pin", "--list"]).exits(0);
    assert!(list.stdout.contains("  b  (") && list.stdout.contains(", chain, "), "{}", list.stdout);
    assert_eq!(sandbox.call(&["pin", "pipeline.yaml", "--list"]).exits(0).stdout, list.stdout);
    let json: Value = serde_json::from_str(&sandbox.call(&["pin", "--list", "--json"]).exits(0).stdout).unwrap();
    assert_eq!(json[0]["cell"], "b");
    sandbox.call(&["pin", "--remove", "unknown"]).exits(2);
    sandbox.call(&["pin", "--remove", &json[0]["key"].as_str().unwrap()[..12]]).exits(0);
    assert_eq!(sandbox.call(&["pin", "--list"]).exits(0).stdout, "");
    assert_eq!(removed(&gc(&sandbox, &[]), "record"), 1);
    assert_eq!(sandbox.run().exits(0).executed(), ["b"]);
}

#[test]
fn mistakes_in_the_call_are_told_of() {
    let sandbox = project(CHAIN);
    let nothing = sandbox.call(&["gc"]).exits(2);
    assert!(nothing.stderr.contains("there is no store at"), "{}", nothing.stderr);
    assert!(!sandbox.has(".dgpipe"));
    sandbox.run().exits(0);
    for wrong in [&["gc", "--max-size", "much"][..], &["gc", "--older-than", "long"], &["pin"], &["pin", "--remove"]] {
        sandbox.call(wrong).exits(2);
    }
    fs_err::write(sandbox.files(".dgpipe/projects-v1").iter().find(|path| path.ends_with("latest.json")).unwrap(), "{")
        .unwrap();
    let refused = sandbox.call(&EVERYTHING).exits(3);
    assert!(
        refused.stderr.contains("cannot understand `") && refused.stderr.contains("latest.json"),
        "{}",
        refused.stderr
    );
    assert_eq!(records(&sandbox), 2);
}

#[test]
fn a_store_of_two_projects_keeps_the_latest_of_both() {
    let projects = [project(CHAIN), project(&CHAIN.replace("plus: 10", "plus: 20"))];
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("store").display().to_string();
    for sandbox in &projects {
        sandbox.run_with(&["--cache", &cache]).exits(0);
    }
    projects[0].run_with(&["--cache", &cache, "--set", "plus=30"]).exits(0);
    assert_eq!(removed(&gc(&projects[1], &["--cache", &cache, "--max-size", "0"]), "record"), 1);
    assert_eq!(projects[0].run_with(&["--cache", &cache, "--set", "plus=30"]).exits(0).count("executed"), 0);
    assert_eq!(projects[1].run_with(&["--cache", &cache]).exits(0).count("executed"), 0);
}

#[test]
fn d3_a_run_that_lives_keeps_what_it_reuses() {
    let sandbox = project(
        "pipeline: p
params: { value: 1 }
stages:
  a: { uses: constant, config: { value: \"${value}\" } }
  gated:
    uses: command
    shell: true
    run: touch $HERE/started; while ! test -e $HERE/go; do sleep 0.02; done; echo ${which} > ${out.x}
    inputs: { after: a }
    outputs: { x: { file: x.txt, kind: number/1 } }
    env: [HERE]
  sum: { uses: add, inputs: { terms: [a, gated] } }
"
        .replace("${which}", "40")
        .as_str(),
    );
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    for value in ["value=1", "value=2"] {
        sandbox.run_with(&["--set", value, "a"]).exits(0);
    }
    let run = start(&sandbox, &["run", "pipeline.yaml", "--json", "--set", "value=1"]);
    wait_until("it executes", || sandbox.has("started"));
    assert_eq!(removed(&gc(&sandbox, &["--max-size", "0"]), "record"), 0, "an old record, and the latest");
    sandbox.write("go", "");
    let run = Outcome::of(&run.wait_with_output().unwrap()).exits(0);
    assert_eq!(run.executed(), ["gated", "sum"]);
    assert_eq!(removed(&gc(&sandbox, &[]), "record"), 1, "the former latest of `a`");
}

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command();
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs back and forth between versions of a pipeline while two gcs go round and round. Returns the project and how many
/// records went.
fn gc_beside_runs(gc: &(dyn Fn(&Sandbox) -> usize + Sync)) -> (Sandbox, usize) {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2, 3, 4], turn: 0 }
stages:
  same: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  turned: { for: { seed: \"${seeds}\" }, uses: add, inputs: { terms: \"same[seed=${seed}]\" }, config: { plus: \"${turn}\" } }
  sum: { uses: add, inputs: { terms: \"turned[*]\" } }
  parts: { uses: spread, config: { parts: { a: 1, b: \"${turn}\" } } }
publish: { results/sum.txt: sum, results/parts: parts }
",
    );
    sandbox.run().exits(0);
    let done = AtomicBool::new(false);
    let freed = std::thread::scope(|scope| {
        let (done, sandbox) = (&done, &sandbox);
        let collector = || {
            let mut records = 0;
            // At least once after the last run.
            loop {
                let last = done.load(Ordering::SeqCst);
                records += gc(sandbox);
                if last {
                    return records;
                }
            }
        };
        let collectors = [scope.spawn(collector), scope.spawn(collector)];
        let runs = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..12 {
                // Back and forth, so that records that were just removed are wanted again.
                let turn = [0, 1, 2, 1][round % 4];
                let turned = format!("turn={turn}");
                let run = start(sandbox, &["run", "pipeline.yaml", "--json", "--jobs", "2", "--set", &turned]);
                let run = Outcome::of(&run.wait_with_output().unwrap()).exits(0);
                assert_eq!(run.count("failed") + run.count("blocked"), 0);
                assert_eq!(sandbox.read("results/sum.txt"), format!("{}\n", 10 + 4 * turn));
                assert_eq!(sandbox.read("results/parts/b/value.txt"), format!("{turn}\n"));
            }
        }));
        done.store(true, Ordering::SeqCst);
        let freed = collectors.into_iter().map(|collector| collector.join().unwrap()).sum::<usize>();
        runs.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        freed
    });
    (sandbox, freed)
}

#[test]
fn d3_gc_in_a_loop_beside_runs_costs_only_work() {
    let (sandbox, freed) = gc_beside_runs(&|sandbox| removed(&gc(sandbox, &["--max-size", "0"]), "record"));
    assert!(freed > 6, "{freed}");
    // Without any grace a record may have lost bytes; whoever needs them makes them again.
    sandbox.run_with(&["--set", "turn=5"]).exits(0);
    assert_eq!(sandbox.read("results/sum.txt"), "30\n");
}

#[test]
fn d3_with_the_grace_that_is_the_default_gc_beside_runs_takes_nothing_that_is_young() {
    let collect = |sandbox: &Sandbox| {
        let gc = sandbox.call(&["gc", "--older-than", "0s", "--max-size", "0", "--json"]).exits(0);
        removed(&serde_json::from_str(&gc.stdout).unwrap(), "record")
    };
    let (sandbox, freed) = gc_beside_runs(&collect);
    assert_eq!(freed, 0);
    let verify = sandbox.call(&["verify"]).exits(0);
    assert!(verify.stderr.contains("0 damaged"), "{}", verify.stderr);
    assert_eq!(oracle::problems(&sandbox.path(".dgpipe")), Vec::<String>::new());
    for turn in 0..3 {
        let run = sandbox.run_with(&["--set", &format!("turn={turn}")]).exits(0);
        assert_eq!(run.count("executed"), 0, "turn {turn}");
    }
}

#[test]
fn d4_a_second_gc_waits_for_the_first() {
    let sandbox = project(CHAIN);
    sandbox.run().exits(0);
    for plus in 20..26 {
        sandbox.run_with(&["--set", &format!("plus={plus}")]).exits(0);
    }
    let arguments = [&EVERYTHING[..], &["--json"]].concat();
    // The first is this process.
    let store = Store::open(sandbox.path(".dgpipe")).unwrap();
    let LeaseAttempt::Acquired(first) = store.gc_lease().unwrap() else { panic!("somebody holds it") };
    let mut children: Vec<Child> = (0..6).map(|_| start(&sandbox, &arguments)).collect();
    for child in &mut children {
        let mut said = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert!(said.starts_with("waiting for another gc "), "{said}");
    }
    // Each has looked twice by now.
    std::thread::sleep(Duration::from_millis(250));
    assert!(children.iter_mut().all(|child| child.try_wait().unwrap().is_none()), "they wait");
    assert_eq!(records(&sandbox), 8, "and remove nothing");
    drop(first);
    let ended = children.into_iter().map(|child| Outcome::of(&child.wait_with_output().unwrap()).exits(0));
    let freed: usize = ended.map(|gc| removed(&serde_json::from_str(&gc.stdout).unwrap(), "record")).sum();
    assert_eq!((freed, records(&sandbox)), (6, 2), "each went once");
    sandbox.call(&["verify"]).exits(0);
}

#[test]
fn what_killed_runs_left_is_removed_and_told() {
    let sandbox = project(
        "pipeline: p
stages:
  gated:
    uses: command
    shell: true
    run: touch $HERE/started; head -c 100000 /dev/zero > ${out.x}; while test -e $HERE/started; do sleep 0.02; done
    outputs: { x: { file: x.bin } }
    env: [HERE]
",
    );
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    let mut run = start(&sandbox, &["run", "pipeline.yaml"]);
    wait_until("it executes", || sandbox.has("started"));
    assert_eq!(removed(&gc(&sandbox, &[]), "scratch"), 0, "it lives");
    run.kill().unwrap();
    run.wait().unwrap();
    let collection = gc(&sandbox, &["--dry-run"]);
    let told: Vec<&Value> = collection["removed"].as_array().unwrap().iter().collect();
    assert!(!told.is_empty() && told.iter().all(|removed| removed["why"] == "process-dead"), "{told:?}");
    gc(&sandbox, &[]);
    assert_eq!(sandbox.files(".dgpipe/scratch").len() + sandbox.files(".dgpipe/leases-v1").len(), 0);
}

#[test]
fn a7_what_a_killed_run_had_finished_is_not_collected() {
    let sandbox = project(
        "pipeline: p
stages: { made: { uses: constant, config: { value: 1 } }, slow: { uses: sleep, config: { milliseconds: 100000 } } }
publish: { results/made.txt: made, results/slow.txt: slow }
",
    );
    let mut run = sandbox.command().args(["run", "pipeline.yaml", "--jobs", "2"]).spawn().unwrap();
    wait_until("the quick cell is done", || {
        sandbox.has(".dgpipe/records-v1") && !sandbox.files(".dgpipe/records-v1").is_empty()
    });
    run.kill().unwrap();
    run.wait().unwrap();
    sandbox.call(&["gc", "--max-size", "0", "--grace", "0s"]).exits(0);
    sandbox.edit("100000", "0");
    assert_eq!(sandbox.run().exits(0).executed(), ["slow"]);
}
