//! Stopping a run: children die, nothing half-written stays, the next run goes on.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use dgpipe_tests::{Outcome, Sandbox};
use rustix::process::{Pid, Signal};

use crate::project;

/// Starts a run that is to be stopped.
fn start(sandbox: &Sandbox) -> Child {
    let mut command = sandbox.command();
    command.args(["run", "pipeline.yaml", "--json", "--jobs", "4"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for something that must come; the limit only keeps a broken test from hanging for ever.
pub(crate) fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_mins(2), "waited for ever: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to a run that this test started, and to nothing else. No test sends one to a process that it knows
/// only by a number in a file, nor to a group, nor through the program `kill`, which takes `-KILL -1234` for everything.
pub(crate) fn send(run: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(run), signal).unwrap();
}

fn alive(process: &str) -> bool {
    let stat = fs_err::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    // A zombie does nothing any more.
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn ended(child: Child) -> Outcome {
    Outcome::of(&child.wait_with_output().unwrap())
}

/// Nothing of a stopped execution is in the store.
fn nothing_half_written(sandbox: &Sandbox) {
    assert_eq!(sandbox.files(".dgpipe/records-v1").len(), 1, "only `quick` was done");
    assert_eq!(sandbox.files(".dgpipe/leases-v1").len(), 0);
    let stray = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".draft"));
    assert!(!sandbox.files(".dgpipe").iter().any(|path| stray(path)));
}

/// A quick cell, a native one and a command that sleep for ever unless `go` is there, and a join.
fn sleepers(shell: &str) -> Sandbox {
    let sandbox = project(&format!(
        "pipeline: p
params: {{ naps: 600000 }}
stages:
  quick: {{ uses: constant, config: {{ value: 1 }} }}
  native: {{ uses: sleep, config: {{ milliseconds: \"${{naps}}\", value: 2 }} }}
  program:
    uses: command
    shell: true
    run: |
      {shell}
    outputs: {{ x: {{ file: x.txt, kind: number/1 }} }}
    env: [HERE]
  join: {{ uses: add, inputs: {{ terms: [quick, native, program] }} }}
"
    ));
    let here = sandbox.root().display().to_string();
    sandbox.variable("HERE", &here)
}

const PLAIN: &str =
    "echo $$$$ > $HERE/pid; while test -e $HERE/pid && ! test -e $HERE/go; do sleep 0.02; done; echo 3 > ${out.x}";

fn stop_with(signal: Signal, code: i32) {
    let sandbox = sleepers(PLAIN);
    let run = start(&sandbox);
    wait_until("the command runs", || sandbox.has("pid") && !sandbox.read("pid").is_empty());
    wait_until("the quick cell is done", || sandbox.files(".dgpipe/records-v1").len() == 1);
    send(&run, signal);
    let run = ended(run).exits(code);
    assert!(!alive(&sandbox.read("pid")));
    assert_eq!(run.outcomes(), "join cancelled\nnative cancelled\nprogram cancelled\nquick executed\n");
    assert_eq!(run.count("cancelled"), 3);
    nothing_half_written(&sandbox);
    sandbox.write("go", "");
    let resumed = sandbox.run_with(&["--set", "naps=0"]).exits(0);
    assert_eq!(resumed.outcomes(), "join executed\nnative executed\nprogram executed\nquick reused\n");
}

#[test]
fn d11_an_interrupt_stops_everything_with_130_and_the_next_run_goes_on() {
    stop_with(Signal::INT, 130);
}

#[test]
fn d11_a_termination_stops_everything_with_143() {
    stop_with(Signal::TERM, 143);
}

#[test]
fn d11_a_hangup_stops_everything_with_143() {
    stop_with(Signal::HUP, 143);
}

#[test]
fn d11_a_child_gets_time_to_clean_up() {
    let sandbox = sleepers("trap 'echo cleaned > $HERE/cleaned; exit 1' TERM; echo $$$$ > $HERE/pid; sleep 600 & wait");
    let run = start(&sandbox);
    wait_until("the command runs", || sandbox.has("pid") && !sandbox.read("pid").is_empty());
    send(&run, Signal::INT);
    let run = ended(run).exits(130);
    assert_eq!(sandbox.read("cleaned"), "cleaned\n");
    assert_eq!(run.count("failed"), 0, "what was stopped did not fail");
}

#[test]
fn d11_d12_a_child_that_ignores_the_request_is_killed_with_its_descendants() {
    let sandbox = sleepers(
        "trap '' TERM; (while test -e $HERE; do sleep 0.05; done) & echo $! > $HERE/below; echo $$$$ > $HERE/pid; while test -e $HERE; do sleep 0.05; done",
    );
    let run = start(&sandbox);
    wait_until("the command runs", || sandbox.has("pid") && !sandbox.read("pid").is_empty());
    send(&run, Signal::TERM);
    ended(run).exits(143);
    assert!(!alive(&sandbox.read("pid")));
    assert!(!alive(&sandbox.read("below")));
}

#[test]
fn d11_a_second_interrupt_ends_the_program_at_once_and_leaves_nobody_behind() {
    let sandbox = sleepers(
        "trap '' TERM; setsid sh -c 'while test -e $HERE; do sleep 0.05; done' & echo $! > $HERE/below; echo $$$$ > $HERE/pid; while test -e $HERE; do sleep 0.05; done",
    );
    let run = start(&sandbox);
    wait_until("the command runs", || sandbox.has("pid") && !sandbox.read("pid").is_empty());
    send(&run, Signal::INT);
    std::thread::sleep(Duration::from_millis(50));
    send(&run, Signal::INT);
    ended(run).exits(130);
    assert!(!alive(&sandbox.read("pid")));
    assert!(!alive(&sandbox.read("below")));
}

#[test]
fn d12_descendants_of_a_command_that_ended_are_killed() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: |
      sleep 600 & echo $! > $HERE/below
      echo 1 > ${out.x}
    outputs: { x: { file: x.txt } }
    env: [HERE]
",
    );
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    sandbox.run().exits(0);
    assert!(!alive(&sandbox.read("below")));
}

#[test]
fn d12_a_daemon_that_a_command_leaves_does_not_hang_the_run_and_ends_with_it() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: |
      setsid sh -c 'echo $$$$ > $HERE/daemon; while test -e $HERE/daemon; do sleep 0.05; done' &
      while ! test -s $HERE/daemon; do sleep 0.01; done
      echo 1 > ${out.x}
    outputs: { x: { file: x.txt } }
    env: [HERE]
",
    );
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    assert_eq!(sandbox.run().exits(0).executed(), ["a"]);
    assert!(!alive(&sandbox.read("daemon")));
}

#[test]
fn a1_a_killed_run_leaves_what_the_next_one_clears_away() {
    let sandbox = sleepers(PLAIN);
    let run = start(&sandbox);
    wait_until("the command runs", || sandbox.has("pid") && !sandbox.read("pid").is_empty());
    wait_until("the quick cell is done", || sandbox.files(".dgpipe/records-v1").len() == 1);
    send(&run, Signal::KILL);
    ended(run);
    sandbox.write("go", "");
    let resumed = sandbox.run_with(&["--set", "naps=0"]).exits(0);
    assert_eq!(resumed.outcomes(), "join executed\nnative executed\nprogram executed\nquick reused\n");
}
