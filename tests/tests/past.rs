//! The past: `runs`, `show` and `diff`, params and metrics.

use std::process::Command;

use dgpipe_tests::Sandbox;

use crate::project;

/// Native and command stages that measure something.
const MEASURED: &str = "pipeline: measured
params: { thresholds: [0.1, 0.5], base: 10, about: { who: me } }
stages:
  base: { uses: constant, config: { value: \"${base}\" } }
  score:
    for: { threshold: \"${thresholds}\" }
    uses: command
    shell: true
    run: printf '{\"accuracy\":0.%s,\"deep\":{\"n\":7}}' $(cat ${in.base}) > m.json; echo ${threshold} > ${out.x}
    inputs: { base: base }
    outputs: { x: { file: x.txt } }
    metrics: { file: m.json }
  spread: { uses: spread, config: { parts: { a: \"${base}\", b: 2 } } }
publish: { \"results/x/${threshold}\": score, \"results/parts\": spread }
";

/// Three runs: with 10, with 20, with another list of thresholds.
fn three_runs() -> Sandbox {
    let sandbox = project(MEASURED);
    sandbox.run().exits(0);
    sandbox.run_with(&["--set", "base=20"]).exits(0);
    sandbox.run_with(&["--set", "thresholds=[0.5, 0.9]"]).exits(0);
    sandbox
}

fn says(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let text = sandbox.call(arguments).exits(0).stdout;
    // Columns are as wide as a run's name, which is shorter once it is left out.
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    sandbox.redacted(&lines.collect::<Vec<_>>().join("\n"))
}

fn ids(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let runs = sandbox.call(&[&["runs", "--json"], arguments].concat()).exits(0).stdout;
    let runs: Vec<serde_json::Value> = serde_json::from_str(&runs).unwrap();
    runs.iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn runs_say_what_changed_from_one_to_the_next() {
    let sandbox = three_runs();
    insta::assert_snapshot!(says(&sandbox, &["runs", "pipeline.yaml"]), @r#"
    [RUN] [DATE] [TIME] 4 executed, 0 reused
    [RUN] [DATE] [TIME] 4 executed, 0 reused
    base 10 → 20
    [RUN] [DATE] [TIME] 1 executed, 3 reused
    base 20 → 10, thresholds [0.1,0.5] → [0.5,0.9]
    "#);
    assert_eq!(says(&sandbox, &["runs"]), says(&sandbox, &["runs", "pipeline.yaml"]), "the file may be left out");
    assert_eq!(ids(&sandbox, &["-n", "2"]), ids(&sandbox, &[])[1..], "the newest");
}

#[test]
fn runs_are_filtered_by_metrics_of_any_cell_or_of_one() {
    let sandbox = three_runs();
    let all = ids(&sandbox, &[]);
    let of = |arguments: &[&str]| ids(&sandbox, arguments);
    assert_eq!(of(&["--where", "accuracy>0.15"]), [all[1].clone()]);
    assert_eq!(of(&["--where", "score.accuracy<=0.1"]), [all[0].clone(), all[2].clone()]);
    assert_eq!(of(&["--where", "score[threshold=0.9].accuracy>0"]), [all[2].clone()], "no cell of the others");
    assert_eq!(of(&["--where", "deep.n=7"]), all, "nested, and measured by commands");
    assert_eq!(
        of(&["--where", "base.value=10", "--where", "score[threshold=0.9].deep.n=7"]),
        [all[2].clone()],
        "all hold"
    );
    assert_eq!(of(&["--where", "executed=1"]), [all[2].clone()]);
    assert_eq!(of(&["--param", "base=20"]), [all[1].clone()]);
    assert_eq!(of(&["--param", "base<20", "--param", "thresholds=[0.5, 0.9]"]), [all[2].clone()]);
    assert_eq!(of(&["--param", "about.who=me"]), all);
}

#[test]
fn metrics_of_reused_cells_belong_to_the_run_also_when_their_records_are_gone() {
    let sandbox = three_runs();
    let values = || {
        let runs = sandbox.call(&["runs", "--json"]).exits(0).stdout;
        let runs: Vec<serde_json::Value> = serde_json::from_str(&runs).unwrap();
        runs[2]["metrics"].clone()
    };
    let before = values();
    let expected = serde_json::json!({ "accuracy": 0.1, "deep.n": 7 });
    assert_eq!(before["score[threshold=0.5]"], expected, "reused in the third run: {before}");
    fs_err::remove_dir_all(sandbox.path(".dgpipe/records-v1")).unwrap();
    assert_eq!(values(), before);
}

/// A stage that measures something else at each execution.
const RANDOM: &str = "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: \"printf '{\\\"m\\\": 1%s}' $(date +%N) > m.json; echo 1 > ${out.x}\"
    outputs: { x: { file: x.txt } }
    metrics: { file: m.json }
";

/// What the cell of [`RANDOM`] measured, by run.
fn measured(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Option<i64>> {
    let runs = sandbox.call(&[&["runs", "--json"], arguments].concat()).exits(0).stdout;
    let runs: Vec<serde_json::Value> = serde_json::from_str(&runs).unwrap();
    runs.iter().map(|run| run["metrics"]["a"]["m"].as_i64()).collect()
}

#[test]
fn a_cell_that_executes_anew_changes_the_metrics_of_no_run_before() {
    let sandbox = project(RANDOM);
    sandbox.run().exits(0);
    sandbox.run().exits(0);
    let before = measured(&sandbox, &[]);
    assert!(before[0].is_some() && before[0] == before[1], "{before:?}");
    sandbox.run_with(&["--force", "a"]).exits(0);
    sandbox.run().exits(0);
    let after = measured(&sandbox, &[]);
    assert_eq!(after[..2], before);
    assert!(after[2] != after[1] && after[2] == after[3], "{after:?}");
    let diff = |was: &str, now: &str| sandbox.call(&["diff", was, now]).exits(0).stdout;
    assert!(diff("latest~2", "latest").contains("metrics, 1 of 1 differ"), "both reused it");
    assert!(diff("latest~2", "latest~1").contains("metrics, 1 of 1 differ"));
    for (was, now) in [("latest~3", "latest~2"), ("latest~1", "latest")] {
        assert!(diff(was, now).contains("same metrics"), "{was} and {now}");
    }
    let shown = sandbox.call(&["show", "-v", "latest~2"]).exits(0).stdout;
    assert!(shown.contains(&format!("m = {}\n", before[0].unwrap())), "{shown}");
    sandbox.call(&["report", "pipeline.yaml", "--out", "page"]).exits(0);
    for (number, value) in after.iter().rev().enumerate() {
        let run = sandbox.read(&format!("page/data/run-{number}.js"));
        assert!(run.contains(&value.unwrap().to_string()), "run-{number}.js: {run}");
    }
    fs_err::remove_dir_all(sandbox.path(".dgpipe/records-v1")).unwrap();
    assert_eq!(measured(&sandbox, &[]), after, "reports keep them too");
    assert!(diff("latest~2", "latest").contains("metrics, 1 of 1 differ"));
}

#[test]
fn metrics_are_those_of_the_pipeline_that_executed_the_cell() {
    let sandbox = project(RANDOM);
    sandbox.write("other.yaml", &RANDOM.replace("pipeline: p", "pipeline: other"));
    sandbox.run().exits(0);
    let run_other = |arguments: &[&str]| sandbox.call(&[&["run", "other.yaml"], arguments].concat()).exits(0);
    run_other(&[]);
    run_other(&["--force", "a"]);
    sandbox.run().exits(0);
    run_other(&["--force", "a"]);
    let all = measured(&sandbox, &[]);
    assert!(all[0] == all[1] && all[2] == all[3], "{all:?}");
    assert!(all[1] != all[2] && all[3] != all[4], "{all:?}");
    assert_eq!(measured(&sandbox, &["pipeline.yaml"]), [all[0], all[3]], "asked of one pipeline only");
    assert_eq!(measured(&sandbox, &["other.yaml"]), [all[1], all[2], all[4]]);
}

#[test]
fn runs_are_sorted_and_shown_with_what_is_asked_for() {
    let sandbox = three_runs();
    let arguments = ["runs", "--param", "base", "--metric", "accuracy", "--sort", "-accuracy"];
    insta::assert_snapshot!(says(&sandbox, &arguments), @r#"
    run began base accuracy
    [RUN] [DATE] 20 0.2 (2)
    [RUN] [DATE] 10 0.1 (2)
    [RUN] [DATE] 10 0.1 (2)
    "#);
    let all = ids(&sandbox, &[]);
    assert_eq!(ids(&sandbox, &["--sort", "base", "-n", "1"]), [all[0].clone()]);
    assert_eq!(ids(&sandbox, &["--sort", "-started"]), [all[2].clone(), all[1].clone(), all[0].clone()]);
    assert_eq!(ids(&sandbox, &["--sort", "-score[threshold=0.1].accuracy"])[2], all[2], "without a value: last");
}

#[test]
fn runs_are_there_as_json_by_either_option() {
    let sandbox = three_runs();
    let by = |option: &[&str]| sandbox.call(&[&["runs", "--param", "base"], option].concat()).exits(0).stdout;
    let (format, json) = (by(&["--format", "json"]), by(&["--json"]));
    assert_eq!(format, json);
    let runs: Vec<serde_json::Value> = serde_json::from_str(&format).unwrap();
    let said = runs.iter().map(|run| (run["params"]["base"].as_i64(), run["counts"]["executed"].as_i64()));
    assert_eq!(said.collect::<Vec<_>>(), [(Some(10), Some(4)), (Some(20), Some(4)), (Some(10), Some(1))]);
}

#[test]
fn runs_are_also_a_table_for_programs_and_documents() {
    let sandbox = three_runs();
    let csv = sandbox.call(&["runs", "--format", "csv"]).exits(0).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "run,pipeline,profile,started,seconds,git,dirty,executed,reused,failed,about,base,thresholds,base.value,\
         score[threshold=0.1].accuracy,score[threshold=0.1].deep.n,score[threshold=0.5].accuracy,\
         score[threshold=0.5].deep.n,score[threshold=0.9].accuracy,score[threshold=0.9].deep.n"
    );
    assert_eq!(lines.len(), 4);
    assert!(
        lines[2].ends_with(",4,0,0,\"{\"\"who\"\":\"\"me\"\"}\",20,\"[0.1,0.5]\",20,0.2,7,0.2,7,,"),
        "{}",
        lines[2]
    );
    insta::assert_snapshot!(says(&sandbox, &["runs", "--format", "md", "--param", "base"]), @r#"
    | run | began | base |
    | --- | --- | ---: |
    | [RUN] | [DATE] | 10 |
    | [RUN] | [DATE] | 20 |
    | [RUN] | [DATE] | 10 |
    "#);
    let metric =
        sandbox.call(&["runs", "--format", "csv", "--metric", "score[threshold=0.5].accuracy"]).exits(0).stdout;
    assert!(metric.starts_with(
        "run,pipeline,profile,started,seconds,git,dirty,executed,reused,failed,score[threshold=0.5].accuracy\n"
    ));
}

/// The headers of a table for programs.
fn columns(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let csv = sandbox.call(&[&["runs", "--format", "csv"], arguments].concat()).exits(0).stdout;
    csv.lines().next().unwrap().to_owned()
}

#[test]
fn a_condition_or_an_order_takes_no_column_from_a_table() {
    let sandbox = three_runs();
    let all = columns(&sandbox, &[]);
    for arguments in [
        ["--sort", "base"],
        ["--sort", "-accuracy"],
        ["--where", "base>1"],
        ["--where", "score[threshold=0.5].accuracy>0"],
    ] {
        assert_eq!(columns(&sandbox, &arguments), all, "{arguments:?}");
    }
    let own = "run,pipeline,profile,started,seconds,git,dirty,executed,reused,failed";
    assert_eq!(columns(&sandbox, &["--param", "base", "--sort", "base"]), format!("{own},base"));
    assert_eq!(columns(&sandbox, &["--metric", "base"]), format!("{own},base"), "a param, too");
    let with_order = columns(&sandbox, &["--param", "base", "--sort", "score[threshold=0.9].accuracy"]);
    assert_eq!(with_order, format!("{own},base,score[threshold=0.9].accuracy"));
}

#[test]
fn a_column_for_a_part_of_a_param_has_that_part() {
    let sandbox = three_runs();
    let csv = sandbox.call(&["runs", "--format", "csv", "--param", "about.who"]).exits(0).stdout;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",failed,about.who") && lines[1].ends_with(",0,me"), "{csv}");
}

#[test]
fn a_table_for_a_document_has_the_columns_of_one_for_programs() {
    let sandbox = three_runs();
    let document = sandbox.call(&["runs", "--format", "md"]).exits(0).stdout;
    let headers = document.lines().next().unwrap().trim_matches(['|', ' ']).replace(" | ", ",");
    assert_eq!(headers, columns(&sandbox, &[]));
}

#[test]
fn runs_without_what_they_are_sorted_by_come_last_in_either_direction() {
    let sandbox = three_runs();
    sandbox.edit("pipeline: measured", "pipeline: other");
    sandbox.edit("params: {", "params: { mode: zeta,");
    sandbox.run().exits(0);
    sandbox.run_with(&["--set", "mode=alpha"]).exits(0);
    sandbox.run_with(&["--set", "mode=7"]).exits(0);
    let all = ids(&sandbox, &[]);
    let order = |sort: &str| {
        let sorted = ids(&sandbox, &["--sort", sort]);
        sorted.iter().map(|run| all.iter().position(|other| other == run).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(order("mode"), [5, 4, 3, 0, 1, 2], "numbers before texts, and what has neither last");
    assert_eq!(order("-mode"), [3, 4, 5, 0, 1, 2]);
    assert_eq!(order("-score[threshold=0.9].accuracy")[0], 2);
    assert_eq!(order("score[threshold=0.9].accuracy")[0], 2);
}

#[test]
fn what_changed_is_told_of_the_run_before_also_where_the_list_shows_another() {
    let sandbox = three_runs();
    insta::assert_snapshot!(says(&sandbox, &["runs", "--sort", "-started"]), @r#"
    [RUN] [DATE] [TIME] 1 executed, 3 reused
    base 20 → 10, thresholds [0.1,0.5] → [0.5,0.9]
    [RUN] [DATE] [TIME] 4 executed, 0 reused
    base 10 → 20
    [RUN] [DATE] [TIME] 4 executed, 0 reused
    "#);
    insta::assert_snapshot!(says(&sandbox, &["runs", "-n", "1"]), @r#"
    [RUN] [DATE] [TIME] 1 executed, 3 reused
    base 20 → 10, thresholds [0.1,0.5] → [0.5,0.9]
    "#);
    insta::assert_snapshot!(says(&sandbox, &["runs", "--where", "executed=4", "--sort", "-seconds", "-n", "5"]).lines().filter(|line| line.contains('→')).collect::<String>(), @"base 10 → 20");
}

#[test]
fn what_runs_cannot_mean_is_said() {
    let sandbox = three_runs();
    let said = |arguments: &[&str]| sandbox.call(&[&["runs"], arguments].concat()).exits(2).stderr;
    insta::assert_snapshot!(said(&["--where", "acuracy>0.5"]), @r#"
    error: no run has a param or metric `acuracy`
    hint: did you mean `accuracy`?
    "#);
    insta::assert_snapshot!(said(&["--where", "accuracy"]), @r#"
    error: `accuracy` is not a condition
    hint: write a name, a comparison and a value: `accuracy>0.7`; `--metric` only shows a metric
    "#);
    insta::assert_snapshot!(said(&["--where", "accuracy>high"]), @"error: `accuracy>high` compares by size with `high`, which is no number");
    insta::assert_snapshot!(said(&["--param", "bass"]), @r#"
    error: no run has a param `bass`
    hint: did you mean `base`?
    "#);
    insta::assert_snapshot!(said(&["--sort", "something"]), @r#"
    error: no run has a param or metric `something`
    hint: known are [about, accuracy, base, deep.n, executed, failed, reused, seconds, started, thresholds, value]
    "#);
    insta::assert_snapshot!(said(&["--where", "bass>1"]), @r#"
    error: no run has a param or metric `bass`
    hint: did you mean `base`?
    "#);
    insta::assert_snapshot!(said(&["--metric", "acuracy"]), @r#"
    error: no run has a metric `acuracy`
    hint: did you mean `accuracy`?
    "#);
    insta::assert_snapshot!(said(&["--where", "accuracy=>0.15"]), @r#"
    error: `accuracy=>0.15` compares by `=>`, which there is not
    hint: write `accuracy>=0.15`
    "#);
    insta::assert_snapshot!(said(&["--where", "accuracy===1"]), @r#"
    error: `accuracy===1` compares by `===`, which there is not
    hint: write `accuracy==1`
    "#);
    insta::assert_snapshot!(said(&["--where", "accuracy>>1"]), @r#"
    error: `accuracy>>1` compares by `>>`, which there is not
    hint: comparisons are `=`, `!=`, `<`, `<=`, `>`, `>=`
    "#);
    insta::assert_snapshot!(said(&["--where", "accuracy=0.2,base=2"]), @r#"
    error: `accuracy=0.2,base=2` is more than one condition
    hint: give each an option of its own: `accuracy=0.2`, `base=2`
    "#);
    assert!(said(&["--format", "xml"]).contains("invalid value 'xml'"));
    assert!(said(&["nowhere.yaml"]).contains("there is no file `nowhere.yaml`"));
}

#[test]
fn a_run_is_named_by_its_beginning_or_its_place() {
    let sandbox = three_runs();
    let all = ids(&sandbox, &[]);
    let shown = |arguments: &[&str]| {
        let show = sandbox.call(&[&["show"], arguments].concat()).exits(0).stdout;
        show.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(shown(&[]), all[2]);
    assert_eq!(shown(&["latest"]), all[2]);
    assert_eq!(shown(&["latest~1"]), all[1]);
    assert_eq!(shown(&["latest~"]), all[1]);
    assert_eq!(shown(&["pipeline.yaml", "latest~2"]), all[0]);
    assert_eq!(shown(&[&all[1]]), all[1]);
    let said = |run: &str| sandbox.redacted(&sandbox.call(&["show", run]).exits(2).stderr);
    insta::assert_snapshot!(said("latest~3"), @"error: there is no run `latest~3`: 3 runs in all");
    insta::assert_snapshot!(said("latest~x"), @r#"
    error: `latest~x` is not a run
    hint: write `latest`, `latest~1`, `latest~2`, …
    "#);
    insta::assert_snapshot!(said("7"), @r#"
    error: there is no run `7`
    hint: `dgpipe runs` lists them
    "#);
    let common: String = all[0].chars().zip(all[2].chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    let unclear = sandbox.call(&["show", &common]).exits(2).stderr;
    assert!(unclear.contains(" runs: [") && unclear.contains("hint: write more of the name"), "{unclear}");
}

#[test]
fn show_tells_what_a_run_did() {
    let sandbox = three_runs();
    insta::assert_snapshot!(says(&sandbox, &["show", "latest~1"]), @r#"
    run [RUN] of measured (default)
    began [DATE], took [TIME]
    thresholds: [0.1,0.5]
    base: 20
    about: {"who":"me"}
    executed base [TIME]
    because value 10 → 20 (param base, --set, over pipeline.yaml:2)
    value = 20
    executed score[threshold=0.1] [TIME]
    because input base: base changed
    accuracy = 0.2
    deep.n = 7
    executed score[threshold=0.5] [TIME]
    because input base: base changed
    accuracy = 0.2
    deep.n = 7
    executed spread [TIME]
    because parts.a 10 → 20 (param base, --set, over pipeline.yaml:2)
    4 executed, 0 reused, 1 path published
    "#);
    let json = sandbox.call(&["show", "latest~1", "--json"]).exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["cells"]["base"]["metrics"]["value"], 20);
}

#[test]
fn diff_puts_two_runs_side_by_side() {
    let sandbox = three_runs();
    insta::assert_snapshot!(says(&sandbox, &["diff", "latest~2", "latest~1"]), @r#"
    run [RUN] [RUN]
    pipeline measured (default) measured (default)
    began [DATE] [DATE]
    took [TIME] [TIME]
    executed 4 cells 4 cells
    reused 0 cells 0 cells

    params
    base 10 20

    executed in [RUN]
    4 cells: new

    executed in [RUN]
    1 cell: parts.a 10 → 20 (param base, --set, over pipeline.yaml:2)
    1 cell: value 10 → 20 (param base, --set, over pipeline.yaml:2)

    metrics, 3 of 5 differ
    was now change
    base.value 10 20 +10
    score[threshold=0.1].accuracy 0.1 0.2 +0.1
    score[threshold=0.5].accuracy 0.1 0.2 +0.1

    published, 1 of 3 differ
    results/parts: a/value.txt changed
    "#);
    let other = says(&sandbox, &["diff", "pipeline.yaml", "latest~2", "latest"]);
    insta::assert_snapshot!(other, @r#"
    run [RUN] [RUN]
    pipeline measured (default) measured (default)
    began [DATE] [DATE]
    took [TIME] [TIME]
    executed 4 cells 1 cell
    reused 0 cells 3 cells

    params
    thresholds [0.1,0.5] [0.5,0.9]

    executed in [RUN]
    4 cells: new

    executed in [RUN]
    1 cell: new, threshold [0.1,0.5] → [0.5,0.9] (param thresholds, --set, over pipeline.yaml:2)

    metrics, 4 of 7 differ
    was now change
    score[threshold=0.1].accuracy 0.1 –
    score[threshold=0.1].deep.n 7 –
    score[threshold=0.9].accuracy – 0.1
    score[threshold=0.9].deep.n – 7

    published, 2 of 4 differ
    results/x/0.1: only in the first
    results/x/0.9: only in the second
    "#);
    sandbox.run_with(&["--set", "thresholds=[0.5, 0.9]"]).exits(0);
    assert!(
        says(&sandbox, &["diff", "latest~1", "latest"]).contains("same params, same metrics, same published artifacts")
    );
    let json = sandbox.call(&["diff", "latest~3", "latest~2", "--json"]).exits(0).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["params"], serde_json::json!({ "base": { "was": 10, "now": 20 } }));
    assert_eq!(json["metrics"]["score[threshold=0.5]"], serde_json::json!({ "accuracy": { "was": 0.1, "now": 0.2 } }));
    assert_eq!(json["published"], serde_json::json!({ "results/parts": "a/value.txt changed" }));
}

#[test]
fn diff_of_many_cells_compares_means_of_stages() {
    let sandbox = project(
        "pipeline: many
params: { seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25], factor: 1.0 }
stages: { one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\", factor: \"${factor}\" } } }
",
    );
    sandbox.run().exits(0);
    sandbox.run_with(&["--set", "factor=3.0"]).exits(0);
    let diff = says(&sandbox, &["diff", "latest~1", "latest"]);
    assert!(diff.contains("one.value ×25 13 39 +26"), "{diff}");
    let all = says(&sandbox, &["diff", "latest~1", "latest", "-v"]);
    assert!(all.contains("one[seed=25].value 25 75 +50"), "{all}");
}

#[test]
fn diff_of_many_cells_also_tells_what_only_one_run_has() {
    let sandbox = project(
        "pipeline: many
params: { seeds: [1], word: a }
stages:
  one:
    for: { seed: \"${seeds}\" }
    uses: command
    shell: true
    run: \"printf '{\\\"n\\\": %s, \\\"word\\\": \\\"%s\\\"}' ${seed} ${word} > m.json; echo ${seed} > ${out.x}\"
    outputs: { x: { file: x.txt } }
    metrics: { file: m.json }
",
    );
    sandbox.run().exits(0);
    let more = "seeds=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]";
    sandbox.run_with(&["--set", more]).exits(0);
    sandbox.run_with(&["--set", more, "--set", "word=b"]).exits(0);
    let table = |was: &str, now: &str| {
        let diff = says(&sandbox, &["diff", was, now]);
        diff[diff.find("metrics, ").unwrap()..].to_owned()
    };
    insta::assert_snapshot!(table("latest~2", "latest~1"), @r#"
    metrics, 26 of 28 differ
    was now change
    one.n ×13, only in the second – 8
    one.word ×13, only in the second – a
    means over the cells of a stage (-v shows each cell)
    "#);
    insta::assert_snapshot!(table("latest~1", "latest~2"), @r#"
    metrics, 26 of 28 differ
    was now change
    one.n ×13, only in the first 8 –
    one.word ×13, only in the first a –
    means over the cells of a stage (-v shows each cell)
    "#);
    insta::assert_snapshot!(table("latest~2", "latest"), @r#"
    metrics, 27 of 28 differ
    was now change
    one.n ×13, only in the second – 8
    one.word ×1, not numbers a b
    one.word ×13, only in the second – b
    means over the cells of a stage (-v shows each cell)
    "#);
}

#[test]
fn what_diff_cannot_compare_is_said() {
    let sandbox = three_runs();
    assert_eq!(sandbox.call(&["diff", "latest"]).exits(2).stdout, "");
    let said = |arguments: &[&str]| sandbox.redacted(&sandbox.call(arguments).exits(2).stderr);
    insta::assert_snapshot!(said(&["diff", "pipeline.yaml", "latest"]), @r#"
    error: `diff` takes two runs
    hint: dgpipe diff latest~1 latest
    "#);
    insta::assert_snapshot!(said(&["diff", "latest", "nothing"]), @r#"
    error: there is no run `nothing`
    hint: `dgpipe runs` lists them
    "#);
}

#[test]
fn runs_of_profiles_are_told_apart() {
    let sandbox = project(MEASURED);
    sandbox.edit("stages:\n", "profiles: { big: { params: { base: 30 } } }\nstages:\n");
    sandbox.edit("results/", "results/${profile}/");
    sandbox.run().exits(0);
    sandbox.run_with(&["--profile", "big"]).exits(0);
    insta::assert_snapshot!(says(&sandbox, &["runs", "pipeline.yaml"]), @r#"
    [RUN] [DATE] [TIME] 4 executed, 0 reused
    default
    [RUN] [DATE] [TIME] 4 executed, 0 reused
    big
    "#);
    assert_eq!(ids(&sandbox, &["--profile", "big"]), ids(&sandbox, &[])[1..]);
}

#[test]
fn a_killed_run_is_unfinished_and_tells_what_it_did() {
    let sandbox = three_runs();
    let id = ids(&sandbox, &[])[2].clone();
    let report = sandbox.files(".dgpipe/projects-v1");
    let report = report.iter().find(|path| path.ends_with(format!("{id}/report.json"))).unwrap();
    fs_err::remove_file(report).unwrap();
    // The last line is the event that a killed run never wrote.
    let events = report.with_file_name("events.jsonl");
    let text = fs_err::read_to_string(&events).unwrap();
    let all: Vec<&str> = text.lines().collect();
    fs_err::write(&events, format!("{}\n", all[..all.len() - 1].join("\n"))).unwrap();
    assert!(
        says(&sandbox, &["runs"]).ends_with("unfinished\nthresholds [0.1,0.5] → [0.5,0.9], base 20 → 10")
            || says(&sandbox, &["runs"]).contains("; unfinished\n")
    );
    assert!(says(&sandbox, &["show"]).contains("never finished"));
}

#[test]
fn nothing_is_no_run_and_no_mistake() {
    let sandbox = project(MEASURED);
    assert_eq!(sandbox.call(&["runs"]).exits(0).stdout, "");
    assert_eq!(sandbox.call(&["runs", "--where", "accuracy>1", "--format", "md"]).exits(0).stdout.lines().count(), 2);
    assert!(!sandbox.has(".dgpipe"), "looking makes no store");
    assert!(sandbox.call(&["show"]).exits(2).stderr.contains("there is no run `latest`: 0 runs in all"));
}

fn git(sandbox: &Sandbox, arguments: &[&str]) -> bool {
    let mut git = Command::new("git");
    git.current_dir(sandbox.root()).args(["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]);
    git.args(arguments).output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_run_records_the_commit_and_whether_the_tree_was_dirty() {
    let sandbox = project(MEASURED);
    if !git(&sandbox, &["init", "--quiet"]) {
        // Without git there is nothing to record, which the next test is about.
        return;
    }
    let last = || {
        let show = sandbox.call(&["show", "--json"]).exits(0).stdout;
        serde_json::from_str::<serde_json::Value>(&show).unwrap()["git"].clone()
    };
    sandbox.run().exits(0);
    assert_eq!(last(), serde_json::json!({ "commit": null, "dirty": false }), "no commit yet");
    assert!(git(&sandbox, &["add", "pipeline.yaml"]) && git(&sandbox, &["commit", "--quiet", "-m", "first"]));
    sandbox.run().exits(0);
    let clean = last();
    assert_eq!(
        (clean["commit"].as_str().unwrap().len(), &clean["dirty"]),
        (40, &false.into()),
        "untracked files are no change"
    );
    sandbox.edit("pipeline: measured", "# changed\npipeline: measured");
    let run = sandbox.run().exits(0);
    assert_eq!(run.count("executed"), 0, "the state of git is in no key");
    assert_eq!(last(), serde_json::json!({ "commit": clean["commit"], "dirty": true }));
    let diff = says(&sandbox, &["diff", "latest~1", "latest"]);
    assert!(diff.contains(", dirty\n"), "{diff}");
}

#[test]
fn a_run_records_the_commit_of_its_project_and_not_of_the_hook_that_started_it() {
    let sandbox = project(MEASURED);
    if !git(&sandbox, &["init", "--quiet"]) {
        return;
    }
    assert!(git(&sandbox, &["add", "pipeline.yaml"]) && git(&sandbox, &["commit", "--quiet", "-m", "first"]));
    let other = project(MEASURED);
    assert!(git(&other, &["init", "--quiet"]) && git(&other, &["add", "pipeline.yaml"]));
    assert!(git(&other, &["commit", "--quiet", "-m", "another"]));
    let commit = |sandbox: &Sandbox| {
        let show = sandbox.call(&["show", "--json"]).exits(0).stdout;
        serde_json::from_str::<serde_json::Value>(&show).unwrap()["git"].clone()
    };
    sandbox.run().exits(0);
    let own = commit(&sandbox);
    assert!(own["commit"].is_string(), "{own}");
    let sandbox = sandbox
        .variable("GIT_DIR", &other.path(".git").display().to_string())
        .variable("GIT_WORK_TREE", &other.root().display().to_string())
        .variable("GIT_INDEX_FILE", &other.path(".git/index").display().to_string());
    sandbox.run().exits(0);
    assert_eq!(commit(&sandbox), own);
}

#[test]
fn without_git_a_run_records_no_commit() {
    let sandbox = project(MEASURED);
    sandbox.run().exits(0);
    let show = sandbox.call(&["show", "--json"]).exits(0).stdout;
    assert!(!show.contains("\"git\""), "a folder that is no repository: {show}");
    let path = sandbox.path("empty");
    fs_err::create_dir(&path).unwrap();
    let mut run = sandbox.command();
    let status = run.args(["run", "pipeline.yaml", "-q"]).env("PATH", &path).status().unwrap();
    assert!(status.success(), "nothing executes, and git is not there");
}
