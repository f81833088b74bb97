//! One key, several runs: who executes it, who waits, and what becomes of it when the holder ends badly.

use std::process::{Child, Stdio};

use dgpipe_tests::{Outcome, Sandbox};
use rustix::process::Signal;

use crate::project;
use crate::signals::{send, wait_until};

/// A command that tells that it runs and how often it ran, and ends when `go` is there; a cell beside it that `other`
/// tells apart from run to run; a cell below.
fn gated() -> Sandbox {
    let sandbox = project(
        "pipeline: p
params: { other: 1 }
stages:
  gated:
    uses: command
    shell: true
    run: |
      echo x >> $HERE/times; while ! test -e $HERE/go; do sleep 0.02; done; test ! -e $HERE/fail && echo 40 > ${out.x}
    outputs: { x: { file: x.txt, kind: number/1 } }
    env: [HERE]
  beside: { uses: constant, config: { value: \"${other}\" } }
  below: { uses: add, inputs: { terms: [gated, beside] } }
",
    );
    let here = sandbox.root().display().to_string();
    sandbox.variable("HERE", &here)
}

/// What a run says when `beside` is done.
const BESIDE: &str = "\"cell\":\"beside\",\"outcome\":\"executed\"";

/// A run whose output goes to a file of the project, so that it can be read while it runs.
struct Run<'a> {
    sandbox: &'a Sandbox,
    name: &'static str,
    child: Child,
}

impl<'a> Run<'a> {
    fn start(sandbox: &'a Sandbox, name: &'static str, arguments: &[&str]) -> Self {
        let out = fs_err::File::create(sandbox.path(name)).unwrap();
        let mut command = sandbox.command();
        command.args(["run", "pipeline.yaml", "--json", "--jobs", "2"]).args(arguments);
        let child = command.stdout(Stdio::from(out.into_parts().0)).stderr(Stdio::piped()).spawn().unwrap();
        Self { sandbox, name, child }
    }

    fn wait_for(&self, what: &str) {
        wait_until(what, || self.sandbox.read(self.name).contains(what));
    }

    fn end(self) -> Outcome {
        let output = self.child.wait_with_output().unwrap();
        Outcome { stdout: self.sandbox.read(self.name), ..Outcome::of(&output) }
    }
}

fn times(sandbox: &Sandbox) -> usize {
    if sandbox.has("times") { sandbox.read("times").lines().count() } else { 0 }
}

/// A run that executes `gated`, and one that waits for it.
fn holder_and_waiter(sandbox: &Sandbox) -> (Run<'_>, Run<'_>) {
    let holder = Run::start(sandbox, "holder.jsonl", &[]);
    wait_until("the holder executes", || times(sandbox) == 1);
    holder.wait_for(BESIDE);
    let waiter = Run::start(sandbox, "waiter.jsonl", &["--set", "other=2"]);
    waiter.wait_for("cell-waiting");
    waiter.wait_for(BESIDE);
    (holder, waiter)
}

fn lease(sandbox: &Sandbox) -> std::path::PathBuf {
    let leases = fs_err::read_dir(sandbox.path(".dgpipe/leases-v1")).unwrap();
    let mut leases = leases.map(|entry| entry.unwrap().path()).filter(|path| !path.is_dir());
    leases.next().expect("a lease is held")
}

#[test]
fn a_run_waits_for_the_cell_of_another_only_and_says_who_has_it_since_when() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    let process = holder.child.id().to_string();
    sandbox.write("go", "");
    let (holder, waiter) = (holder.end().exits(0), waiter.end().exits(0));
    assert_eq!(holder.executed(), ["below", "beside", "gated"]);
    assert_eq!(waiter.executed(), ["below", "beside"]);
    assert_eq!(waiter.cells("reused"), ["gated"]);
    assert_eq!(times(&sandbox), 1);
    let events = waiter.events();
    let waiting: Vec<_> = events.iter().filter(|event| event["event"] == "cell-waiting").collect();
    assert_eq!(waiting.len(), 1, "said once");
    assert_eq!(waiting[0]["cell"], "gated");
    assert!(waiting[0]["holder"].as_str().unwrap().contains(&format!("process {process} on ")), "{waiting:?}");
    assert!(waiting[0]["since"].as_u64().unwrap() > 1_500_000_000_000);
}

#[test]
fn people_are_told_who_is_waited_for() {
    let sandbox = gated();
    let holder = Run::start(&sandbox, "holder.jsonl", &[]);
    wait_until("the holder executes", || times(&sandbox) == 1);
    let err = fs_err::File::create(sandbox.path("err")).unwrap();
    let mut waiter = sandbox.command();
    waiter.args(["run", "pipeline.yaml"]).stdout(Stdio::null()).stderr(Stdio::from(err.into_parts().0));
    let mut waiter = waiter.spawn().unwrap();
    wait_until("it says so", || sandbox.read("err").contains("waiting"));
    let text = sandbox.read("err");
    let line = text.lines().find(|line| line.contains("waiting")).unwrap();
    assert!(line.contains("gated: run ") && line.contains("executes it since ") && line.contains(" UTC"), "{line}");
    sandbox.write("go", "");
    assert!(waiter.wait().unwrap().success());
    holder.end().exits(0);
}

#[test]
fn d6_a_killed_holder_is_replaced_at_once() {
    let sandbox = gated();
    let (mut holder, waiter) = holder_and_waiter(&sandbox);
    holder.child.kill().unwrap();
    holder.child.wait().unwrap();
    wait_until("the waiter executes", || times(&sandbox) == 2);
    sandbox.write("go", "");
    assert_eq!(waiter.end().exits(0).executed(), ["below", "beside", "gated"]);
    assert_eq!(sandbox.files(".dgpipe/leases-v1").len(), 0, "nor is the file of the dead there");
    assert_eq!(sandbox.run().exits(0).executed(), ["below"]);
}

#[test]
fn d6_a_stopped_holder_keeps_its_cell_until_it_is_woken() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    send(&holder.child, Signal::STOP);
    sandbox.write("go", "");
    let third = Run::start(&sandbox, "third.jsonl", &[]);
    third.wait_for("cell-waiting");
    assert_eq!(times(&sandbox), 1);
    send(&holder.child, Signal::CONT);
    assert_eq!(holder.end().exits(0).executed(), ["below", "beside", "gated"]);
    assert_eq!(waiter.end().exits(0).executed(), ["below", "beside"]);
    third.end().exits(0);
    assert_eq!(times(&sandbox), 1);
}

#[test]
fn b16_a_woken_holder_that_was_dispossessed_adopts_what_the_other_left() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    send(&holder.child, Signal::STOP);
    // As another machine would, after a minute of silence.
    fs_err::remove_file(lease(&sandbox)).unwrap();
    wait_until("the waiter executes", || times(&sandbox) == 2);
    sandbox.write("go", "");
    assert_eq!(waiter.end().exits(0).executed(), ["below", "beside", "gated"]);
    let records = sandbox.files(".dgpipe/records-v1");
    let before: Vec<_> = records.iter().map(|record| fs_err::read(record).unwrap()).collect();
    send(&holder.child, Signal::CONT);
    holder.end().exits(0);
    let after: Vec<_> = records.iter().map(|record| fs_err::read(record).unwrap()).collect();
    assert_eq!(before, after, "it replaced nothing");
    assert_eq!(sandbox.run_with(&["--set", "other=2"]).exits(0).count("executed"), 0);
}

#[test]
fn d8_leases_that_are_removed_by_hand_cost_only_work() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    sandbox.remove(".dgpipe/leases-v1");
    wait_until("both execute", || times(&sandbox) == 2);
    sandbox.write("go", "");
    holder.end().exits(0);
    waiter.end().exits(0);
    let after = sandbox.run().exits(0);
    assert_eq!(after.count("executed"), 0);
    assert_eq!(sandbox.files(".dgpipe/quarantine-v1").len(), 0);
}

#[test]
fn who_waits_reports_the_failure_of_the_holder_and_does_not_try_again() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    sandbox.write("fail", "");
    sandbox.write("go", "");
    let (holder, waiter) = (holder.end().exits(1), waiter.end().exits(1));
    assert_eq!(waiter.cells("failed"), ["gated"]);
    assert_eq!(waiter.cells("blocked"), ["below"]);
    assert_eq!(waiter.error("gated"), holder.error("gated"));
    assert_eq!(times(&sandbox), 1);
    sandbox.remove("fail");
    assert_eq!(sandbox.run().exits(0).executed(), ["below", "gated"], "the next run tries again");
}

#[test]
fn who_waits_executes_what_an_interrupted_holder_did_not_finish() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    send(&holder.child, Signal::INT);
    holder.end().exits(130);
    wait_until("the waiter executes", || times(&sandbox) == 2);
    sandbox.write("go", "");
    assert_eq!(waiter.end().exits(0).executed(), ["below", "beside", "gated"]);
}

#[test]
fn a_run_that_waits_can_be_interrupted() {
    let sandbox = gated();
    let (holder, waiter) = holder_and_waiter(&sandbox);
    send(&waiter.child, Signal::INT);
    let waiter = waiter.end().exits(130);
    assert_eq!(waiter.cells("cancelled"), ["below", "gated"]);
    sandbox.write("go", "");
    holder.end().exits(0);
}
