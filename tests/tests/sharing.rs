//! Several runs at once on one store.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};

use dgpipe_tests::{Outcome, Sandbox};

use crate::project;

const SHARED: &str = "
pipeline: p
params: { seeds: [1, 2, 3, 4, 5, 6] }
stages:
  slow: { for: { seed: \"${seeds}\" }, uses: sleep, config: { milliseconds: 20, value: \"${seed}\" } }
  sum: { uses: add, inputs: { terms: \"slow[*]\" } }
  parts: { uses: spread, config: { parts: { a: 1, b: 2, c: 3 } } }
publish: { results/sum.txt: sum, results/parts: parts, \"results/slow_${seed}.txt\": slow }
";

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command();
    command.args(["run", "pipeline.yaml", "--json", "--jobs", "2"]).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn all_ended(children: Vec<Child>) -> Vec<Outcome> {
    children.into_iter().map(|child| Outcome::of(&child.wait_with_output().unwrap()).exits(0)).collect()
}

fn times_executed(outcomes: &[Outcome]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for cell in outcomes.iter().flat_map(Outcome::executed) {
        *times.entry(cell).or_insert(0) += 1;
    }
    times
}

/// Starts runs at the same moment.
fn start_together(sandboxes: &[&Sandbox], arguments: &[&str]) -> Vec<Child> {
    let barrier = std::sync::Barrier::new(sandboxes.len());
    let start = |sandbox| {
        barrier.wait();
        start(sandbox, arguments)
    };
    std::thread::scope(|scope| {
        let starting: Vec<_> = sandboxes.iter().map(|sandbox| scope.spawn(|| start(sandbox))).collect();
        starting.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn d1_twenty_runs_started_together_execute_each_cell_once_in_all() {
    let sandbox = project(SHARED);
    let outcomes = all_ended(start_together(&[&sandbox; 20], &[]));
    let times = times_executed(&outcomes);
    assert_eq!(times.len(), 8);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    for outcome in &outcomes {
        assert_eq!(outcome.count("executed") + outcome.count("reused"), 8);
    }
    assert_eq!(sandbox.read("results/sum.txt"), "21\n");
    let after = sandbox.run().exits(0);
    assert_eq!((after.count("executed"), after.count("restored")), (0, 0));
}

#[test]
fn d2_twenty_runs_of_two_projects_share_one_store() {
    let projects = [project(SHARED), project(SHARED)];
    let store = tempfile::tempdir().unwrap();
    let cache = store.path().join("store").display().to_string();
    let runs: Vec<&Sandbox> = projects.iter().cycle().take(20).collect();
    let outcomes = all_ended(start_together(&runs, &["--cache", &cache]));
    let times = times_executed(&outcomes);
    assert_eq!(times.len(), 8);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    for sandbox in &projects {
        assert_eq!(sandbox.read("results/sum.txt"), "21\n");
        assert!(!sandbox.has(".dgpipe"), "the store is elsewhere");
    }
}

#[test]
fn runs_of_different_targets_do_not_forget_one_another() {
    let sandbox = project(SHARED);
    let targets: Vec<String> = (1..=6).map(|seed| format!("results/slow_{seed}.txt")).collect();
    all_ended(targets.iter().map(|target| start(&sandbox, &[target])).collect());
    // A deleted file is known to have been published, whichever run did it.
    for target in &targets {
        sandbox.remove(target);
    }
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["parts", "sum"]);
    let restored = run.published().into_iter().filter(|line| line.ends_with(" restored")).count();
    assert_eq!(restored, 6);
}

#[test]
fn the_variable_names_the_store_unless_the_call_does() {
    let elsewhere = tempfile::tempdir().unwrap();
    let sandbox = project(SHARED).variable("DGPIPE_CACHE", &elsewhere.path().join("a").display().to_string());
    sandbox.run().exits(0);
    assert!(elsewhere.path().join("a/objects-v1").exists() && !sandbox.has(".dgpipe"));
    let cache = elsewhere.path().join("b").display().to_string();
    assert_eq!(sandbox.run_with(&["--cache", &cache]).exits(0).count("executed"), 8);
}
