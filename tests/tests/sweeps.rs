//! Sweeps: an axis over the values of a param, gathered with their coordinates.

use crate::project;

const SWEEP: &str = "pipeline: sweep
params: { thresholds: [0.1, 0.5, 0.9] }
stages:
  base: { uses: constant, config: { value: 10 } }
  score:
    for: { threshold: \"${thresholds}\" }
    uses: constant
    config: { value: 100, factor: \"${threshold}\" }
  total:
    for: { threshold: \"${thresholds}\" }
    uses: add
    inputs: { terms: [\"score[threshold=${threshold}]\", base] }
  table: { uses: table, inputs: { numbers: \"total[*]\" } }
publish: { results/table.txt: table }
";

#[test]
fn a_sweep_is_gathered_with_its_values_in_their_order() {
    let sandbox = project(SWEEP);
    assert_eq!(sandbox.run().exits(0).executed().len(), 8);
    assert_eq!(sandbox.read("results/table.txt"), "threshold=0.1 20\nthreshold=0.5 60\nthreshold=0.9 100\n");
}

#[test]
fn when_the_list_of_a_sweep_grows_only_new_values_and_what_gathers_them_execute() {
    let sandbox = project(SWEEP);
    sandbox.run().exits(0);
    sandbox.edit("[0.1, 0.5, 0.9]", "[0.3, 0.9, 0.1, 0.5]");
    let grown = sandbox.run().exits(0);
    assert_eq!(grown.executed(), ["score[threshold=0.3]", "table", "total[threshold=0.3]"]);
    assert_eq!(grown.count("reused"), 7);
    assert_eq!(
        sandbox.read("results/table.txt"),
        "threshold=0.1 20\nthreshold=0.3 40\nthreshold=0.5 60\nthreshold=0.9 100\n"
    );
    let why = sandbox.why("table", &[]);
    assert!(why.contains("total[threshold=0.3]"), "{why}");
}

#[test]
fn when_the_list_of_a_sweep_shrinks_only_what_gathers_executes_and_growing_back_is_free() {
    let sandbox = project(SWEEP);
    sandbox.run().exits(0);
    assert_eq!(sandbox.run_with(&["--set", "thresholds=[0.1, 0.9]"]).exits(0).executed(), ["table"]);
    assert_eq!(sandbox.read("results/table.txt"), "threshold=0.1 20\nthreshold=0.9 100\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
    assert_eq!(sandbox.read("results/table.txt"), "threshold=0.1 20\nthreshold=0.5 60\nthreshold=0.9 100\n");
}

#[test]
fn another_spelling_of_a_value_is_the_same_cell() {
    let sandbox = project(SWEEP);
    sandbox.run().exits(0);
    sandbox.edit("[0.1, 0.5, 0.9]", "[1e-1, 0.50, 0.9000]");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}
