//! What a project remembers, and that nothing ill-formed in it stops a run.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use dgpipe_cache::{Artifact, Digest, Key, Ledger, LedgerEntry, StoreError};

use crate::sandbox::Sandbox;

fn ledger() -> Ledger {
    let entry = LedgerEntry {
        artifact: Artifact::file(Digest::of(b"figure"), 6),
        cell: "figure[seed=1]".to_owned(),
        port: "svg".to_owned(),
        key: Some(Key::of(b"key")),
        extra: BTreeMap::new(),
    };
    Ledger { entries: BTreeMap::from([("results/figure.svg".to_owned(), entry)]) }
}

#[test]
fn latest_and_ledger_are_kept_per_profile() {
    let sandbox = Sandbox::new();
    let mini = sandbox.store.project("id", "pacs", "mini");
    let full = sandbox.store.project("id", "pacs", "full,reference");
    assert!(mini.latest().unwrap().is_empty());
    assert_eq!(mini.ledger().unwrap(), Ledger::default());
    let latest = BTreeMap::from([("mask[seed=1]".to_owned(), Key::of(b"key"))]);
    mini.set_latest(&latest).unwrap();
    mini.set_ledger(&ledger()).unwrap();
    assert!(full.latest().unwrap().is_empty());
    let mini = sandbox.reopened().project("id", "pacs", "mini");
    assert_eq!(*mini.latest().unwrap(), latest);
    assert_eq!(mini.ledger().unwrap(), ledger());
    sandbox.store.sync().unwrap();
}

#[test]
fn the_latest_records_are_read_again_where_somebody_changed_them() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("id", "pacs", "mini");
    let other = sandbox.reopened().project("id", "pacs", "mini");
    let latest = |text: &[u8]| BTreeMap::from([("cell".to_owned(), Key::of(text))]);
    other.set_latest(&latest(b"one")).unwrap();
    // A file that changed a moment ago is never trusted.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let known = project.latest().unwrap();
    assert_eq!(*known, latest(b"one"));
    assert!(Arc::ptr_eq(&known, &project.latest().unwrap()), "it is read once");
    other.set_latest(&latest(b"two")).unwrap();
    assert_eq!(*project.latest().unwrap(), latest(b"two"));
    project.add_latest(BTreeMap::from([("more".to_owned(), Key::of(b"more"))]), &|_| true).unwrap();
    assert_eq!(other.latest().unwrap().len(), 2);
}

#[test]
fn looking_into_the_memory_of_a_project_makes_nothing() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("id", "pacs", "mini");
    assert!(project.latest().unwrap().is_empty() && project.runs().unwrap().is_empty());
    assert!(!project.path().exists());
}

#[test]
fn names_cannot_lead_out_of_the_store() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("../..", "/etc", "");
    let projects = sandbox.store.root().join("projects-v1");
    assert_eq!(project.path().ancestors().nth(3), Some(projects.as_path()));
    let run = project.new_run("../../x").unwrap();
    assert!(run.path().starts_with(project.path()));
    assert_eq!(project.runs().unwrap()[0].id(), "../../x");
}

#[test]
fn ill_formed_files_are_empty_and_told_about() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("id", "pacs", "mini");
    fs_err::create_dir_all(project.path()).unwrap();
    for bytes in [&b""[..], b"{", b"[]", b"\xff\xfe", b"{\"version\":1}"] {
        fs_err::write(project.path().join("latest.json"), bytes).unwrap();
        fs_err::write(project.path().join("ledger.json"), bytes).unwrap();
        assert!(project.latest().unwrap().is_empty());
        assert_eq!(project.ledger().unwrap(), Ledger::default());
        assert_eq!(sandbox.store.take_warnings().len(), 2);
    }
}

#[test]
fn files_of_a_newer_program_are_not_replaced() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("id", "pacs", "mini");
    fs_err::create_dir_all(project.path()).unwrap();
    let newer = "{\"version\":9,\"content\":[]}";
    let path = project.path().join("ledger.json");
    fs_err::write(&path, newer).unwrap();
    assert_eq!(project.ledger().unwrap(), Ledger::default());
    assert!(sandbox.store.take_warnings()[0].contains("a newer dgpipe"));
    assert!(matches!(project.set_ledger(&ledger()), Err(StoreError::Newer { version: 9, .. })));
    assert_eq!(fs_err::read_to_string(path).unwrap(), newer);
}

#[test]
fn runs_are_sorted_and_their_events_survive_a_torn_line() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("id", "pacs", "mini");
    assert!(project.runs().unwrap().is_empty());
    for id in ["b", "a", "c"] {
        project.new_run(id).unwrap();
    }
    assert!(matches!(project.new_run("a"), Err(StoreError::Exists { .. })));
    let runs = project.runs().unwrap();
    assert_eq!(runs.iter().map(dgpipe_cache::RunFolder::id).collect::<Vec<_>>(), ["a", "b", "c"]);
    let run = &runs[0];
    assert!(run.events().unwrap().is_empty());
    assert_eq!(run.report().unwrap(), None);
    writeln!(run.append_events().unwrap(), "{{\"event\":\"started\"}}").unwrap();
    write!(run.append_events().unwrap(), "{{\"event\":\"fini").unwrap();
    assert_eq!(run.events().unwrap(), [serde_json::json!({"event": "started"})]);
    run.set_report(&serde_json::json!({"executed": 1})).unwrap();
    assert_eq!(run.report().unwrap().unwrap()["executed"], 1);
    fs_err::write(run.path().join("report.json"), "{").unwrap();
    assert_eq!(run.report().unwrap(), None);
    sandbox.store.sync().unwrap();
}

#[test]
fn what_many_add_at_the_same_time_is_all_there() {
    let sandbox = Sandbox::new();
    let of = |number: usize| format!("cell[seed={number}]");
    std::thread::scope(|scope| {
        for number in 0..16 {
            // Another handle on the store each, as another process would have.
            let project = sandbox.reopened().project("id", "pacs", "mini");
            scope.spawn(move || {
                project.add_latest(BTreeMap::from([(of(number), Key::of(b"key"))]), &|_| true).unwrap();
                let entry = ledger().entries["results/figure.svg"].clone();
                project.add_to_ledger(BTreeMap::from([(of(number), entry)])).unwrap();
            });
        }
    });
    let project = sandbox.reopened().project("id", "pacs", "mini");
    assert_eq!(project.latest().unwrap().len(), 16);
    assert_eq!(project.ledger().unwrap().entries.len(), 16);
}

#[test]
fn a_draft_left_by_a_process_with_the_same_number_is_no_obstacle() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("id", "pacs", "mini");
    fs_err::create_dir_all(project.path()).unwrap();
    let latest = BTreeMap::from([("cell".to_owned(), Key::of(b"key"))]);
    // A folder, because what is left there must neither be used nor hinder.
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap();
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mark = &dgpipe_cache::Digest::of(host.trim_end().as_bytes()).short()[..8];
    for number in 0..20 {
        let draft = format!(".draft-{mark}-{}-{started}-{number}", std::process::id());
        fs_err::write(project.path().join(draft), "half").unwrap();
    }
    project.set_latest(&latest).unwrap();
    assert_eq!(*project.latest().unwrap(), latest);
    let drafts = fs_err::read_dir(project.path()).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with(".draft-")
    });
    assert_eq!(drafts.count(), 20, "those of others are left alone");
}
