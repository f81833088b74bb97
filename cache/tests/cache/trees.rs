//! Any tree comes out of the store as it went in.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use dgpipe_cache::{HashOptions, Key, Seal, hash_path};
use proptest::prelude::*;

use crate::sandbox::{Sandbox, commit, picture};

#[derive(Debug, Clone)]
enum Plant {
    File(Vec<u8>, bool),
    Folder(BTreeMap<String, Plant>),
}

fn plants() -> impl Strategy<Value = Plant> {
    let bytes =
        prop_oneof![Just(Vec::new()), Just(b"shared".to_vec()), proptest::collection::vec(any::<u8>(), 0..200),];
    let file = (bytes, any::<bool>()).prop_map(|(bytes, executable)| Plant::File(bytes, executable));
    let name = "[a-z. \"\\\\\nÄ漢]{1,8}".prop_filter("a component", |name| name != "." && name != "..");
    file.prop_recursive(3, 24, 5, move |below| {
        proptest::collection::btree_map(name.clone(), below, 0..5).prop_map(Plant::Folder)
    })
}

fn grow(plant: &Plant, path: &Path) {
    match plant {
        Plant::File(bytes, executable) => {
            fs_err::write(path, bytes).unwrap();
            let mode = if *executable { 0o755 } else { 0o644 };
            fs_err::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        }
        Plant::Folder(children) => {
            fs_err::create_dir(path).unwrap();
            for (name, child) in children {
                grow(child, &path.join(name));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn put_then_restore_gives_the_same_tree(plant in plants(), moved in any::<bool>()) {
        let sandbox = Sandbox::new();
        let path = sandbox.path("tree");
        grow(&plant, &path);
        let before = picture(&path);
        let memo = sandbox.store.source_memo();
        let snapshot = hash_path(&path, HashOptions { hidden: true, links: false }, &memo).unwrap();
        let mut transaction = sandbox.store.begin(Key::of(b"key"));
        let seal = if moved { Seal::Move } else { Seal::Copy };
        let artifact = transaction.put(&path, seal).unwrap();
        prop_assert_eq!(artifact, snapshot.artifact());
        commit(transaction, &[artifact]).unwrap();
        let store = sandbox.reopened();
        prop_assert!(store.contains(&artifact));
        store.verify(&artifact).unwrap();
        let dest = sandbox.path("out");
        store.restore(&artifact, &dest).unwrap();
        let mut after = picture(&dest);
        if let Plant::File(_, true) = plant {
            // A file alone has no manifest to keep its executable bit in.
            fs_err::set_permissions(&dest, PermissionsExt::from_mode(0o755)).unwrap();
            after = picture(&dest);
        }
        prop_assert_eq!(after, before);
    }
}

#[test]
fn links_are_hashed_as_links_where_that_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/one", "1");
    std::os::unix::fs::symlink("one", sandbox.path("tree/link")).unwrap();
    let memo = sandbox.store.source_memo();
    let hashed =
        |links| hash_path(&sandbox.path("tree"), HashOptions { hidden: true, links }, &memo).unwrap().artifact();
    let mut transaction = sandbox.store.begin(Key::of(b"key"));
    let put = transaction.put(&sandbox.path("tree"), Seal::Copy).unwrap();
    assert_eq!(hashed(true), put);
    assert_ne!(hashed(false), put);
    let alone = hash_path(&sandbox.path("tree/link"), HashOptions { hidden: true, links: true }, &memo);
    assert!(alone.is_err(), "a link by itself is no artifact");
}
