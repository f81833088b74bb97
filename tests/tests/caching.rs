//! What executes again and what does not.

use dgpipe_tests::Sandbox;

use crate::project;

/// Constants, their parities, and sums over both.
pub(crate) const SUMS: &str = "
pipeline: sums
params: { seeds: [1, 2, 3], plus: 0.5 }
stages:
  one:
    for: { seed: \"${seeds}\" }
    uses: constant
    config: { value: \"${seed}\", factor: 2.0 }
  odd:
    for: { seed: \"${seeds}\" }
    uses: parity
    inputs: { number: \"one[seed=${seed}]\" }
  scaled:
    uses: constant
    config: { value: 8, factor: \"${plus}\" }
  all:
    uses: add
    inputs: { terms: [\"one[*]\", scaled] }
  last:
    uses: add
    inputs: { terms: \"odd[*]\", extra: all }
publish:
  results/sum.txt: all
  results/last.txt: last
";

fn sums() -> Sandbox {
    project(SUMS)
}

/// Runs once, changes the file, runs again, and tells what executed the second time.
fn executed_after(from: &str, to: &str) -> Vec<String> {
    let sandbox = sums();
    sandbox.run().exits(0);
    sandbox.edit(from, to);
    sandbox.run().exits(0).executed()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_second_run_executes_nothing() {
    let sandbox = sums();
    let first = sandbox.run().exits(0);
    assert_eq!(first.executed().len(), 9);
    assert_eq!(sandbox.read("results/sum.txt"), "16\n");
    let second = sandbox.run().exits(0);
    assert_eq!((second.count("executed"), second.count("reused"), second.count("restored")), (0, 9, 0));
}

#[test]
fn a_second_run_leaves_the_store_as_it_is_but_for_its_own_report() {
    let sandbox = sums();
    sandbox.run().exits(0);
    let stored = |folder: &str| sandbox.files(&format!(".dgpipe/{folder}"));
    let folders = ["objects-v1", "records-v1", "logs-v1", "leases-v1", "quarantine-v1", "scratch"];
    let before = folders.map(stored);
    sandbox.run().exits(0);
    assert_eq!(before, folders.map(stored));
    assert_eq!(stored("leases-v1").len(), 0, "no lease outlives its execution");
    let scratch = stored("scratch");
    assert!(scratch.iter().all(|path| path.file_name().is_some_and(|name| name == ".lock")) || scratch.is_empty());
}

#[test]
fn editing_a_comment_executes_nothing() {
    assert_eq!(executed_after("pipeline: sums", "# sums of numbers\npipeline: sums # here"), NOTHING);
}

#[test]
fn reordering_keys_executes_nothing() {
    assert_eq!(executed_after("value: \"${seed}\", factor: 2.0", "factor: 2.0, value: \"${seed}\""), NOTHING);
    assert_eq!(
        executed_after(
            "    uses: parity\n    inputs: { number: \"one[seed=${seed}]\" }",
            "    inputs: { number: \"one[seed=${seed}]\" }\n    uses: parity"
        ),
        NOTHING
    );
}

#[test]
fn reordering_the_values_of_an_axis_executes_nothing() {
    assert_eq!(executed_after("[1, 2, 3]", "[3, 1, 2]"), NOTHING);
}

#[test]
fn reordering_stages_executes_nothing() {
    let scaled = "  scaled:\n    uses: constant\n    config: { value: 8, factor: \"${plus}\" }\n";
    let sandbox = sums();
    sandbox.run().exits(0);
    sandbox.edit(scaled, "");
    sandbox.edit("stages:\n", &format!("stages:\n{scaled}"));
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING);
}

#[test]
fn quoting_and_spelling_of_numbers_execute_nothing() {
    assert_eq!(executed_after("plus: 0.5 }", "plus: 0.50 }"), NOTHING);
    assert_eq!(executed_after("plus: 0.5 }", "plus: 5e-1 }"), NOTHING);
    assert_eq!(executed_after("factor: 2.0", "factor: 2"), NOTHING);
    assert_eq!(executed_after("\"${seed}\", factor", "'${seed}', \"factor\""), NOTHING);
}

#[test]
fn writing_a_default_aloud_executes_nothing() {
    assert_eq!(executed_after("extra: all }", "extra: all }\n    config: { plus: 0 }"), NOTHING);
}

#[test]
fn renaming_a_stage_or_the_pipeline_executes_nothing() {
    assert_eq!(executed_after("pipeline: sums", "pipeline: totals"), NOTHING);
    assert_eq!(executed_after("scaled", "enlarged"), NOTHING);
}

#[test]
fn renaming_a_param_or_an_axis_executes_nothing() {
    assert_eq!(executed_after("plus", "extra_plus"), NOTHING);
    assert_eq!(executed_after("seed", "number_of_seed"), NOTHING);
}

#[test]
fn needs_timeout_and_retries_are_tuning_and_execute_nothing() {
    let tuned =
        "uses: parity\n    timeout: 2h\n    retries: 3\n    needs: { cpu: 2, memory: 1MiB }\n    sandbox: false";
    assert_eq!(executed_after("uses: parity", tuned), NOTHING);
}

#[test]
fn set_executes_only_what_it_reaches_and_why_says_so() {
    let sandbox = sums();
    sandbox.run().exits(0);
    let why = sandbox.call(&["why", "pipeline.yaml", "last", "--set", "plus=0.25"]).exits(0);
    insta::assert_snapshot!(why.stdout, @r#"
    last awaits what it reads, and may be reused
      all awaits what it reads
        scaled executes
          because factor 0.5 → 0.25 (param plus, --set, over pipeline.yaml:3)
    "#);
    let plan = sandbox.call(&["plan", "pipeline.yaml", "--set", "plus=0.25", "--jobs", "2"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&plan.stdout), @r#"
    execute  scaled  [TIME]  factor 0.5 → 0.25 (param plus, --set, over pipeline.yaml:3)
    await    all     [TIME]  waits for scaled
    await    last    [TIME]  waits for all
    1 to execute, 2 await those and may be reused, 6 to reuse
    about [TIME] of work by past records, [TIME] of it certain
    about [TIME] with 2 jobs; the longest chain takes [TIME]
    "#);
    let changed = sandbox.run_with(&["--set", "plus=0.25"]).exits(0);
    assert_eq!(changed.executed(), ["all", "last", "scaled"]);
    assert_eq!(sandbox.read("results/sum.txt"), "14\n");
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING);
    assert_eq!(sandbox.read("results/sum.txt"), "16\n");
}

#[test]
fn a_param_changed_and_changed_back_is_reused() {
    let sandbox = sums();
    sandbox.run().exits(0);
    sandbox.edit("plus: 0.5", "plus: 1.5");
    assert_eq!(sandbox.run().exits(0).executed(), ["all", "last", "scaled"]);
    sandbox.edit("plus: 1.5", "plus: 0.5");
    let back = sandbox.run().exits(0);
    assert_eq!((back.count("executed"), back.count("restored")), (0, 2));
    assert_eq!(sandbox.read("results/sum.txt"), "16\n");
}

#[test]
fn why_follows_a_past_execution_to_its_root_cause() {
    let sandbox = sums();
    sandbox.run().exits(0);
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.run().exits(0);
    let why = sandbox.call(&["why", "pipeline.yaml", "last"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&why.stdout), @r#"
    last is up to date; it executed in run [RUN] ([DATE])
      because input extra: all changed
      all executed in run [RUN]
        because input terms: scaled changed
        scaled executed in run [RUN]
          because factor 0.5 → 1.5 (param plus, pipeline.yaml:3)
    "#);
    sandbox.run().exits(0);
    let again = sandbox.call(&["why", "pipeline.yaml", "last"]).exits(0);
    assert_eq!(why.stdout, again.stdout, "a run that executes nothing changes no reason");
}

#[test]
fn equal_bytes_stop_the_wave() {
    let sandbox = sums();
    sandbox.edit("terms: \"odd[*]\", extra: all", "terms: \"odd[*]\"");
    sandbox.run().exits(0);
    // All numbers stay even: `odd` executes and gives the same bytes, so `last` has nothing to do.
    sandbox.edit("factor: 2.0", "factor: 200.0");
    let run = sandbox.run().exits(0);
    assert_eq!(
        run.executed(),
        ["all", "odd[seed=1]", "odd[seed=2]", "odd[seed=3]", "one[seed=1]", "one[seed=2]", "one[seed=3]"]
    );
    assert_eq!(run.cells("reused"), ["last", "scaled"]);
    let again =
        run.events().into_iter().find(|event| event["event"] == "cell-finished" && event["cell"] == "odd[seed=1]");
    assert_eq!(again.map(|event| event["same_bytes"].clone()), Some(true.into()), "ran again, same bytes");
}

#[test]
fn an_added_seed_executes_the_new_cells_and_the_joins() {
    assert_eq!(executed_after("[1, 2, 3]", "[1, 2, 3, 4]"), ["all", "last", "odd[seed=4]", "one[seed=4]"]);
}

#[test]
fn a_removed_seed_executes_only_the_joins() {
    assert_eq!(executed_after("[1, 2, 3]", "[1, 3]"), ["all", "last"]);
}

#[test]
fn an_added_seed_is_one_reason_and_not_a_shift_of_all() {
    let sandbox = sums();
    sandbox.run().exits(0);
    sandbox.edit("[1, 2, 3]", "[0, 1, 2, 3]");
    sandbox.run().exits(0);
    let why = sandbox.call(&["why", "pipeline.yaml", "all"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&why.stdout), @r#"
    all is up to date; it executed in run [RUN] ([DATE])
      because input terms: one[seed=0] was added
      one[seed=0] executed in run [RUN]
        because new, seed [1,2,3] → [0,1,2,3] (param seeds, pipeline.yaml:3)
    "#);
}

#[test]
fn a_removed_param_executes() {
    assert_eq!(executed_after(", factor: \"${plus}\" }", " }"), ["all", "last", "scaled"]);
}

#[test]
fn a_removed_input_executes() {
    assert_eq!(executed_after("terms: [\"one[*]\", scaled]", "terms: \"one[*]\""), ["all", "last"]);
    assert_eq!(executed_after("terms: \"odd[*]\", extra: all", "terms: \"odd[*]\""), ["last"]);
}

#[test]
fn an_added_or_removed_output_of_a_command_executes() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo a > a.txt; echo b > b.txt
    outputs: { a: { file: a.txt }, b: { file: b.txt } }
",
    );
    sandbox.run().exits(0);
    sandbox.edit(", b: { file: b.txt } }", " }");
    assert_eq!(sandbox.run().exits(0).executed(), ["a"]);
    assert!(sandbox.call(&["why", "pipeline.yaml", "a"]).exits(0).stdout.contains("declared outputs: b removed"));
    sandbox.edit("{ a: { file: a.txt } }", "{ a: { file: a.txt }, b: { file: b.txt } }");
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING, "back again is reuse");
}

#[test]
fn another_stage_type_executes_and_why_names_both() {
    let sandbox = project("pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\n");
    sandbox.run().exits(0);
    sandbox.edit("uses: constant, config: { value: 1 }", "uses: sleep, config: { milliseconds: 0 }");
    assert_eq!(sandbox.run().exits(0).executed(), ["a"]);
    let why = sandbox.call(&["why", "pipeline.yaml", "a"]).exits(0).stdout;
    assert!(why.contains("stage type constant → sleep"), "{why}");
}

#[test]
fn two_stages_with_equal_work_execute_once() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: sleep, config: { milliseconds: 30, value: 4 } }
  b: { uses: sleep, config: { value: 4, milliseconds: 30 } }
  sum: { uses: add, inputs: { terms: [a, b] } }
",
    );
    let run = sandbox.run_with(&["--jobs", "4"]).exits(0);
    assert_eq!((run.count("executed"), run.count("reused")), (2, 1));
    assert!(!run.stdout.contains("cell-waiting"), "nobody waits for another run: {}", run.stdout);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn equal_work_is_shared_between_pipelines() {
    let sandbox = sums();
    sandbox.run().exits(0);
    sandbox.write(
        "other.yaml",
        &sandbox.read("pipeline.yaml").replace("results/", "others/").replace(": sums", ": other"),
    );
    let other = sandbox.call(&["run", "other.yaml", "--json"]).exits(0);
    assert_eq!((other.count("executed"), other.count("restored")), (0, 2));
}

#[test]
fn another_profile_in_between_loses_nothing() {
    let sandbox = sums();
    sandbox.edit("stages:\n", "profiles: { big: { params: { plus: 4.5 } } }\nstages:\n");
    sandbox.edit("results/", "results/${profile}/");
    sandbox.run().exits(0);
    assert_eq!(sandbox.run_with(&["--profile", "big"]).exits(0).executed(), ["all", "last", "scaled"]);
    let back = sandbox.run().exits(0);
    assert_eq!((back.count("executed"), back.count("restored")), (0, 0));
    let big = sandbox.run_with(&["--profile", "big"]).exits(0);
    assert_eq!((big.count("executed"), big.count("restored")), (0, 0));
    assert_eq!(sandbox.read("results/big/sum.txt"), "48\n");
}

#[test]
fn a_target_executes_only_what_it_needs() {
    let sandbox = sums();
    assert_eq!(sandbox.run_with(&["odd[seed=2]"]).exits(0).executed(), ["odd[seed=2]", "one[seed=2]"]);
    let sum = sandbox.run_with(&["results/sum.txt"]).exits(0);
    assert_eq!(sum.executed(), ["all", "one[seed=1]", "one[seed=3]", "scaled"]);
    assert_eq!(sum.published(), ["results/sum.txt created"]);
    assert!(!sandbox.has("results/last.txt"));
    assert_eq!(sandbox.run_with(&["results"]).exits(0).executed(), ["last", "odd[seed=1]", "odd[seed=3]"]);
}

#[test]
fn forcing_a_cell_executes_it_and_replaces_its_record() {
    let sandbox = sums();
    sandbox.run().exits(0);
    let forced = sandbox.run_with(&["--force", "one[seed=2]"]).exits(0);
    assert_eq!(forced.executed(), ["one[seed=2]"], "its bytes are the same, so nothing else runs");
    let why = sandbox.call(&["why", "pipeline.yaml", "one[seed=2]"]).exits(0).stdout;
    assert!(why.contains("because forced"), "{why}");
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING);
}

#[test]
fn a_cell_that_is_not_reproducible_is_reported_and_consumers_take_the_new_bytes() {
    let sandbox = project(
        "pipeline: p
stages:
  noise:
    uses: command
    shell: true
    run: head -c 8 /dev/urandom | od -An -tx1 > noise.txt
    outputs: { noise: { file: noise.txt } }
  copy:
    uses: command
    run: [cp, \"${in.noise}\", \"${out.copy}\"]
    inputs: { noise: noise }
    outputs: { copy: { file: copy.txt } }
publish: { results/copy.txt: copy, results/noise.txt: noise }
",
    );
    sandbox.run().exits(0);
    let before = sandbox.read("results/copy.txt");
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING);
    let forced = sandbox.run_with(&["--force", "noise"]).exits(0);
    assert_eq!(forced.executed(), ["copy", "noise"]);
    assert_eq!(forced.warnings(), ["`noise` is not reproducible: it ran again and gave other bytes"]);
    assert_ne!(sandbox.read("results/copy.txt"), before);
    assert_eq!(sandbox.read("results/copy.txt"), sandbox.read("results/noise.txt"));
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING);
}

#[test]
fn a_changed_source_executes_what_reads_it_and_its_time_alone_does_not() {
    let sandbox = project(
        "pipeline: p
sources: { number: { path: data/number.txt, kind: number/1 } }
stages: { odd: { uses: parity, inputs: { number: number } }, sum: { uses: add, inputs: { terms: odd } } }
",
    );
    sandbox.write("data/number.txt", "3\n");
    sandbox.run().exits(0);
    sandbox.write("data/number.txt", "3\n");
    assert_eq!(sandbox.run().exits(0).executed(), NOTHING, "equal bytes written again");
    sandbox.write("data/number.txt", "5\n");
    assert_eq!(sandbox.run().exits(0).executed(), ["odd"], "5 is odd too");
    sandbox.write("data/number.txt", "6\n");
    let why = sandbox.call(&["why", "pipeline.yaml", "odd"]).exits(0);
    insta::assert_snapshot!(why.stdout, @r#"
    odd executes
      because source number (data/number.txt) changed, ec2c76a158a4 → 1fad12e6bdb0
    "#);
    assert_eq!(sandbox.run().exits(0).executed(), ["odd", "sum"]);
}

#[test]
fn only_the_part_of_a_folder_that_a_cell_reads_decides_about_it() {
    let sandbox = project(
        "pipeline: p
params: { parts: [a, b] }
sources: { data: { path: data, kind: folder/1 } }
stages:
  made: { uses: spread, config: { parts: { a: 1, b: 2 } } }
  of_made: { for: { part: \"${parts}\" }, uses: parity, inputs: { number: \"made/${part}/value.txt\" } }
  of_data: { for: { part: \"${parts}\" }, uses: parity, inputs: { number: \"data/${part}/value.txt\" } }
",
    );
    sandbox.write("data/a/value.txt", "11\n");
    sandbox.write("data/b/value.txt", "12\n");
    sandbox.run().exits(0);
    sandbox.edit("b: 2", "b: 5");
    assert_eq!(sandbox.run().exits(0).executed(), ["made", "of_made[part=b]"]);
    sandbox.write("data/a/value.txt", "14\n");
    assert_eq!(sandbox.run().exits(0).executed(), ["of_data[part=a]"]);
}

#[test]
fn plan_says_what_run_does() {
    let sandbox = sums();
    let edits = [
        ("plus: 0.5", "plus: 0.5"),
        ("factor: 2.0", "factor: 4.0"),
        ("[1, 2, 3]", "[1, 2, 3, 4]"),
        ("plus: 0.5", "plus: 1.5"),
    ];
    for (from, to) in edits {
        sandbox.edit(from, to);
        let plan = sandbox.call(&["plan", "pipeline.yaml", "--json"]).exits(0);
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
        let with = |decision: &str| -> Vec<String> {
            let cells = plan["cells"].as_array().unwrap().iter().filter(|cell| cell["decision"] == decision);
            cells.map(|cell| cell["cell"].as_str().unwrap().to_owned()).collect()
        };
        let run = sandbox.run().exits(0);
        let (executed, reused) = (run.executed(), run.cells("reused"));
        assert!(with("execute").iter().all(|cell| executed.contains(cell)), "{plan} {executed:?}");
        assert!(with("reuse").iter().all(|cell| reused.contains(cell)), "{plan} {reused:?}");
        let possible = [with("execute"), with("await")].concat();
        assert!(executed.iter().all(|cell| possible.contains(cell)), "{plan} {executed:?}");
        let after = sandbox.call(&["plan", "pipeline.yaml"]).exits(0).stdout;
        assert!(after.starts_with("0 to execute, 0 await"), "{after}");
    }
}
