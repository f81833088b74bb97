//! Any bytes where a store keeps a record, an index or a manifest: what is read is what it says, or a miss; never a panic,
//! and never bytes that were not asked for.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use dgpipe_cache::{Digest, HashOptions, Key, Manifest, Record, Store, hash_path};
use libfuzzer_sys::fuzz_target;

/// Writes where something may have been put away, or made read-only, before.
fn write(path: &Path, bytes: &[u8]) {
    fs_err::create_dir_all(path.parent().expect("it lies in the store")).expect("a folder can be made");
    drop(fs_err::remove_file(path));
    fs_err::write(path, bytes).expect("a file can be written");
}

fn sharded(folder: &Path, name: &str, end: &str) -> PathBuf {
    folder.join(&name[..2]).join(format!("{}{end}", &name[2..]))
}

/// A record's file around a body, with the right checksum: otherwise no change would get past it.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&1_u32.to_le_bytes());
    hasher.update(body);
    let start = format!("{{\"version\":1,\"checksum\":\"{}\",\"record\":", hasher.finalize());
    [start.as_bytes(), body, b"}\n"].concat()
}

fn record(root: &Path, bytes: &[u8]) {
    let key = Key::of(b"key");
    write(&sharded(&root.join("records-v1"), &key.to_string(), ".json"), bytes);
    let store = Store::open(root).expect("the store opens");
    if let Some(record) = store.record(&key).expect("the disk is sound") {
        assert_eq!(record.key, key);
    }
    drop(store.lookup(&key));
    drop(store.take_warnings());
}

/// The folder in which a store keeps what it remembers on this machine.
static MEMORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let store = Store::open(folder.path()).expect("the store opens");
    let mut transaction = store.begin(Key::of(b"key"));
    transaction.record(Record::new(Key::of(b"key")));
    store.commit(vec![transaction]).remove(0).expect("the disk is sound");
    store.save_index().expect("the disk is sound");
    let memos = fs_err::read_dir(folder.path().join("memo-v1")).expect("it was made").flatten();
    let mut holding = memos.map(|memo| memo.path()).filter(|memo| memo.join("records").is_file());
    let memo = holding.next().expect("the index was written");
    memo.strip_prefix(folder.path()).expect("it lies in the store").to_owned()
});

fn index(root: &Path, title: &str, bytes: &[u8]) {
    let body = [title.as_bytes(), bytes].concat();
    let name = if title.contains("records") { "records" } else { "sources" };
    write(&root.join(&*MEMORY).join(name), &[body.as_slice(), blake3::hash(&body).as_bytes()].concat());
    let store = Store::open(root).expect("the store opens");
    drop(store.lookup(&Key::of(b"key")));
    let source = root.join("source");
    write(&source, b"bytes");
    let hashed = hash_path(&source, HashOptions::default(), &store.source_memo()).expect("it is there");
    assert_eq!(hashed.artifact().digest, Digest::of(b"bytes"));
    store.save_index().expect("the disk is sound");
}

fn manifest(bytes: &[u8]) {
    if let Ok(manifest) = Manifest::decode(bytes) {
        assert_eq!(manifest.encode(), bytes, "a manifest has one spelling");
        assert_eq!(manifest.artifact().digest, Digest::of(bytes));
        for entry in manifest.entries() {
            assert!(!entry.name.contains(['/', '\0']) && entry.name != ".." && entry.name != ".", "{:?}", entry.name);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    match kind % 5 {
        0 => record(folder.path(), bytes),
        1 => record(folder.path(), &framed(bytes)),
        2 => index(folder.path(), "dgpipe records 1\n", bytes),
        3 => index(folder.path(), "dgpipe sources 1\n", bytes),
        _ => manifest(bytes),
    }
});
