//! What executes again and what does not.

use dgpipe_tests::Sandbox;

const PIPELINE: &str = "
pipeline: sums
params: { seeds: [1, 2, 3], plus: 0 }
stages:
  one:
    for: { seed: \"${seeds}\" }
    uses: constant
    config: { value: \"${seed}\", factor: 2.0 }
  odd:
    for: { seed: \"${seeds}\" }
    uses: parity
    inputs: { number: \"one[seed=${seed}]\" }
  all:
    uses: add
    inputs: { terms: \"one[*]\" }
    config: { plus: \"${plus}\" }
  last:
    uses: add
    inputs: { terms: [\"odd[*]\", all] }
publish:
  results/sum.txt: all
  results/last.txt: last
";

fn sandbox() -> Sandbox {
    Sandbox::with(env!("CARGO_BIN_EXE_toy"), PIPELINE)
}

#[test]
fn a_second_run_executes_nothing() {
    let sandbox = sandbox();
    let first = sandbox.run().exits(0);
    assert_eq!(first.executed().len(), 8);
    assert_eq!(sandbox.read("results/sum.txt"), "12\n");
    let second = sandbox.run().exits(0);
    assert_eq!((second.count("executed"), second.count("reused"), second.count("restored")), (0, 8, 0));
}

#[test]
fn comments_order_and_spelling_execute_nothing() {
    let sandbox = sandbox();
    sandbox.run().exits(0);
    sandbox.edit("pipeline: sums", "# sums of numbers\npipeline: sums");
    sandbox.edit("seeds: [1, 2, 3]", "seeds: [3, 1, 2]");
    sandbox.edit("value: \"${seed}\", factor: 2.0", "factor: 2, value: '${seed}'");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn a_changed_param_executes_what_it_reaches_and_going_back_executes_nothing() {
    let sandbox = sandbox();
    sandbox.run().exits(0);
    let changed = sandbox.run_with(&["--set", "plus=5"]).exits(0);
    assert_eq!(changed.executed(), ["all", "last"]);
    assert_eq!(sandbox.read("results/sum.txt"), "17\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
    assert_eq!(sandbox.read("results/sum.txt"), "12\n");
}

#[test]
fn equal_bytes_stop_the_wave() {
    let sandbox = sandbox();
    sandbox.run().exits(0);
    sandbox.edit("[\"odd[*]\", all]", "\"odd[*]\"");
    sandbox.run().exits(0);
    // All numbers stay even: `parity` executes and gives the same bytes, so `last` has nothing to do.
    sandbox.edit("factor: 2.0", "factor: 200.0");
    let executed = sandbox.run().exits(0).executed();
    assert!(executed.contains(&"odd[seed=1]".to_owned()), "{executed:?}");
    assert!(!executed.contains(&"last".to_owned()), "{executed:?}");
}

#[test]
fn an_added_seed_executes_the_new_cells_and_the_joins() {
    let sandbox = sandbox();
    sandbox.run().exits(0);
    sandbox.edit("[1, 2, 3]", "[1, 2, 3, 4]");
    assert_eq!(sandbox.run().exits(0).executed(), ["all", "last", "odd[seed=4]", "one[seed=4]"]);
}

#[test]
fn a_deleted_published_file_is_restored_and_nothing_executes() {
    let sandbox = sandbox();
    sandbox.run().exits(0);
    fs_err::remove_file(sandbox.path("results/sum.txt")).unwrap();
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.count("restored")), (0, 1));
    assert_eq!(sandbox.read("results/sum.txt"), "12\n");
}
