//! Publishing: what is there afterwards, and who wins.

use std::sync::Barrier;

use dgpipe_cache::{Key, Seal, StoreError};

use crate::sandbox::{Sandbox, commit, record};

#[test]
fn what_was_committed_can_be_read() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let mut transaction = sandbox.store.begin(key);
    let path = sandbox.write("out", "bytes");
    let artifact = transaction.put(&path, Seal::Move).unwrap();
    transaction.log(b"said").unwrap();
    let committed = commit(transaction, &[artifact]).unwrap();
    assert!(!committed.adopted);
    assert!(committed.record.log);
    assert!(!path.exists());
    for store in [sandbox.store.clone(), sandbox.reopened()] {
        assert_eq!(store.read(&artifact).unwrap(), b"bytes");
        assert_eq!(store.record(&key).unwrap().unwrap(), committed.record);
        let found = store.lookup(&key).unwrap().unwrap();
        assert_eq!(found.outputs["main"].artifact, artifact);
        assert_eq!(store.log(&key).unwrap().unwrap(), b"said");
        assert!(store.contains(&artifact));
    }
}
