//! The index of records: never a different answer than the records give.

use dgpipe_cache::Key;

use crate::sandbox::{Sandbox, commit};

#[test]
fn the_index_agrees_after_a_record_was_replaced() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let first = sandbox.put_bytes("key", b"1");
    sandbox.store.save_index().unwrap();
    let reader = sandbox.reopened();
    assert_eq!(reader.lookup(&key).unwrap().unwrap().outputs["main"].artifact, first);
    let writer = sandbox.reopened();
    let mut transaction = writer.begin(key);
    let second = transaction.put_bytes(b"2").unwrap();
    transaction.replace();
    commit(transaction, &[second]).unwrap();
    for store in [&reader, &writer, &sandbox.store, &sandbox.reopened()] {
        let found = store.lookup(&key).unwrap().unwrap();
        assert_eq!(found.outputs["main"].artifact, second);
    }
}

#[test]
fn a_removed_record_is_absent_whatever_the_index_says() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    sandbox.put_bytes("key", b"1");
    sandbox.store.save_index().unwrap();
    let reader = sandbox.reopened();
    sandbox.store.forget(&key).unwrap();
    assert_eq!(reader.lookup(&key).unwrap(), None);
    assert_eq!(sandbox.store.lookup(&key).unwrap(), None);
}

#[test]
fn a_saved_index_answers_without_opening_records() {
    use std::os::unix::fs::MetadataExt;
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    sandbox.write("tree/a/file", "bytes");
    let tree = sandbox.put("key", "tree");
    assert!(sandbox.store.contains(&tree));
    sandbox.store.save_index().unwrap();
    let path = sandbox.record_path(&key);
    let before = fs_err::metadata(&path).unwrap();
    let store = sandbox.reopened();
    let found = store.lookup(&key).unwrap().unwrap();
    assert_eq!(found.outputs["main"].artifact, tree);
    assert!(store.contains(&tree));
    let after = fs_err::metadata(&path).unwrap();
    assert_eq!(before.atime_nsec(), after.atime_nsec());
}

#[test]
fn a_damaged_or_missing_index_changes_no_answer() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let artifact = sandbox.put_bytes("key", b"1");
    // On a disk with times in whole seconds, only an old record is indexed.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    sandbox.store.lookup(&key).unwrap();
    sandbox.store.save_index().unwrap();
    let memo = sandbox.store.root().join("memo-v1");
    let host = fs_err::read_dir(&memo).unwrap().next().unwrap().unwrap().path();
    let index = host.join("records");
    let good = fs_err::read(&index).unwrap();
    for bytes in [&good[..good.len() / 2], b"", b"garbage", &good] {
        fs_err::write(&index, bytes).unwrap();
        let store = sandbox.reopened();
        let found = store.lookup(&key).unwrap().unwrap();
        assert_eq!(found.outputs["main"].artifact, artifact);
        assert!(store.take_warnings().is_empty());
    }
    fs_err::remove_dir_all(&memo).unwrap();
    let store = sandbox.reopened();
    assert!(store.lookup(&key).unwrap().is_some());
    store.save_index().unwrap();
    store.source_memo().save().unwrap();
}
