//! Plans: what they say, how long it would take, and `run --plan`, which does exactly that or refuses.

use dgpipe_tests::{Outcome, Sandbox};
use serde_json::Value;

use crate::caching::SUMS;
use crate::project;

/// A source, a command with a variable, and native stages over both.
const WHOLE: &str = "pipeline: whole
params: { seeds: [1, 2, 3, 4], plus: 0.5 }
sources: { texts: { path: texts, kind: folder/1 } }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\", factor: \"${plus}\" } }
  all: { uses: add, inputs: { terms: \"one[*]\" } }
  count:
    uses: command
    shell: true
    run: cat ${in.texts}/* > ${out.all}; echo $TONE >> ${out.all}
    inputs: { texts: texts }
    outputs: { all: { file: all.txt } }
    env: [TONE]
publish: { results/sum.txt: all, results/all.txt: count }
";

fn whole() -> Sandbox {
    let sandbox = project(WHOLE).variable("TONE", "loud");
    sandbox.write("texts/a.txt", "a\n");
    sandbox.write("texts/b.txt", "b\n");
    sandbox
}

/// Plans into a file.
fn pin(sandbox: &Sandbox, arguments: &[&str]) {
    sandbox.call(&[&["plan", "pipeline.yaml", "--out", "plan.json"], arguments].concat()).exits(0);
}

fn run_plan(sandbox: &Sandbox) -> Outcome {
    sandbox.run_with(&["--plan", "plan.json"])
}

/// What a refusal says; nothing may have executed.
fn refusal(sandbox: &Sandbox) -> String {
    let before = sandbox.files(".dgpipe/records-v1");
    let refused = sandbox.call(&["run", "pipeline.yaml", "--plan", "plan.json"]).exits(1);
    assert_eq!(before, sandbox.files(".dgpipe/records-v1"), "a refused plan executes nothing");
    assert_eq!(refused.stdout, "");
    let json = run_plan(sandbox).exits(1);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["event"], "plan-refused");
    assert_eq!(json["differences"].as_array().unwrap().len(), refused.stderr.lines().count() - 2);
    sandbox.redacted(&refused.stderr)
}

fn planned(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let plan = sandbox.call(&[&["plan", "pipeline.yaml", "--json"], arguments].concat()).exits(0);
    serde_json::from_str(&plan.stdout).unwrap()
}

#[test]
fn a_plan_is_carried_out_as_it_was_made() {
    let sandbox = whole();
    pin(&sandbox, &[]);
    let run = run_plan(&sandbox).exits(0);
    assert_eq!(run.count("executed"), 6);
    assert_eq!(sandbox.read("results/sum.txt"), "6\n");
    assert_eq!(run_plan(&sandbox).exits(0).count("executed"), 0, "fewer executions are agreement");
}

#[test]
fn a_plan_keeps_its_params_profiles_targets_and_forced_cells() {
    let sandbox = whole();
    sandbox.edit("stages:\n", "profiles: { big: { params: { seeds: [7] } } }\nstages:\n");
    sandbox.edit(", results/all.txt: count }", " }");
    sandbox.edit("results/sum.txt: all", "\"results/${profile}.txt\": all");
    pin(&sandbox, &["all", "--set", "plus=2.0", "--profile", "big"]);
    assert_eq!(run_plan(&sandbox).exits(0).executed(), ["all", "one[seed=7]"]);
    assert_eq!(sandbox.read("results/big.txt"), "14\n");
    pin(&sandbox, &["--force", "count"]);
    let run = run_plan(&sandbox).exits(0);
    assert!(run.executed().contains(&"count".to_owned()));
    assert_eq!(run_plan(&sandbox).exits(0).executed(), ["count"], "forced is forced again");
    for more in [&["--set", "plus=1"][..], &["--profile", "big"]] {
        let both = sandbox.run_with(&[&["--plan", "plan.json"], more].concat()).exits(2);
        assert!(both.stderr.contains("`--plan` and `--set` or `--profile` exclude one another"), "{}", both.stderr);
    }
    let both = sandbox.run_with(&["all", "--plan", "plan.json"]).exits(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

#[test]
fn a_changed_param_refuses_the_plan() {
    let sandbox = whole();
    pin(&sandbox, &[]);
    sandbox.edit("plus: 0.5", "plus: 0.75");
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      graph     one[seed=1]: factor 0.5 → 0.75
      graph     one[seed=2]: factor 0.5 → 0.75
      graph     one[seed=3]: factor 0.5 → 0.75
      graph     one[seed=4]: factor 0.5 → 0.75
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
}

#[test]
fn changed_source_files_refuse_the_plan_by_their_names() {
    let sandbox = whole();
    sandbox.run().exits(0);
    pin(&sandbox, &[]);
    sandbox.write("texts/c.txt", "c\n");
    sandbox.remove("texts/a.txt");
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      source    texts: c.txt added, a.txt removed
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
}

#[test]
fn an_added_removed_or_rewired_stage_refuses_the_plan() {
    let sandbox = whole();
    pin(&sandbox, &[]);
    sandbox.edit("[1, 2, 3, 4]", "[1, 2, 3, 5]");
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      graph     all: input terms: one[seed=4].value removed, one[seed=5].value added
      graph     one[seed=4]: is in the plan and not there any more
      graph     one[seed=5]: is not in the plan
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
    sandbox.edit("[1, 2, 3, 5]", "[1, 2, 3, 4]");
    sandbox.edit("terms: \"one[*]\"", "terms: [\"one[seed=2]\", \"one[seed!=2]\"]");
    sandbox.edit("results/sum.txt: all", "results/total.txt: all");
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      graph     results/sum.txt: is in the plan and not there any more
      graph     results/total.txt: is not in the plan
      graph     all: input terms: another order
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
}

#[test]
fn a_changed_variable_or_version_refuses_the_plan() {
    let mut sandbox = whole();
    pin(&sandbox, &[]);
    sandbox.set_variable("TONE", "soft");
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      graph     count: variable TONE loud → soft (environment)
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
    sandbox.set_variable("TONE", "loud");
    let sandbox = sandbox.binary(env!("CARGO_BIN_EXE_toy-next"));
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      graph     one[seed=1]: constant 1 → constant 2
      graph     one[seed=2]: constant 1 → constant 2
      graph     one[seed=3]: constant 1 → constant 2
      graph     one[seed=4]: constant 1 → constant 2
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
}

#[test]
fn a_target_that_is_gone_refuses_the_plan() {
    let sandbox = whole();
    pin(&sandbox, &["one[seed=4]"]);
    sandbox.edit("[1, 2, 3, 4]", "[1, 2, 3]");
    let refused = sandbox.call(&["run", "pipeline.yaml", "--plan", "plan.json"]).exits(1);
    insta::assert_snapshot!(refused.stderr, @r#"
    refused: the plan `plan.json` is not what would be done now
      graph     one[seed=4]: no cell of `one` has the seed `4`; known are [1, 2, 3]
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
}

#[test]
fn what_was_to_be_reused_and_is_gone_refuses_the_plan() {
    let sandbox = whole();
    sandbox.run().exits(0);
    pin(&sandbox, &["--set", "plus=2.0"]);
    fs_err::remove_dir_all(sandbox.path(".dgpipe/records-v1")).unwrap();
    insta::assert_snapshot!(refusal(&sandbox), @r#"
    refused: the plan `plan.json` is not what would be done now
      decision  count: reuse → execute: its record is gone from the store
    nothing was run; `dgpipe plan` shows what would be done now
    "#);
}

#[test]
fn comments_order_and_tuning_do_not_refuse_the_plan() {
    let sandbox = whole();
    pin(&sandbox, &[]);
    sandbox.edit("pipeline: whole", "# the whole\npipeline: whole");
    sandbox.edit("[1, 2, 3, 4]", "[4, 3, 2, 1]");
    sandbox.edit("    env: [TONE]", "    env: [TONE]\n    timeout: 1h");
    sandbox.write("texts/a.txt", "a\n");
    assert_eq!(run_plan(&sandbox).exits(0).count("executed"), 6);
}

#[test]
fn a_cell_that_the_plan_reuses_is_not_executed_where_its_bytes_turn_out_bad() {
    let sandbox = project(SUMS);
    sandbox.run().exits(0);
    pin(&sandbox, &["--set", "plus=1.5"]);
    // As large as before, so that only reading it tells: `all` reads what `one[seed=3]` made.
    sandbox.damage("6\n", b"7\n");
    let run = sandbox.run_with(&["--plan", "plan.json"]).exits(1);
    assert!(!run.executed().iter().any(|cell| cell.starts_with("one")), "{:?}", run.executed());
    let failed = run.events().into_iter().find(|event| event["cell"] == "one[seed=3]" && event["outcome"] == "failed");
    insta::assert_snapshot!(failed.unwrap()["error"].as_str().unwrap(), @"it would have to execute, which the plan does not allow: bytes of `value` are missing in the store");
    let healed = sandbox.run_with(&["--set", "plus=1.5"]).exits(0);
    assert!(healed.executed().contains(&"one[seed=3]".to_owned()), "without the plan it is made again");
}

#[test]
fn a_published_path_does_not_make_the_plan_execute_more() {
    let sandbox = project(SUMS);
    sandbox.run().exits(0);
    pin(&sandbox, &[]);
    sandbox.damage("16\n", b"17\n");
    sandbox.remove("results/sum.txt");
    let run = sandbox.run_with(&["--plan", "plan.json"]).exits(1);
    assert_eq!((run.count("executed"), run.count("failed")), (0, 1));
}

#[test]
fn what_is_no_plan_is_said() {
    let sandbox = whole();
    let said = |content: &str| {
        sandbox.write("plan.json", content);
        sandbox.run_with(&["--plan", "plan.json"]).exits(2).stderr
    };
    assert!(said("hello").contains("`plan.json`: it is not a plan"));
    assert!(said("{}").contains("`plan.json`: it is not a plan: missing field `plan`"));
    assert!(said("{\"plan\": 1}").contains("`plan.json`: it is not a plan: missing field"));
    assert!(said("{\"plan\": 7, \"signed\": true}").contains("a newer dgpipe wrote it (plan version 7)"));
    sandbox.remove("plan.json");
    assert!(sandbox.run_with(&["--plan", "plan.json"]).exits(2).stderr.contains("cannot read the plan"));
    let nowhere = sandbox.call(&["plan", "pipeline.yaml", "--out", "no/where/plan.json"]).exits(3);
    assert!(nowhere.stderr.contains("cannot write the plan `no/where/plan.json`"), "{}", nowhere.stderr);
}

#[test]
fn a_plan_file_says_all_that_it_pins() {
    let sandbox = whole();
    sandbox.run().exits(0);
    pin(&sandbox, &["--set", "plus=2.0", "--jobs", "3"]);
    let plan: Value = serde_json::from_str(&sandbox.read("plan.json")).unwrap();
    assert_eq!(plan["plan"], 1);
    let keys: Vec<&String> = plan.as_object().unwrap().keys().collect();
    let fields = ["plan", "dgpipe", "pipeline", "profile", "call", "sources", "publish", "cells", "estimate"];
    assert_eq!(keys, fields);
    assert_eq!(plan["call"], serde_json::json!({ "profile": null, "set": ["plus=2.0"], "targets": [], "force": [] }));
    assert_eq!(plan["sources"]["texts"]["form"], "folder");
    assert_eq!(plan["publish"]["results/sum.txt"], serde_json::json!(["all.sum"]));
    let cell = |name: &str| plan["cells"].as_array().unwrap().iter().find(|cell| cell["cell"] == name).unwrap().clone();
    assert_eq!((&cell("count")["decision"], cell("count")["key"].is_string()), (&"reuse".into(), true));
    assert_eq!(cell("one[seed=2]")["config"], serde_json::json!({ "value": 2, "factor": 2.0 }));
    assert_eq!(cell("one[seed=2]")["reasons"][0]["kind"], "config-changed");
    let all = cell("all");
    assert_eq!((&all["decision"], &all["key"]), (&"await".into(), &Value::Null));
    assert_eq!(all["inputs"]["terms"][3], "one[seed=4].value");
    assert_eq!(plan["estimate"]["jobs"], 3);
}

#[test]
fn times_come_from_past_records() {
    let sandbox = project(
        "pipeline: naps
params: { naps: [40, 41, 42, 43], value: 0 }
stages:
  nap: { for: { nap: \"${naps}\" }, uses: sleep, config: { milliseconds: \"${nap}\", value: \"${value}\" } }
  last: { uses: add, inputs: { terms: \"nap[*]\" } }
",
    );
    let first = planned(&sandbox, &[]);
    assert_eq!(first["estimate"]["unknown"], 5, "nothing ever ran");
    sandbox.run().exits(0);
    let estimate = |arguments: &[&str]| {
        let estimate = planned(&sandbox, arguments)["estimate"].clone();
        let of = |name: &str| estimate[name].as_f64().unwrap();
        (of("certain"), of("possible"), of("elapsed"), of("critical_path"), of("unknown"))
    };
    assert_eq!(estimate(&[]), (0.0, 0.0, 0.0, 0.0, 0.0), "nothing to do takes no time");
    let (certain, possible, alone, chain, _) = estimate(&["--set", "value=1", "--jobs", "1"]);
    assert!(certain >= 0.166 && possible > 0.0 && chain >= 0.043, "{certain} {possible} {chain}");
    assert!((alone - certain - possible).abs() < 1e-9, "one job does all the work: {alone}");
    let (_, _, side_by_side, same_chain, _) = estimate(&["--set", "value=1", "--jobs", "4"]);
    assert!(side_by_side < alone && (side_by_side - chain).abs() < 1e-9 && (chain - same_chain).abs() < 1e-9);
    let (_, _, _, _, unknown) = estimate(&["--set", "naps=[40, 41, 42, 43, 44]"]);
    assert!(unknown.abs() < 1e-9, "a new cell takes as long as its stage");
}

#[test]
fn plan_says_what_it_costs_and_what_may_be_reused() {
    let sandbox = whole();
    sandbox.run().exits(0);
    let plan = |arguments: &[&str]| {
        let plan = sandbox.call(&[&["plan", "pipeline.yaml", "--jobs", "2"], arguments].concat()).exits(0).stdout;
        let lines = plan.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        sandbox.redacted(&lines.collect::<Vec<_>>().join("\n"))
    };
    insta::assert_snapshot!(plan(&["--set", "plus=2.0"]), @r#"
    execute one[*], 4 cells [TIME] factor 0.5 → 2.0 (param plus, --set, over pipeline.yaml:2)
    await all [TIME] waits for one[seed=1] and 3 more
    4 to execute, 1 await those and may be reused, 1 to reuse
    about [TIME] of work by past records, [TIME] of it certain
    about [TIME] with 2 jobs; the longest chain takes [TIME]
    "#);
    insta::assert_snapshot!(plan(&["--force", "one[seed=2]"]), @r#"
    execute one[seed=2] [TIME] forced
    await all [TIME] waits for one[seed=2]
    1 to execute, 1 await those and may be reused, 4 to reuse
    about [TIME] of work by past records, [TIME] of it certain
    about [TIME] with 2 jobs; the longest chain takes [TIME]
    "#);
    insta::assert_snapshot!(plan(&[]), @"0 to execute, 0 await those and may be reused, 6 to reuse");
    insta::assert_snapshot!(plan(&["--set", "plus=2.0", "-v"]), @r#"
    execute one[seed=1] [TIME] factor 0.5 → 2.0 (param plus, --set, over pipeline.yaml:2)
    execute one[seed=2] [TIME] factor 0.5 → 2.0 (param plus, --set, over pipeline.yaml:2)
    execute one[seed=3] [TIME] factor 0.5 → 2.0 (param plus, --set, over pipeline.yaml:2)
    execute one[seed=4] [TIME] factor 0.5 → 2.0 (param plus, --set, over pipeline.yaml:2)
    await all [TIME] waits for one[seed=1] and 3 more
    reuse count [TIME]
    4 to execute, 1 await those and may be reused, 1 to reuse
    about [TIME] of work by past records, [TIME] of it certain
    about [TIME] with 2 jobs; the longest chain takes [TIME]
    "#);
}
