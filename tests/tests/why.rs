//! `why`, from a cell to the first change: a test for each kind of change.

use dgpipe_tests::Sandbox;

use crate::caching::SUMS;
use crate::project;

/// A command that reads a script, a folder and a variable, and something that reads what it makes.
const COMMANDED: &str = "pipeline: p
params: { word: hello }
sources: { texts: { path: texts, kind: folder/1 } }
stages:
  count:
    uses: command
    shell: true
    run: cat ${in.texts}/* > ${out.all}; echo ${word} $TONE >> ${out.all}; cat ${in.script} >> ${out.all}
    inputs: { texts: texts, script: { file: scripts/count.sh } }
    outputs: { all: { file: all.txt } }
    env: [TONE]
    tools: [scripts/tool]
  copy:
    uses: command
    run: [cp, \"${in.all}\", \"${out.copy}\"]
    inputs: { all: count }
    outputs: { copy: { file: copy.txt } }
";

fn commanded() -> Sandbox {
    let sandbox = project(COMMANDED).variable("TONE", "loud");
    sandbox.write("texts/a.txt", "a\n");
    sandbox.write("texts/deep/b.txt", "b\n");
    sandbox.write("scripts/count.sh", "true\n");
    sandbox.write_program("scripts/tool", "#!/bin/sh\n");
    // `cat texts/*` would stumble over a folder.
    sandbox.edit("cat ${in.texts}/* >", "find ${in.texts} -type f | LC_ALL=C sort | xargs cat >");
    sandbox.run().exits(0);
    sandbox
}

fn sums() -> Sandbox {
    let sandbox = project(SUMS);
    sandbox.run().exits(0);
    sandbox
}

#[test]
fn a_param_is_named_with_its_line_and_its_profile() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 0.75");
    insta::assert_snapshot!(sandbox.why("scaled", &[]), @r#"
    scaled executes
      because factor 0.5 → 0.75 (param plus, pipeline.yaml:3)
    "#);
    sandbox.edit("plus: 0.75", "plus: 0.5");
    sandbox.edit("stages:\n", "profile: usual\nprofiles:\n  usual:\n    params: { plus: 1.25 }\nstages:\n");
    // Another profile is another past: the nearest record is that of the first.
    insta::assert_snapshot!(sandbox.why("scaled", &[]), @r#"
    scaled executes
      because new
    the nearest record is that of scaled of sums (default), from run [RUN] ([DATE])
      it differs in factor 0.5 → 1.25 (param plus, profile usual, pipeline.yaml:7)
    "#);
    sandbox.run_with(&["scaled"]).exits(0);
    sandbox.edit("plus: 1.25", "plus: 1.5");
    insta::assert_snapshot!(sandbox.why("scaled", &[]), @r#"
    scaled executes
      because factor 1.25 → 1.5 (param plus, profile usual, pipeline.yaml:7)
    "#);
    insta::assert_snapshot!(sandbox.why("scaled", &["--set", "plus=2.5"]), @r#"
    scaled executes
      because factor 1.25 → 2.5 (param plus, --set, over pipeline.yaml:7)
    "#);
}

#[test]
fn a_value_that_is_no_longer_written_is_a_default() {
    let sandbox = sums();
    sandbox.edit("config: { value: 8, factor: \"${plus}\" }", "config: { value: 8 }");
    insta::assert_snapshot!(sandbox.why("scaled", &[]), @r#"
    scaled executes
      because factor 0.5 → 1.0 (default)
    "#);
}

#[test]
fn files_of_a_source_are_named() {
    let sandbox = commanded();
    sandbox.write("texts/a.txt", "other\n");
    sandbox.write("texts/new.txt", "new\n");
    sandbox.remove("texts/deep/b.txt");
    insta::assert_snapshot!(sandbox.why("copy", &[]), @r#"
    copy awaits what it reads, and may be reused
      count executes
        because source texts: new.txt added, a.txt changed, deep/b.txt removed
    "#);
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.why("copy", &[]), @r#"
    copy is up to date; it executed in run [RUN] ([DATE])
      because input all: count changed
      count executed in run [RUN]
        because source texts: new.txt added, a.txt changed, deep/b.txt removed
    "#);
}

#[test]
fn a_source_that_is_a_file_is_named_by_its_path() {
    let sandbox = commanded();
    sandbox.write("scripts/count.sh", "false\n");
    insta::assert_snapshot!(sandbox.why("count", &[]), @r#"
    count executes
      because source scripts/count.sh changed, [HEX] → [HEX]
    "#);
}

#[test]
fn a_part_of_a_source_is_named_with_the_files_below_it() {
    let sandbox = commanded();
    sandbox.edit("{ texts: texts, script", "{ texts: texts/deep, script");
    sandbox.run().exits(0);
    sandbox.write("texts/deep/c.txt", "c\n");
    sandbox.write("texts/a.txt", "read by nobody\n");
    insta::assert_snapshot!(sandbox.why("count", &[]), @r#"
    count executes
      because source texts/deep: c.txt added
    "#);
}

#[test]
fn a_part_of_what_another_cell_made_is_named() {
    let sandbox = project(
        "pipeline: p
stages:
  made: { uses: spread, config: { parts: { a: 1, b: 2 } } }
  odd: { uses: parity, inputs: { number: made/a/value.txt } }
",
    );
    sandbox.run().exits(0);
    sandbox.edit("{ a: 1, b: 2 }", "{ a: 4, b: 2 }");
    insta::assert_snapshot!(sandbox.why("odd", &[]), @r#"
    odd awaits what it reads, and may be reused
      made executes
        because parts.a 1 → 4 (pipeline.yaml:3)
    "#);
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.why("odd", &[]), @r#"
    odd is up to date; it executed in run [RUN] ([DATE])
      because input number: made/a/value.txt changed
      made executed in run [RUN]
        because parts.a 1 → 4 (pipeline.yaml:3)
    "#);
}

#[test]
fn a_variable_of_a_command_is_named_with_both_values() {
    let mut sandbox = commanded();
    sandbox.set_variable("TONE", "soft");
    insta::assert_snapshot!(sandbox.why("count", &[]), @r#"
    count executes
      because variable TONE loud → soft (environment)
    "#);
}

#[test]
fn a_variable_that_is_declared_but_not_set_is_named() {
    let sandbox = commanded();
    sandbox.edit("env: [TONE]", "env: [TONE, OTHER_TONE]");
    insta::assert_snapshot!(sandbox.why("count", &[]), @r#"
    count executes
      because variable OTHER_TONE, which is not set, is declared or no longer is
    "#);
}

#[test]
fn a_tool_is_named() {
    let sandbox = commanded();
    sandbox.write_program("scripts/tool", "#!/bin/sh\nexit 1\n");
    insta::assert_snapshot!(sandbox.why("count", &[]), @r#"
    count executes
      because tool scripts/tool changed, [HEX] → [HEX]
    "#);
}

#[test]
fn a_version_of_a_stage_type_is_named() {
    let sandbox = sums().binary(env!("CARGO_BIN_EXE_toy-next"));
    insta::assert_snapshot!(sandbox.why("last", &[]), @r#"
    last awaits what it reads, and may be reused
      odd[seed=1] awaits what it reads
        one[seed=1] executes
          because version of the stage type constant 1 → 2
    6 more cells on the way, for the same causes (-v shows all)
    "#);
    assert_eq!(sandbox.run().exits(0).executed().len(), 4);
}

#[test]
fn a_param_in_an_argument_of_a_command_is_named() {
    let sandbox = commanded();
    sandbox.edit("word: hello", "word: goodbye");
    insta::assert_snapshot!(sandbox.why("count", &[]), @r#"
    count executes
      because run: param word hello → goodbye (pipeline.yaml:2)
    "#);
}

/// Params in a shell text, in a text of arguments, and in one another.
const TEXTS: &str = "pipeline: p
params: { lr: 0.1, epochs: 5, name: \"${lr}-${epochs}\" }
profiles: { long: { params: { epochs: 50 } } }
stages:
  train:
    for: { seed: [1, 2] }
    uses: command
    shell: true
    run: echo ${lr} ${seed} ${epochs} $HOME '$$x' and much more that nobody would want to read > ${out.x}; echo 3 4
    outputs: { x: { file: x.txt } }
  titled:
    uses: command
    run: [sh, -c, 'echo \"$1\" > x.txt', sh, \"--name=${name}\"]
    outputs: { x: { file: x.txt } }
";

fn texts() -> Sandbox {
    let sandbox = project(TEXTS);
    sandbox.run().exits(0);
    sandbox
}

#[test]
fn of_several_params_in_one_text_those_are_named_that_changed() {
    let sandbox = texts();
    insta::assert_snapshot!(sandbox.why("train[seed=1]", &["--set", "lr=0.2"]), @r#"
    train[seed=1] executes
      because run: param lr 0.1 → 0.2 (--set, over pipeline.yaml:2)
    "#);
    sandbox.edit("epochs: 5,", "epochs: 7,");
    insta::assert_snapshot!(sandbox.why("train[seed=2]", &["--set", "lr=0.2"]), @r#"
    train[seed=2] executes
      because run: param lr 0.1 → 0.2 (--set, over pipeline.yaml:2), param epochs 5 → 7 (pipeline.yaml:2)
    "#);
    let run = sandbox.call(&["run", "pipeline.yaml", "train", "--set", "lr=0.2"]).exits(0);
    assert!(
        run.stderr.contains("ran train ×2: run: param lr 0.1 → 0.2 (--set, over pipeline.yaml:2)"),
        "{}",
        run.stderr
    );
    let why = sandbox.call(&["why", "pipeline.yaml", "train[seed=1]", "--set", "lr=0.3", "--json"]).exits(0);
    let why: serde_json::Value = serde_json::from_str(&why.stdout).unwrap();
    let param = serde_json::json!({"name": "lr", "was": "0.2", "now": "0.3", "origin": "--set, over pipeline.yaml:2"});
    assert_eq!(why["reasons"][0]["params"], serde_json::json!([param]));
}

#[test]
fn params_that_are_made_of_others_are_followed_to_those() {
    let sandbox = texts();
    insta::assert_snapshot!(sandbox.why("titled", &["--set", "lr=0.2"]), @r#"
    titled executes
      because run.4: param lr 0.1 → 0.2 (--set, over pipeline.yaml:2)
    "#);
    insta::assert_snapshot!(sandbox.why("titled", &["--profile", "long"]), @r#"
    titled executes
      because new
    the nearest record is that of titled of p (default), from run [RUN] ([DATE])
      it differs in run.4: param epochs 5 → 50 (profile long, pipeline.yaml:3)
    "#);
}

#[test]
fn a_text_that_was_edited_is_shown_wherever_it_differs() {
    let sandbox = texts();
    sandbox.edit("echo 3 4", "echo 3 5");
    insta::assert_snapshot!(sandbox.why("train[seed=1]", &[]), @r#"
    train[seed=1] executes
      because run ….x}; echo 3 4 → ….x}; echo 3 5 (pipeline.yaml:9)
    "#);
    // Params alone do not explain that, but one of them is behind the first difference.
    insta::assert_snapshot!(sandbox.why("train[seed=1]", &["--set", "lr=0.2"]), @r#"
    train[seed=1] executes
      because run echo 0.1 1 5 $$HOME … → echo 0.2 1 5 $$HOME …, ….x}; echo 3 4 → ….x}; echo 3 5 (param lr, --set, over pipeline.yaml:2; pipeline.yaml:9)
    "#);
}

#[test]
fn another_name_or_order_of_inputs_is_named() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
  b: { uses: constant, config: { value: 2 } }
  sum: { uses: add, inputs: { terms: [a, b] } }
  seen:
    uses: command
    run: [cp, \"${in.n}\", \"${out.o}\"]
    inputs: { n: { file: one.txt } }
    outputs: { o: { file: o.txt } }
",
    );
    sandbox.write("one.txt", "1\n");
    sandbox.write("two.txt", "1\n");
    sandbox.run().exits(0);
    sandbox.edit("[a, b]", "[b, a]");
    sandbox.edit("one.txt", "two.txt");
    insta::assert_snapshot!(sandbox.why("sum", &[]), @r#"
    sum executes
      because input terms: the order of its cells changed
    "#);
    insta::assert_snapshot!(sandbox.why("seen", &[]), @r#"
    seen executes
      because source two.txt was added
      because source one.txt was removed
    "#);
}

#[test]
fn members_of_a_fan_in_are_named_whether_changed_added_or_removed() {
    let sandbox = sums();
    sandbox.edit("value: \"${seed}\", factor: 2.0", "value: \"${seed}\", factor: 4.0");
    insta::assert_snapshot!(sandbox.why("all", &[]), @r#"
    all awaits what it reads, and may be reused
      one[seed=1] executes
        because factor 2.0 → 4.0 (pipeline.yaml:8)
    2 more cells on the way, for the same causes (-v shows all)
    "#);
    sandbox.edit("factor: 4.0", "factor: 2.0");
    sandbox.edit("[1, 2, 3]", "[1, 3, 4]");
    insta::assert_snapshot!(sandbox.why("all", &[]), @r#"
    all awaits what it reads, and may be reused
      because input terms: one[seed=4] was added
      because input terms: one[seed=2] was removed, seed [1,2,3] → [1,3,4] (param seeds, pipeline.yaml:3)
      one[seed=4] executes
        because new, seed [1,2,3] → [1,3,4] (param seeds, pipeline.yaml:3)
    "#);
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.why("all", &[]), @r#"
    all is up to date; it executed in run [RUN] ([DATE])
      because input terms: one[seed=4] was added
      because input terms: one[seed=2] was removed, seed [1,2,3] → [1,3,4] (param seeds, pipeline.yaml:3)
      one[seed=4] executed in run [RUN]
        because new, seed [1,2,3] → [1,3,4] (param seeds, pipeline.yaml:3)
    "#);
}

#[test]
fn a_new_cell_says_which_axis_has_its_value_and_where_the_list_is() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2] }
stages:
  one:
    for: { seed: \"${seeds}\", k: [1] }
    include: [{ seed: 9 }]
    uses: constant
    config: { value: \"${seed}\", factor: \"${k}\" }
  all: { uses: add, inputs: { terms: \"one[*]\" } }
",
    );
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.why("all", &["--set", "seeds=[1, 3]"]), @r#"
    all awaits what it reads, and may be reused
      because input terms: one[k=1,seed=3] was added
      because input terms: one[k=1,seed=2] was removed, seed [1,2,9] → [1,3,9] (param seeds, --set, over pipeline.yaml:2)
      one[k=1,seed=3] executes
        because new, seed [1,2,9] → [1,3,9] (param seeds, --set, over pipeline.yaml:2)
    "#);
    let plan = sandbox.call(&["plan", "pipeline.yaml", "--set", "seeds=[1, 2, 3, 4]"]).exits(0);
    assert!(
        plan.stdout.contains("new, seed [1,2,9] → [1,2,3,4,9] (param seeds, --set, over pipeline.yaml:2)"),
        "{}",
        plan.stdout
    );
    sandbox.edit("k: [1]", "k: [1, 2]");
    sandbox.edit("{ seed: 9 }", "{ seed: 8 }");
    let all = sandbox.why("one[k=2,seed=8]", &[]);
    assert!(all.contains("new, k [1] → [1,2] (pipeline.yaml:5), seed [1,2,9] → [1,2,8] (pipeline.yaml:6)"), "{all}");
}

#[test]
fn changes_of_two_stages_that_are_said_alike_are_two() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: command, run: [sh, -c, 'echo 1 > x.txt; echo 2 > y.txt'], outputs: { x: { file: x.txt } } }
  b:
    uses: command
    run: [sh, -c, 'cat \"$0\" > x.txt; echo 2 > y.txt', \"${in.a}\"]
    inputs: { a: a.x }
    outputs: { x: { file: x.txt } }
",
    );
    sandbox.run().exits(0);
    sandbox.edit("{ x: { file: x.txt } }", "{ x: { file: x.txt }, y: { file: y.txt } }");
    insta::assert_snapshot!(sandbox.why("b", &[]), @r#"
    b awaits what it reads, and may be reused
      because outputs.y nothing → y.txt (pipeline.yaml:8)
      because declared outputs: y added
      a executes
        because outputs.y nothing → y.txt (pipeline.yaml:3)
        because declared outputs: y added
    "#);
    sandbox.edit("{ x: { file: x.txt }, y: { file: y.txt } }", "{ x: { file: x.txt } }");
    for record in sandbox.files(".dgpipe/records-v1") {
        fs_err::remove_file(record).unwrap();
    }
    insta::assert_snapshot!(sandbox.why("b", &[]), @r#"
    b awaits what it reads, and may be reused
      because its record is gone from the store
      a executes
        because its record is gone from the store
    "#);
}

#[test]
fn three_changes_at_once_are_all_named() {
    let mut sandbox = commanded();
    sandbox.edit("word: hello", "word: goodbye");
    sandbox.set_variable("TONE", "soft");
    sandbox.write("texts/new.txt", "new\n");
    let expected = sandbox.why("copy", &[]);
    insta::assert_snapshot!(expected, @r#"
    copy awaits what it reads, and may be reused
      count executes
        because variable TONE loud → soft (environment)
        because run: param word hello → goodbye (pipeline.yaml:2)
        because source texts: new.txt added
    "#);
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.why("copy", &[]), @r#"
    copy is up to date; it executed in run [RUN] ([DATE])
      because input all: count changed
      count executed in run [RUN]
        because variable TONE loud → soft (environment)
        because run: param word hello → goodbye (pipeline.yaml:2)
        because source texts: new.txt added
    "#);
}

#[test]
fn what_changed_in_a_cell_is_said_also_while_it_awaits_others() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.edit("extra: all }", "extra: all }\n    config: { plus: 3 }");
    insta::assert_snapshot!(sandbox.why("last", &[]), @r#"
    last awaits what it reads, and may be reused
      because plus 0 → 3 (pipeline.yaml:22)
      all awaits what it reads
        scaled executes
          because factor 0.5 → 1.5 (param plus, pipeline.yaml:3)
    "#);
}

#[test]
fn a_reuse_says_which_run_made_it_and_for_whom() {
    let sandbox = sums();
    sandbox.write(
        "other.yaml",
        &sandbox.read("pipeline.yaml").replace("results/", "others/").replace(": sums", ": other"),
    );
    let other = sandbox.call(&["why", "other.yaml", "last"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&other.stdout), @r#"
    last is up to date; it executed as last of sums (default) in run [RUN] ([DATE])
      because new
    "#);
    let renamed = sandbox.read("pipeline.yaml").replace("scaled", "enlarged");
    sandbox.write("pipeline.yaml", &renamed);
    insta::assert_snapshot!(sandbox.why("enlarged", &[]), @r#"
    enlarged is up to date; it executed as scaled in run [RUN] ([DATE])
      because new
    "#);
}

#[test]
fn an_input_that_was_found_again_is_followed_to_what_changed() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.run().exits(0);
    // `all` has to execute again, while `scaled` is found: what changed is the param all the same.
    sandbox.edit("plus: 1.5", "plus: 0.5");
    sandbox.edit("terms: [\"one[*]\", scaled]", "terms: [\"one[seed!=2]\", scaled]");
    insta::assert_snapshot!(sandbox.why("all", &[]), @r#"
    all executes
      because input terms: scaled changed
      because input terms: one[seed=2] was removed
      scaled has another record, from run [RUN]
        because factor 1.5 → 0.5 (param plus, pipeline.yaml:3)
    the nearest record is that of all of sums (default), from run [RUN] ([DATE])
      it differs in input terms: one[seed=2] was removed
    "#);
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["all", "last"]);
    insta::assert_snapshot!(sandbox.why("last", &[]), @r#"
    last is up to date; it executed in run [RUN] ([DATE])
      because input extra: all changed
      all executed in run [RUN]
        because input terms: scaled changed
        because input terms: one[seed=2] was removed
        scaled has another record, from run [RUN]
          because factor 1.5 → 0.5 (param plus, pipeline.yaml:3)
    "#);
}

#[test]
fn an_input_that_executed_in_an_earlier_run_is_followed_to_what_changed() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.run_with(&["scaled"]).exits(0);
    sandbox.edit("plus: 1.5", "plus: 2.5");
    sandbox.run_with(&["scaled"]).exits(0);
    insta::assert_snapshot!(sandbox.why("all", &[]), @r#"
    all executes
      because input terms: scaled changed
      scaled has another record, from run [RUN]
        because factor 0.5 → 2.5 (param plus, pipeline.yaml:3)
    "#);
    sandbox.run().exits(0);
    let why = sandbox.why("last", &[]);
    insta::assert_snapshot!(why, @r#"
    last is up to date; it executed in run [RUN] ([DATE])
      because input extra: all changed
      all executed in run [RUN]
        because input terms: scaled changed
        scaled has another record, from run [RUN]
          because factor 0.5 → 2.5 (param plus, pipeline.yaml:3)
    "#);
    // Nothing of the records of then is needed for that any more.
    sandbox.edit("plus: 2.5", "plus: 3.5");
    sandbox.run().exits(0);
    sandbox.run().exits(0);
    let run = sandbox.call(&["runs", "pipeline.yaml", "--json"]).exits(0);
    let runs: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).unwrap();
    let fourth = runs[3]["run"].as_str().unwrap();
    let then = why.replace("is up to date; it executed", "executed");
    assert_eq!(sandbox.why("last", &["--run", fourth]), then);
    assert!(sandbox.why("last", &["--run", "latest~1"]).contains("factor 2.5 → 3.5 (param plus, pipeline.yaml:3)"));
    let none = sandbox.call(&["why", "pipeline.yaml", "last", "--run", "latest"]).exits(2);
    assert!(none.stderr.contains("`last` was reused in run"), "{}", none.stderr);
}

#[test]
fn a_past_run_tells_of_cells_that_are_gone_and_under_a_file_with_mistakes() {
    let sandbox = sums();
    sandbox.edit("factor: 2.0", "factor: 4.0");
    sandbox.run().exits(0);
    let run = sandbox.call(&["runs", "pipeline.yaml", "--json"]).exits(0);
    let runs: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).unwrap();
    let named = ["--run", runs.last().unwrap()["run"].as_str().unwrap()];
    let cell = "one[seed=3]";
    let expected = sandbox.why(cell, &named);
    assert!(expected.contains("factor 2.0 → 4.0 (pipeline.yaml:8)"), "{expected}");
    // Seed 3 is gone, then the file has a mistake, then there is no such stage any more.
    for (from, to) in [("[1, 2, 3]", "[1, 2]"), ("uses: constant", "uses: constnat"), ("  one:", "  uno:")] {
        sandbox.edit(from, to);
        assert_eq!(sandbox.why(cell, &named), expected, "{to}");
    }
    let unknown = sandbox.call(&[&["why", "pipeline.yaml", "one[seed=9]"][..], &named].concat()).exits(2);
    assert!(unknown.stderr.contains("constnat"), "{}", unknown.stderr);
}

#[test]
fn a_run_that_was_killed_still_tells_why() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.run().exits(0);
    let why = sandbox.why("last", &[]);
    for report in sandbox.files(".dgpipe/projects-v1").iter().filter(|path| path.ends_with("report.json")) {
        fs_err::remove_file(report).unwrap();
    }
    assert_eq!(sandbox.why("last", &[]), why);
}

#[test]
fn without_the_run_the_records_still_tell_what_they_know() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.run().exits(0);
    fs_err::remove_dir_all(sandbox.path(".dgpipe/projects-v1")).unwrap();
    insta::assert_snapshot!(sandbox.why("last", &[]), @r#"
    last is up to date; it executed in run [RUN] ([DATE])
      because input extra: all changed
      all has another record, from run [RUN]
        because input terms: scaled changed
        scaled has another record, from run [RUN]
          because factor 0.5 → 1.5
    "#);
}

#[test]
fn an_unexpected_miss_names_the_nearest_record() {
    let sandbox = sums();
    sandbox.edit("plus: 0.5", "plus: 1.5");
    sandbox.run().exits(0);
    // The record of 0.5 exists, but for another value beside it.
    sandbox.edit("plus: 1.5", "plus: 0.5");
    sandbox.edit("value: 8", "value: 9");
    insta::assert_snapshot!(sandbox.why("scaled", &[]), @r#"
    scaled executes
      because factor 1.5 → 0.5 (param plus, pipeline.yaml:3)
      because value 8 → 9 (pipeline.yaml:15)
    the nearest record is that of scaled of sums (default), from run [RUN] ([DATE])
      it differs in value 8 → 9 (pipeline.yaml:15)
    "#);
}

#[test]
fn the_nearest_record_is_named_also_for_a_cell_behind_that_is_new() {
    let sandbox = sums();
    sandbox.edit("scaled", "enlarged");
    insta::assert_snapshot!(sandbox.why("all", &["--set", "plus=0.75"]), @r#"
    all awaits what it reads, and may be reused
      because input terms: enlarged was added
      because input terms: scaled was removed
      enlarged executes
        because new
    the record nearest to enlarged is that of scaled of sums (default), from run [RUN] ([DATE])
      it differs in factor 0.5 → 0.75 (param plus, --set, over pipeline.yaml:3)
    "#);
    let why = sandbox.call(&["why", "pipeline.yaml", "all", "--set", "plus=0.75", "--json"]).exits(0);
    let why: serde_json::Value = serde_json::from_str(&why.stdout).unwrap();
    let links = why["links"].as_array().unwrap();
    let enlarged = links.iter().find(|link| link["cell"] == "enlarged").unwrap();
    assert_eq!(enlarged["nearest"]["cell"], "scaled");
    assert_eq!(why["nearest"], serde_json::Value::Null);
}

#[test]
fn a_published_path_means_the_cell_that_makes_it() {
    let sandbox = sums();
    assert_eq!(sandbox.why("results/sum.txt", &[]), sandbox.why("all", &[]));
    let forced = sandbox.call(&["run", "pipeline.yaml", "--force", "results/sum.txt"]).exits(2);
    assert!(
        forced.stderr.contains("`results/sum.txt` is a published path, made by `all`; name a cell"),
        "{}",
        forced.stderr
    );
    sandbox.edit("results/sum.txt: all", "\"results/one-${seed}\": \"one[*]\"");
    assert_eq!(sandbox.why("results/one-2", &[]), sandbox.why("one[seed=2]", &[]));
}

#[test]
fn a_published_path_of_an_output_that_is_not_the_main_one_means_that_output() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo one > one.txt; echo two > two.txt
    outputs: { one: { file: one.txt }, two: { file: two.txt } }
publish: { results/other.d/two.txt: a.two }
",
    );
    sandbox.run().exits(0);
    let place = |cell: &str| sandbox.call(&["path", "pipeline.yaml", cell]).exits(0).stdout;
    assert_eq!(place("results/other.d/two.txt"), place("a.two"));
    assert_ne!(place("results/other.d/two.txt"), place("a"));
}

#[test]
fn a_run_of_another_profile_says_whose_it_is() {
    let sandbox = sums();
    sandbox.edit("stages:\n", "profiles:\n  big:\n    params: { plus: 50 }\nstages:\n");
    sandbox.run_with(&["scaled", "--profile", "big"]).exits(0);
    let runs = sandbox.call(&["runs", "pipeline.yaml", "--json"]).exits(0);
    let runs: Vec<serde_json::Value> = serde_json::from_str(&runs.stdout).unwrap();
    let [first, big] = [0, 1].map(|index| runs[index]["run"].as_str().unwrap());
    let why = sandbox.call(&["why", "pipeline.yaml", "scaled", "--run", big]).exits(2);
    insta::assert_snapshot!(sandbox.redacted(&why.stderr), @r#"
    error: run [RUN] is of the profile `big`
    hint: `dgpipe why pipeline.yaml scaled --run [RUN] --profile big`
    "#);
    assert!(sandbox.why("scaled", &["--run", big, "--profile", "big"]).contains("scaled executed in run"));
    let why = sandbox.call(&["why", "pipeline.yaml", "scaled", "--run", first, "--profile", "big"]).exits(2);
    assert!(
        why.stderr.contains("is of the profile `default`") && why.stderr.contains("--profile ''"),
        "{}",
        why.stderr
    );
    assert!(sandbox.why("scaled", &["--run", first, "--profile", ""]).contains("scaled executed in run"));
}

#[test]
fn a_forced_execution_with_other_bytes_is_the_cause_of_what_reads_it() {
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
",
    );
    sandbox.run().exits(0);
    sandbox.run_with(&["--force", "noise"]).exits(0);
    insta::assert_snapshot!(sandbox.why("copy", &[]), @r#"
    copy is up to date; it executed in run [RUN] ([DATE])
      because input noise: noise changed
      noise executed in run [RUN]
        because forced
    "#);
}

#[test]
fn many_ways_to_one_change_are_said_once() {
    let sandbox = project(
        "pipeline: p
params: { factor: 1.0, seeds: [1, 2, 3, 4, 5, 6] }
stages:
  base: { uses: constant, config: { value: 3, factor: \"${factor}\" } }
  one: { for: { seed: \"${seeds}\" }, uses: add, inputs: { terms: base }, config: { plus: \"${seed}\" } }
  all: { uses: add, inputs: { terms: \"one[*]\" } }
",
    );
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.why("all", &["--set", "factor=2.0"]), @r#"
    all awaits what it reads, and may be reused
      one[seed=1] awaits what it reads
        base executes
          because factor 1.0 → 2.0 (--set, over pipeline.yaml:2)
    5 more cells on the way, for the same causes (-v shows all)
    "#);
    sandbox.run_with(&["--set", "factor=2.0"]).exits(0);
    insta::assert_snapshot!(sandbox.why("all", &["--set", "factor=2.0"]), @r#"
    all is up to date; it executed in run [RUN] ([DATE])
      because input terms: one[seed=1] changed and 5 more
      one[seed=1] executed in run [RUN]
        because input terms: base changed
        base executed in run [RUN]
          because factor 1.0 → 2.0 (--set, over pipeline.yaml:2)
    5 more cells on the way, for the same causes (-v shows all)
    "#);
    let all = sandbox.why("all", &["--set", "factor=2.0", "-v"]);
    assert!(all.contains("one[seed=6] executed in run"), "{all}");
}

#[test]
fn the_answer_is_also_json() {
    let sandbox = sums();
    let why = sandbox.call(&["why", "pipeline.yaml", "last", "--set", "plus=0.25", "--json"]).exits(0);
    let why: serde_json::Value = serde_json::from_str(&why.stdout).unwrap();
    assert_eq!((&why["cell"], &why["state"]), (&"last".into(), &"awaits".into()));
    assert_eq!(why["behind"], serde_json::json!(["all"]));
    let root = why["links"].as_array().unwrap().last().unwrap();
    assert_eq!((&root["cell"], &root["state"]), (&"scaled".into(), &"executes".into()));
    assert_eq!(root["reasons"][0]["kind"], "config-changed");
    assert_eq!(root["reasons"][0]["origin"], "param plus, --set, over pipeline.yaml:3");
}
