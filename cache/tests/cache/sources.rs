//! Hashing files where they lie.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dgpipe_cache::{Filesystem, HashOptions, Snapshot, SourceMemo, Store, TreeError, hash_path};

use crate::recorder::Recorder;
use crate::sandbox::Sandbox;

const ALL: HashOptions = HashOptions { hidden: true, links: false };

fn hash(sandbox: &Sandbox, name: &str, options: HashOptions) -> Snapshot {
    hash_path(&sandbox.path(name), options, &sandbox.store.source_memo()).unwrap()
}

/// Makes a file look as if it had been left alone for an hour. Its ctime stays young, so tests that
/// need a trusted stamp wait instead.
fn backdate(path: &std::path::Path) {
    let file = fs_err::File::options().write(true).open(path).unwrap();
    let hour = SystemTime::now() - Duration::from_hours(1);
    file.set_modified(hour).unwrap();
}

#[test]
fn a_source_has_the_digest_that_putting_it_would_give() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.write("tree/a/b/file", "bytes");
    sandbox.write("tree/.hidden/file", "bytes");
    fs_err::create_dir(sandbox.path("tree/empty")).unwrap();
    let script = sandbox.write("tree/run", "#!/bin/sh");
    fs_err::set_permissions(script, PermissionsExt::from_mode(0o755)).unwrap();
    let snapshot = hash(&sandbox, "tree", ALL);
    let put = sandbox.put("key", "tree");
    assert_eq!(snapshot.artifact(), put);
    assert_eq!(snapshot.manifest("").unwrap(), *sandbox.store.manifest(&put).unwrap());
    for path in ["a", "a/b", "a/b/file", ".hidden", "empty", "run"] {
        let below = snapshot.at(path).unwrap();
        assert_eq!(below, hash(&sandbox, &format!("tree/{path}"), ALL).artifact());
        assert_eq!(sandbox.store.subtree(&put, path).unwrap(), Some(below));
    }
    assert_eq!(snapshot.at("a/missing"), None);
    assert_eq!(snapshot.at("a/b/file/below"), None);
    assert_eq!(snapshot.at("a/../run"), None);
}

#[test]
fn hidden_names_and_empty_folders_count_only_on_request() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/file", "bytes");
    let before = hash(&sandbox, "tree", HashOptions::default());
    let before_all = hash(&sandbox, "tree", ALL);
    sandbox.write("tree/.DS_Store", "noise");
    fs_err::create_dir_all(sandbox.path("tree/empty/deeper")).unwrap();
    sandbox.write("tree/quiet/.keep", "");
    let after = hash(&sandbox, "tree", HashOptions::default());
    assert_eq!(after.artifact(), before.artifact());
    assert!(before.unchanged().unwrap());
    assert_ne!(hash(&sandbox, "tree", ALL).artifact(), before_all.artifact());
    assert!(!before_all.unchanged().unwrap());
    fs_err::create_dir(sandbox.path("nothing")).unwrap();
    assert_eq!(hash(&sandbox, "nothing", HashOptions::default()).files(), 0);
}

#[test]
fn the_order_and_place_of_files_do_not_matter() {
    let sandbox = Sandbox::new();
    for name in ["a", "b", "c"] {
        sandbox.write(&format!("one/{name}"), name);
    }
    for name in ["c", "a", "b"] {
        sandbox.write(&format!("two/{name}"), name);
    }
    let (one, two) = (hash(&sandbox, "one", ALL), hash(&sandbox, "two", ALL));
    assert_eq!(one.artifact(), two.artifact());
}

#[test]
fn links_in_sources_are_followed_but_not_in_circles() {
    let sandbox = Sandbox::new();
    sandbox.write("elsewhere/file", "bytes");
    sandbox.write("plain/data/file", "bytes");
    fs_err::create_dir(sandbox.path("tree")).unwrap();
    let link = sandbox.path("tree/data");
    fs_err::os::unix::fs::symlink(sandbox.path("elsewhere"), &link).unwrap();
    let followed = hash(&sandbox, "tree", ALL);
    assert_eq!(followed.artifact(), hash(&sandbox, "plain", ALL).artifact());
    fs_err::os::unix::fs::symlink("..", sandbox.path("elsewhere/up")).unwrap();
    let memo = sandbox.store.source_memo();
    fs_err::os::unix::fs::symlink(".", sandbox.path("plain/data/self")).unwrap();
    assert!(matches!(hash_path(&sandbox.path("plain"), ALL, &memo), Err(TreeError::Loop { .. })));
    fs_err::os::unix::fs::symlink("nowhere", sandbox.path("tree/dangling")).unwrap();
    fs_err::remove_file(&link).unwrap();
    assert!(matches!(hash_path(&sandbox.path("tree"), ALL, &memo), Err(TreeError::Missing { .. })));
}

#[test]
fn c11_two_writes_in_one_instant_are_told_apart() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "one");
    let first = hash(&sandbox, "file", ALL);
    // Same size, and the same mtime as far as a coarse clock can tell.
    let modified = fs_err::metadata(&path).unwrap().modified().unwrap();
    fs_err::write(&path, "two").unwrap();
    let file = fs_err::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    let second = hash(&sandbox, "file", ALL);
    assert_ne!(first.artifact(), second.artifact());
    assert!(!first.unchanged().unwrap());
    assert!(second.unchanged().unwrap());
}

#[test]
fn c11_two_writes_of_one_size_in_one_second_are_told_apart_where_times_are_whole_seconds() {
    let sandbox = Sandbox::new();
    let disk = Arc::new(Recorder::of_whole_seconds());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    let path = sandbox.path("file");
    // A second may end between the two writes; not so often.
    for attempt in 0..50 {
        sandbox.write("file", "one");
        let before = disk.stat(&path).unwrap();
        let first = hash_path(&path, ALL, &store.source_memo()).unwrap();
        assert!(first.unchanged().unwrap());
        sandbox.write("file", "two");
        let changed = !first.unchanged().unwrap();
        let second = hash_path(&path, ALL, &store.source_memo()).unwrap();
        // Another process, which knows only what was written down.
        store.source_memo().save().unwrap();
        let reopened = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
        let third = hash_path(&path, ALL, &reopened.source_memo()).unwrap();
        assert!(changed, "attempt {attempt}");
        assert_ne!(first.artifact(), second.artifact(), "attempt {attempt}");
        assert_eq!(second.artifact(), third.artifact());
        assert_eq!(second.artifact().digest, dgpipe_cache::Digest::of(b"two"));
        if disk.stat(&path).unwrap() == before {
            return;
        }
    }
    panic!("no two writes had one stamp, so nothing was tried");
}

#[test]
fn c11_a_backdated_write_is_noticed() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "one");
    backdate(&path);
    let modified = fs_err::metadata(&path).unwrap().modified().unwrap();
    let first = hash(&sandbox, "file", ALL);
    std::thread::sleep(Duration::from_millis(20));
    fs_err::write(&path, "two").unwrap();
    let file = fs_err::File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    assert!(!first.unchanged().unwrap());
    assert_ne!(hash(&sandbox, "file", ALL).artifact(), first.artifact());
}

#[test]
fn files_that_come_go_or_change_are_noticed() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a", "a");
    sandbox.write("tree/b", "b");
    let edits: [&dyn Fn(); 5] = [
        &|| drop(sandbox.write("tree/c", "c")),
        &|| fs_err::remove_file(sandbox.path("tree/c")).unwrap(),
        &|| drop(sandbox.write("tree/a", "other")),
        &|| fs_err::rename(sandbox.path("tree/b"), sandbox.path("tree/d")).unwrap(),
        &|| fs_err::remove_dir_all(sandbox.path("tree")).unwrap(),
    ];
    for edit in edits {
        let snapshot = hash(&sandbox, "tree", ALL);
        assert!(snapshot.unchanged().unwrap());
        edit();
        assert!(!snapshot.unchanged().unwrap());
    }
}

#[test]
fn a_memo_survives_its_file_and_forgets_young_stamps() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "bytes");
    let young = hash(&sandbox, "file", ALL);
    std::thread::sleep(Duration::from_millis(2100));
    sandbox.store.source_memo().save().unwrap();
    let memo_file = |sandbox: &Sandbox| {
        let memo = sandbox.store.root().join("memo-v1");
        fs_err::read_dir(memo).unwrap().find_map(|host| fs_err::read(host.unwrap().path().join("sources")).ok())
    };
    assert_eq!(memo_file(&sandbox), None, "a young stamp is not remembered");
    let old = hash(&sandbox, "file", ALL);
    sandbox.store.source_memo().save().unwrap();
    assert_eq!(old.artifact(), young.artifact());
    assert!(memo_file(&sandbox).is_some());
    // Only the memo can know the digest of a file that may not be opened, but root may open all, so
    // the proof is that the file's access time stays.
    let before = fs_err::metadata(&path).unwrap().accessed().unwrap();
    let memo = sandbox.reopened().source_memo();
    let again = hash_path(&path, ALL, &memo).unwrap();
    assert_eq!(again.artifact(), old.artifact());
    assert_eq!(fs_err::metadata(&path).unwrap().accessed().unwrap(), before);
}

#[test]
fn a_folder_of_a_thousand_files_is_hashed_and_remembered() {
    let sandbox = Sandbox::new();
    for number in 0..1000 {
        sandbox.write(&format!("tree/{}/{number}", number % 10), number.to_string());
    }
    let first = hash(&sandbox, "tree", ALL);
    assert_eq!(first.files(), 1000);
    let second = hash_path(&sandbox.path("tree"), ALL, &SourceMemo::in_memory()).unwrap();
    assert_eq!(first.artifact(), second.artifact());
    assert!(first.unchanged().unwrap());
    let put = sandbox.put("key", "tree");
    assert_eq!(put, first.artifact());
    sandbox.reopened().verify(&put).unwrap();
}

#[test]
fn a_large_file_has_the_digest_of_its_bytes() {
    let sandbox = Sandbox::new();
    let bytes: Vec<u8> = (0..5_000_011_u32).map(|byte| (byte % 251) as u8).collect();
    sandbox.write("file", &bytes);
    let digest = dgpipe_cache::Digest::of(&bytes);
    assert_eq!(hash(&sandbox, "file", ALL).artifact().digest, digest);
    assert_eq!(sandbox.put("key", "file").digest, digest);
}

#[test]
fn a1_what_is_remembered_is_written_under_names_of_drafts_that_gc_knows() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/file", "bytes");
    let recorder = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), recorder.clone()).unwrap();
    // Until the stamps are old enough to be remembered.
    std::thread::sleep(Duration::from_millis(2100));
    let source = hash_path(&sandbox.path("tree"), ALL, &store.source_memo()).unwrap();
    recorder.take();
    store.source_memo().save().unwrap();
    store.keep_listing(&source).unwrap();
    let done = recorder.take().into_iter().filter(|(done, _)| *done == "create");
    let names: Vec<_> = done.map(|(_, path)| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.len() == 2 && names.iter().all(|name| name.starts_with(".draft-")), "{names:?}");
    assert!(store.listing(&source.artifact().digest).is_some());
}
