//! Checkpoints: the furthest whole one of a key on the same kind of device is taken, and nothing else.

use std::path::PathBuf;
use std::sync::Arc;

use dgpipe_cache::{Checkpoints, Digest, Key, MemoryKind, Store};

use crate::recorder::Recorder;
use crate::sandbox::Sandbox;

fn key() -> Key {
    Key::of(b"training")
}

fn newest(checkpoints: &Checkpoints) -> Option<(u64, Vec<u8>)> {
    checkpoints.newest(|found| Some((found.done, found.bytes))).unwrap()
}

fn files(store: &Store) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![store.root().join("resume-v1")];
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[test]
fn the_next_holder_takes_the_furthest_checkpoint_of_a_former_one() {
    let sandbox = Sandbox::new();
    let mut former = sandbox.store.checkpoints(key(), "cpu");
    former.save(3, b"three").unwrap();
    former.save(12, b"twelve").unwrap();
    assert_eq!(files(&sandbox.store).len(), 1, "one is enough");
    let store = sandbox.reopened();
    let mut next = store.checkpoints(key(), "cpu");
    assert_eq!(newest(&next), Some((12, b"twelve".to_vec())));
    next.save(13, b"thirteen").unwrap();
    assert_eq!(files(&store).len(), 1, "what the former one left is not needed any more");
    // The former holder wakes up: it harms nobody.
    former.save(14, b"fourteen").unwrap();
    assert_eq!(newest(&store.checkpoints(key(), "cpu")), Some((14, b"fourteen".to_vec())));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_told_about() {
    let sandbox = Sandbox::new();
    let (mut one, mut other) = (sandbox.store.checkpoints(key(), "cpu"), sandbox.store.checkpoints(key(), "cpu"));
    one.save(3, b"three").unwrap();
    let kept = fs_err::read(&files(&sandbox.store)[0]).unwrap();
    other.save(5, b"five").unwrap();
    one.save(3, b"three").unwrap();
    let five = files(&sandbox.store).into_iter().find(|path| path.to_string_lossy().contains("005-")).unwrap();
    for damage in [&b""[..], b"five", &kept] {
        fs_err::write(&five, damage).unwrap();
        assert_eq!(newest(&sandbox.store.checkpoints(key(), "cpu")), Some((3, b"three".to_vec())));
        let warnings = sandbox.store.take_warnings();
        assert!(warnings[0].contains("is damaged and was passed over"), "{warnings:?}");
    }
}

#[test]
fn a_checkpoint_of_another_device_or_key_is_not_taken() {
    let sandbox = Sandbox::new();
    sandbox.store.checkpoints(key(), "cpu").save(3, b"three").unwrap();
    assert_eq!(newest(&sandbox.store.checkpoints(key(), "gpu")), None);
    assert_eq!(newest(&sandbox.store.checkpoints(Key::of(b"other"), "cpu")), None);
}

#[test]
fn what_the_stage_type_does_not_take_gives_way_to_the_next() {
    let sandbox = Sandbox::new();
    let (mut one, mut other) = (sandbox.store.checkpoints(key(), "cpu"), sandbox.store.checkpoints(key(), "cpu"));
    other.save(5, b"five").unwrap();
    one.save(3, b"three").unwrap();
    other.save(6, b"six").unwrap();
    one.save(4, b"four").unwrap();
    let taken = sandbox.store.checkpoints(key(), "cpu").newest(|found| (found.done < 5).then_some(found.done));
    assert_eq!(taken.unwrap(), Some(4));
}

#[test]
fn a_done_key_has_no_checkpoints() {
    let sandbox = Sandbox::new();
    sandbox.store.checkpoints(key(), "cpu").save(3, b"three").unwrap();
    sandbox.store.remove_checkpoints(&key()).unwrap();
    sandbox.store.remove_checkpoints(&key()).unwrap();
    assert_eq!(newest(&sandbox.store.checkpoints(key(), "cpu")), None);
}

#[test]
fn a_final_state_serves_those_of_its_family_that_go_as_far_or_further() {
    let sandbox = Sandbox::new();
    let family = Key::of(b"training of any length");
    let of = |limit| sandbox.store.checkpoints(Key::of(format!("{limit}").as_bytes()), "cpu").continuing(family, limit);
    of(10).keep_final(10, b"ten").unwrap();
    of(30).keep_final(30, b"thirty").unwrap();
    assert_eq!(newest(&of(9)), None);
    assert_eq!(newest(&of(10)), Some((10, b"ten".to_vec())));
    assert_eq!(newest(&of(20)), Some((10, b"ten".to_vec())));
    let mut own = of(20);
    own.save(15, b"fifteen").unwrap();
    assert_eq!(newest(&of(20)), Some((15, b"fifteen".to_vec())));
    // Doing without a family keeps nothing for it.
    sandbox.store.checkpoints(key(), "cpu").keep_final(40, b"forty").unwrap();
    assert_eq!(newest(&of(50)), Some((30, b"thirty".to_vec())));
}

#[test]
fn what_only_saves_work_is_listed_and_can_be_forgotten() {
    let sandbox = Sandbox::new();
    let family = Key::of(b"training of any length");
    let mut unfinished = sandbox.store.checkpoints(key(), "cpu").continuing(family, 30);
    unfinished.save(3, &[0; 1000]).unwrap();
    unfinished.keep_final(30, &[0; 2000]).unwrap();
    let mut rows = sandbox.store.item_rows(&family).unwrap();
    rows.add(Digest::of(b"item"), vec![0; 3000]);
    rows.flush().unwrap();
    let listed = sandbox.reopened().remembered().unwrap();
    let kinds: Vec<_> = listed.iter().map(|found| (found.kind, found.of, found.size / 1000)).collect();
    let expected =
        [(MemoryKind::FinalStates, family, 2), (MemoryKind::Items, family, 3), (MemoryKind::Checkpoints, key(), 1)];
    assert_eq!(kinds, expected, "in the order in which they are best forgotten");
    for (index, found) in listed.iter().enumerate() {
        assert!(found.modified > 1_600_000_000_000_000_000);
        sandbox.store.discard(found).unwrap();
        assert_eq!(sandbox.store.remembered().unwrap(), listed[index + 1..]);
    }
    assert_eq!(newest(&sandbox.store.checkpoints(key(), "cpu").continuing(family, 30)), None);
    unfinished.save(4, b"four").unwrap();
    assert_eq!(
        newest(&sandbox.store.checkpoints(key(), "cpu")),
        Some((4, b"four".to_vec())),
        "who writes goes on writing"
    );
}

#[test]
fn a_checkpoint_or_row_that_cannot_be_written_leaves_what_was_there_and_no_draft() {
    for operation in ["create", "write", "sync_file", "rename"] {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Arc::new(Recorder::default());
        let store = Store::open_on(folder.path().join("store"), recorder.clone()).unwrap();
        let mut checkpoints = store.checkpoints(key(), "cpu");
        checkpoints.save(3, b"three").unwrap();
        recorder.refuse(Some(operation));
        assert!(checkpoints.save(4, b"four").is_err(), "{operation}");
        recorder.refuse(None);
        assert_eq!(newest(&checkpoints), Some((3, b"three".to_vec())), "{operation}");
        checkpoints.save(5, b"five").unwrap();
        assert_eq!(files(&store).len(), 1, "{operation}");

        let mut rows = store.item_rows(&key()).unwrap();
        rows.add(Digest::of(b"item"), vec![1]);
        recorder.refuse(Some(if operation == "rename" { "rename_new" } else { operation }));
        assert!(rows.flush().is_err(), "{operation}");
        recorder.refuse(None);
        assert!(store.item_rows(&key()).unwrap().is_empty());
        let staging = fs_err::read_dir(store.root().join("scratch")).unwrap().map(|entry| entry.unwrap().path());
        let drafts = staging.filter(|path| path.is_dir()).flat_map(|path| fs_err::read_dir(path).unwrap());
        assert_eq!(drafts.count(), 0, "{operation}");
    }
}
