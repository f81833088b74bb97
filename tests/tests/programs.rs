//! `command` stages: what a program sees, what it leaves, what is kept of it.

use dgpipe_tests::Sandbox;

use crate::project;

#[test]
fn e12_arguments_reach_the_program_as_they_are() {
    let sandbox = project(
        "pipeline: p
params: { hostile: \"; $$(touch pwned) `touch pwned` 'x' \\\"y\\\" * \\n second  line\", number: 0.50 }
stages:
  a:
    uses: command
    run: [sh, -c, 'out=$1; shift; for word; do printf \"[%s]\" \"$word\"; done > \"$out\"', sh, \"${out.a}\", \"${hostile}\", \"x=${number}\", 5, true, \"$$HOME\", \"\", -n]
    outputs: { a: { file: a.txt } }
publish: { a.txt: a }
",
    );
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.read("a.txt"), @r#"
    [; $(touch pwned) `touch pwned` 'x' "y" * 
     second  line][x=0.5][5][true][$HOME][][-n]
    "#);
    assert!(!sandbox.has("pwned"));
}

#[test]
fn e12_params_in_shell_text_are_quoted() {
    let sandbox = project(
        "pipeline: p
params: { hostile: \"; touch $${PWNED:-pwned} $$(touch pwned) 'x' \\n -rf\" }
stages:
  a:
    uses: command
    shell: true
    run: printf '[%s]' ${hostile} \"$HOME_OF_NOBODY\" > ${out.a}
    outputs: { a: { file: \"a b;c.txt\" } }
publish: { a.txt: a }
",
    );
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("a.txt"), "[; touch ${PWNED:-pwned} $(touch pwned) 'x' \n -rf][]");
}

#[test]
fn e12_hostile_file_names_are_only_names() {
    let sandbox = project(
        "pipeline: p
stages:
  made:
    uses: command
    run: [sh, -c, 'echo made > \"$1\"', sh, \"${out.made}\"]
    outputs: { made: { file: \"-rf $$(touch pwned); a'b.txt\" } }
  listed:
    uses: command
    run: [cat, \"${in.made}\"]
    inputs: { made: made, mine: { file: \"-n\" } }
    outputs: { x: { file: x.txt } }
  argv:
    uses: command
    shell: true
    run: cat ${in.made} ${in.mine} > ${out.x}
    inputs: { made: made, mine: { file: \"-n\" } }
    outputs: { x: { file: -x.txt } }
publish: { argv.txt: argv }
",
    );
    sandbox.write("-n", "mine\n");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("argv.txt"), "made\nmine\n");
    assert!(!sandbox.has("pwned"));
}

#[test]
fn an_input_with_several_artifacts_becomes_several_arguments() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [10, 9] }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  list:
    uses: command
    run: [sh, -c, 'out=$1; shift; echo \"$# $*\" > \"$out\"; cat \"$@\" >> \"$out\"', sh, \"${out.list}\", \"${in.numbers}\", last]
    inputs: { numbers: \"one[*]\" }
    outputs: { list: { file: list.txt } }
publish: { list.txt: list }
",
    );
    sandbox.edit(", last]", "]");
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.read("list.txt"), @r#"
    2 in/numbers/0/value in/numbers/1/value
    9
    10
    "#);
}

#[test]
fn inputs_lie_where_the_page_says() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2] }
sources: { tree: { path: data/tree, kind: folder/1 } }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  parts: { uses: spread, config: { parts: { a: 1, b: 2 } } }
  look:
    uses: command
    shell: true
    run: find in scripts -type f | sort > ${out.look}; cat scripts/look.sh >> ${out.look}
    inputs:
      script: { file: scripts/look.sh }
      both: \"one[*]\"
      single: \"one[seed=2]\"
      tree: tree
      leaf: tree/deep/leaf.txt
      parts: parts
      part: parts/b
    outputs: { look: { file: made/look.txt } }
publish: { look.txt: look }
",
    );
    sandbox.write("scripts/look.sh", "the script\n");
    sandbox.write("data/tree/deep/leaf.txt", "leaf\n");
    sandbox.write("data/tree/.hidden", "hidden\n");
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.read("look.txt"), @r#"
    in/both/0/value
    in/both/1/value
    in/leaf/leaf.txt
    in/part/b/value.txt
    in/parts/parts/a/value.txt
    in/parts/parts/b/value.txt
    in/single/value
    in/tree/tree/.hidden
    in/tree/tree/deep/leaf.txt
    scripts/look.sh
    the script
    "#);
    sandbox.write("scripts/look.sh", "another script\n");
    assert_eq!(sandbox.run().exits(0).executed(), ["look"], "a script that is an input is in the key");
}

#[test]
fn inputs_are_copies_that_a_program_cannot_spoil() {
    let sandbox = project(
        "pipeline: p
sources: { mine: { path: mine.txt, kind: file/1 } }
stages:
  one: { uses: constant, config: { value: 1 } }
  spoil:
    uses: command
    shell: true
    run: chmod +w ${in.one} ${in.mine}; echo spoilt > ${in.one}; echo spoilt > ${in.mine}; echo 1 > ${out.x}
    inputs: { one: one, mine: mine }
    outputs: { x: { file: x.txt } }
publish: { one.txt: one, x.txt: spoil }
",
    );
    sandbox.write("mine.txt", "mine\n");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("mine.txt"), "mine\n");
    assert_eq!(sandbox.read("one.txt"), "1\n");
}

#[test]
fn only_declared_variables_are_seen_and_their_values_are_in_the_key() {
    let pipeline = "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: env | cut -d= -f1 | sort > ${out.names}; printf '%s' \"$SHOWN\" > ${out.shown}
    env: [SHOWN, UNSET]
    outputs: { names: { file: names.txt }, shown: { file: shown.txt } }
publish: { names.txt: a.names, shown.txt: a.shown }
";
    let sandbox = project(pipeline).variable("SHOWN", "one").variable("HIDDEN", "x").variable("LD_PRELOAD", "");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("shown.txt"), "one");
    insta::assert_snapshot!(sandbox.read("names.txt"), @r#"
    HOME
    LANG
    PATH
    PWD
    SHOWN
    TMPDIR
    TZ
    "#);
    let sandbox = sandbox.variable("HIDDEN", "y");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
    let sandbox = sandbox.variable("SHOWN", "two");
    let why = sandbox.call(&["why", "pipeline.yaml", "a"]).exits(0);
    assert!(why.stdout.contains("variable SHOWN one → two"), "{}", why.stdout);
    assert_eq!(sandbox.run().exits(0).count("executed"), 1);
    let sandbox = sandbox.variable("UNSET", "");
    assert_eq!(sandbox.run().exits(0).count("executed"), 1, "empty is not unset");
}

const SECRET: &str = "canary-5f3a9c";

#[test]
fn f1_f2_the_value_of_a_secret_is_nowhere() {
    let sandbox = project(
        "pipeline: p
params: { fail: 0 }
stages:
  a:
    uses: command
    shell: true
    run: |
      echo \"token is $TOKEN\"; echo \"$TOKEN$TOKEN\" >&2
      test -n \"$TOKEN\" && echo 1 > ${out.x}
      test ${fail} = 0 || exit ${fail}
      echo \"{\\\"said\\\": \\\"$TOKEN\\\"}\" > metrics.json
    secrets: [TOKEN]
    metrics: { file: metrics.json }
    outputs: { x: { file: x.txt } }
",
    )
    .variable("TOKEN", SECRET);
    let run = sandbox.call(&["run", "pipeline.yaml", "--verbose"]).exits(0);
    let log = sandbox.call(&["log", "pipeline.yaml", "a"]).exits(0);
    assert_eq!((log.stdout.as_str(), log.stderr.as_str()), ("token is ***\n", "******\n"));
    let failed = sandbox.run_with(&["--set", "fail=3"]).exits(1);
    assert!(failed.error("a").contains("the command exited with 3:\n  ******"), "{}", failed.error("a"));
    let shown = sandbox.call(&["show", "pipeline.yaml"]).exits(0);
    for outcome in [&run, &log, &failed, &shown] {
        assert!(!outcome.stdout.contains(SECRET) && !outcome.stderr.contains(SECRET));
    }
    assert_eq!(sandbox.stored_with(SECRET), Vec::<std::path::PathBuf>::new());
    let other = sandbox.variable("TOKEN", "another-value");
    assert_eq!(other.run().exits(0).count("executed"), 0, "a secret is not in the key");
}

#[test]
fn an_unset_secret_is_not_set_for_the_program_either() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: command, shell: true, run: \"echo \\\"$${TOKEN-unset}\\\" > ${out.x}\", secrets: [TOKEN], outputs: { x: { file: x.txt } } } }
publish: { x.txt: a }
",
    );
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("x.txt"), "unset\n");
}

#[test]
fn a_tool_is_in_the_key_by_its_content() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    run: [sh, -c, 'mytool > \"$1\"', sh, \"${out.x}\"]
    tools: [mytool]
    outputs: { x: { file: x.txt } }
publish: { x.txt: a }
",
    );
    sandbox.write_program("bin/mytool", "#!/bin/sh\necho 1\n");
    let path = format!("{}:/usr/bin:/bin", sandbox.path("bin").display());
    let sandbox = sandbox.variable("PATH", &path);
    sandbox.run().exits(0);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
    sandbox.write_program("bin/mytool", "#!/bin/sh\necho 2\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 1);
    assert_eq!(sandbox.read("x.txt"), "2\n");
}

#[test]
fn metrics_are_read_from_the_declared_file() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo '{\"loss\":0.25,\"by\":{\"photo\":3,\"good\":true},\"name\":\"x\"}' > m.json; echo 1 > ${out.x}
    metrics: { file: m.json }
    outputs: { x: { file: x.txt } }
",
    );
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.redacted(&sandbox.call(&["show", "pipeline.yaml"]).exits(0).stdout), @r#"
    run [RUN] of p (default)
      began [DATE], took [TIME]
    executed a  [TIME]
      because new
      by.good = true
      by.photo = 3
      loss = 0.25
      name = x
    1 executed, 0 reused, 0 paths published
    "#);
    sandbox.edit("m.json; echo", "n.json; echo");
    assert!(sandbox.run().exits(1).error("a").contains("the metrics are missing"));
}

#[test]
fn c7_a_missing_output_is_a_failure_that_names_it() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo 1 > x.txt; mkdir file-wanted; echo 1 > folder-wanted
    outputs:
      x: { file: x.txt }
      y: { file: deep/y.txt }
      w: { folder: x.txt.d }
      v: { file: file-wanted }
      u: { folder: folder-wanted }
",
    );
    insta::assert_snapshot!(sandbox.redacted(&sandbox.run().exits(1).error("a")), @r#"
    the command ended well but did not write [`deep/y.txt`, `x.txt.d`, `file-wanted`, `folder-wanted`]
    hint: declared outputs are relative to the command's working folder
    scratch: [ROOT]/.dgpipe/scratch/[SCRATCH]
    "#);
    assert_eq!(sandbox.files(".dgpipe/records-v1").len(), 0);
}

#[test]
fn a_failed_command_keeps_its_scratch_and_its_log() {
    let sandbox = project(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo said; echo \"half done\" > half.txt; echo first >&2; echo second >&2; exit 7
    outputs: { x: { file: x.txt } }
",
    );
    let error = sandbox.run().exits(1).error("a");
    insta::assert_snapshot!(sandbox.redacted(&error), @r#"
    the command exited with 7:
      first
      second
    log: dgpipe log pipeline.yaml 'a'
    scratch: [ROOT]/.dgpipe/scratch/[SCRATCH]
    "#);
    let scratch = error.lines().find_map(|line| line.strip_prefix("scratch: ")).unwrap();
    assert_eq!(fs_err::read_to_string(std::path::Path::new(scratch).join("work/half.txt")).unwrap(), "half done\n");
    let log = sandbox.call(&["log", "pipeline.yaml", "a"]).exits(0);
    assert_eq!((log.stdout.as_str(), log.stderr.as_str()), ("said\n", "first\nsecond\n"));
}

#[test]
fn log_replays_both_streams_of_a_reused_cell() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: command, shell: true, run: \"echo out; echo err >&2; echo 1 > ${out.x}\", outputs: { x: { file: x.txt } } }, b: { uses: constant, config: { value: 1 } } }
",
    );
    assert!(sandbox.call(&["log", "pipeline.yaml", "a"]).exits(2).stderr.contains("`a` has no record"));
    sandbox.run().exits(0);
    sandbox.run().exits(0);
    let log = sandbox.call(&["log", "pipeline.yaml", "a"]).exits(0);
    assert_eq!((log.stdout.as_str(), log.stderr.as_str()), ("out\n", "err\n"));
    let silent = sandbox.call(&["log", "pipeline.yaml", "b"]);
    assert!(silent.stderr.contains("`b` wrote nothing"), "{silent:?}");
}

#[test]
fn a_program_that_cannot_start_says_why() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: command, run: [no-such-program], outputs: { x: { file: x.txt } } }, b: { uses: command, run: [./b.sh], inputs: { s: { file: b.sh } }, outputs: { x: { file: x.txt } } } }
",
    );
    sandbox.write("b.sh", "echo 1\n");
    let run = sandbox.run().exits(1);
    insta::assert_snapshot!(sandbox.redacted(&format!("{}\n\n{}", run.error("a"), run.error("b"))), @r#"
    could not start `no-such-program`: No such file or directory (os error 2)
    hint: is it installed and on PATH?
    scratch: [ROOT]/.dgpipe/scratch/[SCRATCH]

    could not start `[ROOT]/.dgpipe/scratch/[SCRATCH]/work/./b.sh`: Permission denied (os error 13)
    hint: is it executable?
    scratch: [ROOT]/.dgpipe/scratch/[SCRATCH]
    "#);
}

#[test]
fn a_command_feeds_a_native_stage() {
    let sandbox = project(
        "pipeline: p
stages:
  made: { uses: command, shell: true, run: \"echo 41 > ${out.n}\", outputs: { n: { file: n.txt, kind: number/1 } } }
  sum: { uses: add, inputs: { terms: made }, config: { plus: 1 } }
publish: { sum.txt: sum }
",
    );
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("sum.txt"), "42\n");
}

#[test]
fn in_the_project_a_command_finds_and_leaves_its_files_there() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2], word: hello }
stages:
  a:
    for: { seed: \"${seeds}\" }
    uses: command
    cwd: project
    shell: true
    run: mkdir -p out; test ! -e out/${seed}.txt; cat note.txt > out/${seed}.txt; echo ${word} ${in.one} | tr '/' ' ' | wc -w > /dev/null; cat ${in.one} >> out/${seed}.txt
    inputs: { note: { file: note.txt }, one: one }
    outputs: { x: { file: \"out/${seed}.txt\" } }
  one: { uses: constant, config: { value: 1 } }
publish: { \"results/${seed}.txt\": a }
",
    );
    sandbox.write("note.txt", "note\n");
    sandbox.write("out/1.txt", "old\n");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("out/1.txt"), "note\n1\n");
    assert_eq!(sandbox.read("results/2.txt"), "note\n1\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
    sandbox.edit("cat note.txt", "exit 5; cat note.txt");
    sandbox.run().exits(1);
    assert_eq!(sandbox.read("out/1.txt"), "note\n1\n", "what was moved aside is put back");
}

#[test]
fn e4_a_link_or_pipe_as_an_output_is_refused() {
    let refused = |shell: &str, form: &str| {
        let sandbox = project(&format!(
            "pipeline: p\nstages: {{ a: {{ uses: command, shell: true, run: \"{shell}\", outputs: {{ x: {{ {form}: x }} }} }} }}\n"
        ));
        sandbox.write("precious.txt", "precious\n");
        let sandbox = {
            let here = sandbox.root().display().to_string();
            sandbox.variable("HERE", &here)
        };
        let error = sandbox.run().exits(1).error("a");
        assert_eq!(sandbox.files(".dgpipe/records-v1").len(), 0);
        sandbox.redacted(error.lines().next().unwrap_or(""))
    };
    let errors = [
        refused("ln -s /etc/passwd x", "file"),
        refused("ln -s nowhere x", "file"),
        refused("mkfifo x", "file"),
        refused("mkdir x; mkfifo x/pipe", "folder"),
        refused("mkdir x; ln -s /etc/passwd x/link", "folder"),
        refused("mkdir x; ln -s ../../../../etc/passwd x/link", "folder"),
        refused("ln -s / x", "folder"),
    ];
    insta::assert_snapshot!(errors.join("\n"), @r#"
    the symbolic link `[ROOT]/.dgpipe/scratch/[SCRATCH]/out-0-x` leads out of its folder, to `/etc/passwd`
    the command ended well but did not write [`x`]
    the command ended well but did not write [`x`]
    `[ROOT]/.dgpipe/scratch/[SCRATCH]/out-0-x/pipe` is neither a file nor a folder
    the symbolic link `[ROOT]/.dgpipe/scratch/[SCRATCH]/out-0-x/link` leads out of its folder, to `/etc/passwd`
    the symbolic link `[ROOT]/.dgpipe/scratch/[SCRATCH]/out-0-x/link` leads out of its folder, to `../../../../etc/passwd`
    the symbolic link `[ROOT]/.dgpipe/scratch/[SCRATCH]/out-0-x` leads out of its folder, to `/`
    "#);
}

#[test]
fn a_link_inside_a_folder_is_kept_as_a_link() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: command, shell: true, run: \"mkdir x; echo 1 > x/one; ln -s one x/link; chmod +x x/one\", outputs: { x: { folder: x } } } }
publish: { x: a }
",
    );
    sandbox.run().exits(0);
    assert_eq!(fs_err::read_link(sandbox.path("x/link")).unwrap(), std::path::Path::new("one"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs_err::metadata(sandbox.path("x/one")).unwrap().permissions());
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(sandbox.run().exits(0).count("restored"), 0);
}

#[test]
fn shell_cwd_and_names_of_inputs_are_in_the_key() {
    let first = "pipeline: p
stages:
  one: { uses: constant, config: { value: 1 } }
  a: { uses: command, run: [cp, \"${in.one}\", \"${out.x}\"], inputs: { one: one }, outputs: { x: { file: x.txt } } }
";
    let changes: [(&str, &str); 4] = [
        ("run: [cp, \"${in.one}\", \"${out.x}\"]", "shell: true, run: \"cp ${in.one} ${out.x}\""),
        ("uses: command, run", "uses: command, cwd: project, run"),
        ("inputs: { one: one }", "inputs: { one: { file: one.txt } }"),
        ("file: x.txt", "file: y.txt"),
    ];
    for (from, to) in changes {
        let sandbox: Sandbox = project(first);
        sandbox.write("one.txt", "1\n");
        sandbox.run().exits(0);
        sandbox.edit(from, to);
        assert_eq!(sandbox.run().exits(0).executed(), ["a"], "{to}");
    }
}

#[test]
fn d12_of_a_flood_of_output_the_end_is_kept() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: command, shell: true, run: \"yes nonsense | head -c 20000000; echo; echo the end; exit 1\", outputs: { x: { file: x.txt } } } }
",
    );
    sandbox.run().exits(1);
    let log = sandbox.call(&["log", "pipeline.yaml", "a"]).exits(0).stdout;
    assert!(log.len() < 10_000_000 && log.ends_with("the end\n"), "{} bytes", log.len());
    assert!(log.starts_with("[the first "), "{}", &log[..80]);
}

#[test]
fn outputs_with_awkward_names_do_not_meet() {
    let long = "x".repeat(250) + ".txt";
    let sandbox = project(&format!(
        "pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo 1 > b-c; echo 2 > c; mkdir d; echo 3 > d/c; echo 4 > {long}
    outputs: {{ a: {{ file: b-c }}, a-b: {{ file: c }}, stdout: {{ file: d/c }}, long: {{ file: {long} }} }}
publish: {{ 1.txt: a.a, 2.txt: a.a-b, 3.txt: a.stdout, 4.txt: a.long }}
"
    ));
    sandbox.run().exits(0);
    let read = ["1.txt", "2.txt", "3.txt", "4.txt"].map(|name| sandbox.read(name));
    assert_eq!(read.concat(), "1\n2\n3\n4\n");
}
