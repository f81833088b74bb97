//! The command line: help, data on stdout, messages on stderr, exit codes.

use dgpipe_tests::Sandbox;
use serde_json::Value;

use crate::project;

const TWO: &str = "
pipeline: two
params: { seeds: [1, 2], plus: 0 }
sources: { number: { path: data/number.txt, kind: number/1 } }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  odd: { uses: parity, inputs: { number: number } }
  sum: { uses: add, inputs: { terms: \"one[*]\", extra: odd }, config: { plus: \"${plus}\" } }
publish: { results/sum.txt: sum }
";

fn two() -> Sandbox {
    let sandbox = project(TWO);
    sandbox.write("data/number.txt", "3\n");
    sandbox
}

#[test]
fn the_whole_help() {
    let sandbox = project("");
    let mut all = sandbox.call(&["--help"]).exits(0).stdout;
    for command in commands(&sandbox) {
        let help = sandbox.call(&[&command, "--help"]).exits(0).stdout;
        // What every command takes is shown once.
        let own = help.split("\nEverywhere:").next().unwrap_or("");
        all.push_str(&format!("\n\n======== {command}\n{own}"));
    }
    let lines: Vec<&str> = all.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    Declarative pipelines for machine-learning experiments: only what a change invalidates runs again

    Usage: dgpipe [OPTIONS] <COMMAND>

    Commands:
      run          Bring targets up to date: what is published, or the leaves
      plan         Show what a run would do, and why
      why          Explain why a cell executes, or why it last did
      check        Check a pipeline file for mistakes
      dag          Draw the graph of stages
      stages       List the stage types, or explain one
      schema       Print the JSON Schema of pipeline files
      runs         List past runs
      show         Show what a past run did
      diff         Compare two past runs: params, reasons, metrics, published artifacts
      log          Print what a cell wrote to stdout and stderr
      path         Print where an artifact lies
      verify       Look at the whole store for damage, or execute cached cells again and compare
      gc           Remove from the store what nothing uses
      pin          Keep records in the store, whatever happens
      trace        Say where a published figure or table comes from, and whether it is current
      figures      List the published figures and tables, or check that all are current
      report       Write a page of all this: stages, cells, runs, figures
      serve        Show that page live while a run goes on
      init         Start a project in this folder
      fetch        Fetch known data and weights: resumed, checked, and never half under their names
      doctor       Say what this machine offers, what is missing, and what to do about it
      completions  Print completions for a shell
      man          Write the manual pages

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Everywhere:
          --cache <DIR>
              Folder of the store (default: `.dgpipe` in the project root)

              [env: DGPIPE_CACHE]

          --set <NAME=VALUE>
              Replace a param: `--set threshold=0.4`, `--set 'seeds=[1, 2]'`

          --profile <NAME[,NAME…]>
              Profiles to merge over the file, from left to right

      -j, --jobs <N>
              Cells that execute at the same time (default: all cores)

          --device <DEVICE>
              What computes: auto, cpu, wgpu, wgpu:n or wgpu:software

              [default: auto]

          --json
              Print JSON on stdout

      -q, --quiet
              Say less

      -v, --verbose
              Say more

          --color <WHEN>
              When to use colours

              Possible values:
              - auto:   On a terminal, unless `NO_COLOR` is set
              - always: Always
              - never:  Never

              [default: auto]


    ======== run
    Bring targets up to date: what is published, or the leaves

    Usage: dgpipe run [OPTIONS] <FILE> [TARGETS]...

    Arguments:
      <FILE>
              The pipeline file

      [TARGETS]...
              What to bring up to date: selectors or published paths (default: everything published,
              else the leaves)

    Options:
          --fail-fast
              Stop starting cells at the first failure

          --force <CELL>
              Execute these cells and replace their records

          --plan <PLAN>
              Do exactly what a plan says that `plan --out` wrote, or refuse

          --dry-run
              Show what would be done, like `plan`

          --discard-edits
              Replace published files that were edited by hand

          --keep-edits
              Move published files that were edited by hand aside

          --checkpoint-every <SECONDS>
              The least time between two checkpoints of a stage that writes some

              [env: DGPIPE_CHECKPOINT_EVERY]
              [default: 10]

      -h, --help
              Print help (see a summary with '-h')


    ======== plan
    Show what a run would do, and why

    Usage: dgpipe plan [OPTIONS] <FILE> [TARGETS]...

    Arguments:
      <FILE>
              The pipeline file

      [TARGETS]...
              What to plan for: selectors or published paths (default: everything published, else the
              leaves)

    Options:
          --force <CELL>
              Cells that would be forced

          --out <PLAN>
              Write the plan to a file, which `run --plan` carries out exactly or not at all

      -h, --help
              Print help (see a summary with '-h')


    ======== why
    Explain why a cell executes, or why it last did

    Usage: dgpipe why [OPTIONS] <FILE> <CELL>

    Arguments:
      <FILE>
              The pipeline file

      <CELL>
              The cell, such as `mask[target=sketch, seed=42]`

    Options:
          --run <RUN>
              Explain what a past run did: its name, the beginning of it, `latest` or `latest~1`

      -h, --help
              Print help (see a summary with '-h')


    ======== check
    Check a pipeline file for mistakes

    Usage: dgpipe check [OPTIONS] <FILE>

    Arguments:
      <FILE>
              The pipeline file

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== dag
    Draw the graph of stages

    Usage: dgpipe dag [OPTIONS] <FILE>

    Arguments:
      <FILE>
              The pipeline file

    Options:
          --format <FORMAT>
              How to draw it

              Possible values:
              - text:    Indented lines, for reading
              - dot:     For graphviz
              - mermaid: For Markdown
              - svg:     As a picture
              - json:    For programs; every cell with what it reads

              [default: text]

      -h, --help
              Print help (see a summary with '-h')


    ======== stages
    List the stage types, or explain one

    Usage: dgpipe stages [OPTIONS] [STAGE_TYPE]

    Arguments:
      [STAGE_TYPE]
              A stage type to explain

    Options:
          --markdown
              Print a page about all of them, in Markdown: the reference in `docs/reference`

      -h, --help
              Print help (see a summary with '-h')


    ======== schema
    Print the JSON Schema of pipeline files

    Usage: dgpipe schema [OPTIONS]

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== runs
    List past runs

    Usage: dgpipe runs [OPTIONS] [FILE]

    Arguments:
      [FILE]
              The pipeline file (default: all pipelines of the project)

    Options:
          --where <CONDITION>
              Only runs in which some cell fulfils this: `accuracy>0.7`,
              `score[target=sketch].accuracy>=0.5`, `failed>0`

          --param <NAME[CONDITION]>
              Show this param, or only runs in which it fulfils something: `threshold`, `threshold>0.3`

          --metric <NAME>
              Show this metric, of any cell or of one: `accuracy`, `score[seed=42].accuracy`

          --sort <NAME>
              Sort by a param, a metric, `started` or `seconds`; `-NAME` sorts downwards

      -n, --number <NUMBER>
              How many runs to show: the newest, or the first after --sort (default: 20 as text, else
              all)

          --format <FORMAT>
              How to write the list

              Possible values:
              - text: For a terminal
              - json: A list of objects, like --json
              - csv:  A table with a column for each param and metric, or for those asked for
              - md:   A table for a document

      -h, --help
              Print help (see a summary with '-h')


    ======== show
    Show what a past run did

    Usage: dgpipe show [OPTIONS] [FILE] [RUN]

    Arguments:
      [RUN]...
              A pipeline file (default: all of the project), then a run: its name, the beginning of it,
              `latest` (the default) or `latest~1`

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== diff
    Compare two past runs: params, reasons, metrics, published artifacts

    Usage: dgpipe diff [OPTIONS] [FILE] RUN RUN

    Arguments:
      <RUN> <RUN>...
              A pipeline file (default: all of the project), then two runs: names, beginnings of names,
              `latest`, `latest~1`

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== log
    Print what a cell wrote to stdout and stderr

    Usage: dgpipe log [OPTIONS] <FILE> <CELL>

    Arguments:
      <FILE>
              The pipeline file

      <CELL>
              The cell, such as `prepare` or `train[seed=1]`

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== path
    Print where an artifact lies

    Usage: dgpipe path [OPTIONS] <FILE> <CELL>

    Arguments:
      <FILE>
              The pipeline file

      <CELL>
              The cell and output, such as `phase1[domain=photo, seed=42].final`

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== verify
    Look at the whole store for damage, or execute cached cells again and compare

    Usage: dgpipe verify [OPTIONS] [FILE]

    Arguments:
      [FILE]
              The pipeline file; without it, the store of the project in this folder is looked at

    Options:
          --rerun <N>
              Execute cached cells of the pipeline again, so many times each, and compare the bytes

          --sample <PERCENT>
              How many cells of each stage to execute again, at least one

              [default: 100%]

      -h, --help
              Print help (see a summary with '-h')


    ======== gc
    Remove from the store what nothing uses

    Usage: dgpipe gc [OPTIONS] [FILE]

    Arguments:
      [FILE]
              The pipeline file; without it, the store of the project in this folder is meant

    Options:
          --dry-run
              Only show what would go, and why

          --max-size <SIZE>
              How much may stay, such as `50GiB`: beyond that, what was not used for the longest time
              goes too

          --older-than <AGE>
              How long ago something must have been used last to go, such as `7d` (default: `30d`, and
              the last ten runs of each pipeline keep what they used)

          --grace <AGE>
              What was written so short a time ago stays in any case

              [default: 1h]

      -h, --help
              Print help (see a summary with '-h')


    ======== pin
    Keep records in the store, whatever happens

    Usage: dgpipe pin [OPTIONS] [FILE] [CELLS]...

    Arguments:
      [FILE]
              The pipeline file; without it, `--list` and `--remove` mean all pins in the store of this
              folder's project

      [CELLS]...
              The cells whose records are to stay, such as `train[seed=1]` or `train[*]`

    Options:
          --list
              Show what is pinned

          --remove <PIN>...
              Let go of pins: cells, or beginnings of keys, as `--list` shows them

      -h, --help
              Print help (see a summary with '-h')


    ======== trace
    Say where a published figure or table comes from, and whether it is current

    Usage: dgpipe trace [OPTIONS] <PATH>

    Arguments:
      <PATH>
              A published figure or table, also a copy of one

    Options:
          --pipeline <FILE>
              The pipeline file (default: the one that the passport names)

      -h, --help
              Print help (see a summary with '-h')


    ======== figures
    List the published figures and tables, or check that all are current

    Usage: dgpipe figures [OPTIONS] <FILE>

    Arguments:
      <FILE>
              The pipeline file

    Options:
          --check
              Exit with 1 unless all of them are current

      -h, --help
              Print help (see a summary with '-h')


    ======== report
    Write a page of all this: stages, cells, runs, figures

    Usage: dgpipe report [OPTIONS] --out <DIR> <FILE>

    Arguments:
      <FILE>
              The pipeline file

    Options:
          --out <DIR>
              The folder to write to: a new or empty one, or one with a report to replace

      -h, --help
              Print help (see a summary with '-h')


    ======== serve
    Show that page live while a run goes on

    Usage: dgpipe serve [OPTIONS] <FILE>

    Arguments:
      <FILE>
              The pipeline file

    Options:
          --port <PORT>
              The port (default: any that is free)

      -h, --help
              Print help (see a summary with '-h')


    ======== init
    Start a project in this folder

    Usage: dgpipe init [OPTIONS] [FOLDER]

    Arguments:
      [FOLDER]
              The folder (default: this one)

              [default: .]

    Options:
          --template <NAME>
              What to start with

              Possible values:
              - command: Commands only: words of a text, counted

              [default: command]

      -h, --help
              Print help (see a summary with '-h')


    ======== fetch
    Fetch known data and weights: resumed, checked, and never half under their names

    Usage: dgpipe fetch [OPTIONS] [NAME]

    Arguments:
      [NAME]
              What to fetch; without it, all that can be fetched is listed

    Options:
          --from <URL>
              Another server with the same paths as the publisher's

          --out <DIR>
              The folder (default: the one that the list names, in the project root)

          --timeout <SECONDS>
              How long the server may say nothing, in seconds

              [default: 30]

          --retries <N>
              How many attempts without progress follow the first one

              [default: 5]

      -h, --help
              Print help (see a summary with '-h')


    ======== doctor
    Say what this machine offers, what is missing, and what to do about it

    Usage: dgpipe doctor [OPTIONS] [FILE]

    Arguments:
      [FILE]
              A pipeline file whose sources and programs are looked for, too

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== completions
    Print completions for a shell

    Usage: dgpipe completions [OPTIONS] <SHELL>

    Arguments:
      <SHELL>
              The shell

              [possible values: bash, elvish, fish, powershell, zsh]

    Options:
      -h, --help
              Print help (see a summary with '-h')


    ======== man
    Write the manual pages

    Usage: dgpipe man [OPTIONS] --out <DIR>

    Options:
          --out <DIR>
              The folder to write them to, such as `~/.local/share/man/man1`

      -h, --help
              Print help (see a summary with '-h')
    ");
}

#[test]
fn run_prints_lines_for_people_on_stderr() {
    let sandbox = two();
    let first = sandbox.call(&["run", "pipeline.yaml", "--jobs", "1"]).exits(0);
    assert_eq!(first.stdout, "");
    insta::assert_snapshot!(sandbox.redacted(&first.stderr), @r#"
    executed  one[seed=1]  [TIME]  new
    executed  one[seed=2]  [TIME]  new
    executed  odd  [TIME]  new
    executed  sum  [TIME]  new
    ran one ×2, odd, sum: new
    done: 4 executed, 0 reused, 1 path published in [TIME]
    results: results/sum.txt
    "#);
    let second = sandbox.call(&["run", "pipeline.yaml", "--set", "plus=7", "--verbose"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&second.stderr), @r#"
    reused    one[seed=1]
    reused    one[seed=2]
    reused    odd
    executed  sum  [TIME]  plus 0 → 7 (--set, over pipeline.yaml:3)
    published results/sum.txt  updated
    ran sum: plus 0 → 7 (--set, over pipeline.yaml:3)
    done: 1 executed, 3 reused, 1 path published in [TIME]
    results: results/sum.txt
    "#);
    let quiet = sandbox.call(&["run", "pipeline.yaml", "--quiet"]).exits(0);
    assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
}

#[test]
fn run_json_is_one_object_a_line_and_the_last_says_how_it_ended() {
    let sandbox = two();
    let run = sandbox.run().exits(0);
    let last = run.stdout.lines().last().unwrap();
    let seconds = last.split("\"seconds\":").nth(1).unwrap().trim_end_matches('}');
    assert!(seconds.parse::<f64>().is_ok());
    let shown = sandbox.redacted(&last.replace(seconds, "0"));
    insta::assert_snapshot!(shown, @r#"{"event":"run-finished","run":"[RUN]","executed":4,"reused":0,"restored":1,"failed":0,"blocked":0,"cancelled":0,"seconds":0}"#);
    let kinds: Vec<String> = run.events().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.first().map(String::as_str), Some("run-started"));
    assert_eq!(run.stderr, "");
    let started = run.stdout.lines().find(|line| line.contains("cell-started") && line.contains("\"sum\"")).unwrap();
    insta::assert_snapshot!(started, @r#"{"event":"cell-started","cell":"sum","stage_type":"add","reasons":[{"kind":"new-cell"}]}"#);
}

#[test]
fn plan_json_is_as_the_design_says() {
    let sandbox = two();
    sandbox.run().exits(0);
    let plan = sandbox.call(&["plan", "pipeline.yaml", "--set", "plus=0.4", "--json"]);
    assert_eq!(plan.code, Some(2), "0.4 is no whole number");
    let plan =
        sandbox.call(&["plan", "pipeline.yaml", "--set", "plus=7", "--set", "seeds=[1, 2, 3]", "--json"]).exits(0);
    let mut value: Value = serde_json::from_str(&plan.stdout).unwrap();
    for cell in value["cells"].as_array_mut().unwrap() {
        if let Some(cell) = cell.as_object_mut() {
            cell.shift_remove("seconds");
        }
    }
    let estimate = value.as_object_mut().unwrap().shift_remove("estimate").unwrap();
    assert!(estimate["certain"].as_f64().unwrap() > 0.0 && estimate["possible"].as_f64().unwrap() > 0.0);
    insta::assert_snapshot!(sandbox.redacted(&format!("{value:#}")), @r#"
    {
      "cells": [
        {
          "cell": "one[seed=1]",
          "decision": "reuse"
        },
        {
          "cell": "one[seed=2]",
          "decision": "reuse"
        },
        {
          "cell": "one[seed=3]",
          "decision": "execute",
          "reasons": [
            {
              "kind": "new-cell",
              "axes": [
                {
                  "axis": "seed",
                  "was": "[1,2]",
                  "now": "[1,2,3]",
                  "origin": "param seeds, --set, over pipeline.yaml:3"
                }
              ]
            }
          ]
        },
        {
          "cell": "odd",
          "decision": "reuse"
        },
        {
          "cell": "sum",
          "decision": "await",
          "awaits": [
            "one[seed=3]"
          ]
        }
      ]
    }
    "#);
}

#[test]
fn plan_works_without_a_store_on_a_folder_that_cannot_be_written_to() {
    let sandbox = two();
    // Root may write anywhere, so what is written is looked at, too.
    let readonly = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o555);
    fs_err::set_permissions(sandbox.root(), readonly).unwrap();
    let before = sandbox.files("");
    for call in [
        ["plan", "pipeline.yaml"],
        ["check", "pipeline.yaml"],
        ["dag", "pipeline.yaml"],
        ["runs", "pipeline.yaml"],
        ["run", "pipeline.yaml"],
    ] {
        let call = if call[0] == "run" { vec![call[0], call[1], "--dry-run"] } else { call.to_vec() };
        sandbox.call(&call).exits(0);
    }
    assert_eq!(sandbox.call(&["why", "pipeline.yaml", "sum"]).exits(0).stdout.lines().count(), 7);
    let after = sandbox.files("");
    let writable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    fs_err::set_permissions(sandbox.root(), writable).unwrap();
    assert_eq!(before, after);
    let plan = sandbox.call(&["plan", "pipeline.yaml"]).exits(0);
    insta::assert_snapshot!(plan.stdout, @r#"
    execute  one[seed=1]  new
    execute  one[seed=2]  new
    execute  odd          new
    await    sum          waits for one[seed=1] and 2 more
    3 to execute, 1 await those and may be reused, 0 to reuse
    nothing is known of the time of 4 cells
    "#);
}

/// A project as somebody might clone it: its command and its tool would leave a trace, and it came with results.
#[test]
fn e14_looking_executes_nothing_of_the_user() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: test ! -e $HERE/cloned || touch $HERE/pwned; echo '<svg></svg>' > ${out.x}
    env: [HERE]
    tools: [./tool]
    outputs: { x: { file: x.svg } }
publish: { results/x.svg: a }
",
    );
    sandbox.write_program("tool", "#!/bin/sh\ntouch pwned\n");
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    let commands = |ran: i32| {
        [
            (&["plan", "pipeline.yaml"][..], 0),
            (&["run", "pipeline.yaml", "--dry-run"], 0),
            (&["check", "pipeline.yaml"], 0),
            (&["dag", "pipeline.yaml"], 0),
            (&["why", "pipeline.yaml", "a"], 0),
            (&["stages"], 0),
            (&["stages", "command"], 0),
            (&["schema"], 0),
            (&["doctor"], 0),
            (&["runs", "pipeline.yaml"], 0),
            (&["figures", "pipeline.yaml"], 0),
            (&["show", "pipeline.yaml"], ran),
            (&["path", "pipeline.yaml", "a"], ran),
            (&["log", "pipeline.yaml", "a"], ran),
            (&["diff", "pipeline.yaml", "latest", "latest"], ran),
            (&["trace", "results/x.svg"], ran),
            (&["verify"], ran),
            (&["gc", "--dry-run"], ran),
            (&["pin", "--list"], ran),
            (&["report", "pipeline.yaml", "--out", "site"], ran),
        ]
    };
    for (call, code) in commands(2) {
        let outcome = sandbox.call(call);
        assert!(matches!(outcome.code, Some(0 | 2)) && (code != 0 || outcome.code == Some(0)), "{call:?}: {outcome:?}");
        assert!(!sandbox.has("pwned") && !sandbox.has(".dgpipe"), "{call:?}");
    }
    // The same with a store and results, which the clone brought along; what it published is out of date.
    sandbox.run().exits(0);
    sandbox.write("cloned", "");
    sandbox.edit("test ! -e", "test !  -e");
    let before = sandbox.files(".dgpipe/records-v1");
    for (call, _) in commands(0) {
        let outcome = sandbox.call(call);
        assert!(matches!(outcome.code, Some(0..=2)) && !outcome.stderr.contains("panicked"), "{call:?}: {outcome:?}");
        assert!(!sandbox.has("pwned"), "{call:?}");
    }
    assert_eq!(sandbox.files(".dgpipe/records-v1"), before);
    sandbox.run().exits(0);
    assert!(sandbox.has("pwned"), "it would have been noticed");
}

#[test]
fn check_says_what_a_file_amounts_to() {
    let sandbox = two();
    let check = sandbox.call(&["check", "pipeline.yaml"]).exits(0);
    assert_eq!(check.stdout, "two (default): no mistakes; 3 stages, 4 cells, 1 published path\n");
    let json = sandbox.call(&["check", "pipeline.yaml", "--json"]).exits(0);
    assert_eq!(
        json.stdout,
        "{\"pipeline\":\"two\",\"profile\":\"default\",\"stages\":3,\"cells\":4,\"sources\":1,\"published\":1}\n"
    );
}

#[test]
fn dag_draws_for_reading_for_graphviz_for_markdown_and_for_programs() {
    let sandbox = two();
    let dag = |format: &str| sandbox.call(&["dag", "pipeline.yaml", "--format", format]).exits(0).stdout;
    insta::assert_snapshot!(dag("text"), @r#"
    number  source number/1 at data/number.txt
    one [seed] ×2
    odd            ← number
    sum            ← odd, one
    "#);
    insta::assert_snapshot!(dag("dot"), @r#"
    digraph "two" {
      rankdir=LR;
      node [shape=box];
      "number" [shape=folder];
      "one" [label="one ×2"];
      "odd" [label="odd"];
      "number" -> "odd";
      "sum" [label="sum"];
      "odd" -> "sum";
      "one" -> "sum";
    }
    "#);
    insta::assert_snapshot!(dag("mermaid"), @r#"
    flowchart LR
      s_number[("number")]
      s_one["one ×2"]
      s_odd["odd"]
      s_number --> s_odd
      s_sum["sum"]
      s_odd --> s_sum
      s_one --> s_sum
    "#);
    insta::assert_snapshot!(dag("json"), @r#"
    {
      "pipeline": "two",
      "profile": "default",
      "sources": [
        {
          "source": "number",
          "kind": "number/1",
          "path": "data/number.txt"
        }
      ],
      "cells": [
        {
          "cell": "one[seed=1]",
          "stage": "one",
          "coordinates": {
            "seed": 1
          },
          "uses": "constant",
          "reads": []
        },
        {
          "cell": "one[seed=2]",
          "stage": "one",
          "coordinates": {
            "seed": 2
          },
          "uses": "constant",
          "reads": []
        },
        {
          "cell": "odd",
          "stage": "odd",
          "coordinates": {},
          "uses": "parity",
          "reads": [
            {
              "port": "number",
              "from": {
                "source": "number"
              },
              "path": null
            }
          ]
        },
        {
          "cell": "sum",
          "stage": "sum",
          "coordinates": {},
          "uses": "add",
          "reads": [
            {
              "port": "terms",
              "from": {
                "cell": "one[seed=1]",
                "port": "value"
              },
              "path": null
            },
            {
              "port": "terms",
              "from": {
                "cell": "one[seed=2]",
                "port": "value"
              },
              "path": null
            },
            {
              "port": "extra",
              "from": {
                "cell": "odd",
                "port": "parity"
              },
              "path": null
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn stages_lists_the_types_and_explains_one() {
    let sandbox = project("");
    insta::assert_snapshot!(sandbox.call(&["stages"]).exits(0).stdout, @r#"
    add       Adds numbers.
    constant  Writes a number.
    draw      Draws numbers.
    each      Adds up rows of items.
    fail      Fails, always or the first times.
    panic     Panics.
    parity    Tells whether a number is odd.
    rounds    Works in rounds.
    sleep     Takes its time.
    spread    Writes a folder of numbers.
    table     Lists numbers with where they come from.
    command   Runs any program, with its inputs, outputs and environment declared.
    "#);
    insta::assert_snapshot!(sandbox.call(&["stages", "add"]).exits(0).stdout, @r#"
    add (version 1)
      Adds numbers.

    inputs
      terms            number/1, one or several
      extra            number/1, optional

    outputs
      sum              number/1, the main output
      count            number/1

    config
      plus             A number that is added. (default 0)
    "#);
    let rounds = sandbox.call(&["stages", "rounds"]).exits(0).stdout;
    assert!(rounds.contains("\ncontinues: more `rounds` go on from the end of fewer\n"), "{rounds}");
    insta::assert_snapshot!(sandbox.call(&["stages", "command"]).exits(0).stdout, @r#"
    command
      Runs any program, with its inputs, outputs and environment declared.
    "#);
    let list: Value = serde_json::from_str(&sandbox.call(&["stages", "--json"]).exits(0).stdout).unwrap();
    assert_eq!(list.as_array().map(Vec::len), Some(11));
    insta::assert_snapshot!(sandbox.call(&["stages", "constnat"]).exits(2).stderr, @r#"
    error: there is no stage type `constnat`
    hint: did you mean `constant`?
    "#);
}

#[test]
fn schema_knows_every_stage_type_and_every_key() {
    let sandbox = project("");
    let schema = sandbox.call(&["schema"]).exits(0).stdout;
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["pipeline", "about", "extends", "params", "profile", "profiles", "sources", "stages", "publish"]);
    let text = schema.to_string();
    for word in ["constant", "parity", "A factor, for spellings of real numbers.", "command", "number/1"] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn the_past_can_be_listed_and_shown() {
    let sandbox = two();
    assert_eq!(sandbox.call(&["runs", "pipeline.yaml"]).exits(0).stdout, "");
    sandbox.run().exits(0);
    sandbox.run_with(&["--set", "plus=7"]).exits(0);
    let runs = sandbox.call(&["runs", "pipeline.yaml"]).exits(0).stdout;
    let redacted: Vec<String> = runs
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(words[1].len() + words[2].len(), 18, "a date and a time: {line}");
            words[5..].join(" ")
        })
        .collect();
    assert_eq!(redacted, ["4 executed, 0 reused", "1 executed, 3 reused"]);
    let show = sandbox.call(&["show", "pipeline.yaml"]).exits(0).stdout;
    let show: Vec<&str> = show.lines().filter(|line| !line.starts_with("  began")).collect();
    insta::assert_snapshot!(sandbox.redacted(&show.join("\n")), @r#"
    run [RUN] of two (default)
      seeds: [1,2]
      plus: 7
    executed sum  [TIME]
      because plus 0 → 7 (--set, over pipeline.yaml:3)
      sum = 11
    1 executed, 3 reused, 1 path published
    "#);
    let first = runs.split_whitespace().next().unwrap();
    assert!(
        sandbox
            .call(&["show", "pipeline.yaml", first])
            .exits(0)
            .stdout
            .starts_with(&format!("run {first} of two (default)\n"))
    );
    let unknown = sandbox.call(&["show", "pipeline.yaml", "9"]).exits(2);
    assert_eq!(unknown.stderr, "error: there is no run `9`\nhint: `dgpipe runs` lists them\n");
}

#[test]
fn path_says_where_an_artifact_lies() {
    let sandbox = project(
        "pipeline: p\nstages: { a: { uses: add, inputs: { terms: b } }, b: { uses: constant, config: { value: 7 } }, c: { uses: spread, config: { parts: { x: 1 } } } }\n",
    );
    let early = sandbox.call(&["path", "pipeline.yaml", "a"]).exits(2);
    assert_eq!(early.stderr, "error: `a` has not executed yet\nhint: dgpipe run pipeline.yaml 'a'\n");
    sandbox.run().exits(0);
    let path = sandbox.call(&["path", "pipeline.yaml", "a"]).exits(0).stdout;
    assert_eq!(fs_err::read_to_string(path.trim()).unwrap(), "7\n");
    let count = sandbox.call(&["path", "pipeline.yaml", "a.count"]).exits(0).stdout;
    assert_eq!(fs_err::read_to_string(count.trim()).unwrap(), "1\n");
    let folder = sandbox.call(&["path", "pipeline.yaml", "c"]).exits(0).stdout;
    assert_eq!(fs_err::read_to_string(std::path::Path::new(folder.trim()).join("x/value.txt")).unwrap(), "1\n");
    let unknown = sandbox.call(&["path", "pipeline.yaml", "a.cuont"]).exits(2);
    assert_eq!(unknown.stderr, "error: `a` has no output `cuont`; it has [sum, count]\n");
}

#[test]
fn init_makes_a_project_that_runs() {
    let sandbox = project("");
    let init = sandbox.call(&["init", "mine"]).exits(0);
    assert_eq!(init.stdout, "A project is in mine. Next:\n  cd mine && dgpipe run pipeline.yaml\n");
    let mine = sandbox.path("mine");
    let first = sandbox.call_in(&mine, &["run", "pipeline.yaml", "--json"]).exits(0);
    assert_eq!(first.count("executed"), 4);
    assert!(
        sandbox.read("mine/results/counts_1.txt").contains("4 the")
            || sandbox.read("mine/results/counts_1.txt").contains("the")
    );
    let second = sandbox.call_in(&mine, &["run", "pipeline.yaml", "--json"]).exits(0);
    assert_eq!((second.count("executed"), second.count("restored")), (0, 0));
    let again = sandbox.call(&["init", "mine"]).exits(2);
    insta::assert_snapshot!(again.stderr, @r#"
    error: `mine` already has [dgpipe.toml, pipeline.yaml, data/words.txt]; nothing was written
    hint: name an empty folder: `dgpipe init my-project`
    "#);
    sandbox.write("other/.gitignore", "mine\n");
    sandbox.call(&["init", "other"]).exits(0);
    assert_eq!(sandbox.read("other/.gitignore"), "mine\n/.dgpipe/\n/results/\n");
}

#[test]
fn init_never_overwrites_and_names_the_templates_it_has() {
    let sandbox = project("");
    let unknown = sandbox.call(&["init", "new", "--template", "comand"]).exits(2);
    insta::assert_snapshot!(unknown.stderr, @"
    error: invalid value 'comand' for '--template <NAME>'
      [possible values: command]

      tip: a similar value exists: 'command'

    For more information, try '--help'.
    ");
    assert!(!sandbox.has("new"));
    sandbox.write("taken/data/words.txt", "mine\n");
    let taken = sandbox.call(&["init", "taken", "--template", "command"]).exits(2);
    insta::assert_snapshot!(taken.stderr, @"
    error: `taken` already has [data/words.txt]; nothing was written
    hint: name an empty folder: `dgpipe init my-project`
    ");
    assert!(!sandbox.has("taken/pipeline.yaml"));
    assert_eq!(sandbox.read("taken/data/words.txt"), "mine\n");
    sandbox.call(&["init", "pipeline.yaml"]).exits(3);
}

/// The commands that the help lists.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.call(&["--help"]).exits(0).stdout;
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap();
    let names: Vec<String> = list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert!(names.len() > 20, "{names:?}");
    names
}

#[test]
fn every_command_has_a_manual_page_with_its_options_and_without_a_date() {
    let sandbox = project("");
    sandbox.call(&["man", "--out", "pages/man1"]).exits(0);
    let names: Vec<String> = sandbox
        .files("pages/man1")
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut expected: Vec<String> = commands(&sandbox).iter().map(|name| format!("dgpipe-{name}.1")).collect();
    expected.push("dgpipe.1".to_owned());
    expected.sort();
    assert_eq!(names, expected);
    let run = sandbox.read("pages/man1/dgpipe-run.1");
    assert!(run.contains(".TH dgpipe-run 1  \"dgpipe 0.0.0\""), "{run}");
    assert!(run.contains("fail\\-fast") && run.contains("EVERYWHERE"), "{run}");
    sandbox.call(&["man", "--out", "again"]).exits(0);
    assert_eq!(run, sandbox.read("again/dgpipe-run.1"));
    sandbox.call(&["man"]).exits(2);
    sandbox.call(&["man", "--out", "pipeline.yaml"]).exits(3);
}

/// Needs `man`, which formats a page as a reader sees it; without it the test says that it was skipped.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn man_shows_the_pages_without_a_warning() {
    let sandbox = project("");
    sandbox.call(&["man", "--out", "pages"]).exits(0);
    for page in sandbox.files("pages") {
        let mut man = std::process::Command::new("man");
        man.args(["--warnings=w", "-l"])
            .arg(&page)
            .env("MANWIDTH", "100")
            .env("MANPAGER", "cat")
            .env("LC_ALL", "C.UTF-8");
        let Ok(output) = man.output() else {
            eprintln!("skipped: there is no `man`");
            return;
        };
        let (text, warnings) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && warnings.is_empty(), "{}: {warnings}", page.display());
        assert!(text.contains("SYNOPSIS"), "{}: {text}", page.display());
    }
}

#[test]
fn completions_are_there_for_three_shells() {
    let sandbox = project("");
    for (shell, word) in [("bash", "complete"), ("zsh", "#compdef dgpipe"), ("fish", "complete -c dgpipe")] {
        let completions = sandbox.call(&["completions", shell]).exits(0).stdout;
        assert!(completions.contains(word) && completions.contains("fail-fast"), "{shell}");
    }
}

#[test]
fn a_device_that_is_none_is_refused_also_where_nothing_executes() {
    let sandbox = two();
    sandbox.run().exits(0);
    for command in ["run", "plan", "check"] {
        let refused = sandbox.call(&[command, "pipeline.yaml", "--device", "gpu"]).exits(2);
        assert_eq!(refused.stderr, "error: `gpu` is not a device; devices are [auto, cpu]\n");
    }
    assert_eq!(sandbox.run_with(&["--device", "cpu"]).exits(0).count("executed"), 0);
}

#[test]
fn mistakes_in_a_call_exit_with_2_and_say_what_to_do() {
    let sandbox = two();
    let calls: &[&[&str]] = &[
        &["run", "pipelin.yaml"],
        &["run", "."],
        &["run", "pipeline.yaml", "smu"],
        &["run", "pipeline.yaml", "results/sum.tx"],
        &["run", "pipeline.yaml", "one[seed=3]"],
        &["run", "pipeline.yaml", "one[domain=photo]"],
        &["run", "pipeline.yaml", "one["],
        &["run", "pipeline.yaml", "--force", "smu"],
        &["run", "pipeline.yaml", "--set", "plsu=1"],
        &["run", "pipeline.yaml", "--set", "plus"],
        &["run", "pipeline.yaml", "--set", "plus=[1"],
        &["run", "pipeline.yaml", "--profile", "full"],
        &["run", "pipeline.yaml", "--jobs", "0"],
        &["run", "pipeline.yaml", "--device", "gpu"],
        &["run", "pipeline.yaml", "--discard-edits", "--keep-edits"],
        &["why", "pipeline.yaml", "one"],
        &["rnu", "pipeline.yaml"],
    ];
    let mut all = String::new();
    for call in calls {
        let outcome = sandbox.call(call).exits(2);
        assert_eq!(outcome.stdout, "");
        all.push_str(&format!("$ dgpipe {}\n{}\n", call.join(" "), outcome.stderr));
    }
    assert!(!sandbox.has(".dgpipe"), "nothing was written");
    insta::assert_snapshot!(sandbox.redacted(&all), @r#"
    $ dgpipe run pipelin.yaml
    error: there is no file `pipelin.yaml`
    hint: the first argument is a pipeline file, such as `pipelines/pacs.yaml`

    $ dgpipe run .
    error: `.` is not a file
    hint: the first argument is a pipeline file, such as `pipelines/pacs.yaml`

    $ dgpipe run pipeline.yaml smu
    error: `smu` is neither a stage nor a published path; did you mean `sum`?

    $ dgpipe run pipeline.yaml results/sum.tx
    error: `results/sum.tx` is neither a stage nor a published path; did you mean `results/sum.txt`?

    $ dgpipe run pipeline.yaml one[seed=3]
    error: no cell of `one` has the seed `3`; known are [1, 2]

    $ dgpipe run pipeline.yaml one[domain=photo]
    error: stage `one` has no axis `domain`; known are [seed]

    $ dgpipe run pipeline.yaml one[
    error: `one[` is not a selector: an axis is expected at the end

    $ dgpipe run pipeline.yaml --force smu
    error: `smu` is neither a stage nor a published path; did you mean `sum`?

    $ dgpipe run pipeline.yaml --set plsu=1
    unknown-param

      × there is no param `plsu`
       ╭─[--set plsu=1:1:1]
     1 │ plsu=1
       · ──┬─
       ·   ╰── set here
       ╰────
      help: did you mean `plus`?
    1 mistake; nothing was run

    $ dgpipe run pipeline.yaml --set plus
    bad-set

      × `--set plus` has no `=`
      help: write `--set name=value`
    1 mistake; nothing was run

    $ dgpipe run pipeline.yaml --set plus=[1
    yaml-syntax

      × unclosed bracket '['
       ╭─[--set:1:1]
     1 │ [1
       · ┬
       · ╰── here
       ╰────
    1 mistake; nothing was run

    $ dgpipe run pipeline.yaml --profile full
    unknown-profile

      × there is no profile `full`
       ╭─[--profile full:1:1]
     1 │ full
       · ──┬─
       ·   ╰── asked for here
       ╰────
      help: the file has no `profiles:`
    1 mistake; nothing was run

    $ dgpipe run pipeline.yaml --jobs 0
    error: invalid value '0' for '--jobs <N>': number would be zero for non-zero type

    For more information, try '--help'.

    $ dgpipe run pipeline.yaml --device gpu
    error: `gpu` is not a device; devices are [auto, cpu]

    $ dgpipe run pipeline.yaml --discard-edits --keep-edits
    error: the argument '--discard-edits' cannot be used with '--keep-edits'

    Usage: dgpipe run --discard-edits <FILE> [TARGETS]...

    For more information, try '--help'.

    $ dgpipe why pipeline.yaml one
    error: `one` means 2 cells: [one[seed=1], one[seed=2]]
    hint: name one of them

    $ dgpipe rnu pipeline.yaml
    error: unrecognized subcommand 'rnu'

      tip: a similar subcommand exists: 'runs'

    Usage: dgpipe [OPTIONS] <COMMAND>

    For more information, try '--help'.
    "#);
}

#[test]
fn a_store_that_cannot_be_made_exits_with_3() {
    let sandbox = two();
    sandbox.write("taken", "");
    let run = sandbox.run_with(&["--cache", "taken"]).exits(3);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    insta::assert_snapshot!(sandbox.redacted(&run.stderr), @"error: cannot make the folder `[ROOT]/taken/objects-v1`: Not a directory (os error 20)");
}

#[test]
fn a_store_that_cannot_be_reached_is_not_taken_for_none() {
    let sandbox = project("pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\n");
    std::os::unix::fs::symlink(".dgpipe", sandbox.path(".dgpipe")).unwrap();
    for words in [&["verify"][..], &["runs"], &["plan", "pipeline.yaml"], &["gc"]] {
        let said = sandbox.call(words).exits(3).stderr;
        assert!(said.contains(".dgpipe") && said.contains("symbolic link"), "{words:?}: {said}");
    }
}

#[test]
fn a_reader_that_closes_stdout_does_not_cause_a_panic() {
    let sandbox = two();
    let binary = env!("CARGO_BIN_EXE_toy");
    for call in ["run pipeline.yaml --json", "schema", "dag pipeline.yaml --format json", "--help", "completions bash"]
    {
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(format!("{{ '{binary}' {call}; echo \"exit $?\" >&2; }} | true"));
        let output = shell.current_dir(sandbox.root()).env_remove("DGPIPE_CACHE").output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(stderr, "exit 0\n", "{call}");
    }
}

#[test]
fn names_cannot_steer_the_terminal() {
    let sandbox = project(
        "pipeline: p
params: { names: [\"\\e[31mred\", \"back\\u202ewards\"] }
stages:
  one: { for: { name: \"${names}\" }, uses: constant, config: { value: 1 } }
  bad: { for: { name: \"${names}\" }, uses: fail, config: {} }
  loud:
    uses: command
    shell: true
    run: printf '\\033[31mred' >&2; exit 1
    outputs: { x: { file: x.txt } }
",
    );
    let calls: &[&[&str]] = &[
        &["plan", "pipeline.yaml"],
        &["run", "pipeline.yaml", "--verbose"],
        &["dag", "pipeline.yaml"],
        &["show", "pipeline.yaml"],
        &["why", "pipeline.yaml", "one[name!=x]"],
        &["run", "pipeline.yaml", "bad\u{1b}[31m"],
    ];
    for call in calls {
        let outcome = sandbox.call(call);
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{call:?}: {text}");
        }
    }
}

#[test]
fn colour_is_used_only_when_asked_for_or_on_a_terminal() {
    let sandbox = two();
    assert!(!sandbox.call(&["run", "pipeline.yaml"]).exits(0).stderr.contains('\u{1b}'));
    assert!(
        sandbox
            .call(&["run", "pipeline.yaml", "--force", "sum", "--color", "always"])
            .exits(0)
            .stderr
            .contains('\u{1b}')
    );
}

#[test]
fn the_page_about_commands_names_every_command_and_every_option() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    let page = fs_err::read_to_string(page).unwrap();
    let sandbox = project("");
    let mut missing = Vec::new();
    for command in commands(&sandbox) {
        // A command's options are in its row of the table; what all take stands below.
        let row = page.lines().find(|line| line.starts_with(&format!("| `{command}"))).unwrap_or("");
        let help = sandbox.call(&[&command, "--help"]).exits(0).stdout;
        let (own, common) = help.split_once("\nEverywhere:").unwrap();
        let options = |text: &str| -> Vec<String> {
            let listed = |line: &&str| line.trim_start().starts_with('-') && !line.trim_start().starts_with("- ");
            let words = text.lines().filter(listed).flat_map(str::split_whitespace);
            let name = |word: &str| word.trim_end_matches(',').to_owned();
            words.filter(|word| word.starts_with("--")).map(name).collect()
        };
        let unnamed = |text: &str, option: &String| !text.contains(&format!("`{option}"));
        missing.extend(
            options(own)
                .into_iter()
                .filter(|option| option != "--help" && unnamed(row, option))
                .map(|option| format!("{command} {option}")),
        );
        missing.extend(options(common).into_iter().filter(|option| unnamed(&page, option)));
        if row.is_empty() {
            missing.push(command);
        }
    }
    assert!(missing.is_empty(), "not in docs/commands.md: {missing:?}");
}
