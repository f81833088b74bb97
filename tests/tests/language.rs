//! What a pipeline file can say.

use dgpipe_tests::Sandbox;
use serde_json::Value;

use crate::project;

/// Runs, and returns what was published at `out.txt`.
fn published(pipeline: &str) -> String {
    let sandbox = project(pipeline);
    sandbox.run().exits(0);
    sandbox.read("out.txt")
}

/// The cells that a cell reads, as `dag --format json` tells.
fn reads(sandbox: &Sandbox, cell: &str) -> Vec<String> {
    let dag = sandbox.call(&["dag", "pipeline.yaml", "--format", "json"]).exits(0);
    let dag: Value = serde_json::from_str(&dag.stdout).unwrap();
    let cell = dag["cells"].as_array().unwrap().iter().find(|other| other["cell"] == cell).unwrap().clone();
    let from = |read: &Value| {
        let name = read["from"]["cell"].as_str().or(read["from"]["source"].as_str()).unwrap().to_owned();
        match read["path"].as_str() {
            Some(path) => format!("{name}/{path}"),
            None => name,
        }
    };
    cell["reads"].as_array().unwrap().iter().map(from).collect()
}

#[test]
fn params_refer_to_params_and_step_into_maps() {
    let text = published(
        "pipeline: p
params: { sum: \"${parts.left}\", parts: { left: \"${base}\", right: [1] }, base: 4 }
stages: { a: { uses: constant, config: { value: \"${sum}\" } } }
publish: { out.txt: a }
",
    );
    assert_eq!(text, "4\n");
}

#[test]
fn a_value_that_is_one_reference_keeps_its_type_and_inside_text_it_is_rendered() {
    let sandbox = project(
        "pipeline: p
params: { parts: { a: 1, b: 2 }, name: a }
stages:
  made: { uses: spread, config: { parts: \"${parts}\" } }
  odd: { uses: parity, inputs: { number: \"made/${name}/value.txt\" } }
",
    );
    sandbox.run().exits(0);
    assert_eq!(reads(&sandbox, "odd"), ["made/a/value.txt"]);
}

#[test]
fn set_takes_yaml_and_reaches_into_maps() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1], deep: { plus: 1 } }
stages:
  a: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  sum: { uses: add, inputs: { terms: \"a[*]\" }, config: { plus: \"${deep.plus}\" } }
publish: { out.txt: sum }
",
    );
    sandbox.run_with(&["--set", "seeds=[1, 2, 3]", "--set", "deep.plus=10"]).exits(0);
    assert_eq!(sandbox.read("out.txt"), "16\n");
    let why =
        sandbox.call(&["why", "pipeline.yaml", "sum", "--set", "seeds=[1, 2, 3]", "--set", "deep.plus=20"]).exits(0);
    assert!(why.stdout.contains("plus 10 → 20 (param deep.plus, --set, over pipeline.yaml:2)"), "{}", why.stdout);
}

const PROFILES: &str = "pipeline: p
profile: small
params: { value: 1, list: [1, 2], map: { a: 1, b: 2 } }
profiles:
  small: {}
  big: { params: { value: 100, list: [5], map: { b: null, c: 3 } } }
  odd: { params: { value: 7 }, stages: { extra: null, made: { config: { factor: 3.0 } } } }
stages:
  made: { uses: constant, config: { value: \"${value}\" } }
  parts: { uses: spread, config: { parts: \"${map}\" } }
  listed: { for: { x: \"${list}\" }, uses: constant, config: { value: \"${x}\" } }
  extra: { uses: constant, config: { value: 2 } }
publish: { \"out-${profile}.txt\": made, \"parts-${profile}\": parts }
";

fn stages(sandbox: &Sandbox, profile: &str) -> Vec<String> {
    let dag = sandbox.call(&["dag", "pipeline.yaml", "--json", "--profile", profile]).exits(0);
    let dag: Value = serde_json::from_str(&dag.stdout).unwrap();
    dag["cells"].as_array().unwrap().iter().map(|cell| cell["cell"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn profiles_merge_maps_replace_lists_and_null_removes() {
    let sandbox = project(PROFILES);
    assert!(stages(&sandbox, "big").contains(&"listed[x=5]".to_owned()));
    assert!(!stages(&sandbox, "odd").contains(&"extra".to_owned()));
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("out-small.txt"), "1\n");
    sandbox.run_with(&["--profile", "big"]).exits(0);
    assert_eq!(sandbox.read("out-big.txt"), "100\n");
    assert!(sandbox.has("parts-big/a") && !sandbox.has("parts-big/b") && sandbox.has("parts-big/c"));
}

#[test]
fn several_profiles_merge_from_left_to_right() {
    let sandbox = project(PROFILES);
    sandbox.run_with(&["--profile", "big,odd"]).exits(0);
    assert_eq!(sandbox.read("out-big-odd.txt"), "21\n");
    sandbox.run_with(&["--profile", "odd,big"]).exits(0);
    assert_eq!(sandbox.read("out-odd-big.txt"), "300\n");
}

#[test]
fn set_wins_over_profiles() {
    let sandbox = project(PROFILES);
    sandbox.run_with(&["--profile", "big", "--set", "value=5"]).exits(0);
    assert_eq!(sandbox.read("out-big.txt"), "5\n");
}

#[test]
fn extends_merges_this_file_over_that_one_by_a_relative_path() {
    let sandbox = project("extends: shared/base.yaml\nparams: { value: 2 }\nstages: { extra: null }\n");
    sandbox.write("shared/base.yaml", "extends: deeper/root.yaml\nparams: { value: 1 }\nstages: { extra: { uses: constant, config: { value: 9 } } }\n");
    sandbox.write(
        "shared/deeper/root.yaml",
        "pipeline: p\nparams: { value: 0 }\nstages: { a: { uses: constant, config: { value: \"${value}\" } } }\npublish: { out.txt: a }\n",
    );
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("out.txt"), "2\n");
    assert_eq!(stages(&sandbox, "")[..].len(), 1);
}

#[test]
fn anchors_and_merge_keys_work() {
    let text = published(
        "pipeline: p
stages:
  a: &a { uses: constant, config: &c { value: 3, factor: 2.0 } }
  b: { <<: *a, config: { <<: *c, value: 5 } }
publish: { out.txt: b }
",
    );
    assert_eq!(text, "10\n");
}

#[test]
fn axes_form_the_product_without_what_is_excluded_and_with_what_is_included() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2], domains: [b, a] }
stages:
  a:
    for: { seed: \"${seeds}\", domain: \"${domains}\" }
    exclude: [{ seed: 2, domain: a }]
    include: [{ seed: 9, domain: z }, { seed: 3 }]
    uses: constant
    config: { value: \"${seed}\" }
",
    );
    insta::assert_snapshot!(stages(&sandbox, "").join("\n"), @r#"
    a[domain=a,seed=1]
    a[domain=a,seed=3]
    a[domain=b,seed=1]
    a[domain=b,seed=2]
    a[domain=b,seed=3]
    a[domain=z,seed=9]
    "#);
}

#[test]
fn selectors_compare_list_and_say_all_aloud() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2, 10], domains: [photo, sketch, \"a b\"] }
stages:
  a: { for: { seed: \"${seeds}\", domain: \"${domains}\" }, uses: constant, config: { value: \"${seed}\" } }
  equal: { uses: parity, inputs: { number: \"a[seed=10, domain=photo].value\" } }
  not: { uses: add, inputs: { terms: \"a[seed != 1,domain!=sketch]\" } }
  within: { uses: add, inputs: { terms: \"a[seed in (10, 1), domain = \\\"a b\\\"]\" } }
  some: { uses: add, inputs: { terms: \"a[domain=photo]\" } }
  every: { uses: add, inputs: { terms: \"a[*]\" } }
  listed: { uses: add, inputs: { terms: [\"a[seed=2, domain=photo]\", equal, \"a[seed=1, domain=photo]\"] } }
  fold: { for: { domain: \"${domains}\" }, uses: add, inputs: { terms: \"a[domain!=${domain}, seed=1]\" } }
",
    );
    assert_eq!(reads(&sandbox, "equal"), ["a[domain=photo,seed=10]"]);
    assert_eq!(
        reads(&sandbox, "not"),
        ["a[domain=\"a b\",seed=2]", "a[domain=\"a b\",seed=10]", "a[domain=photo,seed=2]", "a[domain=photo,seed=10]"]
    );
    assert_eq!(reads(&sandbox, "within"), ["a[domain=\"a b\",seed=1]", "a[domain=\"a b\",seed=10]"]);
    assert_eq!(
        reads(&sandbox, "some"),
        ["a[domain=photo,seed=1]", "a[domain=photo,seed=2]", "a[domain=photo,seed=10]"]
    );
    assert_eq!(reads(&sandbox, "every").len(), 9);
    assert_eq!(reads(&sandbox, "listed"), ["a[domain=photo,seed=2]", "equal", "a[domain=photo,seed=1]"]);
    assert_eq!(reads(&sandbox, "fold[domain=photo]"), ["a[domain=\"a b\",seed=1]", "a[domain=sketch,seed=1]"]);
    assert_eq!(sandbox.run_with(&["within", "a[domain=\"a b\", seed=2]"]).exits(0).count("executed"), 4);
}

#[test]
fn a_reference_may_stand_in_a_stage_name_and_in_a_port() {
    let sandbox = project(
        "pipeline: p
params: { methods: [plain, twice], port: count }
stages:
  train-plain: { uses: constant, config: { value: 1 } }
  train-twice: { uses: add, inputs: { terms: train-plain }, config: { plus: 5 } }
  judged: { for: { method: \"${methods}\" }, uses: parity, inputs: { number: \"train-${method}\" } }
  counted: { uses: parity, inputs: { number: \"train-twice.${port}\" } }
",
    );
    assert_eq!(reads(&sandbox, "judged[method=twice]"), ["train-twice"]);
    sandbox.run().exits(0);
}

#[test]
fn labelled_ports_put_coordinates_in_the_key_and_others_do_not() {
    let pipeline = "pipeline: p
params: { seeds: [1, 2] }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: 7 } }
  sum: { uses: add, inputs: { terms: \"one[*]\" } }
  listed: { uses: table, inputs: { numbers: \"one[*]\" } }
publish: { sum.txt: sum, listed.txt: listed }
";
    let sandbox = project(pipeline);
    let first = sandbox.run().exits(0);
    assert_eq!(first.executed().len(), 3, "the two seeds are equal work: {:?}", first.executed());
    sandbox.edit("[1, 2]", "[3, 4]");
    assert_eq!(sandbox.run().exits(0).executed(), ["listed"]);
    assert_eq!(sandbox.read("listed.txt"), "seed=3 7\nseed=4 7\n");
}

#[test]
fn a_port_that_may_be_left_out_may_be_left_out() {
    let text = published(
        "pipeline: p
stages:
  one: { uses: constant, config: { value: 1 } }
  with: { uses: add, inputs: { terms: one, extra: one } }
  without: { uses: add, inputs: { terms: [one, with] } }
publish: { out.txt: without }
",
    );
    assert_eq!(text, "3\n");
}

#[test]
fn a_dollar_is_written_twice_and_a_single_one_is_itself() {
    let text = published(
        "pipeline: p
params: { x: 1 }
stages: { a: { uses: command, run: [sh, -c, 'printf %s \"$1\" > out', sh, \"$5 $$x $${x} ${x}\"], outputs: { o: { file: out } } } }
publish: { out.txt: a }
",
    );
    assert_eq!(text, "$5 $x ${x} 1");
}

#[test]
fn without_publish_the_leaves_are_what_is_wanted() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: constant, config: { value: 1 } }, b: { uses: add, inputs: { terms: a } }, c: { uses: constant, config: { value: 2 } } }
",
    );
    assert_eq!(sandbox.run().exits(0).executed(), ["a", "b", "c"]);
}

#[test]
fn what_publish_does_not_reach_does_not_run() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: constant, config: { value: 1 } }, b: { uses: fail, config: {} } }
publish: { out.txt: a }
",
    );
    assert_eq!(sandbox.run().exits(0).executed(), ["a"]);
}

#[test]
fn a_source_may_be_named_by_the_environment() {
    let sandbox = project(
        "pipeline: p
sources: { n: { path: \"${env.NUMBERS:-data}/${env.NAME:-n.txt}\", kind: number/1 } }
stages: { odd: { uses: parity, inputs: { number: n } } }
publish: { out.txt: odd }
",
    );
    sandbox.write("data/n.txt", "4\n");
    sandbox.write("other/n.txt", "5\n");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("out.txt"), "0\n");
    let sandbox = sandbox.variable("NUMBERS", "other");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("out.txt"), "1\n");
}

#[test]
fn the_project_begins_at_the_nearest_mark_and_never_at_a_store() {
    let sandbox = project("pipeline: unused\nstages: {}\n");
    sandbox.write(
        "deep/er/pipeline.yaml",
        "pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\npublish: { out.txt: a }\n",
    );
    sandbox.write("deep/.dgpipe/note", "");
    sandbox.call(&["run", "deep/er/pipeline.yaml"]).exits(0);
    assert!(sandbox.has("out.txt") && sandbox.has(".dgpipe/objects-v1"));
    sandbox.write("deep/dgpipe.toml", "");
    sandbox.call(&["run", "deep/er/pipeline.yaml"]).exits(0);
    assert!(sandbox.has("deep/out.txt"));
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_execute_nothing() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: |
      echo one > ${out.x}
      echo two >> ${out.x}
    outputs: { x: { file: x.txt } }
publish: { out.txt: a }
",
    );
    sandbox.run().exits(0);
    let windows = format!("\u{feff}{}", sandbox.read("pipeline.yaml").replace('\n', "\r\n"));
    sandbox.write("pipeline.yaml", &windows);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
    assert_eq!(sandbox.read("out.txt"), "one\ntwo\n");
}
