//! Every kind of mistake in a pipeline file, with the whole message that a researcher gets for it.

use std::collections::BTreeSet;

use dgpipe_tests::{Outcome, Sandbox};

use crate::project;

/// What `check` says about a pipeline.
fn check(pipeline: &str) -> String {
    project(pipeline).mistakes()
}

#[test]
fn yaml_that_is_no_yaml() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    yaml-syntax

      × unclosed bracket '{'
       ╭─[pipeline.yaml:3:6]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1 }
       ·      ┬
       ·      ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e1_a_tab_for_indentation() {
    let pipeline = r"pipeline: p
stages:
	a: { uses: constant }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    yaml-syntax

      × tabs disallowed within this context (block indentation)
       ╭─[pipeline.yaml:3:2]
     2 │ stages:
     3 │     a: { uses: constant }
       ·     ┬
       ·     ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_list_where_keys_are_expected() {
    let pipeline = r"- pipeline: p
";
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-type

      × a pipeline file is a map of keys and values, found a list
       ╭─[pipeline.yaml:1:1]
     1 │ - pipeline: p
       · ┬
       · ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_empty_file() {
    let pipeline = r"# nothing yet
";
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-type

      × a pipeline file is a map of keys and values, found nothing
       ╭─[pipeline.yaml:2:1]
     1 │ # nothing yet
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e1_a_duplicate_key() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
  b: { uses: constant, config: { value: 1 } }
  a: { uses: constant, config: { value: 2 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    duplicate-key

      × the key `a` is there twice
       ╭─[pipeline.yaml:5:3]
     4 │   b: { uses: constant, config: { value: 1 } }
     5 │   a: { uses: constant, config: { value: 2 } }
       ·   ┬
       ·   ╰── here
       ╰────
      help: keep one of the two; YAML would silently forget the first
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_key_at_the_top() {
    let pipeline = r"pipeline: p
stage:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-key

      × a pipeline file has no key `stage`
       ╭─[pipeline.yaml:2:1]
     1 │ pipeline: p
     2 │ stage:
       · ──┬──
       ·   ╰── here
     3 │   a: { uses: constant, config: { value: 1 } }
       ╰────
      help: did you mean `stages`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_key_of_a_stage() {
    let pipeline = r"pipeline: p
stages:
  a: { use: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-key

      × `uses` is missing
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a: { use: constant, config: { value: 1 } }
       ·   ┬
       ·   ╰── here
       ╰────
      help: add `uses: command`
    unknown-key

      × a stage has no key `use`
       ╭─[pipeline.yaml:3:8]
     2 │ stages:
     3 │   a: { use: constant, config: { value: 1 } }
       ·        ─┬─
       ·         ╰── here
       ╰────
      help: did you mean `uses`?
    2 mistakes; nothing was run
    "#);
}

#[test]
fn a_missing_name() {
    let pipeline = r"stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-key

      × `pipeline` is missing
       ╭─[pipeline.yaml:1:1]
     1 │ stages:
       · ┬
       · ╰── here
     2 │   a: { uses: constant, config: { value: 1 } }
       ╰────
      help: add `pipeline: my-pipeline`
    1 mistake; nothing was run
    "#);
}

#[test]
fn no_stages_at_all() {
    let pipeline = r"pipeline: p
params: { x: 1 }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-key

      × `stages` is missing
       ╭─[pipeline.yaml:1:1]
     1 │ pipeline: p
       · ┬
       · ╰── here
     2 │ params: { x: 1 }
       ╰────
      help: add `stages:`
    1 mistake; nothing was run
    "#);
}

#[test]
fn one_of_several_outputs_of_a_command_that_is_not_named() {
    let pipeline = r"pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo 1 > ${out.x}; echo 2 > ${out.y}
    outputs: { x: { file: x.txt }, y: { file: y.txt } }
  b: { uses: command, run: [cat, '${in.a}'], inputs: { a: a }, outputs: { z: { file: z.txt } } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unclear-port

      × `a` has several outputs
       ╭─[pipeline.yaml:8:59]
     7 │     outputs: { x: { file: x.txt }, y: { file: y.txt } }
     8 │   b: { uses: command, run: [cat, '${in.a}'], inputs: { a: a }, outputs: { z: { file: z.txt } } }
       ·                                                           ┬
       ·                                                           ╰── here
       ╰────
      help: name one of [`a.x`, `a.y`]
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_name_that_is_none() {
    let pipeline = r"pipeline: my pipeline
stages:
  2nd stage: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-name

      × `my pipeline` is not a name
       ╭─[pipeline.yaml:1:11]
     1 │ pipeline: my pipeline
       ·           ─────┬─────
       ·                ╰── here
     2 │ stages:
       ╰────
      help: names are made of letters, digits, `-` and `_`, and begin with a letter
    bad-name

      × `2nd stage` is not a name
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   2nd stage: { uses: constant, config: { value: 1 } }
       ·   ────┬────
       ·       ╰── here
       ╰────
      help: names are made of letters, digits, `-` and `_`, and begin with a letter
    2 mistakes; nothing was run
    "#);
}

#[test]
fn a_name_for_a_source_and_a_stage() {
    let pipeline = r"pipeline: p
sources: { a: { path: a.txt, kind: file/1 } }
stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    duplicate-name

      × `a` names both a source and a stage
       ╭─[pipeline.yaml:2:12]
     1 │ pipeline: p
     2 │ sources: { a: { path: a.txt, kind: file/1 } }
       ·            ┬
       ·            ╰── the source
     3 │ stages:
     4 │   a: { uses: constant, config: { value: 1 } }
       ·   ┬
       ·   ╰── the stage
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_truth_value_of_yaml_1_1() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: fail, config: { fail: no } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    old-boolean

      × `no` is a truth value only in YAML 1.1
       ╭─[pipeline.yaml:3:36]
     2 │ stages:
     3 │   a: { uses: fail, config: { fail: no } }
       ·                                    ─┬
       ·                                     ╰── here
       ╰────
      help: write `false`, or `"no"` for text
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_stage_type() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constnat, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-stage-type

      × there is no stage type `constnat`
       ╭─[pipeline.yaml:3:14]
     2 │ stages:
     3 │   a: { uses: constnat, config: { value: 1 } }
       ·              ────┬───
       ·                  ╰── here
       ╰────
      help: did you mean `constant`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_config_key() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1, facto: 2.0 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-key

      × unknown key `facto`
       ╭─[pipeline.yaml:3:44]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1, facto: 2.0 } }
       ·                                            ──┬──
       ·                                              ╰── here
       ╰────
      help: did you mean `factor`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_missing_config_key() {
    let pipeline = r"pipeline: p
stages:
  a:
    uses: constant
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-key

      × `value` is missing
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a:
       ·   ┬
       ·   ╰── here
     4 │     uses: constant
       ╰────
      help: add `value:`
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_config_value_of_another_type() {
    let pipeline = r#"pipeline: p
params: { count: many }
stages:
  a: { uses: constant, config: { value: "${count}" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-type

      × `value` takes a whole number, found the text `many`
       ╭─[pipeline.yaml:2:18]
     1 │ pipeline: p
     2 │ params: { count: many }
       ·                  ──┬─
       ·                    ╰── here
     3 │ stages:
     4 │   a: { uses: constant, config: { value: "${count}" } }
       ·   ┬
       ·   ╰── used by this stage
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_config_for_a_command() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: command, run: [true], config: { x: 1 }, outputs: { x: { file: x } } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-key

      × `command` takes no `config`
       ╭─[pipeline.yaml:3:44]
     2 │ stages:
     3 │   a: { uses: command, run: [true], config: { x: 1 }, outputs: { x: { file: x } } }
       ·                                            ┬
       ·                                            ╰── here
       ╰────
      help: pass values as arguments in `run`
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_key_of_commands_on_another_type() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 }, run: [echo] }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-key

      × `run` belongs to `uses: command`, not to `constant`
       ╭─[pipeline.yaml:3:14]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1 }, run: [echo] }
       ·              ────┬───                        ─┬─
       ·                  │                            ╰── here
       ·                  ╰── this type
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_param() {
    let pipeline = r#"pipeline: p
params: { threshold: 0.5 }
stages:
  a: { uses: constant, config: { value: 1, factor: "${treshold}" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-name

      × `${treshold}` is neither a param nor an axis of this stage
       ╭─[pipeline.yaml:4:52]
     3 │ stages:
     4 │   a: { uses: constant, config: { value: 1, factor: "${treshold}" } }
       ·                                                    ──────┬──────
       ·                                                          ╰── referred to here
       ╰────
      help: did you mean `threshold`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_variable_of_the_environment_in_a_config() {
    let pipeline = r#"pipeline: p
stages:
  a: { uses: command, run: [echo, "${env.HOME}"], outputs: { x: { file: x } } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-name

      × `${env.HOME}` is neither a param nor an axis of this stage
       ╭─[pipeline.yaml:3:35]
     2 │ stages:
     3 │   a: { uses: command, run: [echo, "${env.HOME}"], outputs: { x: { file: x } } }
       ·                                   ──────┬──────
       ·                                         ╰── referred to here
       ╰────
      help: `${env.…}` may stand only in the `path` of a source; a command names the variables that it
            sees in `env:`
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_reference_that_is_never_closed() {
    let pipeline = r#"pipeline: p
params: { x: 1 }
stages:
  a: { uses: constant, config: { value: "${x" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-reference

      × a `${` is never closed by `}`
       ╭─[pipeline.yaml:4:41]
     3 │ stages:
     4 │   a: { uses: constant, config: { value: "${x" } }
       ·                                         ──┬──
       ·                                           ╰── here
       ╰────
      help: write `$$` for a dollar sign
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_list_inside_other_text() {
    let pipeline = r#"pipeline: p
params: { seeds: [1, 2] }
stages:
  a: { uses: command, run: [echo, "seeds=${seeds}"], outputs: { x: { file: x } } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    not-a-scalar

      × `${seeds}` is a list and cannot stand inside other text
       ╭─[pipeline.yaml:2:18]
     1 │ pipeline: p
     2 │ params: { seeds: [1, 2] }
       ·                  ┬
       ·                  ╰── its value
     3 │ stages:
     4 │   a: { uses: command, run: [echo, "seeds=${seeds}"], outputs: { x: { file: x } } }
       ·                                   ────────┬───────
       ·                                           ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn params_in_a_circle() {
    let pipeline = r#"pipeline: p
params:
  a: "${b}"
  b: "x${c.d}"
  c: { d: "${a}" }
stages:
  s: { uses: constant, config: { value: 1 } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    param-circle

      × params refer to one another in a circle: a → b → c → a
       ╭─[pipeline.yaml:3:3]
     2 │ params:
     3 │   a: "${b}"
       ·   ┬
       ·   ╰── here
     4 │   b: "x${c.d}"
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_stage_in_a_selector() {
    let pipeline = r"pipeline: p
stages:
  first: { uses: constant, config: { value: 1 } }
  b: { uses: parity, inputs: { number: frist } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-stage

      × there is no stage or source `frist`
       ╭─[pipeline.yaml:4:40]
     3 │   first: { uses: constant, config: { value: 1 } }
     4 │   b: { uses: parity, inputs: { number: frist } }
       ·                                        ──┬──
       ·                                          ╰── read here
       ╰────
      help: did you mean `first`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_selector_that_is_none() {
    let pipeline = r#"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
  b: { uses: parity, inputs: { number: "a[seed=" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-selector

      × `a[seed=` is not a selector: a value is missing
       ╭─[pipeline.yaml:4:40]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │   b: { uses: parity, inputs: { number: "a[seed=" } }
       ·                                        ────┬────
       ·                                            ╰── here
       ╰────
      help: a selector looks like `stage[axis=value, other!=value].port/path`
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_output_port() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
  b: { uses: parity, inputs: { number: a.valeu } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-port

      × stage `a` has no output `valeu`
       ╭─[pipeline.yaml:4:40]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │   b: { uses: parity, inputs: { number: a.valeu } }
       ·                                        ───┬───
       ·                                           ╰── here
       ╰────
      help: did you mean `value`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_input_port() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
  b: { uses: parity, inputs: { number: a, nubmer: a } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-port

      × `parity` has no input `nubmer`
       ╭─[pipeline.yaml:4:43]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │   b: { uses: parity, inputs: { number: a, nubmer: a } }
       ·                                           ───┬──
       ·                                              ╰── here
       ╰────
      help: did you mean `number`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_missing_input() {
    let pipeline = r"pipeline: p
stages:
  b:
    uses: parity
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-input

      × stage `b` does not connect the input `number`
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   b:
       ·   ┬
       ·   ╰── this stage
     4 │     uses: parity
       ╰────
      help: add `inputs: { number: … }`, which takes number/1
    1 mistake; nothing was run
    "#);
}

#[test]
fn another_kind_than_the_port_takes() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: spread, config: { parts: { a: 1 } } }
  b: { uses: parity, inputs: { number: a } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-kind

      × the input `number` takes `number/1`, and `a` gives `parts/1`
       ╭─[pipeline.yaml:4:40]
     3 │   a: { uses: spread, config: { parts: { a: 1 } } }
     4 │   b: { uses: parity, inputs: { number: a } }
       ·                                        ┬
       ·                                        ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_plain_file_for_a_port_with_a_kind() {
    let pipeline = r"pipeline: p
stages:
  b: { uses: parity, inputs: { number: { file: data/number.txt } } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-kind

      × the input `number` takes `number/1`, and `data/number.txt` gives `file/1`
       ╭─[pipeline.yaml:3:40]
     2 │ stages:
     3 │   b: { uses: parity, inputs: { number: { file: data/number.txt } } }
       ·                                        ┬
       ·                                        ╰── here
       ╰────
      help: name it under `sources:` as `{ path: data/number.txt, kind: number/1 }`, and read that
    1 mistake; nothing was run
    "#);
}

#[test]
fn several_cells_on_a_single_port() {
    let pipeline = r#"pipeline: p
params: { seeds: [1, 2], domains: [x, y] }
stages:
  a: { for: { seed: "${seeds}", domain: "${domains}" }, uses: constant, config: { value: 1 } }
  b: { for: { seed: "${seeds}" }, uses: parity, inputs: { number: "a[domain=x]" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    not-single

      × the input `number` takes one artifact, and this gives 2
       ╭─[pipeline.yaml:5:67]
     4 │   a: { for: { seed: "${seeds}", domain: "${domains}" }, uses: constant, config: { value: 1 } }
     5 │   b: { for: { seed: "${seeds}" }, uses: parity, inputs: { number: "a[domain=x]" } }
       ·                                                                   ──────┬──────
       ·                                                                         ╰── here
       ╰────
      help: choose one with `[seed=${seed}]`
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_axis_in_a_selector() {
    let pipeline = r#"pipeline: p
params: { seeds: [1, 2] }
stages:
  a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
  b: { uses: add, inputs: { terms: "a[sede=1]" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-axis

      × stage `a` has no axis `sede`
       ╭─[pipeline.yaml:5:36]
     4 │   a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
     5 │   b: { uses: add, inputs: { terms: "a[sede=1]" } }
       ·                                    ─────┬─────
       ·                                         ╰── here
       ╰────
      help: did you mean `seed`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_selector_that_matches_nothing() {
    let pipeline = r#"pipeline: p
params: { domains: [photo, sketch] }
stages:
  a: { for: { domain: "${domains}" }, uses: constant, config: { value: 1 } }
  b: { uses: add, inputs: { terms: "a[domain=skech]" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    no-match

      × no cell of `a` has the domain `skech`
       ╭─[pipeline.yaml:5:36]
     4 │   a: { for: { domain: "${domains}" }, uses: constant, config: { value: 1 } }
     5 │   b: { uses: add, inputs: { terms: "a[domain=skech]" } }
       ·                                    ────────┬────────
       ·                                            ╰── here
       ╰────
      help: did you mean `sketch`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_axis_that_is_no_list() {
    let pipeline = r#"pipeline: p
params: { seeds: 3 }
stages:
  a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-type

      × axis `seed` is a list of values, found a whole number
       ╭─[pipeline.yaml:2:18]
     1 │ pipeline: p
     2 │ params: { seeds: 3 }
       ·                  ┬
       ·                  ╰── its value
     3 │ stages:
     4 │   a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
       ·                     ─────┬────
       ·                          ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_axis_without_values() {
    let pipeline = r#"pipeline: p
params: { seeds: [] }
stages:
  a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    empty-axis

      × axis `seed` has no values, so the stage would have no cells
       ╭─[pipeline.yaml:4:21]
     3 │ stages:
     4 │   a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
       ·                     ─────┬────
       ·                          ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_axis_with_a_value_twice() {
    let pipeline = r#"pipeline: p
params: { seeds: [1, 2, 1.0] }
stages:
  a: { for: { seed: "${seeds}" }, uses: constant, config: { value: 1 } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    duplicate-value

      × axis `seed` has the value `1` twice
       ╭─[pipeline.yaml:2:25]
     1 │ pipeline: p
     2 │ params: { seeds: [1, 2, 1.0] }
       ·                         ─┬─
       ·                          ╰── the second
     3 │ stages:
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_axis_in_exclude() {
    let pipeline = r"pipeline: p
stages:
  a: { for: { seed: [1, 2] }, exclude: [{ sed: 1 }], uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-axis

      × the stage has no axis `sed`
       ╭─[pipeline.yaml:3:43]
     2 │ stages:
     3 │   a: { for: { seed: [1, 2] }, exclude: [{ sed: 1 }], uses: constant, config: { value: 1 } }
       ·                                           ─┬─
       ·                                            ╰── here
       ╰────
      help: did you mean `seed`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_stage_without_any_cell_left() {
    let pipeline = r"pipeline: p
stages:
  a: { for: { seed: [1] }, exclude: [{ seed: 1 }], uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    empty-stage

      × every cell of stage `a` is excluded
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a: { for: { seed: [1] }, exclude: [{ seed: 1 }], uses: constant, config: { value: 1 } }
       ·   ┬
       ·   ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e2_far_too_many_cells() {
    let pipeline = r#"pipeline: p
params: { x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }
stages:
  a:
    for: { a: "${x}", b: "${x}", c: "${x}", d: "${x}", e: "${x}", f: "${x}", g: "${x}" }
    uses: constant
    config: { value: 1 }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    too-many-cells

      × stage `a` has 10000000 cells; the most is 1000000
       ╭─[pipeline.yaml:4:3]
     3 │ stages:
     4 │   a:
       ·   ┬
       ·   ╰── here
     5 │     for: { a: "${x}", b: "${x}", c: "${x}", d: "${x}", e: "${x}", f: "${x}", g: "${x}" }
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e2_stages_in_a_circle() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: add, inputs: { terms: c } }
  b: { uses: add, inputs: { terms: a } }
  c: { uses: add, inputs: { terms: b } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    circle

      × stages read one another in a circle: [a, b, c]
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a: { uses: add, inputs: { terms: c } }
       ·   ┬
       ·   ╰── this stage
     4 │   b: { uses: add, inputs: { terms: a } }
       ·   ┬
       ·   ╰── and this one
     5 │   c: { uses: add, inputs: { terms: b } }
       ·   ┬
       ·   ╰── and this one
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e2_a_stage_that_reads_itself() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: add, inputs: { terms: a } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    circle

      × stages read one another in a circle: [a]
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a: { uses: add, inputs: { terms: a } }
       ·   ┬
       ·   ╰── this stage
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_kind() {
    let pipeline = r"pipeline: p
sources: { s: { path: s, kind: numbr/1 }, t: { path: t, kind: numbers } }
stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-kind

      × there is no kind `numbr/1`
       ╭─[pipeline.yaml:2:32]
     1 │ pipeline: p
     2 │ sources: { s: { path: s, kind: numbr/1 }, t: { path: t, kind: numbers } }
       ·                                ───┬───
       ·                                   ╰── here
     3 │ stages:
       ╰────
      help: did you mean `number/1`?
    bad-kind

      × `numbers` is not a kind; a kind is a name and a version, such as `file/1`
       ╭─[pipeline.yaml:2:63]
     1 │ pipeline: p
     2 │ sources: { s: { path: s, kind: numbr/1 }, t: { path: t, kind: numbers } }
       ·                                                               ───┬───
       ·                                                                  ╰── here
     3 │ stages:
       ╰────
    2 mistakes; nothing was run
    "#);
}

#[test]
fn a_source_without_a_kind() {
    let pipeline = r"pipeline: p
sources: { s: { path: s } }
stages:
  a: { uses: parity, inputs: { number: s } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-key

      × `kind` is missing
       ╭─[pipeline.yaml:2:12]
     1 │ pipeline: p
     2 │ sources: { s: { path: s } }
       ·            ┬
       ·            ╰── here
     3 │ stages:
       ╰────
      help: add `kind: folder/1`
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_variable_that_is_not_set() {
    let pipeline = r#"pipeline: p
sources: { s: { path: "${env.NOBODY_SETS_THIS}/s", kind: number/1 } }
stages:
  a: { uses: parity, inputs: { number: s } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unset-variable

      × the environment variable `NOBODY_SETS_THIS` is not set
       ╭─[pipeline.yaml:2:23]
     1 │ pipeline: p
     2 │ sources: { s: { path: "${env.NOBODY_SETS_THIS}/s", kind: number/1 } }
       ·                       ─────────────┬─────────────
       ·                                    ╰── needed here
     3 │ stages:
       ╰────
      help: set it, or give a default: `${env.NOBODY_SETS_THIS:-path}`
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_port_of_a_source() {
    let pipeline = r#"pipeline: p
sources: { s: { path: s, kind: folder/1 } }
stages:
  a: { uses: parity, inputs: { number: "s[domain=photo]" } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-selector

      × `s` is a source, which has neither ports nor axes
       ╭─[pipeline.yaml:4:40]
     3 │ stages:
     4 │   a: { uses: parity, inputs: { number: "s[domain=photo]" } }
       ·                                        ────────┬────────
       ·                                                ╰── here
       ╰────
      help: a part of it is `s/path`
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_command_without_run_or_outputs() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: command, outputs: { x: { file: x } } }
  b: { uses: command, run: [echo] }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-key

      × a command says what to `run`
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a: { uses: command, outputs: { x: { file: x } } }
       ·   ┬
       ·   ╰── here
     4 │   b: { uses: command, run: [echo] }
       ╰────
      help: add `run: [python3, script.py, "${in.table}"]`
    missing-key

      × a command declares its `outputs`
       ╭─[pipeline.yaml:4:3]
     3 │   a: { uses: command, outputs: { x: { file: x } } }
     4 │   b: { uses: command, run: [echo] }
       ·   ┬
       ·   ╰── here
       ╰────
      help: add `outputs: { result: { file: result.csv } }`
    2 mistakes; nothing was run
    "#);
}

#[test]
fn a_shell_line_without_shell() {
    let pipeline = r#"pipeline: p
stages:
  a: { uses: command, run: "echo 1 > x", outputs: { x: { file: x } } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-type

      × `run` is a list of arguments unless `shell: true` is set
       ╭─[pipeline.yaml:3:28]
     2 │ stages:
     3 │   a: { uses: command, run: "echo 1 > x", outputs: { x: { file: x } } }
       ·                            ──────┬─────
       ·                                  ╰── here
       ╰────
      help: write `[program, argument]`, or add `shell: true`
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_output_that_the_command_does_not_declare() {
    let pipeline = r#"pipeline: p
stages:
  a: { uses: command, run: [cp, "${in.data}", "${out.tabel}"], outputs: { table: { file: x } } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-port

      × the command declares no input `data`
       ╭─[pipeline.yaml:3:33]
     2 │ stages:
     3 │   a: { uses: command, run: [cp, "${in.data}", "${out.tabel}"], outputs: { table: { file: x } } }
       ·                                 ──────┬─────
       ·                                       ╰── here
       ╰────
      help: add it under `inputs:`
    unknown-port

      × the command declares no output `tabel`
       ╭─[pipeline.yaml:3:47]
     2 │ stages:
     3 │   a: { uses: command, run: [cp, "${in.data}", "${out.tabel}"], outputs: { table: { file: x } } }
       ·                                               ───────┬──────
       ·                                                      ╰── here
       ╰────
      help: did you mean `table`?
    2 mistakes; nothing was run
    "#);
}

#[test]
fn e2_outputs_inside_one_another() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: command, run: [make], outputs: { all: { folder: made }, one: { file: made/one.txt } } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    output-overlap

      × the output `one` overlaps another output at `made/one.txt`
       ╭─[pipeline.yaml:3:75]
     2 │ stages:
     3 │   a: { uses: command, run: [make], outputs: { all: { folder: made }, one: { file: made/one.txt } } }
       ·                                                                           ┬
       ·                                                                           ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e2_outputs_of_two_cells_at_one_place_of_the_project() {
    let pipeline = r#"pipeline: p
stages:
  a: { for: { seed: [1, 2] }, uses: command, cwd: project, run: [make, "${seed}"], outputs: { x: { file: out/x.txt } } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    output-overlap

      × `a[seed=2]` writes `out/x.txt` in the project, which belongs to `a[seed=1]`
       ╭─[pipeline.yaml:3:3]
     2 │ stages:
     3 │   a: { for: { seed: [1, 2] }, uses: command, cwd: project, run: [make, "${seed}"], outputs: { x: { file: out/x.txt } } }
       ·   ┬
       ·   ╰── this stage
       ╰────
      help: with `cwd: project`, put the values of the axes in the output's path
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_tool_that_is_not_there() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: command, run: [true], tools: [no-such-tool], outputs: { x: { file: x } } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-tool

      × the tool `no-such-tool` is not on PATH
       ╭─[pipeline.yaml:3:44]
     2 │ stages:
     3 │   a: { uses: command, run: [true], tools: [no-such-tool], outputs: { x: { file: x } } }
       ·                                            ──────┬─────
       ·                                                  ╰── here
       ╰────
      help: install it, or take it out of `tools:`
    1 mistake; nothing was run
    "#);
}

#[test]
fn e3_a_path_that_leaves_the_project() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
publish: { ../out.txt: a, /tmp/out.txt: a, ~/out.txt: a, .dgpipe/out.txt: a }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-path

      × `../out.txt` leaves the project
       ╭─[pipeline.yaml:4:12]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │ publish: { ../out.txt: a, /tmp/out.txt: a, ~/out.txt: a, .dgpipe/out.txt: a }
       ·            ─────┬────
       ·                 ╰── here
       ╰────
      help: paths are relative to the project root and stay inside it
    bad-path

      × `/tmp/out.txt` is absolute
       ╭─[pipeline.yaml:4:27]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │ publish: { ../out.txt: a, /tmp/out.txt: a, ~/out.txt: a, .dgpipe/out.txt: a }
       ·                           ──────┬─────
       ·                                 ╰── here
       ╰────
      help: paths are relative to the project root and stay inside it
    bad-path

      × `~/out.txt` is not a path
       ╭─[pipeline.yaml:4:44]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │ publish: { ../out.txt: a, /tmp/out.txt: a, ~/out.txt: a, .dgpipe/out.txt: a }
       ·                                            ────┬────
       ·                                                ╰── here
       ╰────
      help: paths are relative to the project root and stay inside it
    bad-path

      × `.dgpipe/out.txt` lies where dgpipe or git keep their own files
       ╭─[pipeline.yaml:4:58]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │ publish: { ../out.txt: a, /tmp/out.txt: a, ~/out.txt: a, .dgpipe/out.txt: a }
       ·                                                          ───────┬───────
       ·                                                                 ╰── here
       ╰────
      help: paths are relative to the project root and stay inside it
    4 mistakes; nothing was run
    "#);
}

#[test]
fn e2_one_path_for_several_cells() {
    let pipeline = r"pipeline: p
stages:
  a: { for: { seed: [1, 2] }, uses: constant, config: { value: 1 } }
publish: { results/a.txt: a }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    publish-overlap

      × several artifacts of `a` are published at `results/a.txt`
       ╭─[pipeline.yaml:4:12]
     3 │   a: { for: { seed: [1, 2] }, uses: constant, config: { value: 1 } }
     4 │ publish: { results/a.txt: a }
       ·            ──────┬──────
       ·                  ╰── here
       ╰────
      help: name the axis in the path: `${seed}`
    1 mistake; nothing was run
    "#);
}

#[test]
fn an_unknown_axis_in_a_published_path() {
    let pipeline = r#"pipeline: p
stages:
  a: { for: { seed: [1, 2] }, uses: constant, config: { value: 1 } }
publish: { "results/${sed}.txt": a }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-name

      × `${sed}` is neither a param nor an axis of `a`
       ╭─[pipeline.yaml:4:12]
     3 │   a: { for: { seed: [1, 2] }, uses: constant, config: { value: 1 } }
     4 │ publish: { "results/${sed}.txt": a }
       ·            ──────────┬─────────
       ·                      ╰── here
       ╰────
      help: did you mean `seed`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn e2_published_paths_inside_one_another() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
publish: { results: a, results-b: a, results/a.txt: a }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    publish-overlap

      × `results/a.txt` lies inside `results`, which is published too
       ╭─[pipeline.yaml:4:12]
     3 │   a: { uses: constant, config: { value: 1 } }
     4 │ publish: { results: a, results-b: a, results/a.txt: a }
       ·            ───┬───                   ──────┬──────
       ·               │                            ╰── here
       ·               ╰── and here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn files_of_one_name_in_one_published_folder() {
    let pipeline = r#"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
  b: { for: { seed: [1, 2] }, uses: constant, config: { value: 2 } }
  c: { uses: parity, inputs: { number: a } }
publish: { fine: [a, c], clash: ["b[seed=1]", a] }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    publish-overlap

      × `b[seed=1].value` and `a.value` would both be `clash/value`
       ╭─[pipeline.yaml:6:26]
     5 │   c: { uses: parity, inputs: { number: a } }
     6 │ publish: { fine: [a, c], clash: ["b[seed=1]", a] }
       ·                          ──┬──
       ·                            ╰── here
       ╰────
      help: publish one of them at a path of its own
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_published_path_over_a_source() {
    let pipeline = r"pipeline: p
sources: { s: { path: data/s.txt, kind: number/1 } }
stages:
  a: { uses: parity, inputs: { number: s } }
publish: { data: a }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    publish-overlap

      × `data` overlaps the source `s`
       ╭─[pipeline.yaml:2:23]
     1 │ pipeline: p
     2 │ sources: { s: { path: data/s.txt, kind: number/1 } }
       ·                       ─────┬────
       ·                            ╰── the source
     3 │ stages:
     4 │   a: { uses: parity, inputs: { number: s } }
     5 │ publish: { data: a }
       ·            ──┬─
       ·              ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn publishing_a_source() {
    let pipeline = r"pipeline: p
sources: { s: { path: data/s.txt, kind: number/1 } }
stages:
  a: { uses: parity, inputs: { number: s } }
publish: { out/s: s, out/part: a/b }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-publish

      × `s` is a source and is not published
       ╭─[pipeline.yaml:5:19]
     4 │   a: { uses: parity, inputs: { number: s } }
     5 │ publish: { out/s: s, out/part: a/b }
       ·                   ┬
       ·                   ╰── here
       ╰────
    bad-publish

      × whole artifacts are published, not parts of them
       ╭─[pipeline.yaml:5:32]
     4 │   a: { uses: parity, inputs: { number: s } }
     5 │ publish: { out/s: s, out/part: a/b }
       ·                                ─┬─
       ·                                 ╰── here
       ╰────
    2 mistakes; nothing was run
    "#);
}

#[test]
fn tuning_that_means_nothing() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1 }, timeout: soon, retries: -1, needs: { memory: lots, gpus: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    wrong-value

      × "soon" is not a duration
       ╭─[pipeline.yaml:3:55]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1 }, timeout: soon, retries: -1, needs: { memory: lots, gpus: 1 } }
       ·                                                       ──┬─
       ·                                                         ╰── here
       ╰────
      help: write a number of seconds, or `90s`, `15m`, `2h`, `1h30m`
    wrong-value

      × expected a whole number that is not negative, found the number `-1`
       ╭─[pipeline.yaml:3:70]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1 }, timeout: soon, retries: -1, needs: { memory: lots, gpus: 1 } }
       ·                                                                      ─┬
       ·                                                                       ╰── here
       ╰────
    unknown-key

      × unknown key `gpus`
       ╭─[pipeline.yaml:3:97]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1 }, timeout: soon, retries: -1, needs: { memory: lots, gpus: 1 } }
       ·                                                                                                 ──┬─
       ·                                                                                                   ╰── here
       ╰────
      help: did you mean `gpu`?
    3 mistakes; nothing was run
    "#);
}

#[test]
fn a_profile_that_is_not_there() {
    let pipeline = r"pipeline: p
profile: ful
profiles: { full: {}, mini: {} }
stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-profile

      × there is no profile `ful`
       ╭─[pipeline.yaml:2:10]
     1 │ pipeline: p
     2 │ profile: ful
       ·          ─┬─
       ·           ╰── asked for here
     3 │ profiles: { full: {}, mini: {} }
       ╰────
      help: did you mean `full`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_profile_that_changes_profiles() {
    let pipeline = r"pipeline: p
profile: x
profiles: { x: { profiles: {}, extends: y.yaml } }
stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    bad-profile

      × a profile cannot change `profiles`
       ╭─[pipeline.yaml:3:18]
     2 │ profile: x
     3 │ profiles: { x: { profiles: {}, extends: y.yaml } }
       ·                  ────┬───
       ·                      ╰── here
     4 │ stages:
       ╰────
    bad-profile

      × a profile cannot change `extends`
       ╭─[pipeline.yaml:3:32]
     2 │ profile: x
     3 │ profiles: { x: { profiles: {}, extends: y.yaml } }
       ·                                ───┬───
       ·                                   ╰── here
     4 │ stages:
       ╰────
    2 mistakes; nothing was run
    "#);
}

#[test]
fn an_extended_file_that_is_not_there() {
    let pipeline = r"extends: bse.yaml
pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    missing-file

      × the file `bse.yaml` does not exist
       ╭─[pipeline.yaml:1:10]
     1 │ extends: bse.yaml
       ·          ────┬───
       ·              ╰── extended here
     2 │ pipeline: p
       ╰────
      help: `extends` is relative to the file it stands in
    1 mistake; nothing was run
    "#);
}

#[test]
fn e1_of_lines_that_are_endless_only_the_part_around_the_place_is_shown() {
    let long = "x".repeat(3 << 20);
    let list = "1, ".repeat(300_000);
    for pipeline in [
        format!("pipeline: p\nstages: {{ {long}: {{ uses: constant, config: {{ value: 1 }}, nosuch: 1 }} }}\n"),
        format!("pipeline: p\nparams: {{ a: [{list}] }}\nstages: {{ a: {{ uses: nosuch, config: {{}} }} }}\n"),
        format!("pipeline: p\nparams: {{ a: [{list}], b: 1, b: 2 }}\nstages: {{}}\n"),
        format!("pipeline: p\nstages: {{ a: {{ uses: {long} }} }}\n"),
    ] {
        let checked = project(&pipeline).call(&["check", "pipeline.yaml"]).exits(2);
        assert!(checked.stderr.len() < 20_000, "{} bytes", checked.stderr.len());
        assert!(checked.stderr.contains("pipeline.yaml:"), "{}", checked.stderr);
    }
}

#[test]
fn e2_a_circle_with_a_long_tail_is_told_in_few_words() {
    let mut pipeline = "pipeline: p\nstages:\n".to_owned();
    for number in 0..5_000 {
        // The first thousand read one another in a circle, the others the one before.
        let read = if number == 0 { 999 } else { number - 1 };
        pipeline.push_str(&format!("  s{number}: {{ uses: add, inputs: {{ terms: s{read} }} }}\n"));
    }
    let checked = project(&pipeline).call(&["check", "pipeline.yaml"]).exits(2);
    assert!(checked.stderr.contains("s10, s11, … 1000"), "{}", &checked.stderr[..checked.stderr.len().min(2_000)]);
    assert!(checked.stderr.len() < 20_000, "{} bytes", checked.stderr.len());
}

#[test]
fn e1_a_pipeline_that_extends_what_never_ends_is_a_mistake() {
    for base in ["/dev/zero", "pipe"] {
        let sandbox = project(&format!("extends: {base}\npipeline: p\n"));
        assert!(std::process::Command::new("mkfifo").arg(sandbox.path("pipe")).status().unwrap().success());
        let checked = sandbox.call(&["check", "pipeline.yaml"]).exits(2);
        assert!(checked.stderr.contains("missing-file"), "{}", checked.stderr);
    }
}

#[test]
fn a_file_that_extends_itself() {
    let pipeline = r"extends: pipeline.yaml
pipeline: p
stages:
  a: { uses: constant, config: { value: 1 } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    extends-circle

      × `pipeline.yaml` extends itself
       ╭─[pipeline.yaml:1:10]
     1 │ extends: pipeline.yaml
       ·          ──────┬──────
       ·                ╰── here
     2 │ pipeline: p
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn text_that_would_steer_the_terminal() {
    let pipeline = r#"pipeline: p
stages:
  a: { uses: "\e[31mred\u202e", config: { value: 1 } }
"#;
    insta::assert_snapshot!(check(pipeline), @r#"
    unknown-stage-type

      × there is no stage type `?[31mred�`
       ╭─[pipeline.yaml:3:14]
     2 │ stages:
     3 │   a: { uses: "\e[31mred\u202e", config: { value: 1 } }
       ·              ────────┬────────
       ·                      ╰── here
       ╰────
      help: known are [add, command, constant, draw, each, fail, panic, parity, rounds, sleep, spread,
            table]
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_number_that_is_none() {
    let pipeline = r"pipeline: p
stages:
  a: { uses: constant, config: { value: 1, factor: .inf } }
  b: { uses: constant, config: { value: 1, factor: .nan } }
";
    insta::assert_snapshot!(check(pipeline), @r#"
    yaml-syntax

      × non-finite float `.inf` cannot stand in a pipeline
       ╭─[pipeline.yaml:3:52]
     2 │ stages:
     3 │   a: { uses: constant, config: { value: 1, factor: .inf } }
       ·                                                    ──┬─
       ·                                                      ╰── here
     4 │   b: { uses: constant, config: { value: 1, factor: .nan } }
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e1_bytes_that_are_no_text() {
    let sandbox = project("");
    fs_err::write(sandbox.path("pipeline.yaml"), b"pipeline: p\nabout: caf\xe9\n").unwrap();
    insta::assert_snapshot!(sandbox.mistakes(), @r#"
    not-utf-8

      × the file is not UTF-8 text
       ╭─[pipeline.yaml:2:11]
     1 │ pipeline: p
     2 │ about: caf�
       ·           ┬
       ·           ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

#[test]
fn e1_a_file_that_is_far_too_large() {
    let largest = 16 << 20;
    let begin = "pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\n# ";
    let file = |size: usize| project(&format!("{begin}{}\n", "x".repeat(size - begin.len() - 1)));
    file(largest).call(&["check", "pipeline.yaml"]).exits(0);
    insta::assert_snapshot!(file(largest + 1).mistakes(), @r#"
    too-large

      × the file is too large: a pipeline file has at most 16777216 bytes
    1 mistake; nothing was run
    "#);
}

/// Texts that are small and mean much, or large and mean nothing: the answer takes little time and little memory.
#[test]
fn e1_hostile_yaml_is_answered_soon_and_with_little_memory() {
    let often = |n: usize| [format!("*a{n}").as_str(); 7].join(", ");
    let bomb = |lines: usize| {
        let line = |n: usize| format!("a{n}: &a{n} [{}]\n", often(n - 1));
        "a0: &a0 [x, x, x, x, x, x, x]\n".to_owned() + &(1..lines).map(line).collect::<String>()
    };
    let merge = |n: usize| format!("a{n}: &a{n} {{ <<: [{}], k{n}: 1 }}\n", often(n - 1));
    let hostile = [
        ("a bomb of aliases that goes off late", bomb(6)),
        ("a bomb of aliases", bomb(40)),
        ("a bomb of merge keys", "a0: &a0 { k0: 1 }\n".to_owned() + &(1..40).map(merge).collect::<String>()),
        ("lists in lists", "[".repeat(1_000_000)),
        ("lists in lists by indentation", (0..2000).map(|n| format!("{}-\n", " ".repeat(n))).collect()),
        ("a text of 15 MB", format!("pipeline: p\nabout: {}\n\n\n\n\nstage: 1\n", "x".repeat(15_000_000))),
        ("a million empty lines", format!("pipeline: p\n{}x", "\n".repeat(1_000_000))),
        ("a million anchors", (0..1_000_000).map(|n| format!("- &a{n} x\n")).collect()),
        ("nothing but NUL", "\0".repeat(1_000_000)),
    ];
    for (what, text) in hostile {
        let outcome = bounded(&project(&text), &["check", "pipeline.yaml"]);
        let said = outcome.stderr.chars().take(2000).collect::<String>();
        assert_eq!(outcome.code, Some(2), "{what}: {said}");
        assert!(outcome.stderr.ends_with("nothing was run\n"), "{what}: {said}");
    }
}

/// As many as there is time for.
#[test]
fn e2_very_many_stages_are_understood_soon_and_with_little_memory() {
    let count = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    let stages = |reads: fn(usize) -> usize| {
        let stage = |n: usize| match n {
            0 => "  s0: { uses: constant, config: { value: 1 } }\n".to_owned(),
            n => format!("  s{n}: {{ uses: add, inputs: {{ terms: s{} }} }}\n", reads(n)),
        };
        format!("pipeline: p\nstages:\n{}", (0..count).map(stage).collect::<String>())
    };
    // Each reads the one before, so that nothing that goes from one to the next may call itself for it.
    let chain = bounded(&project(&stages(|n| n - 1)), &["check", "pipeline.yaml"]);
    assert_eq!((chain.code, chain.stderr.as_str()), (Some(0), ""));
    assert!(chain.stdout.contains(&format!("{count} stages, {count} cells")), "{}", chain.stdout);
    let circle = bounded(
        &project(&stages(|n| {
            if n == 1 {
                7
            } else if n < 8 {
                n - 1
            } else {
                0
            }
        })),
        &["check", "pipeline.yaml"],
    );
    assert_eq!(circle.code, Some(2));
    assert!(circle.stderr.starts_with("circle"), "{}", circle.stderr.chars().take(2000).collect::<String>());
}

/// Calls the binary with half a minute of processor and 600 MB of address space, of which 300 are for nothing.
fn bounded(sandbox: &Sandbox, arguments: &[&str]) -> Outcome {
    let mut shell = std::process::Command::new("sh");
    let shell = shell.args(["-c", "ulimit -v 600000; ulimit -t 30; exec \"$@\"", "sh"]);
    let shell = shell.arg(sandbox.command().get_program()).args(arguments).env("NO_COLOR", "1");
    Outcome::of(&shell.current_dir(sandbox.root()).env_remove("DGPIPE_CACHE").output().unwrap())
}

#[test]
fn a_mistake_in_an_extended_file_is_shown_there() {
    let sandbox = project("extends: base.yaml\npipeline: p\n");
    sandbox.write("base.yaml", "# shared\nstages:\n  a: { uses: constnat, config: { value: 1 } }\n");
    insta::assert_snapshot!(sandbox.mistakes(), @r#"
    unknown-stage-type

      × there is no stage type `constnat`
       ╭─[base.yaml:3:14]
     2 │ stages:
     3 │   a: { uses: constnat, config: { value: 1 } }
       ·              ────┬───
       ·                  ╰── here
       ╰────
      help: did you mean `constant`?
    1 mistake; nothing was run
    "#);
}

#[test]
fn a_value_that_set_replaced_is_shown_on_the_command_line() {
    let sandbox = project(
        "pipeline: p\nparams: { value: 1 }\nstages: { a: { uses: constant, config: { value: \"${value}\" } } }\n",
    );
    let set = sandbox.call(&["check", "pipeline.yaml", "--set", "value=two"]).exits(2);
    insta::assert_snapshot!(set.stderr, @r#"
    wrong-type

      × `value` takes a whole number, found the text `two`
       ╭─[--set value=two:1:7]
     1 │ value=two
       ·       ─┬─
       ·        ╰── here
       ╰────
    1 mistake; nothing was run
    "#);
}

const MANY: &str = r#"pipeline: p
abuot: several mistakes of different kinds
params: { threshold: 0.5 }
sources: { s: { path: s.txt, kind: numbr/1 } }
stages:
  a: { uses: constnat, config: { value: 1 } }
  b: { uses: constant, config: { value: "${treshold}" } }
  c: { uses: parity, inputs: { number: a } }
  d: { uses: parity, inputs: { number: frist } }
  e: { uses: fail, config: { fail: yes } }
  f: { use: constant }
  g: { uses: add, inputs: { terms: [h, f] } }
  h: { uses: add, inputs: { terms: g } }
publish: { results: b, results/c.txt: d }
"#;

#[test]
fn all_mistakes_are_reported_in_one_go_and_none_that_only_follows_from_another() {
    let sandbox = project(MANY);
    let mistakes = sandbox.mistakes();
    let is_code = |line: &&str| !line.is_empty() && line.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let codes: Vec<&str> = mistakes.lines().filter(is_code).collect();
    insta::assert_snapshot!(codes.join("\n"), @r#"
    unknown-key
    unknown-kind
    unknown-stage-type
    unknown-name
    unknown-stage
    old-boolean
    missing-key
    unknown-key
    circle
    "#);
    assert!(mistakes.ends_with(&format!("{} mistakes; nothing was run\n", codes.len())), "{mistakes}");
}

/// What is said about each mistake, with its line.
fn said(sandbox: &dgpipe_tests::Sandbox) -> String {
    let mistakes = sandbox.mistakes();
    let told = |line: &&str| line.contains("  × ") || line.contains("╭─[");
    mistakes.lines().filter(told).map(|line| format!("{}\n", line.trim())).collect()
}

#[test]
fn all_mistakes_of_one_config_are_reported_in_one_go() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2] }
stages:
  a:
    for: { seed: \"${seeds}\" }
    uses: constant
    config:
      valeu: 1
      factor: fast
      plus: \"${seed}\"
  b: { uses: spread, config: { parts: { x: one, y: 2, z: \"${zoo}\" }, part: 3 } }
",
    );
    insta::assert_snapshot!(said(&sandbox), @r#"
    × `value` is missing
    ╭─[pipeline.yaml:8:7]
    × unknown key `valeu`
    ╭─[pipeline.yaml:8:7]
    × `factor` takes a number, found the text `fast`
    ╭─[pipeline.yaml:9:15]
    × unknown key `plus`
    ╭─[pipeline.yaml:10:7]
    × `x` takes a whole number, found the text `one`
    ╭─[pipeline.yaml:11:44]
    × `${zoo}` is neither a param nor an axis of this stage
    ╭─[pipeline.yaml:11:58]
    × unknown key `part`
    ╭─[pipeline.yaml:11:70]
    "#);
}

#[test]
fn all_mistakes_of_one_command_are_reported_in_one_go() {
    let sandbox = project(
        "pipeline: p
params: { word: hello }
stages:
  a:
    uses: command
    run:
      - cp
      - \"${in.data}\"
      - \"${out.tabel} ${wrod} ${word}\"
      - [x]
      - \"${out.other}\"
    outputs:
      table: { file: table.csv }
      other: { file: other.csv, kind: numbr/1, size: 3 }
      third: { file: ../up.txt }
    metrics: { flie: m.json }
    env: [3, HOME]
    tools: [no-such-tool, sh, neither-this]
    cwd: home
  b:
    uses: command
    shell: true
    run: cat ${in.left} ${in.right} > ${out.x}
    outputs: { x: { file: x } }
",
    );
    insta::assert_snapshot!(said(&sandbox), @r#"
    × the command declares no input `data`
    ╭─[pipeline.yaml:8:9]
    × the command declares no output `tabel`
    ╭─[pipeline.yaml:9:9]
    × `${wrod}` is neither a param nor an axis of this stage
    ╭─[pipeline.yaml:9:9]
    × an argument is text or a number, found a list
    ╭─[pipeline.yaml:10:9]
    × there is no kind `numbr/1`
    ╭─[pipeline.yaml:14:39]
    × unknown key `size`
    ╭─[pipeline.yaml:14:48]
    × `../up.txt` leaves the project
    ╭─[pipeline.yaml:15:14]
    × `file` is missing
    ╭─[pipeline.yaml:16:14]
    × unknown key `flie`
    ╭─[pipeline.yaml:16:16]
    × expected text, found the number `3`
    ╭─[pipeline.yaml:17:11]
    × the tool `no-such-tool` is not on PATH
    ╭─[pipeline.yaml:18:13]
    × the tool `neither-this` is not on PATH
    ╭─[pipeline.yaml:18:31]
    × `cwd` is `scratch` or `project`
    ╭─[pipeline.yaml:19:10]
    × the command declares no input `left`
    ╭─[pipeline.yaml:23:10]
    × the command declares no input `right`
    ╭─[pipeline.yaml:23:10]
    "#);
}

#[test]
fn nothing_is_written_and_nothing_runs_where_there_are_mistakes() {
    let sandbox = project(MANY);
    for command in ["run", "plan", "check", "dag"] {
        sandbox.call(&[command, "pipeline.yaml"]).exits(2);
    }
    assert_eq!(sandbox.files("").len(), 2, "{:?}", sandbox.files(""));
}

/// Names of mistakes are stable: people search for them. A code that is added here gets a test above.
#[test]
fn all_codes_are_listed_and_tested() {
    let engine = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("engine/src");
    let mut written = BTreeSet::new();
    let mut open = vec![engine];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs_err::read_to_string(path).unwrap().replace(char::is_whitespace, "");
        for start in ["Mistake::new(\"", "code:\"", "letcode=ifmessage.contains(\"duplicate\"){\"", "}else{\""] {
            for rest in text.split(start).skip(1) {
                let code = rest.split('"').next().unwrap_or("").to_owned();
                if code.contains('-') || code == "circle" {
                    written.insert(code);
                }
            }
        }
    }
    let shown = written.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(shown, @r#"
    bad-kind
    bad-name
    bad-path
    bad-profile
    bad-publish
    bad-reference
    bad-selector
    bad-set
    circle
    duplicate-key
    duplicate-name
    duplicate-value
    empty-axis
    empty-stage
    extends-circle
    missing-file
    missing-input
    missing-key
    no-match
    not-a-scalar
    not-single
    not-utf-8
    old-boolean
    output-overlap
    param-circle
    publish-overlap
    too-large
    too-many-cells
    unclear-port
    unknown-axis
    unknown-key
    unknown-kind
    unknown-name
    unknown-param
    unknown-port
    unknown-profile
    unknown-stage
    unknown-stage-type
    unknown-tool
    unset-variable
    wrong-kind
    wrong-type
    wrong-value
    yaml-syntax
    "#);
    // These need a broken call, or a mistake that another one hides.
    let elsewhere = ["bad-set", "unknown-param"];
    // The list above does not count as a test.
    let tests = include_str!("mistakes.rs").split("fn all_codes_are_listed_and_tested").next().unwrap();
    let untested = written.iter().filter(|code| {
        let alone = format!("\n    {code}\n");
        !tests.contains(&alone) && !elsewhere.contains(&code.as_str())
    });
    assert_eq!(untested.collect::<Vec<_>>(), Vec::<&String>::new());
}
