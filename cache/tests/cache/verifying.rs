//! Looking at the whole store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dgpipe_cache::{Key, Store, Verification};

use crate::recorder::Recorder;
use crate::sandbox::Sandbox;

fn verify(store: &Store) -> Verification {
    store.verify_whole(&|_, _| {})
}

fn reasons(found: &Verification) -> Vec<&str> {
    found.problems.iter().map(|problem| problem.reason.as_str()).collect()
}

#[test]
fn a_whole_store_is_hashed_and_nothing_is_found() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a", "aa");
    sandbox.write("tree/b", "bbb");
    sandbox.put("tree", "tree");
    sandbox.put_bytes("file", b"bytes");
    let (last, all) = (AtomicU64::new(0), AtomicU64::new(0));
    let found = sandbox.store.verify_whole(&|done, total| {
        last.fetch_max(done, Ordering::SeqCst);
        all.store(total, Ordering::SeqCst);
    });
    assert_eq!((found.objects, found.records), (4, 2));
    assert!(found.problems.is_empty() && found.incomplete.is_empty());
    assert_eq!(last.load(Ordering::SeqCst), found.bytes);
    assert_eq!(all.load(Ordering::SeqCst), found.bytes);
}

#[test]
fn an_empty_store_has_no_problems() {
    assert_eq!(verify(&Sandbox::new().store), Verification::default());
}

#[test]
fn c3_what_is_remembered_of_projects_is_looked_at_and_left_for_the_next_run() {
    let sandbox = Sandbox::new();
    let project = |id: &str| {
        let project = sandbox.store.project(id, "pacs", "mini");
        project.set_latest(&[("cell".to_owned(), Key::of(b"key"))].into()).unwrap();
        project.path().to_owned()
    };
    let (one, other) = (project("one"), project("other"));
    assert_eq!(verify(&sandbox.store), Verification::default());
    let damaged = ["latest.json", "ledger.json"].map(|name| one.join(name));
    damaged.iter().for_each(|path| fs_err::write(path, "{").unwrap());
    fs_err::write(other.join("pins.json"), "{\"version\":9,\"content\":[]}").unwrap();
    let found = verify(&sandbox.store);
    assert_eq!(
        found.problems.iter().map(|problem| &problem.path).collect::<Vec<_>>(),
        damaged.iter().collect::<Vec<_>>()
    );
    assert!(found.problems.iter().all(|problem| !problem.quarantined && problem.reason.contains("EOF")), "{found:?}");
    assert_eq!((found.newer, damaged.iter().all(|path| path.exists())), (1, true));
}

#[test]
fn c1_c2_every_bad_object_is_listed_moved_and_none_is_deleted() {
    let sandbox = Sandbox::new();
    let damages: [&[u8]; 4] = [b"bytez0", b"byt", b"bytes1 and more", b""];
    let artifacts: Vec<_> =
        (0..6).map(|number| sandbox.put_bytes(&format!("{number}"), format!("bytes{number}").as_bytes())).collect();
    // Also what this process has found good before.
    sandbox.store.verify(&artifacts[0]).unwrap();
    for (artifact, bytes) in artifacts.iter().zip(damages) {
        sandbox.damage(&artifact.digest, bytes);
    }
    let swap = sandbox.path("swap");
    let [four, five] = [4, 5].map(|number: usize| sandbox.object_path(&artifacts[number].digest));
    fs_err::rename(&four, &swap).unwrap();
    fs_err::rename(&five, &four).unwrap();
    fs_err::rename(&swap, &five).unwrap();
    let found = verify(&sandbox.store);
    assert_eq!(found.problems.len(), 6, "{found:?}");
    assert!(found.problems.iter().all(|problem| problem.quarantined));
    assert_eq!(sandbox.quarantined(), 6);
    assert_eq!(found.incomplete.len(), 6);
    assert!(found.incomplete.iter().all(|incomplete| incomplete.port == "main"));
    let again = verify(&sandbox.store);
    assert_eq!((again.problems.len(), again.incomplete.len()), (0, 6));
}

#[test]
fn c3_damaged_records_are_listed_and_those_of_newer_programs_left_alone() {
    let sandbox = Sandbox::new();
    for key in ["cut", "garbage", "newer", "good"] {
        sandbox.put_bytes(key, b"bytes");
    }
    let path = |key: &str| sandbox.record_path(&Key::of(key.as_bytes()));
    fs_err::write(path("cut"), "{\"version\":1,\"check").unwrap();
    fs_err::write(path("garbage"), [0xff; 40]).unwrap();
    fs_err::write(path("newer"), "{\"version\":9}").unwrap();
    let found = verify(&sandbox.store);
    assert_eq!((found.records, found.newer), (4, 1));
    assert_eq!(found.problems.len(), 2);
    assert!(path("newer").exists() && path("good").exists());
    assert!(!path("cut").exists() && !path("garbage").exists());
}

#[test]
fn c4_a_record_whose_bytes_are_gone_is_named_with_its_output() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/sub/a", "aa");
    let tree = sandbox.put("tree", "tree");
    let leaf = sandbox.store.subtree(&tree, "sub/a").unwrap().unwrap();
    fs_err::remove_file(sandbox.object_path(&leaf.digest)).unwrap();
    let found = verify(&sandbox.reopened());
    assert!(found.problems.is_empty());
    assert_eq!(found.incomplete.len(), 1);
    assert_eq!(found.incomplete[0].key, Key::of(b"tree"));
    assert!(found.incomplete[0].reason.contains(&leaf.digest.to_string()));
}

#[test]
fn what_does_not_belong_there_is_put_aside() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("key", b"bytes");
    let objects = sandbox.store.root().join("objects-v1");
    fs_err::write(objects.join("notes.txt"), "").unwrap();
    fs_err::create_dir(objects.join("ab")).ok();
    fs_err::write(objects.join("ab/short"), "").unwrap();
    fs_err::create_dir(objects.join("strange folder")).unwrap();
    let found = verify(&sandbox.store);
    assert_eq!(found.problems.len(), 3);
    assert!(found.problems.iter().all(|problem| problem.quarantined), "{found:?}");
    assert!(verify(&sandbox.store).problems.is_empty());
}

#[test]
fn b5_a_disk_that_cannot_be_read_is_reported_for_every_object() {
    let sandbox = Sandbox::new();
    for number in 0..5u8 {
        sandbox.put_bytes(&number.to_string(), &[number]);
    }
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    disk.refuse(Some("read"));
    let found = verify(&store);
    assert_eq!(found.problems.len(), 10, "five objects, five records");
    assert!(reasons(&found).iter().all(|reason| reason.contains("cannot be read")), "{found:?}");
}

#[test]
fn folders_that_cannot_be_listed_are_reported_and_stay() {
    let sandbox = Sandbox::new();
    sandbox.put_bytes("key", b"bytes");
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    disk.refuse(Some("list"));
    let found = verify(&store);
    // Objects, records, and what is remembered of projects.
    assert_eq!(found.problems.len(), 3);
    assert!(found.problems.iter().all(|problem| !problem.quarantined && problem.reason.contains("cannot be")));
}
