//! Secrets and what is private: in no file of the store, no log, no argument, no report, and nothing for others to read.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use dgpipe_tests::Sandbox;

use crate::project;

const SECRET: &str = "canary?7e21>d4b0c9";

/// `SECRET` in base64 as `base64` and as addresses have it, whatever stands before it; without the letters at either end
/// that depend on what stands around it.
fn in_base64() -> Vec<String> {
    let mut texts = Vec::new();
    for before in 0..3 {
        let bytes = [&b"xy"[..before], SECRET.as_bytes()].concat();
        let script = "base64 -w 0";
        let mut child = Command::new("sh");
        let child = child.args(["-c", script]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = child.spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
        let text = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let inner = text.trim_end_matches('=');
        let inner = inner[4..inner.len() - 2].to_owned();
        texts.push(inner.replace('+', "-").replace('/', "_"));
        texts.push(inner);
    }
    texts
}

/// All that may show up nowhere.
fn forbidden() -> Vec<String> {
    let mut forbidden = in_base64();
    forbidden.push(SECRET.to_owned());
    forbidden
}

fn files_with(sandbox: &Sandbox, folder: &str, needle: &str) -> Vec<PathBuf> {
    let has = |path: &PathBuf| fs_err::read(path).unwrap().windows(needle.len()).any(|at| at == needle.as_bytes());
    sandbox.files(folder).into_iter().filter(has).collect()
}

/// A command that says its secret in every way that it knows, and fails when it is asked to.
const TELLTALE: &str = "
pipeline: p
params: { fail: 0 }
stages:
  a:
    uses: command
    shell: true
    run: |
      echo \"token is $TOKEN\"
      printf %s \"$TOKEN\" | base64 >&2
      printf %s \"user:$TOKEN\" | base64
      printf %s \"x$TOKEN and more\" | base64 -w 0 | tr '+/' '-_'
      test ${fail} = 0 || exit ${fail}
      echo \"{\\\"said\\\": \\\"$TOKEN\\\", \\\"coded\\\": \\\"$(printf %s \"$TOKEN\" | base64)\\\"}\" > metrics.json
      echo '<svg xmlns=\"http://www.w3.org/2000/svg\"/>' > x.svg
    secrets: [TOKEN]
    metrics: { file: metrics.json }
    outputs: { x: { file: x.svg } }
publish: { results/x.svg: a }
";

#[test]
fn f1_f2_a_secret_is_in_no_report_and_masked_in_base64_wherever_a_command_prints_it() {
    let sandbox = project(TELLTALE).variable("TOKEN", SECRET);
    let run = sandbox.call(&["run", "pipeline.yaml", "--verbose"]).exits(0);
    let log = sandbox.call(&["log", "pipeline.yaml", "a"]).exits(0);
    assert!(log.stdout.starts_with("token is ***\n") && log.stdout.matches("***").count() == 3, "{}", log.stdout);
    assert!(log.stderr.contains("***"), "{}", log.stderr);
    let failed = sandbox.run_with(&["--set", "fail=3"]).exits(1);
    let report = sandbox.call(&["report", "pipeline.yaml", "--out", "site"]).exits(0);
    let mut said = vec![run, log, failed, report];
    for call in [
        &["show", "pipeline.yaml"][..],
        &["show", "pipeline.yaml", "--json"],
        &["runs", "--json"],
        &["why", "pipeline.yaml", "a"],
        &["trace", "results/x.svg", "--json"],
        &["figures", "pipeline.yaml"],
    ] {
        said.push(sandbox.call(call).exits(0));
    }
    assert!(sandbox.files("site").len() > 1 && sandbox.has("site/index.html"));
    assert!(!files_with(&sandbox, "site", "***").is_empty(), "the report shows the log, masked");
    for needle in forbidden() {
        for outcome in &said {
            assert!(!outcome.stdout.contains(&needle) && !outcome.stderr.contains(&needle), "{needle}: {outcome:?}");
        }
        // The one text of the project that holds it is none of this program's.
        assert_eq!(files_with(&sandbox, "", &needle), Vec::<PathBuf>::new(), "{needle}");
    }
}

/// The command itself looks at the arguments of every process of the machine, its own and those of its run among them.
#[test]
fn f3_a_secret_is_in_the_arguments_of_no_process() {
    let pipeline = "
pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: |
      for process in /proc/[0-9]*; do
        tr '\\0' ' ' < $process/cmdline >> seen.txt 2> /dev/null || true
        echo >> seen.txt
      done
      case $TOKEN in can*) echo given > given.txt;; esac
    secrets: [TOKEN]
    outputs: { seen: { file: seen.txt }, given: { file: given.txt } }
publish: { results/seen.txt: a.seen, results/given.txt: a.given }
";
    let sandbox = project(pipeline).variable("TOKEN", SECRET);
    sandbox.run().exits(0);
    let seen = sandbox.read("results/seen.txt");
    assert!(seen.contains("run pipeline.yaml --json"), "the run is among what was seen:\n{seen}");
    assert!(seen.contains("cmdline"), "and the command's own shell:\n{seen}");
    assert_eq!(sandbox.read("results/given.txt"), "given\n", "the command has the secret");
    for needle in forbidden() {
        assert!(!seen.contains(&needle), "{needle}");
    }
}

#[test]
fn f4_whatever_the_mask_of_the_caller_nobody_else_can_enter_the_store() {
    let sandbox = project(
        "pipeline: p
sources: { all: { path: all, kind: folder/1 } }
stages:
  rows: { uses: each, inputs: { items: all } }
  long: { uses: rounds, inputs: { start: rows }, config: { rounds: 3 } }
  said: { uses: command, shell: true, run: \"echo said; echo 1 > x.txt\", outputs: { x: { file: x.txt } } }
  failing: { uses: command, shell: true, run: \"echo half > x.txt; exit 1\", outputs: { x: { file: x.txt } } }
  made: { uses: spread, config: { parts: { a: 1 } } }
publish: { results/long.txt: long, results/made: made, results/said.txt: said, results/x.txt: failing }
",
    );
    sandbox.write("all/one.txt", "1\n");
    let masked = |arguments: &str, code: i32| {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("umask 000; exec \"$0\" {arguments}")).arg(env!("CARGO_BIN_EXE_toy"));
        let output = shell.current_dir(sandbox.root()).env_remove("DGPIPE_CACHE").output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    };
    masked("run pipeline.yaml --checkpoint-every 0", 1);
    masked("path pipeline.yaml made", 0);
    masked("pin pipeline.yaml made", 0);
    sandbox.damage("1\n", b"2\n");
    masked("verify", 1);
    masked("gc", 0);
    let root = sandbox.path(".dgpipe");
    let (mut open, mut looked_at, mut wrong) = (vec![root.clone()], 0, Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            looked_at += 1;
            let inside = path.strip_prefix(&root).unwrap().display().to_string();
            // What a command makes in its own folder has the modes that it gives, and views are for looking at; nobody else
            // gets that far.
            if inside.starts_with("scratch/") || inside.starts_with("memo-v1/views") {
                continue;
            }
            // Nobody but the owner may write, and nobody else may enter a folder that the store has for itself.
            let others = if metadata.is_dir() { 0o077 } else { 0o022 };
            if mode & others != 0 && !metadata.is_symlink() {
                wrong.push(format!("{inside} {mode:o}"));
            }
            if metadata.is_dir() {
                open.push(path);
            }
        }
    }
    assert!(looked_at > 40, "{looked_at}");
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(root.metadata().unwrap().permissions().mode() & 0o7777, 0o700, "the door itself");
}
