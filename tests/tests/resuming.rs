//! What was stopped goes on where it was, and what goes further goes on from what went less far; the bytes are those of an
//! execution that nobody disturbed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use dgpipe_tests::{Outcome, Sandbox};
use rustix::process::{Pid, Signal};

use crate::project;

const ROUNDS: &str = "pipeline: p
params: { rounds: 60, stays_in: null, value: 3, falling: false }
stages:
  start: { uses: constant, config: { value: 7 } }
  long:
    uses: rounds
    inputs: { start: start }
    config: { rounds: \"${rounds}\", stays_in: \"${stays_in}\", value: \"${value}\", falling: \"${falling}\" }
publish:
  results/long.txt: long
";

/// What an undisturbed run with these settings publishes.
fn undisturbed(settings: &[&str]) -> String {
    let sandbox = project(ROUNDS);
    sandbox.run_with(&with(settings)).exits(0);
    sandbox.read("results/long.txt")
}

fn with<'a>(settings: &[&'a str]) -> Vec<&'a str> {
    settings.iter().flat_map(|setting| ["--set", setting]).collect()
}

/// Starts a run that stays in a round, and waits until it is there.
fn start_until(sandbox: &Sandbox, round: u64, every: &str) -> Child {
    let mut command = sandbox.command();
    command.args(["run", "pipeline.yaml", "--json", "--checkpoint-every", every]);
    command.args(["--set", &format!("stays_in={round}")]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(&format!("\"done\":{round},"))), "it never came to round {round}");
    run
}

/// Kills a run in a round; it wrote a checkpoint after each one before.
fn kill_in(sandbox: &Sandbox, round: u64) {
    let mut run = start_until(sandbox, round, "0");
    run.kill().unwrap();
    run.wait().unwrap();
}

/// Asks a run to stop.
fn interrupt(run: &Child) {
    rustix::process::kill_process(Pid::from_child(run), Signal::INT).unwrap();
}

fn notes(run: &Outcome) -> Vec<String> {
    let notes = run.events().into_iter().filter(|event| event["event"] == "cell-note");
    notes.map(|event| event["text"].as_str().unwrap().to_owned()).collect()
}

/// The round from which a run says that it goes on.
fn continued_from(run: &Outcome) -> u64 {
    let notes = notes(run);
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    let rest = note.strip_prefix("continues from round ").unwrap();
    rest.split(' ').next().unwrap().parse().unwrap()
}

fn kept(sandbox: &Sandbox) -> Vec<String> {
    let name =
        |path: std::path::PathBuf| path.strip_prefix(sandbox.path(".dgpipe/resume-v1")).unwrap().display().to_string();
    sandbox.files(".dgpipe/resume-v1").into_iter().map(name).collect()
}

#[test]
fn h3_a_killed_execution_goes_on_from_its_last_checkpoint_whenever_it_was_killed() {
    let expected = undisturbed(&[]);
    for round in [1, 17, 42, 59] {
        let sandbox = project(ROUNDS);
        kill_in(&sandbox, round);
        let resumed = sandbox.run().exits(0);
        assert_eq!(continued_from(&resumed), round);
        assert_eq!(sandbox.read("results/long.txt"), expected);
        assert_eq!(
            sandbox.files(".dgpipe/resume-v1").len(),
            1,
            "only the state at the end is kept: {:?}",
            kept(&sandbox)
        );
        assert_eq!(sandbox.run().exits(0).executed(), Vec::<String>::new());
    }
}

#[test]
fn an_execution_that_is_killed_again_and_again_gets_to_its_end() {
    let sandbox = project(ROUNDS);
    for round in [10, 20, 30, 40] {
        kill_in(&sandbox, round);
    }
    assert_eq!(continued_from(&sandbox.run().exits(0)), 40);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn an_interrupted_execution_goes_on_where_it_was_though_no_checkpoint_was_due() {
    let sandbox = project(ROUNDS);
    let mut run = start_until(&sandbox, 20, "3600");
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(continued_from(&sandbox.run().exits(0)), 21);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn the_time_in_a_record_is_that_of_all_parts_of_its_execution() {
    let sandbox = project(ROUNDS);
    let mut run = start_until(&sandbox, 20, "3600");
    // Longer than all rounds together take; the part after it takes nearly nothing.
    std::thread::sleep(Duration::from_millis(400));
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(continued_from(&sandbox.run().exits(0)), 21);
    let records = sandbox.files(".dgpipe/records-v1").into_iter().map(|path| fs_err::read_to_string(path).unwrap());
    let record = records.into_iter().find(|record| record.contains("\"rounds\"")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let seconds = [&record, &record["record"]].into_iter().find_map(|record| record["seconds"].as_f64());
    assert!(seconds.unwrap() >= 0.4, "{record:#}");
}

#[test]
fn without_a_checkpoint_it_begins_again() {
    let sandbox = project(ROUNDS);
    let mut run = start_until(&sandbox, 20, "3600");
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(notes(&sandbox.run().exits(0)), Vec::<String>::new());
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn a_damaged_checkpoint_is_ignored_with_a_warning() {
    for damage in [&b""[..], b"60 999999"] {
        let sandbox = project(ROUNDS);
        kill_in(&sandbox, 20);
        for file in sandbox.files(".dgpipe/resume-v1") {
            fs_err::write(file, damage).unwrap();
        }
        let run = sandbox.run().exits(0);
        assert_eq!(notes(&run), Vec::<String>::new());
        assert!(
            run.warnings().iter().any(|text| text.contains("is damaged and was passed over")),
            "{:?}",
            run.warnings()
        );
        assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
    }
}

#[test]
fn another_config_or_input_does_not_go_on_from_a_checkpoint() {
    let sandbox = project(ROUNDS);
    kill_in(&sandbox, 20);
    assert_eq!(notes(&sandbox.run_with(&["--set", "value=4"]).exits(0)), Vec::<String>::new());
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&["value=4"]));
    sandbox.edit("value: 7", "value: 8");
    assert_eq!(notes(&sandbox.run().exits(0)), Vec::<String>::new());
}

#[test]
fn a_forced_execution_begins_again() {
    let sandbox = project(ROUNDS);
    kill_in(&sandbox, 20);
    for _ in 0..2 {
        assert_eq!(notes(&sandbox.run_with(&["--force", "long"]).exits(0)), Vec::<String>::new());
        assert_eq!(
            kept(&sandbox).len(),
            1,
            "the checkpoint is gone, the state at the end is kept: {:?}",
            kept(&sandbox)
        );
    }
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn a_failed_execution_goes_on_too() {
    let sandbox = project(&ROUNDS.replace("value: \"${value}\",", "value: \"${value}\", fails_in: 30,"));
    sandbox.run_with(&["--checkpoint-every", "0"]).exits(1);
    sandbox.edit(" fails_in: 30,", "");
    assert_eq!(continued_from(&sandbox.run().exits(0)), 30);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn more_rounds_go_on_from_the_end_of_fewer_and_give_the_bytes_of_a_full_run() {
    let sandbox = project(ROUNDS);
    let run = |rounds: &str| sandbox.run_with(&with(&[&format!("rounds={rounds}")])).exits(0);
    assert_eq!(notes(&run("10")), Vec::<String>::new());
    assert_eq!(continued_from(&run("20")), 10);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&["rounds=20"]));
    assert_eq!(continued_from(&run("15")), 10);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&["rounds=15"]));
    assert_eq!(notes(&run("5")), Vec::<String>::new());
    assert_eq!(continued_from(&run("40")), 20);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&["rounds=40"]));
}

#[test]
fn where_the_schedule_depends_on_the_number_of_rounds_more_begin_again() {
    let sandbox = project(ROUNDS);
    let run = |rounds: &str| sandbox.run_with(&with(&["falling=true", rounds])).exits(0);
    run("rounds=10");
    assert_eq!(notes(&run("rounds=20")), Vec::<String>::new());
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&["falling=true", "rounds=20"]));
    assert_eq!(kept(&sandbox), Vec::<String>::new());
}

#[test]
fn a_damaged_state_at_the_end_is_ignored_with_a_warning() {
    let sandbox = project(ROUNDS);
    let run = |rounds: &str| sandbox.run_with(&with(&[rounds])).exits(0);
    run("rounds=10");
    for file in sandbox.files(".dgpipe/resume-v1") {
        fs_err::write(file, "10 5").unwrap();
    }
    let more = run("rounds=20");
    assert_eq!(notes(&more), Vec::<String>::new());
    assert_eq!(more.warnings().len(), 1, "{:?}", more.warnings());
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&["rounds=20"]));
}

#[test]
fn a_killed_longer_execution_goes_on_from_its_own_checkpoint() {
    let sandbox = project(ROUNDS);
    sandbox.run_with(&with(&["rounds=10"])).exits(0);
    kill_in(&sandbox, 30);
    assert_eq!(continued_from(&sandbox.run().exits(0)), 30);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn a_wrong_interval_is_a_mistake_in_the_call() {
    for wrong in ["-1", "x", "inf", "NaN"] {
        let run = project(ROUNDS).run_with(&[&format!("--checkpoint-every={wrong}")]).exits(2);
        assert!(run.stderr.contains("it must be a number of seconds, 0 or more"), "{}", run.stderr);
    }
}

#[test]
fn a_state_is_not_kept_where_a_source_changed_meanwhile() {
    let sandbox = project(&ROUNDS.replace(
        "stages:\n  start: { uses: constant, config: { value: 7 } }",
        "sources: { start: { path: start.txt, kind: number/1 } }\nstages:",
    ));
    sandbox.write("start.txt", "7\n");
    let mut run = start_until(&sandbox, 20, "0");
    sandbox.write("start.txt", "8\n");
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    sandbox.write("start.txt", "7\n");
    assert_eq!(continued_from(&sandbox.run().exits(0)), 20, "the state after that was not written");
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}

#[test]
fn executing_again_to_compare_bytes_uses_and_leaves_nothing_to_go_on_from() {
    let sandbox = project(ROUNDS);
    sandbox.run_with(&with(&["rounds=10"])).exits(0);
    for file in sandbox.files(".dgpipe/resume-v1") {
        fs_err::remove_file(file).unwrap();
    }
    sandbox.call(&["verify", "pipeline.yaml", "--rerun", "1", "--set", "rounds=10"]).exits(0);
    assert_eq!(kept(&sandbox), Vec::<String>::new());
}

#[test]
fn an_attempt_whose_time_was_up_is_gone_on_with_by_the_next() {
    let sandbox =
        project(&ROUNDS.replace("    uses: rounds\n", "    uses: rounds\n    timeout: 0.5\n    retries: 3\n"));
    let run = sandbox.run_with(&with(&["stays_in=20"])).exits(0);
    assert_eq!(continued_from(&run), 21);
    assert_eq!(sandbox.read("results/long.txt"), undisturbed(&[]));
}
