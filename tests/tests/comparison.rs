//! The page that compares `dgpipe` with other tools names a test for each line; these are the ones that no other file has.

use crate::project;

/// The tests that a page names, as `file::name` in backticks.
fn named(page: &str) -> Vec<(&str, &str)> {
    let quoted = page.split('`').skip(1).step_by(2);
    quoted.filter_map(|word| word.split_once("::")).collect()
}

#[test]
fn every_test_that_the_comparison_names_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs_err::read_to_string(root.join("../docs/comparison.md")).unwrap();
    let named = named(&page);
    let lines = page.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"));
    let without: Vec<&str> = lines.filter(|line| !line.contains("::") && !line.ends_with("| Test |")).collect();
    assert!(without.is_empty() && !named.is_empty(), "lines without a test:\n{}", without.join("\n"));
    let missing = named.iter().filter(|(file, name)| {
        let source = fs_err::read_to_string(root.join(format!("tests/{file}.rs"))).unwrap_or_default();
        !source.contains(&format!("#[test]\nfn {name}() {{\n"))
    });
    let missing: Vec<String> = missing.map(|(file, name)| format!("{file}::{name}")).collect();
    assert!(missing.is_empty(), "not in tests/tests: {missing:#?}");
}

#[test]
fn no_more_cells_run_at_once_than_jobs_allow() {
    let pipeline = "pipeline: p
params: { names: [a, b, c, d, e, f, g, h] }
stages:
  crowd:
    for: { name: \"${names}\" }
    uses: command
    shell: true
    run: mkdir $HERE/running/${name}; ls $HERE/running | wc -l > ${out.count}; sleep 0.05; rmdir $HERE/running/${name}
    env: [HERE]
    outputs: { count: { file: count.txt } }
publish: { \"results/${name}.txt\": crowd }
";
    let sandbox = project(pipeline);
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    fs_err::create_dir(sandbox.path("running")).unwrap();
    assert_eq!(sandbox.run_with(&["--jobs", "2"]).exits(0).executed().len(), 8);
    let at_once = |name: char| sandbox.read(&format!("results/{name}.txt")).trim().parse::<usize>().unwrap();
    let most = ('a'..='h').map(at_once).max();
    assert!(most <= Some(2), "{most:?} at once");
}

#[test]
fn a_script_counts_by_its_content() {
    let sandbox = project(
        "pipeline: p
stages:
  made:
    uses: command
    run: [sh, \"${in.script}\", \"${out.text}\"]
    inputs: { script: { file: scripts/make.sh } }
    outputs: { text: { file: text.txt } }
publish: { text.txt: made }
",
    );
    sandbox.write("scripts/make.sh", "echo one > $1\n");
    sandbox.run().exits(0);
    sandbox.write("scripts/make.sh", "echo one > $1\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0, "it was only written again");
    sandbox.write("scripts/make.sh", "echo two > $1\n");
    assert_eq!(sandbox.run().exits(0).executed(), ["made"]);
    assert_eq!(sandbox.read("text.txt"), "two\n");
}

#[test]
fn what_a_command_prints_need_not_be_text() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: command, shell: true, run: \"printf '\\\\377\\\\000\\\\376'; echo 1 > ${out.x}\", outputs: { x: { file: x.txt } } }
",
    );
    sandbox.run().exits(0);
    let log = sandbox.command().args(["log", "pipeline.yaml", "a"]).output().unwrap();
    assert_eq!(String::from_utf8(log.stdout).unwrap(), "\u{fffd}\0\u{fffd}", "shown as what is no text");
}
