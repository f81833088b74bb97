//! What the store loses is made again, and nothing else is.

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use dgpipe_tests::faults::oracle;
use dgpipe_tests::{Outcome, Sandbox};

use crate::project;
use crate::signals::wait_until;

/// A chain of three cells, of which only the last is published. Every number is the content of one object.
const CHAIN: &str = "
pipeline: chain
stages:
  a: { uses: constant, config: { value: 100 } }
  b: { uses: add, inputs: { terms: a }, config: { plus: 10 } }
  c: { uses: add, inputs: { terms: b }, config: { plus: 1 } }
publish: { results/c.txt: c }
";

fn chain() -> Sandbox {
    let sandbox = project(CHAIN);
    assert_eq!(sandbox.run().exits(0).count("executed"), 3);
    sandbox
}

fn delete(sandbox: &Sandbox, content: &str) {
    fs_err::remove_file(sandbox.object(content)).unwrap();
}

fn quarantined(sandbox: &Sandbox) -> usize {
    sandbox.files(".dgpipe/quarantine-v1").len()
}

#[test]
fn an_object_that_nobody_needs_may_be_missing() {
    let sandbox = chain();
    delete(&sandbox, "100\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn a_missing_object_of_a_target_makes_its_producer_execute_and_nothing_else() {
    let sandbox = chain();
    delete(&sandbox, "111\n");
    let plan = sandbox.call(&["plan", "pipeline.yaml", "--jobs", "2"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&plan.stdout), @r#"
    execute  c  [TIME]  bytes of `sum` are missing in the store
    1 to execute, 0 await those and may be reused, 2 to reuse
    about [TIME] of work by past records
    about [TIME] with 2 jobs; the longest chain takes [TIME]
    "#);
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["c"]);
    assert_eq!(run.cells("reused"), ["a", "b"]);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn a_missing_object_is_made_again_when_an_executing_cell_reads_it() {
    let sandbox = chain();
    delete(&sandbox, "110\n");
    sandbox.edit("plus: 1 }", "plus: 2 }");
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["b", "c"]);
    assert_eq!(sandbox.read("results/c.txt"), "112\n");
}

#[test]
fn missing_objects_are_made_again_all_the_way_up() {
    let sandbox = chain();
    delete(&sandbox, "100\n");
    delete(&sandbox, "110\n");
    sandbox.edit("plus: 1 }", "plus: 2 }");
    assert_eq!(sandbox.run().exits(0).executed(), ["a", "b", "c"]);
}

#[test]
fn a_flipped_byte_is_quarantined_warned_of_and_only_its_producer_executes_again() {
    let sandbox = chain();
    sandbox.damage("110\n", b"111\n");
    // The object of `c` has these bytes too, so it is looked for by what it should be.
    sandbox.edit("plus: 1 }", "plus: 2 }");
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["b", "c"]);
    assert_eq!(sandbox.read("results/c.txt"), "112\n", "the damaged bytes were not served");
    let warnings = run.warnings();
    assert!(warnings.iter().any(|text| text.contains("is damaged") && text.contains("quarantine")), "{warnings:?}");
    assert_eq!(quarantined(&sandbox), 1);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn a_truncated_object_is_a_miss() {
    let sandbox = chain();
    sandbox.damage("111\n", b"");
    sandbox.remove("results");
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["c"]);
    assert_eq!(sandbox.read("results/c.txt"), "111\n");
}

#[test]
fn a_damaged_object_is_found_when_it_is_published() {
    let sandbox = chain();
    sandbox.damage("111\n", b"999\n");
    sandbox.remove("results/c.txt");
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["c"]);
    assert_eq!(sandbox.read("results/c.txt"), "111\n");
    assert_eq!(quarantined(&sandbox), 1);
}

#[test]
fn damage_in_a_folder_makes_its_producer_execute_again() {
    let sandbox = project(
        "pipeline: p
stages:
  made: { uses: spread, config: { parts: { a: 1, b: 20 } } }
  odd: { uses: parity, inputs: { number: made/a/value.txt } }
publish: { results/made: made, results/odd.txt: odd }
",
    );
    sandbox.run().exits(0);
    sandbox.damage("20\n", b"21\n");
    sandbox.remove("results/made");
    assert_eq!(sandbox.run().exits(0).executed(), ["made"]);
    assert_eq!(sandbox.read("results/made/b/value.txt"), "20\n");
    // The list of the folder's files is an object too.
    let is_list = |path: &std::path::PathBuf| fs_err::read(path).is_ok_and(|bytes| bytes.len() > 10);
    let lists: Vec<_> = sandbox.files(".dgpipe/objects-v1").into_iter().filter(is_list).collect();
    assert!(!lists.is_empty());
    for list in lists {
        fs_err::remove_file(list).unwrap();
    }
    sandbox.remove("results");
    assert_eq!(sandbox.run().exits(0).executed(), ["made"]);
    assert_eq!(sandbox.read("results/made/b/value.txt"), "20\n");
}

#[test]
fn a_damaged_record_is_a_miss() {
    let sandbox = chain();
    for (record, bytes) in sandbox.files(".dgpipe/records-v1").into_iter().zip(["", "{", "{\"version\":1}"]) {
        fs_err::remove_file(&record).unwrap();
        fs_err::write(&record, bytes).unwrap();
    }
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["a", "b", "c"]);
    assert_eq!(run.warnings().len(), 3);
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

/// Two cells above, a folder and a file, and two below that read them: a native one and a command.
const TWO_LEVELS: &str = "
pipeline: levels
stages:
  made: { uses: spread, config: { parts: { x: 20, y: 30 } } }
  b: { uses: add, inputs: { terms: [made/x/value.txt, made/y/value.txt] } }
  c: { uses: add, inputs: { terms: b, extra: made/y/value.txt }, config: { plus: 1 } }
  said:
    uses: command
    shell: true
    run: cat ${in.made}/x/value.txt ${in.b} > x.txt
    inputs: { made: made, b: b }
    outputs: { x: { file: x.txt } }
publish: { results/made: made, results/b.txt: b, results/c.txt: c, results/said.txt: said }
";

#[test]
fn restored_outputs_give_the_same_downstream_key_as_produced_ones() {
    let produced = project(TWO_LEVELS);
    assert_eq!(produced.run().exits(0).executed(), ["b", "c", "made", "said"]);
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let cache = store.display().to_string();
    // One project makes what is above; another, with no copy of it anywhere, takes it from their store.
    project(TWO_LEVELS).run_with(&["--cache", &cache, "b", "made"]).exits(0);
    let restored = project(TWO_LEVELS);
    let run = restored.run_with(&["--cache", &cache]).exits(0);
    assert_eq!(run.outcomes(), "b reused\nc executed\nmade reused\nsaid executed\n");
    let (there, here) = (produced.path(".dgpipe"), store.as_path());
    let result = |sandbox: &Sandbox, store| oracle::result(sandbox.root(), store);
    let (expected, found) = (result(&produced, &there), result(&restored, here));
    assert_eq!(found.records.len(), 4);
    assert_eq!(found, expected);
    // The same once more where published paths are put back before the cells below are made anew.
    for record in oracle::files(&store.join("records-v1")) {
        let text = fs_err::read_to_string(&record).unwrap();
        if text.contains("\"command\"") || text.contains("\"plus\":1") {
            fs_err::remove_file(record).unwrap();
        }
    }
    restored.remove("results");
    let run = restored.run_with(&["--cache", &cache]).exits(0);
    assert_eq!(run.outcomes(), "b reused\nc executed\nmade reused\nsaid executed\n");
    assert_eq!(run.count("restored"), 4);
    assert_eq!(result(&restored, here), expected);
}

#[test]
fn deleting_the_whole_store_only_costs_time() {
    let sandbox = chain();
    sandbox.remove(".dgpipe");
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.count("restored")), (3, 0), "what is published is what would be published");
    assert_eq!(sandbox.read("results/c.txt"), "111\n");
}

#[test]
fn deleting_what_only_saves_time_changes_nothing() {
    let sandbox = chain();
    for folder in ["memo-v1", "scratch", "leases-v1", "logs-v1", "quarantine-v1", "items-v1", "resume-v1"] {
        sandbox.remove(&format!(".dgpipe/{folder}"));
    }
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn forgetting_the_project_loses_no_work() {
    let sandbox = chain();
    sandbox.remove(".dgpipe/projects-v1");
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.count("reused")), (0, 3));
}

#[test]
fn c1_swapped_objects_are_both_made_again() {
    let sandbox = chain();
    let (one, other) = (sandbox.object("100\n"), sandbox.object("110\n"));
    let aside = sandbox.path("aside");
    fs_err::rename(&one, &aside).unwrap();
    fs_err::rename(&other, &one).unwrap();
    fs_err::rename(&aside, &other).unwrap();
    sandbox.edit("plus: 10 }", "plus: 20 }");
    sandbox.edit("terms: b }", "terms: [a, b] }");
    let run = sandbox.run().exits(0);
    assert_eq!(run.executed(), ["a", "b", "c"]);
    assert_eq!(sandbox.read("results/c.txt"), "221\n");
    sandbox.call(&["verify"]).exits(1);
    sandbox.edit("plus: 20 }", "plus: 10 }");
    sandbox.edit("terms: [a, b] }", "terms: b }");
    assert_eq!(sandbox.run_with(&["a", "b", "c"]).exits(0).executed(), ["b"]);
    sandbox.call(&["verify"]).exits(0);
}

#[test]
fn the_record_of_another_cell_is_a_miss() {
    let sandbox = chain();
    let records = sandbox.files(".dgpipe/records-v1");
    fs_err::copy(&records[0], &records[1]).unwrap();
    let run = sandbox.run().exits(0);
    assert_eq!(run.count("executed"), 1);
    assert!(run.warnings().iter().any(|text| text.contains("it is the record of `")), "{:?}", run.warnings());
    assert_eq!(sandbox.read("results/c.txt"), "111\n");
    assert_eq!(sandbox.run().exits(0).count("executed"), 0);
}

#[test]
fn path_says_what_is_gone_and_how_to_make_it_again() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: constant, config: { value: 100 } }
  made: { uses: spread, config: { parts: { x: 20, y: 30 } } }
",
    );
    sandbox.run().exits(0);
    sandbox.damage("100\n", b"101\n");
    sandbox.damage("20\n", b"");
    for (cell, place) in [("a", ""), ("made", "x/value.txt")] {
        for warned in [true, false] {
            let path = sandbox.call(&["path", "pipeline.yaml", cell]).exits(2);
            assert_eq!(path.stdout, "");
            assert!(path.stderr.contains(&format!("bytes of `{cell}.")), "{}", path.stderr);
            assert!(path.stderr.contains(&format!("`dgpipe run pipeline.yaml '{cell}'` makes them again")));
            assert_eq!(path.stderr.contains("quarantine"), warned, "once: {}", path.stderr);
        }
        assert_eq!(sandbox.run_with(&[cell]).exits(0).executed(), [cell]);
        let path = sandbox.call(&["path", "pipeline.yaml", cell]).exits(0).stdout;
        let bytes = fs_err::read(std::path::Path::new(path.trim()).join(place)).or_else(|_| fs_err::read(path.trim()));
        assert_eq!(bytes.unwrap(), if cell == "a" { b"100\n".to_vec() } else { b"20\n".to_vec() });
    }
    let view = sandbox.call(&["path", "pipeline.yaml", "made"]).exits(0).stdout;
    fs_err::write(std::path::Path::new(view.trim()).join("x/value.txt"), "changed by hand").unwrap();
    sandbox.call(&["path", "pipeline.yaml", "made"]).exits(0);
    assert_eq!(fs_err::read(std::path::Path::new(view.trim()).join("x/value.txt")).unwrap(), b"20\n");
}

/// A cell that waits for a file, and readers of it and of a cell that a run reuses: one in this process, one a command.
const GATED: &str = "
pipeline: p
params: { go: 1 }
stages:
  a: { uses: constant, config: { value: 100 } }
  gated:
    uses: command
    shell: true
    run: touch $HERE/started-${go}; while ! test -e $HERE/go-${go}; do sleep 0.02; done; echo ${go} > ${out.x}
    outputs: { x: { file: x.txt, kind: number/1 } }
    env: [HERE]
  sum: { uses: add, inputs: { terms: [gated, a] } }
  shown:
    uses: command
    shell: true
    run: cat ${in.after} ${in.number} > ${out.x}
    inputs: { after: gated, number: a }
    outputs: { x: { file: x.txt } }
publish: { results/sum.txt: sum, results/shown.txt: shown }
";

/// Runs the pipeline, does something to the store while `gated` executes, and returns what the run did.
fn while_it_runs(sandbox: &Sandbox, go: u32, spoil: impl FnOnce(&Sandbox)) -> Outcome {
    let mut command = sandbox.command();
    command.args(["run", "pipeline.yaml", "--json", "--set", &format!("go={go}")]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("it executes", || sandbox.has(&format!("started-{go}")));
    spoil(sandbox);
    sandbox.write(&format!("go-{go}"), "");
    Outcome::of(&run.wait_with_output().unwrap())
}

#[test]
fn c4_what_is_lost_or_damaged_in_the_middle_of_a_run_is_made_again() {
    let sandbox = project(GATED);
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    sandbox.write("go-1", "");
    sandbox.run().exits(0);
    let spoils: [fn(&Sandbox); 4] = [
        |sandbox| delete(sandbox, "100\n"),
        |sandbox| sandbox.damage("100\n", b"999\n"),
        |sandbox| sandbox.damage("100\n", b""),
        |sandbox| {
            // The record too, so that nobody can know from it what the bytes were.
            delete(sandbox, "100\n");
            for record in sandbox.files(".dgpipe/records-v1") {
                fs_err::remove_file(record).unwrap();
            }
        },
    ];
    for (go, spoil) in (2..).zip(spoils) {
        let run = while_it_runs(&sandbox, go, spoil).exits(0);
        assert_eq!(run.executed(), ["a", "gated", "shown", "sum"], "{go}");
        assert_eq!(sandbox.read("results/sum.txt"), format!("{}\n", 100 + go));
        assert_eq!(sandbox.read("results/shown.txt"), format!("{go}\n100\n"));
        assert_eq!(sandbox.run_with(&["--set", &format!("go={go}")]).exits(0).count("executed"), 0, "{go}");
    }
}

#[test]
fn c4_what_is_published_and_lost_in_the_middle_of_a_run_is_made_again() {
    let sandbox = project(&GATED.replace("publish: {", "publish: { results/a.txt: a,"));
    let here = sandbox.root().display().to_string();
    let sandbox = sandbox.variable("HERE", &here);
    sandbox.write("go-1", "");
    sandbox.run().exits(0);
    let run = while_it_runs(&sandbox, 2, |sandbox| {
        delete(sandbox, "1\n");
        sandbox.remove("results");
        sandbox.damage("100\n", b"999\n");
    });
    assert!(run.exits(0).executed().contains(&"a".to_owned()));
    assert_eq!(sandbox.read("results/a.txt"), "100\n");
    assert_eq!(sandbox.read("results/sum.txt"), "102\n");
}

#[test]
fn c4_an_object_that_vanishes_as_soon_as_it_is_stored_is_made_again() {
    let pipeline = "
pipeline: p
stages:
  a:
    uses: command
    shell: true
    run: echo x >> $HERE/times; echo 100 > ${out.x}
    outputs: { x: { file: x.txt } }
    env: [HERE]
publish: { results/a.txt: a }
";
    let with_store = |sandbox: Sandbox| {
        let here = sandbox.root().display().to_string();
        sandbox.variable("HERE", &here)
    };
    let first = with_store(project(pipeline));
    first.run().exits(0);
    let object = first.object("100\n").strip_prefix(first.root()).unwrap().to_owned();
    // Whoever removes it has to be quick, which a busy machine does not always let it be.
    for _ in 0..50 {
        let sandbox = with_store(project(pipeline));
        let over = AtomicBool::new(false);
        let vanished = || fs_err::remove_file(sandbox.root().join(&object)).is_ok();
        let run = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !vanished() && !over.load(Ordering::SeqCst) {
                    std::hint::spin_loop();
                }
            });
            let run = sandbox.run();
            over.store(true, Ordering::SeqCst);
            run
        });
        // Found when the record was to be written, or just after that, when it was to be published.
        assert_eq!(run.exits(0).outcomes(), "a executed\n");
        assert_eq!(sandbox.read("results/a.txt"), "100\n");
        if sandbox.read("times").lines().count() == 2 {
            sandbox.call(&["verify"]).exits(0);
            return;
        }
    }
    panic!("it was never removed in time");
}

#[test]
fn who_read_bytes_of_a_producer_that_gives_others_when_it_is_healed_executes_again_in_the_same_run() {
    let sandbox = project(
        "pipeline: p
params: { word: one }
stages:
  p:
    uses: command
    shell: true
    run: date +%s%N | tee ${out.a} > ${out.b}; echo beside >> ${out.b}
    outputs: { a: { file: a.txt }, b: { file: b.txt } }
  c:
    uses: command
    shell: true
    run: \"(echo ${word}; cat ${in.a}) > ${out.c}\"
    inputs: { a: p.a }
    outputs: { c: { file: c.txt } }
publish: { results/a.txt: p.a, results/b.txt: p.b, results/c.txt: c }
",
    );
    sandbox.run().exits(0);
    sandbox.damage(&sandbox.read("results/b.txt"), b"bad\n");
    sandbox.remove("results/b.txt");
    // `c` executes on the bytes that the store has; that others are bad is found when they are published.
    let run = sandbox.run_with(&["--set", "word=two"]).exits(0);
    assert!(run.warnings().iter().any(|text| text.contains("is not reproducible")), "{:?}", run.warnings());
    assert_eq!(sandbox.read("results/c.txt"), format!("two\n{}", sandbox.read("results/a.txt")));
    assert_eq!(sandbox.run_with(&["--set", "word=two"]).exits(0).count("executed"), 0);
}
