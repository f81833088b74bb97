//! `doctor`: what the machine offers, what is missing, and what to do.

use dgpipe_tests::{Outcome, Sandbox};
use serde_json::Value;

use crate::project;

const ASKING: &str = "
pipeline: asking
sources:
  number: { path: data/number.txt, kind: number/1 }
  numbers: { path: data/numbers, kind: folder/1 }
stages:
  odd: { uses: parity, inputs: { number: number } }
  made: { uses: command, run: [frobnicate, x], outputs: { o: { file: o } } }
  shell: { uses: command, shell: true, run: 'echo > ${out.o}', outputs: { o: { file: o } } }
";

fn findings(outcome: &Outcome) -> Vec<Value> {
    let told: Value = serde_json::from_str(&outcome.stdout).unwrap();
    told["findings"].as_array().unwrap().clone()
}

/// The states and texts of what was found of one thing.
fn about(sandbox: &Sandbox, what: &str, code: i32, arguments: &[&str]) -> Vec<(String, String)> {
    let outcome = sandbox.call(&[&["doctor", "--json"], arguments].concat()).exits(code);
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let of = findings(&outcome).into_iter().filter(|finding| finding["what"] == what);
    of.map(|finding| (text(&finding, "state"), text(&finding, "text"))).collect()
}

#[test]
fn everything_is_looked_at_and_nothing_is_left_behind() {
    let sandbox = project("");
    let before = sandbox.files(".");
    let outcome = sandbox.call(&["doctor"]).exits(0);
    assert_eq!(outcome.stderr, "");
    let whats: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.get(9..18)).map(str::trim).collect();
    for what in ["program", "cores", "memory", "device", "sandbox", "git", "store", "copies", "locks"] {
        assert!(whats.contains(&what), "{what} in\n{}", outcome.stdout);
    }
    let line = "ok       device    `--device auto` takes cpu: toys have nothing else\n";
    assert!(outcome.stdout.contains(line), "{}", outcome.stdout);
    assert_eq!(sandbox.files("."), before);
    assert_eq!(sandbox.call(&["doctor", "--quiet"]).exits(0).stdout, "");
}

#[test]
fn what_a_pipeline_misses_is_a_problem_and_tells_how_to_get_it() {
    let sandbox = project(ASKING);
    let outcome = sandbox.call(&["doctor", "pipeline.yaml", "--quiet"]).exits(3);
    insta::assert_snapshot!(sandbox.redacted(&outcome.stdout), @"
    problem  source    number at data/number.txt is not there
                       put it there, or name another path under `sources:`
    problem  source    numbers at data/numbers is not there
                       `dgpipe fetch numbers` gets it
    problem  program   `frobnicate` is not on `PATH`
                       install it
    3 problems to solve before this can run
    ");
    sandbox.write("data/number.txt", "3\n");
    sandbox.write("data/numbers/one", "");
    sandbox.write_program("bin/frobnicate", "#!/bin/sh\n");
    let path = format!("{}:/usr/bin:/bin", sandbox.path("bin").display());
    let sandbox = sandbox.variable("PATH", &path);
    sandbox.call(&["doctor", "pipeline.yaml"]).exits(0);
    let programs = about(&sandbox, "program", 0, &["pipeline.yaml"]);
    assert_eq!(programs[1], ("ok".to_owned(), format!("frobnicate is {}", sandbox.path("bin/frobnicate").display())));
    assert!(programs[2].1.starts_with("sh is /"), "{programs:?}");
}

#[test]
fn mistakes_of_a_pipeline_are_counted_and_a_missing_file_is_one_of_the_call() {
    let sandbox = project("pipeline: p\nstages: { a: { uses: nothing }, b: { uses: nothing } }\n");
    let pipeline = about(&sandbox, "pipeline", 3, &["pipeline.yaml"]);
    assert_eq!(pipeline, [("problem".to_owned(), "2 mistakes".to_owned())]);
    assert!(sandbox.call(&["doctor", "nowhere.yaml"]).exits(2).stderr.contains("there is no file `nowhere.yaml`"));
    assert!(sandbox.call(&["doctor", "--device", "wgpu"]).exits(2).stderr.contains("is not a device"));
}

#[test]
fn a_store_that_cannot_be_written_is_a_problem() {
    let sandbox = project("");
    let store = about(&sandbox, "store", 3, &["--cache", "/proc/store"]);
    assert_eq!(store.len(), 2, "{store:?}");
    assert_eq!(store[1].0, "problem");
    assert!(store[1].1.starts_with("nothing can be written in `/proc`"), "{store:?}");
    // A file in its place, too.
    sandbox.write("file", "");
    let store = about(&sandbox, "store", 3, &["--cache", "file"]);
    assert_eq!(store.last().unwrap().0, "problem", "{store:?}");
}

#[test]
fn git_is_missed_but_not_needed() {
    let sandbox = project("").variable("PATH", "/nowhere");
    assert_eq!(about(&sandbox, "git", 0, &[]), [("note".to_owned(), "not found on `PATH`".to_owned())]);
}
