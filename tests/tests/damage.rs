//! What the store loses is made again, and nothing else is.

use dgpipe_tests::Sandbox;

use crate::project;

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

#[test]
fn restored_outputs_give_the_same_downstream_key_as_produced_ones() {
    let sandbox = chain();
    let records = sandbox.files(".dgpipe/records-v1");
    for object in sandbox.files(".dgpipe/objects-v1") {
        fs_err::remove_file(object).unwrap();
    }
    sandbox.remove("results");
    assert_eq!(sandbox.run().exits(0).executed(), ["a", "b", "c"]);
    assert_eq!(sandbox.files(".dgpipe/records-v1"), records);
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
