//! Removing what nothing uses: nothing that is in use goes, whatever happens at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dgpipe_cache::{
    Artifact, Collection, Digest, GcOptions, Key, LeaseAttempt, Ledger, LedgerEntry, Pin, Store, StoreError, What, Why,
};

use crate::recorder::Recorder;
use crate::sandbox::{Sandbox, commit, record};

/// All that is not in use, however young.
fn everything() -> GcOptions {
    GcOptions { older_than: Some(Duration::ZERO), grace: Duration::ZERO, ..GcOptions::default() }
}

fn key(name: &str) -> Key {
    Key::of(name.as_bytes())
}

fn names(collection: &Collection, what: What) -> Vec<&str> {
    let removed = collection.removed.iter().filter(|removed| removed.what == what);
    removed.map(|removed| removed.name.as_str()).collect()
}

fn is_whole(store: &Store) -> bool {
    let found = store.verify_whole(&|_, _| {});
    found.problems.is_empty() && found.incomplete.is_empty()
}

fn latest(sandbox: &Sandbox, project: &str, cells: &[(&str, &str)]) {
    let project = sandbox.store.project(project, "pipeline", "");
    let keys = cells.iter().map(|(cell, name)| ((*cell).to_owned(), key(name))).collect();
    project.add_latest(keys, &|_| true).unwrap();
}

fn has(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.record_path(&key(name)).exists()
}

#[test]
fn what_is_in_use_stays_and_everything_else_goes() {
    let sandbox = Sandbox::new();
    let artifacts: BTreeMap<&str, Artifact> = ["latest", "published", "pinned", "leased", "running", "unused"]
        .map(|name| (name, sandbox.put_bytes(name, name.as_bytes())))
        .into();
    latest(&sandbox, "project", &[("cell", "latest")]);
    let project = sandbox.store.project("project", "pipeline", "");
    let entry = |name: &str, artifact| LedgerEntry {
        artifact,
        cell: "cell".to_owned(),
        port: "main".to_owned(),
        key: Some(key(name)),
        extra: BTreeMap::new(),
    };
    let entries = BTreeMap::from([("out.txt".to_owned(), entry("published", artifacts["published"]))]);
    project.set_ledger(&Ledger { entries }).unwrap();
    project.change_pins(|pins| drop(pins.insert(key("pinned"), Pin { cell: "cell".to_owned(), at: 0 }))).unwrap();
    let LeaseAttempt::Acquired(lease) = sandbox.store.lease(&key("leased"), "run").unwrap() else { panic!("held") };
    let run = project.new_run("run").unwrap();
    let mut in_use = run.in_use();
    in_use.add(&key("running")).unwrap();
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Record), [key("unused").to_string()]);
    assert_eq!(names(&gc, What::Object), [artifacts["unused"].digest.to_string()]);
    assert_eq!(gc.kept_records, 5);
    assert!(gc.freed > 6 && gc.kept > 30);
    assert!(is_whole(&sandbox.reopened()));
    drop((lease, in_use));
    run.set_report(&serde_json::json!({})).unwrap();
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Record).len(), 2, "the run and the lease are over");
    for name in ["latest", "published", "pinned"] {
        assert!(has(&sandbox, name) && sandbox.reopened().verify(&artifacts[name]).is_ok());
    }
}

#[test]
fn the_files_of_folders_stay_while_anything_needs_them() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a", "shared");
    sandbox.write("tree/sub/b", "only here");
    let tree = sandbox.put("tree", "tree");
    let file = sandbox.put_bytes("file", b"shared");
    latest(&sandbox, "project", &[("cell", "file")]);
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Object).len(), 3, "two lists and one file");
    assert!(sandbox.reopened().verify(&file).is_ok() && !sandbox.reopened().contains(&tree));
    sandbox.put("tree", "tree");
    latest(&sandbox, "project", &[("cell", "tree")]);
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Record), [key("file").to_string()]);
    assert!(names(&gc, What::Object).is_empty());
    assert!(sandbox.reopened().verify(&tree).is_ok());
}

#[test]
fn without_options_what_was_used_within_thirty_days_stays() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("first", b"first");
    latest(&sandbox, "project", &[("cell", "first")]);
    sandbox.put_bytes("second", b"second");
    latest(&sandbox, "project", &[("cell", "second")]);
    let day = 86_400;
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    disk.set_clock(now + 29 * day);
    assert!(store.gc(&GcOptions::default()).unwrap().removed.is_empty());
    disk.set_clock(now + 31 * day);
    let gc = store.gc(&GcOptions::default()).unwrap();
    assert_eq!(names(&gc, What::Record), [key("first").to_string()]);
    assert_eq!(gc.removed[0].cell.as_deref(), Some("cell"));
    assert!(
        matches!(gc.removed[0].why, Why::Unused { since } if since / 1000 >= now - 100 && since / 1000 <= now + 100)
    );
    assert!(has(&sandbox, "second"));
}

#[test]
fn the_last_runs_keep_what_they_used_unless_an_age_is_given() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("used", b"used");
    let project = sandbox.store.project("project", "pipeline", "");
    let run = project.new_run("run").unwrap();
    run.set_report(&serde_json::json!({ "cells": { "cell": { "key": key("used").to_string() } } })).unwrap();
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    disk.set_clock(5_000_000_000);
    assert!(store.gc(&GcOptions::default()).unwrap().removed.is_empty());
    let older_than = Some(Duration::from_hours(24));
    assert_eq!(store.gc(&GcOptions { older_than, ..GcOptions::default() }).unwrap().removed.len(), 2);
}

#[test]
fn a7_what_a_killed_run_had_finished_stays_as_what_a_finished_one_used() {
    let sandbox = Sandbox::new();
    let project = sandbox.store.project("project", "pipeline", "");
    let killed = |id: &str| {
        sandbox.put_bytes(id, id.as_bytes());
        let run = project.new_run(id).unwrap();
        // Its lock goes with its process; the file stays.
        run.in_use().add(&key(id)).unwrap();
        run
    };
    let first = killed("first");
    let all = GcOptions { max_size: Some(0), grace: Duration::ZERO, ..GcOptions::default() };
    assert_eq!(sandbox.reopened().gc(&all).unwrap().kept_records, 1, "the next run goes on from there");
    killed("second");
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    disk.set_clock(5_000_000_000);
    assert_eq!(store.gc(&GcOptions::default()).unwrap().kept_records, 2, "as what one of the last runs used");
    assert_eq!(names(&sandbox.reopened().gc(&all).unwrap(), What::Record), [key("first").to_string()]);
    // Once there is a report, it tells what was used.
    first.set_report(&serde_json::json!({})).unwrap();
    assert!(!first.path().join("in-use").exists());
}

#[test]
fn cells_that_the_pipeline_has_no_more_lose_their_records_in_time() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("kept", b"kept");
    sandbox.put_bytes("gone", b"gone");
    latest(&sandbox, "project", &[("kept", "kept"), ("gone", "gone")]);
    let project = sandbox.store.project("project", "pipeline", "");
    let run = |cells: &[&str]| {
        let keys = cells.iter().map(|cell| ((*cell).to_owned(), key(cell))).collect();
        project.add_latest(keys, &|cell| cells.contains(&cell)).unwrap();
    };
    run(&["kept"]);
    assert_eq!(project.latest().unwrap().len(), 2, "a plan may still compare with it");
    run(&["kept", "gone"]);
    assert!(sandbox.reopened().gc(&everything()).unwrap().removed.is_empty(), "it came back");
    run(&["kept"]);
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Record), [key("gone").to_string()]);
    assert_eq!(project.latest().unwrap().keys().collect::<Vec<_>>(), ["kept"]);
    assert_eq!(project.former().unwrap(), dgpipe_cache::Former::default());
}

#[test]
fn what_is_young_stays_during_the_grace() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("young", b"bytes");
    let orphan = sandbox.put_bytes("orphan", b"orphan");
    fs_err::remove_file(sandbox.record_path(&key("orphan"))).unwrap();
    let options = GcOptions { grace: Duration::from_mins(10), ..everything() };
    assert!(sandbox.reopened().gc(&options).unwrap().removed.is_empty());
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    let why = |name: &Digest| gc.removed.iter().find(|removed| removed.name == name.to_string()).unwrap().why;
    assert_eq!(why(&orphan.digest), Why::Orphaned);
    assert_eq!(why(&Digest::of(b"bytes")), Why::RecordGone);
}

#[test]
fn a_dry_run_frees_nothing_and_says_the_same() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("one", b"one");
    sandbox.put_bytes("two", b"two");
    sandbox.damage(&Digest::of(b"two"), b"tow");
    assert!(sandbox.reopened().verify(&Artifact::file(Digest::of(b"two"), 3)).is_err());
    let before = crate::sandbox::picture(sandbox.store.root());
    let dry = sandbox.reopened().gc(&GcOptions { dry_run: true, ..everything() }).unwrap();
    assert_eq!(crate::sandbox::picture(sandbox.store.root()), before);
    let real = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(Collection { dry_run: false, ..dry }, real);
    assert_eq!(real.removed.len(), 4, "two records, an object, and what was put aside");
}

#[test]
fn the_least_recently_used_go_until_the_rest_fits_and_what_is_in_use_stays() {
    let sandbox = Sandbox::new();
    for (cell, name) in [("x", "1"), ("x", "2"), ("x", "3"), ("y", "4"), ("x", "5")] {
        sandbox.put_bytes(name, &name.repeat(100_000).into_bytes());
        latest(&sandbox, "project", &[(cell, name)]);
        std::thread::sleep(Duration::from_millis(20));
    }
    // It was the latest for longer than 2 and 3, which are younger.
    latest(&sandbox, "project", &[("x", "1")]);
    latest(&sandbox, "project", &[("x", "5")]);
    sandbox
        .store
        .project("project", "pipeline", "")
        .change_pins(|pins| drop(pins.insert(key("2"), Pin { cell: String::new(), at: 0 })))
        .unwrap();
    let most = |max_size| GcOptions {
        max_size: Some(max_size),
        older_than: Some(Duration::from_mins(1)),
        grace: Duration::ZERO,
        ..GcOptions::default()
    };
    let gc = sandbox.reopened().gc(&most(600_000)).unwrap();
    assert!(gc.removed.is_empty() && gc.over == 0);
    let gc = sandbox.reopened().gc(&most(450_000)).unwrap();
    assert_eq!(names(&gc, What::Record), [key("3").to_string()]);
    assert!(matches!(gc.removed[0].why, Why::Evicted { .. }));
    assert!(gc.kept < 450_000);
    let gc = sandbox.reopened().gc(&most(0)).unwrap();
    assert_eq!(names(&gc, What::Record), [key("1").to_string()]);
    assert!(gc.over > 300_000);
    assert!(["2", "4", "5"].iter().all(|name| has(&sandbox, name)));
    assert!(is_whole(&sandbox.reopened()));
}

#[test]
fn a_store_shared_by_two_projects_keeps_what_either_uses() {
    let sandbox = Sandbox::new();
    for name in ["one", "other", "both", "none"] {
        sandbox.put_bytes(name, name.as_bytes());
    }
    latest(&sandbox, "one", &[("a", "one"), ("b", "both")]);
    latest(&sandbox, "other", &[("a", "other"), ("b", "both")]);
    let gc = sandbox.reopened().gc(&GcOptions { max_size: Some(0), ..everything() }).unwrap();
    assert_eq!(names(&gc, What::Record), [key("none").to_string()]);
}

/// Puts bytes that the store has as an orphan, and commits them just before gc does something with the orphan's file.
fn committed_before(operation: &'static str) -> (Sandbox, Collection, Result<(), StoreError>) {
    let sandbox = Sandbox::new();
    let orphan = sandbox.put_bytes("orphan", b"bytes");
    fs_err::remove_file(sandbox.record_path(&key("orphan"))).unwrap();
    let mut transaction = sandbox.reopened().begin(key("again"));
    assert_eq!(transaction.put_bytes(b"bytes").unwrap(), orphan);
    transaction.record(record(key("again"), &[orphan]));
    let waiting = std::sync::Mutex::new(Some(transaction));
    let outcome = Arc::new(std::sync::Mutex::new(None));
    let disk = Arc::new(Recorder::default());
    let told = outcome.clone();
    disk.before_each(move |now, path| {
        let aside = path.to_string_lossy().contains("-aside-");
        if now == operation
            && aside
            && let Some(transaction) = waiting.lock().unwrap().take()
        {
            let store = transaction.store().clone();
            *told.lock().unwrap() = Some(store.commit(vec![transaction]).remove(0).map(drop));
        }
    });
    let gc = Store::open_on(sandbox.store.root(), disk).unwrap().gc(&everything()).unwrap();
    let outcome = outcome.lock().unwrap().take().expect("it was committed");
    (sandbox, gc, outcome)
}

#[test]
fn d5_an_object_that_is_put_again_between_mark_and_sweep_stays() {
    let (sandbox, gc, outcome) = committed_before("rename");
    outcome.unwrap();
    assert!(gc.removed.is_empty(), "{gc:?}");
    assert!(has(&sandbox, "again") && is_whole(&sandbox.reopened()));
}

#[test]
fn d5_an_object_that_is_put_again_while_it_goes_is_a_miss_and_never_a_record_without_bytes() {
    for operation in ["stat", "remove_file"] {
        let (sandbox, gc, outcome) = committed_before(operation);
        assert!(outcome.unwrap_err().is_miss(), "who committed knows that it has to execute again");
        assert_eq!(names(&gc, What::Object).len(), 1);
        assert!(!has(&sandbox, "again") && is_whole(&sandbox.reopened()));
        sandbox.put_bytes("again", b"bytes");
        assert!(is_whole(&sandbox.reopened()));
    }
}

#[test]
fn a_crash_between_records_and_objects_leaves_objects_that_the_next_gc_removes() {
    let sandbox = Sandbox::new();
    for name in ["one", "two", "three"] {
        sandbox.put_bytes(name, name.as_bytes());
    }
    latest(&sandbox, "project", &[("cell", "three")]);
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    let weak = Arc::downgrade(&disk);
    let renamed = AtomicUsize::new(0);
    disk.before_each(move |operation, path| {
        // Two records, then the first object.
        if operation == "rename"
            && path.to_string_lossy().contains("-aside-")
            && renamed.fetch_add(1, Ordering::SeqCst) == 2
        {
            weak.upgrade().unwrap().refuse(Some("rename"));
        }
    });
    store.gc(&everything()).unwrap_err();
    assert!(!has(&sandbox, "one") && !has(&sandbox, "two"));
    assert!(is_whole(&sandbox.reopened()), "no record lacks its bytes");
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!((names(&gc, What::Record).len(), names(&gc, What::Object).len()), (0, 2));
}

#[test]
fn every_failing_operation_leaves_a_store_that_is_whole() {
    let original = Sandbox::new();
    original.write("tree/a", "a");
    original.put("tree", "tree");
    original.put_bytes("old", b"old");
    original.put_bytes("new", b"new");
    original.store.save_log(&key("old"), b"log").unwrap();
    latest(&original, "project", &[("cell", "old")]);
    latest(&original, "project", &[("cell", "new")]);
    for nth in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        // Copying is faster than making it, which waits for the disk.
        let copied = std::process::Command::new("cp").arg("-r").args([original.store.root(), &root]).status();
        assert!(copied.unwrap().success());
        let disk = Arc::new(Recorder::default());
        let store = Store::open_on(&root, disk.clone()).unwrap();
        let (weak, count) = (Arc::downgrade(&disk), AtomicUsize::new(0));
        let reached = Arc::new(AtomicBool::new(false));
        let hit = reached.clone();
        disk.before_each(move |operation, _| {
            // Fails once, as a disk that recovers. What cannot be read is damage, which is another matter.
            let disk = weak.upgrade().unwrap();
            if ["open", "read"].contains(&operation) {
                return;
            }
            let now = count.fetch_add(1, Ordering::SeqCst);
            disk.refuse((now == nth).then_some(operation));
            hit.fetch_or(now == nth, Ordering::SeqCst);
        });
        drop(store.gc(&everything()));
        drop(store);
        if !reached.load(Ordering::SeqCst) {
            assert!(nth > 50, "gc does something");
            return;
        }
        let store = Store::open(&root).unwrap();
        assert!(store.lookup(&key("new")).unwrap().is_some(), "operation {nth}");
        assert_eq!(store.read(&Artifact::file(Digest::of(b"new"), 3)).unwrap(), b"new");
        let found = store.verify_whole(&|_, _| {});
        assert!(
            found.problems.is_empty() && found.incomplete.is_empty(),
            "operation {nth} {:?}: {found:?}",
            disk.take().get(nth)
        );
        store.gc(&everything()).unwrap();
        assert_eq!(store.verify_whole(&|_, _| {}).records, 1, "operation {nth}");
        assert!(is_whole(&store), "operation {nth}");
    }
}

#[test]
fn b1_a_full_disk_can_be_made_room_on() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("unused", &vec![1; 100_000]);
    sandbox.put_bytes("used", b"used");
    latest(&sandbox, "project", &[("cell", "used")]);
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    disk.fill();
    assert!(store.gc_lease().unwrap_err().is_disk_full(), "callers go on without");
    // What it has to write comes last, and the disk of this test stays full.
    drop(store.gc(&everything()));
    let left = sandbox.reopened().verify_whole(&|_, _| {});
    assert_eq!((left.records, left.objects, left.incomplete.len()), (1, 1, 0));
}

#[test]
fn d4_several_at_once_remove_everything_once() {
    let sandbox = Sandbox::new();
    for number in 0..200u32 {
        sandbox.put_bytes(&format!("{number}"), &number.to_le_bytes());
    }
    latest(&sandbox, "project", &[("a", "7"), ("b", "8")]);
    let collections: Vec<Collection> = std::thread::scope(|scope| {
        let gcs: Vec<_> = (0..4).map(|_| scope.spawn(|| sandbox.reopened().gc(&everything()).unwrap())).collect();
        gcs.into_iter().map(|gc| gc.join().unwrap()).collect()
    });
    let mut removed: Vec<&str> = collections.iter().flat_map(|gc| names(gc, What::Record)).collect();
    removed.sort_unstable();
    removed.dedup();
    assert_eq!(removed.len(), 198);
    let told: usize = collections.iter().map(|gc| names(gc, What::Record).len()).sum();
    assert_eq!(told, 198, "nothing is told twice");
    assert!(is_whole(&sandbox.reopened()));
    assert_eq!(sandbox.reopened().verify_whole(&|_, _| {}).objects, 2);
}

#[test]
fn d4_one_waits_for_the_other() {
    let sandbox = Sandbox::new();
    let LeaseAttempt::Acquired(lease) = sandbox.store.gc_lease().unwrap() else { panic!("held") };
    assert!(matches!(sandbox.reopened().gc_lease().unwrap(), LeaseAttempt::Held(_)));
    drop(lease);
    assert!(matches!(sandbox.reopened().gc_lease().unwrap(), LeaseAttempt::Acquired(_)));
}

#[test]
fn d4_a_restore_beside_gc_is_whole_or_a_miss() {
    let sandbox = Sandbox::new();
    for number in 0..300 {
        sandbox.write(&format!("tree/{}/{number}", number % 7), format!("file {number}"));
    }
    for round in 0..5 {
        let tree = sandbox.put("tree", "tree");
        let dest = sandbox.path(&format!("out{round}"));
        let (restored, _) = std::thread::scope(|scope| {
            let restore = scope.spawn(|| sandbox.reopened().restore(&tree, &dest));
            let gc = scope.spawn(|| sandbox.reopened().gc(&everything()).unwrap());
            (restore.join().unwrap(), gc.join().unwrap())
        });
        match restored {
            Ok(_) => assert_eq!(crate::sandbox::picture(&dest), crate::sandbox::picture(&sandbox.path("tree"))),
            Err(error) => assert!(error.is_miss() && !dest.exists(), "{error}"),
        }
    }
}

#[test]
fn nothing_goes_where_it_cannot_be_known_what_is_in_use() {
    let spoil: [fn(&Sandbox); 6] = [
        |sandbox| fs_err::write(project(sandbox).join("latest.json"), "{\"version\":1,\"cont").unwrap(),
        |sandbox| fs_err::write(project(sandbox).join("ledger.json"), "").unwrap(),
        |sandbox| fs_err::write(project(sandbox).join("pins.json"), "{\"version\":2,\"content\":[]}").unwrap(),
        |sandbox| fs_err::write(project(sandbox).join("former.json"), "[]").unwrap(),
        |sandbox| fs_err::write(sandbox.record_path(&key("unused")), "{\"version\":2,\"anything\":1}").unwrap(),
        |sandbox| fs_err::create_dir(sandbox.store.root().join("projects-v2")).unwrap(),
    ];
    for spoil in spoil {
        let sandbox = Sandbox::new();
        sandbox.put_bytes("unused", b"unused");
        latest(&sandbox, "project", &[("cell", "latest")]);
        spoil(&sandbox);
        let before = crate::sandbox::picture(sandbox.store.root());
        let error = sandbox.reopened().gc(&everything()).unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. } | StoreError::Newer { .. }), "{error}");
        assert_eq!(crate::sandbox::picture(sandbox.store.root()), before);
    }
}

fn project(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.store.project("project", "pipeline", "").path().to_owned()
}

#[test]
fn logs_go_with_their_records_and_those_of_failures_in_time() {
    let sandbox = Sandbox::new();
    let mut transaction = sandbox.store.begin(key("told"));
    transaction.log(b"said").unwrap();
    commit(transaction, &[]).unwrap();
    sandbox.store.save_log(&key("failed"), b"why").unwrap();
    latest(&sandbox, "project", &[("cell", "told")]);
    let gc = sandbox.reopened().gc(&GcOptions { older_than: Some(Duration::from_mins(1)), ..everything() }).unwrap();
    assert!(gc.removed.is_empty());
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Log), [key("failed").to_string()]);
    latest(&sandbox, "project", &[("cell", "other")]);
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    assert_eq!(names(&gc, What::Log), [key("told").to_string()]);
    assert!(sandbox.store.log(&key("told")).unwrap().is_none());
}

#[test]
fn what_was_left_for_people_goes_when_it_is_old() {
    let sandbox = Sandbox::new();
    let bad = sandbox.put_bytes("bad", b"bytes");
    sandbox.damage(&bad.digest, b"bytez");
    assert!(sandbox.reopened().verify(&bad).is_err());
    sandbox.write("tree/a", "a");
    let view = sandbox.store.view(&sandbox.put("tree", "tree")).unwrap();
    let kept = sandbox.store.scratch("failed").unwrap().keep();
    fs_err::write(kept.join("left"), "left").unwrap();
    latest(&sandbox, "project", &[("a", "bad"), ("b", "tree")]);
    let gc = sandbox.reopened().gc(&GcOptions { older_than: Some(Duration::from_mins(1)), ..everything() }).unwrap();
    assert!(gc.removed.is_empty(), "{gc:?}");
    assert!(view.exists() && kept.exists());
    let gc = sandbox.reopened().gc(&everything()).unwrap();
    let what: Vec<What> = gc.removed.iter().map(|removed| removed.what).collect();
    assert_eq!(what, [What::Quarantined, What::View, What::Scratch]);
    assert!(!view.exists() && !kept.exists() && sandbox.quarantined() == 0);
}

#[test]
fn what_a_killed_process_was_writing_goes_after_the_grace() {
    let sandbox = Sandbox::new();
    latest(&sandbox, "project", &[("cell", "latest")]);
    let folder = sandbox.store.project("project", "pipeline", "").path().to_owned();
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mark = &Digest::of(host.trim_end().as_bytes()).short()[..8];
    let own = fs_err::read_to_string("/proc/self/stat").unwrap();
    let started = own.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap();
    // No process has the highest number; the other one is of this process, which lives.
    let (dead, alive) =
        (format!(".draft-{mark}-4294967295-1-0"), format!(".draft-{mark}-{}-{started}-9", std::process::id()));
    for place in [sandbox.store.root(), &folder] {
        fs_err::write(place.join(&dead), "half").unwrap();
        fs_err::write(place.join(&alive), "half").unwrap();
    }
    let young = sandbox.store.gc(&GcOptions { grace: Duration::from_hours(1), ..everything() }).unwrap();
    assert_eq!(names(&young, What::Draft), Vec::<&str>::new());
    let late = sandbox.store.gc(&everything()).unwrap();
    assert_eq!(names(&late, What::Draft), [dead.as_str(); 2]);
    assert!(!folder.join(&dead).exists() && folder.join(&alive).exists() && folder.join("latest.json").exists());
}

#[test]
fn a_view_that_was_changed_is_put_right() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a", "a");
    let tree = sandbox.put("tree", "tree");
    let view = sandbox.store.view(&tree).unwrap();
    fs_err::write(view.join("a"), "changed").unwrap();
    assert_eq!(sandbox.reopened().view(&tree).unwrap(), view);
    assert_eq!(fs_err::read_to_string(view.join("a")).unwrap(), "a");
}

#[test]
fn checkpoints_go_when_their_execution_is_done_and_what_saves_work_when_room_is_wanted() {
    let sandbox = Sandbox::new();
    for name in ["done", "live", "unfinished"] {
        sandbox.store.checkpoints(key(name), "cpu").save(3, &[0; 1000]).unwrap();
    }
    let family = key("family");
    sandbox.store.checkpoints(key("done"), "cpu").continuing(family, 30).keep_final(30, &[0; 1000]).unwrap();
    let mut rows = sandbox.store.item_rows(&family).unwrap();
    rows.add(Digest::of(b"item"), vec![0; 1000]);
    rows.flush().unwrap();
    let LeaseAttempt::Acquired(_lease) = sandbox.store.lease(&key("live"), "run").unwrap() else { panic!("held") };
    sandbox.put_bytes("done", b"done");
    latest(&sandbox, "project", &[("cell", "done")]);
    let whats = |options: &GcOptions| -> Vec<(What, bool)> {
        let gc = sandbox.reopened().gc(options).unwrap();
        gc.removed.iter().map(|removed| (removed.what, removed.why == Why::Done)).collect()
    };
    assert_eq!(whats(&GcOptions::default()), [(What::Checkpoints, true)]);
    let no_grace = GcOptions { grace: Duration::ZERO, ..GcOptions::default() };
    assert_eq!(whats(&no_grace), []);
    assert_eq!(whats(&GcOptions { max_size: Some(4200), ..no_grace.clone() }), [(What::FinalStates, false)]);
    assert_eq!(whats(&GcOptions { max_size: Some(0), ..no_grace }), [(What::Items, false), (What::Checkpoints, false)]);
    let left: Vec<Key> = sandbox.store.remembered().unwrap().iter().map(|left| left.of).collect();
    assert_eq!(left, [key("live")]);
}
