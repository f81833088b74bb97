//! What happens when a stage fails.

use crate::project;

#[test]
fn two_failures_among_forty_cells_stop_only_what_reads_them() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20], broken: [3, 11] }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  two:
    for: { seed: \"${seeds}\" }
    exclude: [{ seed: 3 }, { seed: 11 }]
    uses: add
    inputs: { terms: \"one[seed=${seed}]\" }
    config: { plus: 100 }
  bad: { for: { seed: \"${broken}\" }, uses: fail, inputs: { after: \"one[seed=${seed}]\" }, config: {} }
  sums: { for: { seed: \"${seeds}\" }, exclude: [{ seed: 3 }, { seed: 11 }], uses: add, inputs: { terms: \"two[seed=${seed}]\" }, config: { plus: \"${seed}\" } }
  both: { uses: add, inputs: { terms: [\"bad[seed=3]\", \"two[seed=1]\"] } }
  below: { uses: add, inputs: { terms: both } }
publish: { results/sums: \"sums[seed=1]\", results/below: below, \"results/${seed}.txt\": \"sums[seed!=1]\", \"results/bad_${seed}.txt\": bad }
",
    );
    let run = sandbox.run().exits(1);
    assert_eq!(run.cells("failed"), ["bad[seed=11]", "bad[seed=3]"]);
    assert_eq!(run.cells("blocked"), ["below", "both"]);
    assert_eq!(run.count("executed"), 20 + 18 + 18);
    assert_eq!((run.count("failed"), run.count("blocked"), run.count("cancelled")), (2, 2, 0));
    assert_eq!(sandbox.read("results/20.txt"), "140\n", "what is done is published");
    let again = sandbox.call(&["run", "pipeline.yaml", "--jobs", "1"]).exits(1);
    insta::assert_snapshot!(sandbox.redacted(&again.stderr), @r#"
    failed    bad[seed=3]  [TIME]
        told to fail
        hint: set `fail: false`
    failed    bad[seed=11]  [TIME]
        told to fail
        hint: set `fail: false`
    failed: bad[seed=11]
        told to fail
        hint: set `fail: false`
    failed: bad[seed=3]
        told to fail
        hint: set `fail: false`
        blocked: both and 1 more
    not done: 0 executed, 56 reused, 2 failed, 2 blocked in [TIME]
    results: results/10.txt, results/12.txt, results/13.txt, results/14.txt, results/15.txt, …
    "#);
}

#[test]
fn a_failed_cell_caches_nothing() {
    let sandbox = project("pipeline: p\nstages: { a: { uses: fail, config: { late: true } } }\n");
    let run = sandbox.run().exits(1);
    assert_eq!(run.error("a"), "told to fail late");
    assert_eq!(sandbox.files(".dgpipe/objects-v1").len() + sandbox.files(".dgpipe/records-v1").len(), 0);
    assert_eq!(sandbox.run().exits(1).cells("failed"), ["a"], "it is tried again");
}

#[test]
fn a_failure_comes_with_its_hint() {
    let sandbox = project("pipeline: p\nstages: { a: { uses: fail, config: {} } }\n");
    assert_eq!(sandbox.run().exits(1).error("a"), "told to fail\nhint: set `fail: false`");
}

#[test]
fn a_panic_is_caught_and_fails_its_cell_only() {
    let sandbox = project(
        "pipeline: p\nstages: { a: { uses: panic, config: {} }, b: { uses: constant, config: { value: 1 } } }\n",
    );
    let run = sandbox.run().exits(1);
    assert_eq!(run.outcomes(), "a failed\nb executed\n");
    assert!(run.error("a").contains("stage type `panic` panicked: told to panic"), "{}", run.error("a"));
    assert!(!run.stderr.contains("RUST_BACKTRACE"), "{}", run.stderr);
}

#[test]
fn a_child_with_one_good_and_one_failed_parent_is_blocked() {
    let sandbox = project(
        "pipeline: p
stages:
  good: { uses: constant, config: { value: 1 } }
  bad: { uses: fail, config: {} }
  child: { uses: add, inputs: { terms: [good, bad] } }
  grandchild: { uses: add, inputs: { terms: child } }
",
    );
    assert_eq!(sandbox.run().exits(1).outcomes(), "bad failed\nchild blocked\ngood executed\ngrandchild blocked\n");
}

#[test]
fn exit_is_not_zero_when_a_target_was_skipped_because_of_a_failure() {
    let sandbox = project(
        "pipeline: p\nstages: { bad: { uses: fail, config: {} }, child: { uses: add, inputs: { terms: bad } } }\n",
    );
    assert_eq!(sandbox.run_with(&["child"]).exits(1).cells("blocked"), ["child"]);
}

#[test]
fn a_failure_outside_of_what_was_asked_for_does_not_matter() {
    let sandbox = project(
        "pipeline: p\nstages: { bad: { uses: fail, config: {} }, good: { uses: constant, config: { value: 1 } } }\n",
    );
    assert_eq!(sandbox.run_with(&["good"]).exits(0).outcomes(), "good executed\n");
}

#[test]
fn fail_fast_starts_nothing_after_the_first_failure() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2, 3, 4, 5, 6, 7, 8] }
stages:
  bad: { uses: fail, config: {} }
  after: { uses: fail, inputs: { after: bad }, config: { fail: false } }
  later: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
",
    );
    // One job: `bad` has the longest way below it, so it starts first.
    let run = sandbox.run_with(&["--fail-fast", "--jobs", "1"]).exits(1);
    assert_eq!(
        (run.count("executed"), run.count("failed"), run.count("blocked"), run.count("cancelled")),
        (0, 1, 1, 8)
    );
    let run = sandbox.run_with(&["--jobs", "1"]).exits(1);
    assert_eq!((run.count("executed"), run.count("failed"), run.count("blocked")), (8, 1, 1));
}

#[test]
fn a_failed_attempt_is_repeated_as_often_as_allowed() {
    let sandbox =
        project("pipeline: p\nstages: { a: { uses: fail, config: { counter: attempts, times: 2 }, retries: 2 } }\n");
    let run = sandbox.run().exits(0);
    assert_eq!(sandbox.read("attempts").len(), 3);
    assert_eq!(run.events().iter().filter(|event| event["event"] == "cell-retried").count(), 2);
    sandbox.remove("attempts");
    sandbox.edit("times: 2 }, retries: 2", "times: 3 }, retries: 2");
    assert_eq!(sandbox.run().exits(1).cells("failed"), ["a"]);
    assert_eq!(sandbox.read("attempts").len(), 3);
}

#[test]
fn a_native_stage_over_its_timeout_fails() {
    let sandbox = project(
        "pipeline: p
stages:
  slow: { uses: sleep, config: { milliseconds: 600000 }, timeout: 100ms }
  child: { uses: add, inputs: { terms: slow } }
",
    );
    let run = sandbox.run().exits(1);
    assert_eq!(run.outcomes(), "child blocked\nslow failed\n");
    assert_eq!(run.error("slow"), "it took longer than its timeout of 0.1 s");
}

#[test]
fn a_command_over_its_timeout_is_killed_and_keeps_its_log() {
    let sandbox = project(
        "pipeline: p
stages:
  slow:
    uses: command
    shell: true
    run: echo begun; sleep 600; touch x.txt
    outputs: { x: { file: x.txt } }
    timeout: 200ms
",
    );
    let run = sandbox.run().exits(1);
    assert!(run.error("slow").starts_with("it took longer than its timeout of 0.2 s\n"), "{}", run.error("slow"));
    assert_eq!(sandbox.call(&["log", "pipeline.yaml", "slow"]).exits(0).stdout, "begun\n");
}

#[test]
fn an_input_that_changes_while_a_stage_runs_caches_nothing() {
    let sandbox = project(
        "pipeline: p
sources: { data: { path: data.txt, kind: file/1 } }
stages:
  a:
    uses: command
    shell: true
    run: cat ${in.data} > a.txt; echo more >> \"$WHERE/data.txt\"
    inputs: { data: data }
    env: [WHERE]
    outputs: { a: { file: a.txt } }
",
    );
    sandbox.write("data.txt", "begin\n");
    let root = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("WHERE", &root);
    let run = sandbox.run().exits(1);
    assert!(run.error("a").contains("the source `data` changed while the cell was executing"), "{}", run.error("a"));
    assert_eq!(sandbox.files(".dgpipe/records-v1").len(), 0);
}

#[test]
fn a_missing_source_is_named_before_anything_runs() {
    let sandbox = project(
        "pipeline: p
sources: { data: { path: data/numbers.txt, kind: number/1 } }
stages: { a: { uses: parity, inputs: { number: data } }, b: { uses: constant, config: { value: 1 } } }
",
    );
    let run = sandbox.run().exits(2);
    assert_eq!(run.stdout, "");
    insta::assert_snapshot!(run.stderr, @r#"
    error: the source `data` is not there: `data/numbers.txt` does not exist
    hint: sources are paths relative to the project root, see `sources:` in the file
    "#);
}

#[test]
fn a_part_that_a_made_folder_lacks_fails_only_what_reads_it() {
    let sandbox = project(
        "pipeline: p
stages:
  made: { uses: spread, config: { parts: { a: 1 } } }
  lacking: { uses: parity, inputs: { number: made/b/value.txt } }
  fine: { uses: parity, inputs: { number: made/a/value.txt } }
  below: { uses: add, inputs: { terms: [lacking, fine] } }
",
    );
    let run = sandbox.run().exits(1);
    assert_eq!(run.outcomes(), "below blocked\nfine executed\nlacking failed\nmade executed\n");
    assert_eq!(run.error("lacking"), "`made` has no `b/value.txt`");
    assert_eq!(sandbox.run().exits(1).outcomes(), "below blocked\nfine reused\nlacking failed\nmade reused\n");
}

#[test]
fn an_artifact_in_another_format_than_its_kind_says_fails_with_a_clear_message() {
    let sandbox = project(
        "pipeline: p
stages:
  text:
    uses: command
    shell: true
    run: echo twelve > number.txt
    outputs: { number: { file: number.txt, kind: number/1 } }
  odd: { uses: parity, inputs: { number: text } }
",
    );
    let run = sandbox.run().exits(1);
    assert_eq!(run.outcomes(), "odd failed\ntext executed\n");
    insta::assert_snapshot!(run.error("odd"), @"text.number: `twelve` is not a number");
}

#[test]
fn equal_work_that_fails_is_not_tried_again_under_another_name() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: fail, config: { counter: attempts, times: 100 } }
  b: { uses: fail, config: { times: 100, counter: attempts } }
",
    );
    let run = sandbox.run().exits(1);
    assert_eq!(run.outcomes(), "a failed\nb failed\n");
    assert_eq!(run.error("a"), run.error("b"));
    assert_eq!(sandbox.read("attempts").len(), 1);
    assert_eq!(sandbox.run().exits(1).count("failed"), 2, "another run tries again");
    assert_eq!(sandbox.read("attempts").len(), 2);
}
