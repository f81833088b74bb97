//! What is damaged is never served: it is a miss, put into quarantine, and told about.

use dgpipe_cache::{Key, Seal, Store, StoreError};

use crate::sandbox::{Sandbox, commit, record};

#[test]
fn c1_c2_a_damaged_object_is_a_miss_however_it_is_asked_for() {
    type Ask = fn(&Store, &dgpipe_cache::Artifact, &Sandbox) -> Result<(), StoreError>;
    let asks: [Ask; 5] = [
        |store, artifact, _| store.verify(artifact),
        |store, artifact, _| store.read(artifact).map(drop),
        |store, artifact, _| store.open_object(artifact).map(drop),
        |store, artifact, sandbox| store.restore(artifact, &sandbox.path("out")).map(drop),
        |store, artifact, sandbox| store.materialise(artifact, &sandbox.path("out")).map(drop),
    ];
    let damages: [(&str, &[u8]); 4] =
        [("flipped", b"bytez"), ("truncated", b"byt"), ("extended", b"bytes and more"), ("emptied", b"")];
    for ask in asks {
        for (damage, bytes) in damages {
            let sandbox = Sandbox::new();
            let artifact = sandbox.put_bytes("key", b"bytes");
            sandbox.damage(&artifact.digest, bytes);
            let store = sandbox.reopened();
            let error = ask(&store, &artifact, &sandbox).unwrap_err();
            assert!(error.is_miss(), "{damage}: {error}");
            assert!(matches!(error, StoreError::Bad { .. }), "{damage}: {error}");
            assert_eq!(sandbox.quarantined(), 1, "{damage}");
            let warnings = store.take_warnings();
            assert_eq!(warnings.len(), 1);
            assert!(warnings[0].contains(&artifact.digest.to_string()[2..]));
            assert!(!sandbox.path("out").exists());
            let leftovers = fs_err::read_dir(sandbox.path("")).unwrap().count();
            assert_eq!(leftovers, 1, "only the store");
            assert!(matches!(ask(&store, &artifact, &sandbox), Err(StoreError::Missing { .. })));
        }
    }
}

#[test]
fn c2_e7_swapped_objects_are_both_found() {
    let sandbox = Sandbox::new();
    let one = sandbox.put_bytes("one", b"11111");
    let two = sandbox.put_bytes("two", b"22222");
    let (path, other) = (sandbox.object_path(&one.digest), sandbox.object_path(&two.digest));
    let aside = sandbox.path("aside");
    fs_err::rename(&path, &aside).unwrap();
    fs_err::rename(&other, &path).unwrap();
    fs_err::rename(&aside, &other).unwrap();
    let store = sandbox.reopened();
    assert!(store.contains(&one), "the sizes agree");
    assert!(store.verify(&one).is_err());
    assert!(store.verify(&two).is_err());
    assert_eq!(sandbox.quarantined(), 2);
}

#[test]
fn damage_after_verification_is_noticed_in_the_same_process() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    sandbox.store.verify(&artifact).unwrap();
    sandbox.damage(&artifact.digest, b"damaged");
    assert!(sandbox.store.verify(&artifact).is_err());
}

#[test]
fn a_folder_where_an_object_should_be_is_damage() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    let path = sandbox.object_path(&artifact.digest);
    fs_err::remove_file(&path).unwrap();
    fs_err::create_dir(&path).unwrap();
    assert!(!sandbox.store.contains(&artifact));
    assert!(sandbox.reopened().read(&artifact).unwrap_err().is_miss());
    assert!(!path.exists());
}

#[test]
fn damage_deep_in_a_folder_is_found() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a/b/file", "bytes");
    sandbox.write("tree/other", "other");
    let tree = sandbox.put("key", "tree");
    let file = sandbox.store.subtree(&tree, "a/b/file").unwrap().unwrap();
    let folder = sandbox.store.subtree(&tree, "a").unwrap().unwrap();
    for digest in [file.digest, folder.digest, tree.digest] {
        sandbox.damage(&digest, b"?");
        let store = sandbox.reopened();
        assert!(!store.contains(&tree));
        assert!(store.verify(&tree).unwrap_err().is_miss());
        assert!(store.restore(&tree, &sandbox.path("out")).unwrap_err().is_miss());
        assert!(!sandbox.path("out").exists());
        sandbox.put("key", "tree");
        sandbox.reopened().verify(&tree).unwrap();
    }
}

#[test]
fn a_missing_leaf_makes_a_folder_incomplete() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a/b/file", "bytes");
    let tree = sandbox.put("key", "tree");
    assert!(sandbox.store.contains(&tree));
    let file = sandbox.store.subtree(&tree, "a/b/file").unwrap().unwrap();
    fs_err::remove_file(sandbox.object_path(&file.digest)).unwrap();
    assert!(!sandbox.store.contains(&tree));
    assert!(!sandbox.reopened().contains(&tree));
}

#[test]
fn c6_putting_the_bytes_again_heals_a_damaged_object() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    sandbox.damage(&artifact.digest, b"bytez");
    let store = sandbox.reopened();
    let mut transaction = store.begin(Key::of(b"another"));
    transaction.put_bytes(b"bytes").unwrap();
    commit(transaction, &[artifact]).unwrap();
    assert_eq!(sandbox.quarantined(), 1);
    assert_eq!(store.read(&artifact).unwrap(), b"bytes");
}

/// Nothing is mended from a copy: what lies in quarantine, or was published and damaged as well, is not looked at.
#[test]
fn c6_bytes_that_are_damaged_wherever_they_lie_stay_a_miss() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    let published = sandbox.path("out");
    sandbox.store.restore(&artifact, &published).unwrap();
    fs_err::write(&published, "bytez").unwrap();
    sandbox.damage(&artifact.digest, b"bytez");
    let store = sandbox.reopened();
    for _ in 0..2 {
        assert!(store.read(&artifact).unwrap_err().is_miss());
        assert!(store.restore(&artifact, &published).unwrap_err().is_miss());
    }
    assert_eq!(fs_err::read(&published).unwrap(), b"bytez", "what could not be replaced stays");
    // Bytes that are put under another key are what they are, and mend nothing.
    let mut transaction = store.begin(Key::of(b"another"));
    let other = transaction.put(&published, Seal::Copy).unwrap();
    commit(transaction, &[other]).unwrap();
    assert_ne!(other.digest, artifact.digest);
    assert!(store.read(&artifact).unwrap_err().is_miss());
}

#[test]
fn damage_between_put_and_commit_is_healed() {
    let sandbox = Sandbox::new();
    let store = sandbox.reopened();
    let mut transaction = store.begin(Key::of(b"late"));
    let path = sandbox.write("out", "bytes");
    let artifact = transaction.put(&path, Seal::Move).unwrap();
    sandbox.put_bytes("early", b"bytes");
    sandbox.damage(&artifact.digest, b"");
    commit(transaction, &[artifact]).unwrap();
    assert_eq!(sandbox.reopened().read(&artifact).unwrap(), b"bytes");
}

#[test]
fn an_object_that_goes_between_put_and_commit_fails_the_commit() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("early", b"bytes");
    let mut transaction = sandbox.store.begin(Key::of(b"late"));
    transaction.put_bytes(b"bytes").unwrap();
    fs_err::remove_file(sandbox.object_path(&artifact.digest)).unwrap();
    let error = commit(transaction, &[artifact]).unwrap_err();
    assert!(error.is_miss());
    assert_eq!(sandbox.store.record(&Key::of(b"late")).unwrap(), None);
}

#[test]
fn an_artifact_of_the_wrong_size_is_not_served_but_its_object_stays() {
    let sandbox = Sandbox::new();
    let mut artifact = sandbox.put_bytes("key", b"bytes");
    artifact.size = 4;
    let store = sandbox.reopened();
    assert!(!store.contains(&artifact));
    assert!(store.read(&artifact).unwrap_err().is_miss());
    assert!(store.verify(&artifact).unwrap_err().is_miss());
    assert!(store.restore(&artifact, &sandbox.path("out")).unwrap_err().is_miss());
    assert_eq!(sandbox.quarantined(), 0);
}

#[test]
fn a_file_taken_for_a_folder_is_a_typed_error() {
    let sandbox = Sandbox::new();
    let file = sandbox.put_bytes("key", b"bytes");
    let folder = dgpipe_cache::Artifact::folder(file.digest, 5);
    assert!(matches!(sandbox.store.manifest(&folder), Err(StoreError::Manifest { .. })));
    assert!(!sandbox.store.contains(&folder));
    assert!(matches!(sandbox.store.manifest(&file), Err(StoreError::NotAFolder { .. })));
    assert!(matches!(sandbox.store.read(&folder), Err(StoreError::NotAFile { .. })));
    assert_eq!(sandbox.store.object_path(&folder), None);
}

#[test]
fn a_record_that_cannot_be_read_is_absent_and_in_quarantine() {
    let key = Key::of(b"key");
    let other = Sandbox::new();
    other.put_bytes("other key", b"bytes");
    let foreign = fs_err::read(other.record_path(&Key::of(b"other key"))).unwrap();
    for damage in ["truncated", "garbage", "empty", "foreign", "checksum"] {
        let sandbox = Sandbox::new();
        sandbox.put_bytes("key", b"bytes");
        let path = sandbox.record_path(&key);
        let good = fs_err::read(&path).unwrap();
        let bytes = match damage {
            "truncated" => good[..good.len() / 2].to_vec(),
            "garbage" => vec![0xff; 300],
            "empty" => Vec::new(),
            "foreign" => foreign.clone(),
            _ => String::from_utf8(good).unwrap().replace("file/1", "file/2").into_bytes(),
        };
        fs_err::write(&path, bytes).unwrap();
        let store = sandbox.reopened();
        assert_eq!(store.lookup(&key).unwrap(), None, "{damage}");
        assert_eq!(store.record(&key).unwrap(), None, "{damage}");
        assert_eq!(sandbox.quarantined(), 1, "{damage}");
        assert_eq!(store.take_warnings().len(), 1, "{damage}");
        sandbox.put_bytes("key", b"bytes");
        assert!(store.lookup(&key).unwrap().is_some(), "{damage}");
    }
}

#[test]
fn a_record_of_a_newer_program_is_absent_and_left_alone() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    sandbox.put_bytes("key", b"bytes");
    let path = sandbox.record_path(&key);
    let newer = "{\"version\":2,\"anything\":true}";
    fs_err::write(&path, newer).unwrap();
    let store = sandbox.reopened();
    assert_eq!(store.lookup(&key).unwrap(), None);
    assert!(store.take_warnings()[0].contains("a newer dgpipe wrote"));
    for forced in [false, true] {
        let mut transaction = store.begin(key);
        if forced {
            transaction.replace();
        }
        let artifact = transaction.put_bytes(b"other").unwrap();
        transaction.record(record(key, &[artifact]));
        let committed = store.commit(vec![transaction]).remove(0).unwrap();
        assert_eq!(committed.record.outputs["main"].artifact, artifact);
    }
    assert_eq!(fs_err::read_to_string(&path).unwrap(), newer);
    assert_eq!(sandbox.quarantined(), 0);
}
