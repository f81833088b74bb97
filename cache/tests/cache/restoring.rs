//! Putting artifacts where the user wants them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dgpipe_cache::{Filesystem, StoreError, TreeError};

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
    let left = sandbox.write(&format!("results/.dgpipe-{mark}-1-1-x-0/file"), "half");
    let pid = std::process::id();
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap();
    let started = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap();
    let live = sandbox.write(&format!("results/.dgpipe-{mark}-{pid}-{started}-x-0/file"), "half");
    let foreign = sandbox.write("results/.dgpipe-00000000-1-1-x-0/file", "half");
    sandbox.reopened().restore(&artifact, &dest).unwrap();
    assert!(!left.exists());
    assert!(live.exists());
    assert!(foreign.exists());
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

/// Restores `ours` over `known`, which is changed once somebody has looked at it for so many times, and expects that the
/// change is kept.
fn keeps_what_is_changed(name: &str, after_looks: usize, tree: impl FnOnce(&Sandbox) -> Arc<dyn Filesystem>) {
    let sandbox = Sandbox::new();
    // `place` is the file itself, or the folder that it is in.
    let inside = Path::new(name).strip_prefix("place").unwrap().to_owned();
    sandbox.write(name, "ours");
    let artifact = sandbox.put("key", "place");
    sandbox.write(name, "known");
    let mut restoring = sandbox.store.restoring(tree(&sandbox));
    restoring.add(&artifact, &BTreeMap::new(), &sandbox.path("place")).unwrap();
    let looks = AtomicUsize::new(0);
    let is_as_known = |_: usize, path: &Path| {
        let file = if inside.as_os_str().is_empty() { path.to_owned() } else { path.join(&inside) };
        if looks.fetch_add(1, Ordering::SeqCst) == after_looks {
            fs_err::write(&file, "edited").unwrap();
        }
        fs_err::read_to_string(&file).unwrap() == "known"
    };
    let ended = restoring.finish_where(&is_as_known, &|| Ok(()));
    assert!(matches!(ended.as_slice(), [Err(StoreError::Changed { .. })]), "{name} {after_looks}: {ended:?}");
    assert_eq!(fs_err::read_to_string(sandbox.path(name)).unwrap(), "edited");
    let mut left: Vec<_> =
        fs_err::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["place", "store"]);
}

#[test]
fn what_is_changed_while_it_is_about_to_be_replaced_stays() {
    let real = |sandbox: &Sandbox| sandbox.store.tree(&sandbox.path("")).unwrap();
    keeps_what_is_changed("place", 0, real);
    keeps_what_is_changed("place/file", 0, real);
    // Changed in the very moment of its replacement, on disks that exchange names and on those that cannot.
    for name in ["place", "place/file"] {
        keeps_what_is_changed(name, 1, real);
        keeps_what_is_changed(name, 1, |_| Arc::new(Recorder::default()));
    }
}

/// Restores over a file that a program saves anew, as editors do, just before an operation on its path, and tells what is
/// there then.
fn saved_before(operation: &'static str) -> String {
    let sandbox = Sandbox::new();
    let artifact = sandbox.put_bytes("key", b"ours");
    let (place, saved) = (sandbox.write("place", "known"), sandbox.write("saved", "edited"));
    let recorder = Recorder::default();
    let to = place.clone();
    recorder.before_each(move |done, path| {
        if done == operation && path == to && saved.exists() {
            fs_err::rename(&saved, &to).unwrap();
        }
    });
    let mut restoring = sandbox.store.restoring(Arc::new(recorder));
    restoring.add(&artifact, &BTreeMap::new(), &place).unwrap();
    let is_as_known = |_: usize, path: &Path| fs_err::read_to_string(path).unwrap() == "known";
    let ended = restoring.finish_where(&is_as_known, &|| Ok(()));
    assert!(matches!(ended.as_slice(), [Err(StoreError::Changed { .. })]), "{operation}: {ended:?}");
    fs_err::read_to_string(place).unwrap()
}

#[test]
fn what_is_saved_between_the_last_look_and_the_replacement_stays() {
    // The disk cannot exchange names, so that what is there is moved aside first.
    assert_eq!(saved_before("exchange"), "edited");
    assert_eq!(saved_before("rename_new"), "edited");
}
