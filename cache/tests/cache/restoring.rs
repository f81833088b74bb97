//! Putting artifacts where the user wants them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use dgpipe_cache::{Artifact, Replacement, Store, StoreError, TreeError, published_digest};

use crate::recorder::Recorder;
use crate::sandbox::{Sandbox, picture};

fn mode(path: &std::path::Path) -> u32 {
    let metadata = fs_err::symlink_metadata(path).unwrap();
    metadata.permissions().mode() & 0o777
}

#[test]
fn a_restored_folder_is_what_was_put_and_nothing_else() {
    let sandbox = Sandbox::new();
    let script = sandbox.write("tree/bin/run", "#!/bin/sh");
    fs_err::set_permissions(script, PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.write("tree/.hidden", "");
    fs_err::create_dir(sandbox.path("tree/empty")).unwrap();
    fs_err::os::unix::fs::symlink("bin/run", sandbox.path("tree/link")).unwrap();
    fs_err::os::unix::fs::symlink("nowhere", sandbox.path("tree/dangling")).unwrap();
    let tree = sandbox.put("key", "tree");
    let dest = sandbox.path("deep/below/out");
    sandbox.store.restore(&tree, &dest).unwrap();
    assert_eq!(picture(&dest), picture(&sandbox.path("tree")));
    sandbox.write("deep/below/out/leftover/file", "bytes");
    fs_err::write(dest.join("bin/run"), "edited").unwrap();
    sandbox.store.restore(&tree, &dest).unwrap();
    assert_eq!(picture(&dest), picture(&sandbox.path("tree")));
    let beside = fs_err::read_dir(sandbox.path("deep/below")).unwrap().count();
    assert_eq!(beside, 1);
}

#[test]
fn restored_files_can_be_written_to_without_harm() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    let dest = sandbox.path("out");
    sandbox.store.restore(&artifact, &dest).unwrap();
    assert_eq!(mode(&dest) & 0o600, 0o600);
    fs_err::write(&dest, "edited").unwrap();
    assert_eq!(sandbox.reopened().read(&artifact).unwrap(), b"bytes");
}

#[test]
fn a_file_replaces_whatever_is_at_its_path() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    let dest = sandbox.path("out");
    let target = sandbox.write("target", "untouched");
    let hindrances: [&dyn Fn(); 4] =
        [&|| {}, &|| drop(sandbox.write("out", "old")), &|| drop(sandbox.write("out/sub/file", "old")), &|| {
            fs_err::os::unix::fs::symlink(&target, &dest).unwrap();
        }];
    for hindrance in hindrances {
        hindrance();
        sandbox.store.restore(&artifact, &dest).unwrap();
        assert!(fs_err::symlink_metadata(&dest).unwrap().is_file());
        assert_eq!(fs_err::read(&dest).unwrap(), b"bytes");
        fs_err::remove_file(&dest).unwrap();
    }
    assert_eq!(fs_err::read(&target).unwrap(), b"untouched");
}

#[test]
fn a_folder_replaces_a_file() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/file", "bytes");
    let tree = sandbox.put("key", "tree");
    let dest = sandbox.write("out", "old");
    sandbox.store.restore(&tree, &dest).unwrap();
    assert_eq!(picture(&dest), picture(&sandbox.path("tree")));
}

#[test]
fn a_failed_restore_leaves_what_was_there() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/a", "good");
    sandbox.write("tree/b", "to be damaged");
    let tree = sandbox.put("key", "tree");
    let file = sandbox.store.subtree(&tree, "b").unwrap().unwrap();
    sandbox.damage(&file.digest, b"");
    sandbox.write("out/old", "old");
    let before = picture(&sandbox.path("out"));
    let store = sandbox.reopened();
    assert!(store.restore(&tree, &sandbox.path("out")).unwrap_err().is_miss());
    assert_eq!(picture(&sandbox.path("out")), before);
}

/// What a reader finds who opens a folder once and reads all its files through it: their texts, and whether the folder
/// was still at its path in the end, so that none may have been missing.
fn read_through_one_handle(path: &std::path::Path) -> (Vec<String>, bool) {
    let authority = cap_std::ambient_authority();
    let open = || cap_std::fs::Dir::open_ambient_dir(path, authority).expect("the path always exists");
    let inode = |folder: &cap_std::fs::Dir| cap_std::fs::MetadataExt::ino(&folder.dir_metadata().unwrap());
    let folder = open();
    let texts = (0..FILES).filter_map(|file| folder.read_to_string(file.to_string()).ok()).collect();
    (texts, inode(&folder) == inode(&open()))
}

/// So many that a change in the middle of them is met.
const FILES: usize = 20;

#[test]
fn a_reader_sees_the_old_or_the_new_folder_but_no_mixture() {
    let sandbox = Sandbox::new();
    for (tree, text) in [("one", "1"), ("two", "2")] {
        for file in 0..FILES {
            sandbox.write(&format!("{tree}/{file}"), text);
        }
    }
    let trees = [sandbox.put("one", "one"), sandbox.put("two", "two")];
    let dest = sandbox.path("out");
    sandbox.store.restore(&trees[0], &dest).unwrap();
    let seen = std::sync::Mutex::new(std::collections::BTreeMap::from([("1".to_owned(), 0), ("2".to_owned(), 0)]));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200_000 {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
                let (texts, stayed) = read_through_one_handle(&dest);
                assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "a mixture: {texts:?}");
                // Files of a folder that was replaced meanwhile may be gone already.
                if stayed {
                    assert_eq!(texts.len(), FILES);
                    *seen.lock().unwrap().get_mut(&texts[0]).expect("one of the two") += 1;
                }
            }
        });
        let often = || seen.lock().unwrap().values().all(|times| *times >= 10);
        let mut turns = 0;
        while (turns < 30 || !often()) && turns < 3000 {
            sandbox.store.restore(&trees[(turns + 1) % 2], &dest).unwrap();
            turns += 1;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(often(), "both were seen: {seen:?} in {turns} turns");
    });
}

#[test]
fn materialised_files_cannot_be_written_to() {
    let sandbox = Sandbox::new();
    let script = sandbox.write("tree/run", "#!/bin/sh");
    fs_err::set_permissions(script, PermissionsExt::from_mode(0o700)).unwrap();
    sandbox.write("tree/data", "bytes");
    let tree = sandbox.put("key", "tree");
    let dest = sandbox.path("in");
    sandbox.store.materialise(&tree, &dest).unwrap();
    assert_eq!(mode(&dest.join("run")) & 0o333, 0o111 & mode(&dest.join("run")));
    assert_eq!(mode(&dest.join("data")) & 0o222, 0);
    assert!(matches!(sandbox.store.materialise(&tree, &dest), Err(StoreError::Exists { .. })));
    assert_eq!(picture(&dest), picture(&sandbox.path("tree")));
}

#[test]
fn e6_a_subtree_whose_link_leads_beside_it_is_not_restored() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/secret", "bytes");
    sandbox.write("tree/sub/file", "bytes");
    fs_err::os::unix::fs::symlink("../secret", sandbox.path("tree/sub/link")).unwrap();
    let tree = sandbox.put("key", "tree");
    sandbox.store.restore(&tree, &sandbox.path("whole")).unwrap();
    let sub = sandbox.store.subtree(&tree, "sub").unwrap().unwrap();
    assert!(matches!(
        sandbox.store.restore(&sub, &sandbox.path("part")),
        Err(StoreError::Tree(TreeError::Escapes { .. }))
    ));
    assert!(!sandbox.path("part").exists());
}

#[test]
fn what_a_dead_process_left_beside_the_path_is_removed() {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"bytes");
    let dest = sandbox.path("results/out");
    sandbox.store.restore(&artifact, &dest).unwrap();
    // The name that a process of this machine would use, with a start time no process has.
    let mark = dgpipe_cache::Digest::of(rustix_nodename().as_bytes()).short();
    let mark = &mark[..8];
    let store = dgpipe_cache::Digest::of(sandbox.store.root().as_os_str().as_encoded_bytes()).short();
    let left = sandbox.write(&format!("results/.dgpipe-{mark}-1-1-{store}-0/file"), "half");
    let pid = std::process::id();
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap();
    let live = sandbox.write(&format!("results/.dgpipe-{mark}-{pid}-{started}-{store}-0/file"), "half");
    let foreign = sandbox.write(&format!("results/.dgpipe-00000000-1-1-{store}-0/file"), "half");
    // Whether it may go is known to its own store only.
    let other = sandbox.write(&format!("results/.dgpipe-{mark}-1-1-000000000000-0/file"), "half");
    sandbox.reopened().restore(&artifact, &dest).unwrap();
    assert!(!left.exists());
    assert!(live.exists());
    assert!(foreign.exists());
    assert!(other.exists());
}

fn rustix_nodename() -> String {
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap();
    host.trim_end().to_owned()
}

#[test]
fn some_files_can_be_restored_with_other_bytes_and_others_beside_them() {
    let sandbox = Sandbox::new();
    sandbox.write("tree/below/plot.svg", "<svg/>");
    sandbox.write("tree/table.csv", "a,b");
    let tree = sandbox.put("key", "tree");
    let bytes = |text: &str| text.as_bytes().to_vec();
    let files = [("below/plot.svg", "<svg>stamped</svg>"), ("table.csv.passport.json", "{}")];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), bytes(text))).collect();
    let dest = sandbox.path("out");
    sandbox.store.restore_with(&tree, &files, &dest).unwrap();
    let read = |path: &str| fs_err::read_to_string(dest.join(path)).unwrap();
    assert_eq!(read("below/plot.svg"), "<svg>stamped</svg>");
    assert_eq!((read("table.csv"), read("table.csv.passport.json")), ("a,b".to_owned(), "{}".to_owned()));
    assert_eq!(mode(&dest.join("below/plot.svg")), 0o644);
    // A file by itself is replaced as a whole, and what was there goes in one step.
    let single = sandbox.put_bytes("other", b"plain");
    let stamped = [(String::new(), bytes("stamped"))].into_iter().collect();
    sandbox.store.restore_with(&single, &stamped, &dest).unwrap();
    assert_eq!(fs_err::read_to_string(&dest).unwrap(), "stamped");
}

/// What may be replaced at a path: what lies there now.
fn known(sandbox: &Sandbox, path: &Path, put: &Artifact) -> Replacement {
    let found = published_digest(path, &sandbox.store.source_memo()).unwrap();
    Replacement { found, put: put.digest }
}

/// Restores `ours` over `known`, with something done just before each operation on the place, told its name and how often
/// it was done before. Expects that the change is noticed, and returns the names there and what they hold.
fn changed(
    name: &'static str,
    recorder: Recorder,
    change: impl Fn(&str, usize, &Path) + Send + Sync + 'static,
) -> BTreeMap<String, String> {
    let sandbox = Sandbox::new();
    let place = sandbox.path("place");
    // `place` is the file itself, or the folder that it is in.
    sandbox.write(name, "ours");
    let artifact = sandbox.put("key", "place");
    let file = sandbox.write(name, "known");
    let (done, at) = (Mutex::new(BTreeMap::new()), place.clone());
    recorder.before_each(move |operation, path| {
        if path == at {
            let times: usize = *done.lock().unwrap().entry(operation).and_modify(|times| *times += 1).or_insert(0);
            change(operation, times, &file);
        }
    });
    let mut restoring = sandbox.store.restoring(Arc::new(recorder));
    let replacement = known(&sandbox, &place, &artifact);
    restoring.add(&artifact, &BTreeMap::new(), &place, Some(replacement)).unwrap();
    let ended = restoring.finish();
    assert!(matches!(ended.as_slice(), [Err(StoreError::Changed { .. })]), "{name}: {ended:?}");
    let below = |name: String| {
        let path = sandbox.path(&name);
        let file = if path.is_dir() { path.join("file") } else { path };
        (name, fs_err::read_to_string(file).unwrap())
    };
    let names = fs_err::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name != "store").map(below).collect()
}

#[test]
fn what_was_replaced_is_no_edit_where_its_successor_got_its_place_and_the_disk_says_otherwise() {
    let sandbox = Sandbox::new();
    let (artifact, place) = (sandbox.put_bytes("key", b"ours"), sandbox.write("place", "known"));
    let recorder = Arc::new(Recorder::default());
    let (failing, at) = (recorder.clone(), place.clone());
    // As on a network disk that links, and cannot remove the other name: what is at the place was put there.
    recorder.before_each(move |operation, path| {
        if operation == "rename_new" && path == at && !at.exists() {
            fs_err::write(&at, "ours").unwrap();
            failing.refuse(Some("rename_new"));
        } else if operation == "rename_new" {
            failing.refuse(None);
        }
    });
    let mut restoring = sandbox.store.restoring(recorder.clone());
    let replacement = known(&sandbox, &place, &artifact);
    restoring.add(&artifact, &BTreeMap::new(), &place, Some(replacement)).unwrap();
    assert!(matches!(restoring.finish().as_slice(), [Err(StoreError::File(_))]));
    assert!(!sandbox.path("place.edited-1").exists());
    assert_eq!(fs_err::read_to_string(place).unwrap(), "ours");
}

#[test]
fn a_folder_of_which_a_file_vanishes_while_it_is_looked_at_does_not_count_as_gone() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("place/file", "edited");
    let recorder = Arc::new(Recorder::default());
    recorder.before_each(move |operation, path| {
        if operation == "stat" && path == file && file.exists() {
            fs_err::remove_file(&file).unwrap();
        }
    });
    let store = Store::open_on(sandbox.path("watched"), recorder).unwrap();
    assert!(published_digest(&sandbox.path("place"), &store.source_memo()).unwrap().is_some());
    assert_eq!(published_digest(&sandbox.path("nothing"), &store.source_memo()).unwrap(), None);
}

/// Saves a file as editors do: beside, then renamed.
fn save(path: &Path, text: &str) {
    let beside = path.parent().unwrap().parent().unwrap().join(format!("{text}.saving"));
    fs_err::write(&beside, text).unwrap();
    fs_err::rename(beside, path).unwrap();
}

fn place(text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("place".to_owned(), text.to_owned())])
}

#[test]
fn what_is_changed_while_it_is_about_to_be_replaced_stays() {
    for (name, swapping) in [("place", true), ("place", false), ("place/file", true), ("place/file", false)] {
        let recorder = || if swapping { Recorder::swapping() } else { Recorder::default() };
        // After the last look, and in the very moment of the replacement; written in place, and saved anew.
        for moment in ["stat", "exchange"] {
            for write in [|path: &Path| fs_err::write(path, "edited").unwrap(), |path: &Path| save(path, "edited")] {
                let left = changed(name, recorder(), move |operation, times, file| {
                    if (operation, times) == (moment, 0) {
                        write(file);
                    }
                });
                assert_eq!(left, place("edited"), "{name} {swapping} {moment}");
            }
        }
    }
}

#[test]
fn what_is_saved_again_while_an_edit_is_put_back_stays_and_the_edit_is_kept_beside_it() {
    let left = changed("place", Recorder::swapping(), |operation, times, file| {
        if operation == "exchange" && times < 3 {
            save(file, ["first", "second", "third"][times]);
        }
    });
    // The last one came when what was saved before it was on its way back.
    let kept =
        BTreeMap::from([("place".to_owned(), "second".to_owned()), ("place.edited-1".to_owned(), "third".to_owned())]);
    assert_eq!(left, kept);
}

#[test]
fn what_is_saved_while_what_was_there_is_moved_aside_stays() {
    // The disk cannot swap names, so that there is a moment with nothing at the place.
    let left = changed("place", Recorder::default(), |operation, times, file| {
        if (operation, times) == ("rename_new", 0) {
            save(file, "edited");
        }
    });
    assert_eq!(left, place("edited"));
    // What was moved aside was edited before that.
    let left = changed("place", Recorder::default(), |operation, times, file| match (operation, times) {
        ("exchange", 0) => save(file, "first"),
        ("rename_new", 0) => save(file, "second"),
        _ => {}
    });
    let kept =
        BTreeMap::from([("place".to_owned(), "second".to_owned()), ("place.edited-1".to_owned(), "first".to_owned())]);
    assert_eq!(left, kept);
}
