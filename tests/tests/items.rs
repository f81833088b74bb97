//! Rows of single items: what is added costs what is added, and a row is never taken for what it is not.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use dgpipe_tests::{Outcome, Sandbox};
use rustix::process::{Pid, Signal};

use crate::project;

const EACH: &str = "pipeline: p
params: { factor: 2, plus: 0, stays_at: null, bias: 5 }
sources: { numbers: { path: numbers, kind: folder/1 } }
stages:
  bias: { uses: constant, config: { value: \"${bias}\" } }
  sum:
    uses: each
    inputs: { items: numbers, bias: bias }
    config: { factor: \"${factor}\", plus: \"${plus}\", stays_at: \"${stays_at}\" }
publish:
  results/sum.txt: sum
";

fn numbers(count: usize) -> Sandbox {
    let sandbox = project(EACH);
    add(&sandbox, 0..count);
    sandbox
}

fn add(sandbox: &Sandbox, numbers: std::ops::Range<usize>) {
    for number in numbers {
        sandbox.write(&format!("numbers/{number:03}.txt"), &number.to_string());
    }
}

/// How many rows a run made, and what came out.
fn made(sandbox: &Sandbox, arguments: &[&str]) -> (usize, i64) {
    made_by(&sandbox.run_with(arguments).exits(0), sandbox)
}

fn made_by(run: &Outcome, sandbox: &Sandbox) -> (usize, i64) {
    let events = run.events();
    let note = events.iter().find(|event| event["event"] == "cell-note").unwrap()["text"].as_str().unwrap();
    let made = note.strip_prefix("made ").and_then(|rest| rest.split(' ').next()).unwrap();
    (made.parse().unwrap(), sandbox.read("results/sum.txt").trim().parse().unwrap())
}

fn sum(count: i64) -> i64 {
    (0..count).map(|number| number * 2 + 5).sum()
}

/// Starts a run that stays at an item, and waits until it is there.
fn start_until(sandbox: &Sandbox, item: usize, every: &str) -> Child {
    let mut command = sandbox.command();
    command.args(["run", "pipeline.yaml", "--json", "--checkpoint-every", every]);
    command.args(["--set", &format!("stays_at={item}")]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(&format!("\"done\":{item},"))));
    run
}

#[test]
fn ten_items_added_to_many_make_ten_rows() {
    let sandbox = numbers(200);
    assert_eq!(made(&sandbox, &[]), (200, sum(200)));
    add(&sandbox, 200..210);
    assert_eq!(made(&sandbox, &[]), (10, sum(210)));
    sandbox.write("numbers/000.txt", "1000");
    assert_eq!(made(&sandbox, &[]), (1, sum(210) + 2000));
    for number in 100..210 {
        sandbox.remove(&format!("numbers/{number}.txt"));
    }
    assert_eq!(made(&sandbox, &[]), (0, sum(100) + 2000));
}

#[test]
fn a_moved_or_renamed_item_is_the_same_item() {
    let sandbox = numbers(20);
    made(&sandbox, &[]);
    fs_err::rename(sandbox.path("numbers/003.txt"), sandbox.path("numbers/zzz.txt")).unwrap();
    assert_eq!(made(&sandbox, &[]), (0, sum(20)));
}

#[test]
fn rows_depend_on_other_inputs_and_on_the_part_of_the_config_that_decides_them() {
    let sandbox = numbers(20);
    made(&sandbox, &[]);
    assert_eq!(made(&sandbox, &["--set", "plus=7"]), (0, sum(20) + 7));
    assert_eq!(made(&sandbox, &["--set", "factor=3"]).0, 20);
    assert_eq!(made(&sandbox, &["--set", "bias=6"]), (20, sum(20) + 20));
    assert_eq!(made(&sandbox, &["--set", "bias=6", "--set", "plus=1"]), (0, sum(20) + 21));
}

#[test]
fn a_killed_execution_makes_the_rest() {
    let sandbox = numbers(100);
    let mut run = start_until(&sandbox, 70, "0");
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(made(&sandbox, &[]), (30, sum(100)));
}

#[test]
fn an_interrupted_execution_makes_the_rest_though_no_write_was_due() {
    let sandbox = numbers(100);
    let mut run = start_until(&sandbox, 70, "3600");
    rustix::process::kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(made(&sandbox, &[]), (30, sum(100)));
}

#[test]
fn a_failed_execution_keeps_the_rows_it_made() {
    let sandbox = numbers(20);
    sandbox.write("numbers/zzz.txt", "no number");
    sandbox.run().exits(1);
    sandbox.write("numbers/zzz.txt", "20");
    assert_eq!(made(&sandbox, &[]), (1, sum(21)));
}

#[test]
fn damaged_rows_are_ignored_and_made_again() {
    for damage in ["flip", "cut", "empty", "noise"] {
        let sandbox = numbers(20);
        made(&sandbox, &[]);
        add(&sandbox, 20..21);
        let [file] = sandbox.files(".dgpipe/items-v1").try_into().unwrap();
        let mut bytes = fs_err::read(&file).unwrap();
        match damage {
            "flip" => *bytes.last_mut().unwrap() ^= 1,
            "cut" => bytes.truncate(bytes.len() - 3),
            "empty" => bytes.clear(),
            _ => bytes.fill(7),
        }
        fs_err::write(&file, bytes).unwrap();
        let run = sandbox.run().exits(0);
        let lost = if ["flip", "cut"].contains(&damage) { 1 } else { 20 };
        assert_eq!(made_by(&run, &sandbox), (1 + lost, sum(21)), "{damage}");
        add(&sandbox, 21..22);
        assert_eq!(made(&sandbox, &[]), (1, sum(22)), "{damage}: what was made again is there");
    }
}

#[test]
fn a_forced_execution_makes_every_row() {
    let sandbox = numbers(20);
    made(&sandbox, &[]);
    let before = sandbox.files(".dgpipe/items-v1");
    assert_eq!(made(&sandbox, &["--force", "sum"]), (20, sum(20)));
    assert_eq!(sandbox.files(".dgpipe/items-v1"), before, "the same rows are not kept twice");
}

#[test]
fn two_executions_at_once_share_a_family_without_harm() {
    let sandbox = numbers(100);
    let first = start_until(&sandbox, 70, "0");
    assert_eq!(made(&sandbox, &["--set", "plus=1"]), (30, sum(100) + 1), "what the first one wrote is used");
    let mut first = first;
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(made(&sandbox, &[]), (0, sum(100)));
}

#[test]
fn rows_are_not_kept_where_another_input_changed_meanwhile() {
    let sandbox = project(
        &EACH
            .replace("sources: {", "sources: { bias: { path: bias.txt, kind: number/1 },")
            .replace("  bias: { uses: constant, config: { value: \"${bias}\" } }\n", ""),
    );
    sandbox.write("bias.txt", "5\n");
    add(&sandbox, 0..20);
    let mut run = start_until(&sandbox, 10, "3600");
    sandbox.write("bias.txt", "6\n");
    rustix::process::kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    sandbox.write("bias.txt", "5\n");
    assert_eq!(made(&sandbox, &[]), (20, sum(20)));
}

#[test]
fn items_that_are_added_during_an_execution_do_not_spoil_the_rows_of_the_others() {
    let sandbox = numbers(20);
    let mut run = start_until(&sandbox, 10, "3600");
    add(&sandbox, 20..25);
    rustix::process::kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(made(&sandbox, &[]), (15, sum(25)));
}
