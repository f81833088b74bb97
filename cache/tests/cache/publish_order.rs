//! The order of steps that makes a power cut harmless, and what a failing step leaves.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dgpipe_cache::{Key, Seal, Store};

use crate::recorder::{Operation, Recorder};
use crate::sandbox::{commit, picture, record};

struct Watched {
    folder: tempfile::TempDir,
    recorder: Arc<Recorder>,
    store: Store,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Arc::new(Recorder::default());
        let store = Store::open_on(folder.path().join("store"), recorder.clone()).unwrap();
        recorder.take();
        Self { folder, recorder, store }
    }

    fn bucket(&self, name: &str) -> impl Fn(&Path) -> bool {
        let bucket = self.store.root().join(name);
        move |path| path.starts_with(&bucket)
    }
}

fn place(done: &[Operation], operation: &str, path: impl Fn(&Path) -> bool) -> Option<usize> {
    done.iter().position(|(name, at)| *name == operation && path(at))
}

fn last_place(done: &[Operation], operation: &str, path: impl Fn(&Path) -> bool) -> Option<usize> {
    done.iter().rposition(|(name, at)| *name == operation && path(at))
}

#[test]
fn bytes_are_durable_before_names_and_names_before_the_record() {
    let watched = Watched::new();
    let mut transaction = watched.store.begin(Key::of(b"key"));
    let artifact = transaction.put_bytes(b"bytes").unwrap();
    commit(transaction, &[artifact]).unwrap();
    let done = watched.recorder.take();
    let (objects, records) = (watched.bucket("objects-v1"), watched.bucket("records-v1"));
    let scratch = watched.bucket("scratch");
    let order = [
        last_place(&done, "write", &scratch),
        place(&done, "sync_file", &scratch),
        last_place(&done, "sync_file", &scratch),
        place(&done, "rename_new", &objects),
        place(&done, "sync_folder", &objects),
        last_place(&done, "sync_folder", &objects),
        place(&done, "rename_new", &records),
        place(&done, "sync_folder", &records),
    ];
    assert!(order.iter().all(Option::is_some), "{order:?} {done:#?}");
    assert!(order.is_sorted(), "{order:?} {done:#?}");
}

#[test]
fn a_large_batch_is_made_durable_three_times_whatever_its_size() {
    let watched = Watched::new();
    let batch = (0..50_u32).map(|number| {
        let mut transaction = watched.store.begin(Key::of(&number.to_le_bytes()));
        let artifact = transaction.put_bytes(&number.to_be_bytes()).unwrap();
        transaction.record(record(transaction.key(), &[artifact]));
        transaction
    });
    let committed = watched.store.commit(batch.collect());
    assert!(committed.iter().all(Result::is_ok));
    let done = watched.recorder.take();
    let synced = |name: &str| done.iter().filter(|(done, _)| *done == name).count();
    assert_eq!((synced("sync_all"), synced("sync_file")), (3, 0));
}

#[test]
fn what_is_restored_is_durable_before_it_has_its_name_and_by_its_name_before_the_old_goes() {
    let watched = Watched::new();
    let source = watched.folder.path().join("source");
    fs_err::create_dir(&source).unwrap();
    fs_err::write(source.join("a"), "a").unwrap();
    let mut transaction = watched.store.begin(Key::of(b"key"));
    let folder = transaction.put(&source, Seal::Copy).unwrap();
    commit(transaction, &[folder]).unwrap();
    let dest = watched.folder.path().join("results");
    fs_err::create_dir(&dest).unwrap();
    watched.recorder.take();

    watched.store.restore(&folder, &dest).unwrap();

    let done = watched.recorder.take();
    let drafted = |path: &Path| path.to_string_lossy().contains("/.dgpipe-");
    let order = [
        place(&done, "sync_file", |path| drafted(path) && path.ends_with("a")),
        place(&done, "sync_folder", drafted),
        last_place(&done, "rename_new", |path| path == dest),
        place(&done, "sync_folder", |path| path == watched.folder.path()),
        place(&done, "remove_tree", drafted),
    ];
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?} {done:#?}");
}

#[test]
fn nothing_is_published_that_could_not_be_made_durable() {
    let watched = Watched::new();
    for operation in ["sync_file", "sync_folder", "write", "rename_new", "create_folder"] {
        let key = Key::of(operation.as_bytes());
        let scratch = watched.store.scratch("so that the failure is in the commit");
        let mut transaction = watched.store.begin(key);
        let artifact = transaction.put_bytes(operation.as_bytes()).unwrap();
        watched.recorder.refuse(Some(operation));
        commit(transaction, &[artifact]).unwrap_err();
        watched.recorder.refuse(None);
        assert_eq!(watched.store.record(&key).unwrap(), None, "{operation}");
        drop(scratch);
        // And all is well once the disk is.
        let mut transaction = watched.store.begin(key);
        let artifact = transaction.put_bytes(operation.as_bytes()).unwrap();
        commit(transaction, &[artifact]).unwrap();
        watched.store.verify(&artifact).unwrap();
    }
    assert_eq!(watched.store.take_warnings(), Vec::<String>::new());
}

#[test]
fn a_failing_disk_makes_an_object_a_miss() {
    let watched = Watched::new();
    let mut transaction = watched.store.begin(Key::of(b"key"));
    let artifact = transaction.put_bytes(b"bytes").unwrap();
    commit(transaction, &[artifact]).unwrap();
    watched.recorder.refuse(Some("read"));
    assert!(watched.store.read(&artifact).unwrap_err().is_miss());
    assert_eq!(watched.store.take_warnings().len(), 1);
}

#[test]
fn folders_are_replaced_also_where_names_cannot_be_exchanged() {
    let watched = Watched::new();
    let path = watched.folder.path().join("tree");
    fs_err::create_dir(&path).unwrap();
    fs_err::write(path.join("file"), "bytes").unwrap();
    let mut transaction = watched.store.begin(Key::of(b"key"));
    let artifact = transaction.put(&path, dgpipe_cache::Seal::Copy).unwrap();
    commit(transaction, &[artifact]).unwrap();
    let dest = watched.folder.path().join("out");
    for _ in 0..2 {
        fs_err::create_dir_all(dest.join("leftover")).unwrap();
        watched.store.restore(&artifact, &dest).unwrap();
        assert_eq!(picture(&dest), picture(&path));
    }
    assert_eq!(fs_err::read_dir(watched.folder.path()).unwrap().count(), 3);
}

#[test]
fn a_folder_that_cannot_be_made_fails_only_the_result_that_needs_it() {
    let watched = Watched::new();
    let mut batch = Vec::new();
    for name in ["first", "second"] {
        let mut transaction = watched.store.begin(Key::of(name.as_bytes()));
        let artifact = transaction.put_bytes(name.as_bytes()).unwrap();
        transaction.record(record(transaction.key(), &[artifact]));
        batch.push(transaction);
    }
    // As when the last inode is gone for a moment, and another program frees one.
    let recorder = Arc::downgrade(&watched.recorder);
    let refused = AtomicBool::new(false);
    watched.recorder.before_each(move |operation, path| {
        let objects = path.parent().is_some_and(|folder| folder.ends_with("objects-v1"));
        let refuse = operation == "create_folder" && objects && !refused.swap(true, Ordering::SeqCst);
        recorder.upgrade().unwrap().refuse(refuse.then_some("create_folder"));
    });
    let committed = watched.store.commit(batch);
    assert!(committed[0].as_ref().unwrap_err().to_string().contains("create_folder"), "{committed:?}");
    watched.store.verify(&committed[1].as_ref().unwrap().record.outputs["main"].artifact).unwrap();
}
