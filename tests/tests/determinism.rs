//! The same pipeline gives the same keys and the same bytes, wherever and however it runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dgpipe_cache::FileError;
use dgpipe_tests::Sandbox;
use dgpipe_tests::faults::{Intercepted, Interceptor, Operation, Trial};
use serde_json::Value;

use crate::caching::SUMS;
use crate::project;

const MIXED: &str = "
pipeline: mixed
params: { seeds: [1, 2, 3] }
sources: { words: { path: data/words.txt, kind: file/1 }, tree: { path: data, kind: folder/1 } }
stages:
  one: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\", factor: 0.1 } }
  listed: { uses: table, inputs: { numbers: \"one[*]\" } }
  sorted:
    uses: command
    shell: true
    run: sort ${in.words} > ${out.sorted}; ls ${in.tree} >> ${out.sorted}; date -d @0 >> ${out.sorted}; pwd | wc -l >> ${out.sorted}
    inputs: { words: words, tree: tree }
    outputs: { sorted: { file: sorted.txt } }
";

fn mixed() -> Sandbox {
    let sandbox = project(MIXED);
    sandbox.write("data/words.txt", "b\nA\na\nÄ\nB\n");
    sandbox.write("data/more/numbers.txt", "1\n");
    sandbox
}

/// Key and outputs of every record of a store.
fn records(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let files = sandbox.files(".dgpipe/records-v1").into_iter();
    let read = |path| serde_json::from_slice::<Value>(&fs_err::read(path).unwrap()).unwrap();
    files
        .map(|path| read(path)["record"].clone())
        .map(|record| (record["key"].to_string(), record["outputs"].clone()))
        .collect()
}

#[test]
fn h1_one_job_and_four_give_the_same_digests() {
    let (one, four) = (project(SUMS), project(SUMS));
    one.run_with(&["--jobs", "1"]).exits(0);
    four.run_with(&["--jobs", "4"]).exits(0);
    assert_eq!(records(&one).len(), 9);
    assert_eq!(records(&one), records(&four));
}

#[test]
fn h1_locale_time_zone_home_and_terminal_do_not_matter() {
    let plain = mixed();
    plain.run().exits(0);
    let odd = mixed()
        .variable("LC_ALL", "tr_TR.UTF-8")
        .variable("LANG", "tr_TR.UTF-8")
        .variable("TZ", "Asia/Kathmandu")
        .variable("HOME", "/")
        .variable("COLUMNS", "20")
        .variable("USER", "somebody")
        .variable("RAYON_NUM_THREADS", "7");
    odd.run().exits(0);
    assert_eq!(records(&plain).len(), 5);
    assert_eq!(records(&plain), records(&odd));
}

#[test]
fn h1_the_mask_of_the_caller_does_not_matter() {
    let (plain, masked) = (mixed(), mixed());
    plain.run().exits(0);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg("umask 077; exec \"$0\" run pipeline.yaml").arg(env!("CARGO_BIN_EXE_toy"));
    let run = shell.current_dir(masked.root()).env_remove("DGPIPE_CACHE").output().unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(records(&plain), records(&masked));
}

#[test]
fn h1_the_place_of_the_project_and_of_the_caller_do_not_matter() {
    let (here, there) = (mixed(), mixed());
    let store = tempfile::tempdir().unwrap();
    let cache = store.path().display().to_string();
    here.call(&["run", "pipeline.yaml", "--cache", &cache]).exits(0);
    fs_err::create_dir_all(there.path("below/further")).unwrap();
    let call = ["run", "../../pipeline.yaml", "--cache", &cache, "--json"];
    let run = there.call_in(&there.path("below/further"), &call).exits(0);
    assert_eq!((run.count("executed"), run.count("reused")), (0, 5));
}

/// A disk that lists names in a certain order.
#[derive(Debug)]
struct Listing {
    backwards: bool,
    lists: AtomicUsize,
}

impl Interceptor for Listing {
    fn before(&self, _: Operation, _: &Path) -> Result<(), FileError> {
        Ok(())
    }

    fn listed(&self, mut names: Vec<OsString>) -> Vec<OsString> {
        names.sort();
        if self.backwards {
            names.reverse();
        }
        self.lists.fetch_add(usize::from(names.len() > 1), Ordering::Relaxed);
        names
    }
}

#[test]
fn h1_the_order_in_which_the_disk_lists_names_does_not_matter() {
    let results = [false, true].map(|backwards| {
        let trial = Trial::with(
            "
pipeline: listed
sources: { tree: { path: tree, kind: folder/1 } }
stages:
  rows: { uses: each, inputs: { items: tree } }
  made: { uses: spread, config: { parts: { a: 1, b: 2, c: 3 } } }
  said:
    uses: command
    shell: true
    run: mkdir -p x/deep; for name in c a b; do echo $name > x/$name; echo $name > x/deep/$name; done
    outputs: { x: { folder: x } }
  after:
    uses: command
    shell: true
    run: find in -type f -exec cat {} + | sort > x
    inputs: { tree: tree, made: made, said: said }
    outputs: { x: { file: x } }
publish: { results/made: made, results/said: said, results/rows.txt: rows, results/after.txt: after }
",
        );
        for (name, value) in [("b", 2), ("a", 1), ("c", 3)] {
            trial.write(&format!("tree/{name}"), &format!("{value}\n"));
        }
        let listing = Intercepted::new(Listing { backwards, lists: AtomicUsize::new(0) });
        let lists = listing.interceptor.clone();
        assert!(trial.run_on(Arc::new(listing)).unwrap().succeeded());
        assert!(lists.lists.load(Ordering::Relaxed) > 3, "the order could have mattered");
        trial.result()
    });
    assert_eq!(results[0].records.len(), 4);
    assert_eq!(results[0], results[1]);
}

#[test]
fn the_path_of_a_source_does_not_enter_a_key() {
    let sandbox = project(
        "pipeline: p
sources: { number: { path: \"${env.NUMBERS:-data}/number.txt\", kind: number/1 } }
stages:
  odd: { uses: parity, inputs: { number: number } }
  copy: { uses: command, run: [cp, \"${in.number}\", \"${out.copy}\"], inputs: { number: number }, outputs: { copy: { file: copy.txt } } }
",
    );
    sandbox.write("data/number.txt", "3\n");
    sandbox.write("elsewhere/deep/number.txt", "3\n");
    sandbox.run().exits(0);
    let elsewhere = sandbox.path("elsewhere/deep").display().to_string();
    let moved = sandbox.variable("NUMBERS", &elsewhere);
    assert_eq!(moved.run().exits(0).count("executed"), 0);
}

#[test]
fn the_order_of_a_fan_in_is_by_size_and_not_by_text_or_by_time() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [10, 9, 100, 1.5], names: [b, B, a, é] }
stages:
  number: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: 1, factor: \"${seed}\" } }
  text: { for: { name: \"${names}\" }, uses: constant, config: { value: 5 } }
  listed: { uses: table, inputs: { numbers: [\"number[*]\", \"text[*]\"] } }
publish: { results/listed.txt: listed }
",
    );
    sandbox.run().exits(0);
    insta::assert_snapshot!(sandbox.read("results/listed.txt"), @r#"
    seed=1.5 2
    seed=9 9
    seed=10 10
    seed=100 100
    name=B 5
    name=a 5
    name=b 5
    name=é 5
    "#);
}
