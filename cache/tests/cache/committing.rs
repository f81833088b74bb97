//! Publishing: what is there afterwards, and who wins.

use std::sync::Barrier;

use dgpipe_cache::{Artifact, Digest, Key, Seal, StoreError, TreeError};

use crate::sandbox::{Sandbox, commit, picture, record};

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
    sandbox.store.sync().unwrap();
}

#[test]
fn an_unknown_key_has_neither_record_nor_log() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"unknown");
    assert_eq!(sandbox.store.record(&key).unwrap(), None);
    assert_eq!(sandbox.store.lookup(&key).unwrap(), None);
    assert_eq!(sandbox.store.log(&key).unwrap(), None);
    sandbox.store.forget(&key).unwrap();
    let absent = Artifact::file(Digest::of(b"absent"), 6);
    assert!(!sandbox.store.contains(&absent));
    let error = sandbox.store.read(&absent).unwrap_err();
    assert!(error.is_miss() && matches!(error, StoreError::Missing { .. }));
}

#[test]
fn a_transaction_that_is_dropped_leaves_nothing() {
    let sandbox = Sandbox::new();
    let before = picture(sandbox.store.root());
    let mut transaction = sandbox.store.begin(Key::of(b"key"));
    transaction.put_bytes(b"bytes").unwrap();
    drop(transaction);
    let mut after = picture(sandbox.store.root());
    // The lock of this process, and its folder for drafts, in which nothing is left.
    after.retain(|name, _| !name.contains(".lock") && !name.ends_with("-staging"));
    assert_eq!(after, before);
}

#[test]
fn a_batch_of_many_is_published_whole() {
    let sandbox = Sandbox::new();
    let mut batch = Vec::new();
    for number in 0..40_u32 {
        let key = Key::of(&number.to_le_bytes());
        let mut transaction = sandbox.store.begin(key);
        let own = transaction.put_bytes(&number.to_be_bytes()).unwrap();
        let shared = transaction.put_bytes(b"the same for all").unwrap();
        transaction.record(record(key, &[own, shared]));
        batch.push(transaction);
    }
    let committed = sandbox.store.commit(batch);
    assert_eq!(committed.len(), 40);
    let store = sandbox.reopened();
    for committed in committed {
        let committed = committed.unwrap();
        assert!(!committed.adopted);
        let found = store.lookup(&committed.key).unwrap().unwrap();
        for output in found.outputs.values() {
            store.verify(&output.artifact).unwrap();
        }
    }
    assert!(store.take_warnings().is_empty());
}

#[test]
fn one_bad_transaction_does_not_spoil_its_batch() {
    let sandbox = Sandbox::new();
    let without = sandbox.store.begin(Key::of(b"without a record"));
    let mut foreign = sandbox.store.begin(Key::of(b"foreign"));
    foreign.record(record(Key::of(b"another"), &[]));
    let mut good = sandbox.store.begin(Key::of(b"good"));
    let artifact = good.put_bytes(b"bytes").unwrap();
    good.record(record(good.key(), &[artifact]));
    let committed = sandbox.store.commit(vec![without, foreign, good]);
    assert!(matches!(committed[0], Err(StoreError::Incomplete { .. })));
    assert!(matches!(committed[1], Err(StoreError::Incomplete { .. })));
    assert!(committed[2].is_ok());
}

#[test]
fn in_a_race_the_first_wins_and_the_loser_adopts() {
    for _ in 0..20 {
        let sandbox = Sandbox::new();
        let key = Key::of(b"contended");
        let barrier = Barrier::new(2);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = [b"one", b"two"]
                .into_iter()
                .map(|bytes| {
                    let store = sandbox.reopened();
                    let barrier = &barrier;
                    scope.spawn(move || {
                        let mut transaction = store.begin(key);
                        let artifact = transaction.put_bytes(bytes).unwrap();
                        barrier.wait();
                        commit(transaction, &[artifact]).unwrap()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let adopted = outcomes.iter().filter(|outcome| outcome.adopted).count();
        assert_eq!(adopted, 1);
        assert_eq!(outcomes[0].record, outcomes[1].record);
        let stored = sandbox.store.record(&key).unwrap().unwrap();
        assert_eq!(stored, outcomes[0].record);
    }
}

#[test]
fn a_forced_record_replaces_the_first() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let first = sandbox.put_bytes("key", b"first");
    let mut second = sandbox.store.begin(key);
    let artifact = second.put_bytes(b"second").unwrap();
    second.replace();
    let committed = commit(second, &[artifact]).unwrap();
    assert!(!committed.adopted);
    let found = sandbox.store.lookup(&key).unwrap().unwrap();
    assert_eq!(found.outputs["main"].artifact, artifact);
    assert_ne!(artifact, first);
}

#[test]
fn a_record_that_cannot_be_served_is_replaced_even_unforced() {
    let sandbox = Sandbox::new();
    let first = sandbox.put_bytes("key", b"first");
    fs_err::remove_file(sandbox.object_path(&first.digest)).unwrap();
    let store = sandbox.reopened();
    let mut second = store.begin(Key::of(b"key"));
    let artifact = second.put_bytes(b"second").unwrap();
    assert!(!commit(second, &[artifact]).unwrap().adopted);
}

#[test]
fn equal_bytes_are_stored_once() {
    let sandbox = Sandbox::new();
    let one = sandbox.put_bytes("one", b"bytes");
    let inode = |digest| {
        use std::os::unix::fs::MetadataExt;
        fs_err::metadata(sandbox.object_path(digest)).unwrap().ino()
    };
    let before = inode(&one.digest);
    sandbox.write("tree/a", "bytes");
    sandbox.write("tree/b", "bytes");
    let tree = sandbox.put("two", "tree");
    assert_eq!(tree.size, 10);
    assert_eq!(inode(&one.digest), before);
}

#[test]
fn objects_are_read_only_whatever_was_put() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    for seal in [Seal::Move, Seal::Copy] {
        let path = sandbox.write("out", format!("{seal:?}"));
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o4777)).unwrap();
        let mut transaction = sandbox.store.begin(Key::of(b"key"));
        let artifact = transaction.put(&path, seal).unwrap();
        commit(transaction, &[artifact]).unwrap();
        let mode = fs_err::metadata(sandbox.object_path(&artifact.digest)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o7777, 0o444);
    }
}

#[test]
fn a_file_with_another_name_is_copied_and_not_moved() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("out", "bytes");
    let other = sandbox.path("other name");
    fs_err::hard_link(&path, &other).unwrap();
    let mut transaction = sandbox.store.begin(Key::of(b"key"));
    let artifact = transaction.put(&path, Seal::Move).unwrap();
    commit(transaction, &[artifact]).unwrap();
    fs_err::write(&other, "edited").unwrap();
    assert_eq!(sandbox.reopened().read(&artifact).unwrap(), b"bytes");
}

#[test]
fn e4_only_files_folders_and_inner_links_can_be_put() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/sub/file", "bytes");
    sandbox.write("secret", "bytes");
    let link = sandbox.path("tree/sub/link");
    let put = |path: &str| {
        let mut transaction = sandbox.store.begin(Key::of(b"key"));
        transaction.put(&sandbox.path(path), Seal::Move)
    };
    for target in ["../../secret", "/etc/passwd", "../sub/../../secret"] {
        fs_err::os::unix::fs::symlink(target, &link).unwrap();
        let refused = put("tree");
        assert!(matches!(refused, Err(StoreError::Tree(TreeError::Escapes { .. }))), "{target}: {refused:?}");
        assert!(matches!(put("tree/sub/link"), Err(StoreError::Tree(TreeError::Escapes { .. }))));
        fs_err::remove_file(&link).unwrap();
    }
    assert!(sandbox.path("tree/sub/file").exists(), "nothing was moved");
    fs_err::os::unix::fs::symlink("../sub/file", &link).unwrap();
    let tree = put("tree").unwrap();
    assert_eq!(tree.size, 5);
    assert!(matches!(put("missing"), Err(StoreError::Tree(TreeError::Missing { .. }))));
}

#[test]
fn e4_pipes_and_sockets_are_refused() {
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("tree")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(sandbox.path("tree/socket")).unwrap();
    let mut transaction = sandbox.store.begin(Key::of(b"key"));
    let refused = transaction.put(&sandbox.path("tree"), Seal::Copy);
    assert!(matches!(refused, Err(StoreError::Tree(TreeError::Special { .. }))));
    drop(socket);
}

#[test]
fn a_name_that_is_not_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("tree")).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs_err::write(sandbox.path("tree").join(name), "bytes").unwrap();
    let mut transaction = sandbox.store.begin(Key::of(b"key"));
    let refused = transaction.put(&sandbox.path("tree"), Seal::Copy);
    assert!(matches!(refused, Err(StoreError::Tree(TreeError::NotUtf8 { .. }))));
}

#[test]
fn f4_the_store_is_private_and_tells_backup_programs_to_pass_by() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let root = sandbox.store.root();
    for entry in fs_err::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let expected = if entry.file_type().unwrap().is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, expected, "{}", entry.path().display());
    }
    let tag = fs_err::read_to_string(root.join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
    assert_eq!(fs_err::read_to_string(root.join(".gitignore")).unwrap(), "*\n");
}
