//! Leases and scratch folders: what is held while its process lives, and not a moment longer.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use dgpipe_cache::{Key, LeaseAttempt, Store};

use crate::sandbox::Sandbox;

fn is_free(store: &Store, key: &Key) -> bool {
    matches!(store.lease(key, "test").unwrap(), LeaseAttempt::Acquired(_))
}

#[test]
fn a_lease_excludes_others_and_says_who_holds_it() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let LeaseAttempt::Acquired(lease) = sandbox.store.lease(&key, "run 7").unwrap() else {
        panic!("nobody holds it");
    };
    let LeaseAttempt::Held(who) = sandbox.reopened().lease(&key, "run 8").unwrap() else {
        panic!("it is held");
    };
    assert!(who.contains("run 7"), "{who}");
    assert!(who.contains(&std::process::id().to_string()), "{who}");
    assert!(is_free(&sandbox.store, &Key::of(b"another")));
    assert!(lease.is_valid());
    drop(lease);
    assert!(is_free(&sandbox.store, &key));
    let left = fs_err::read_dir(sandbox.store.root().join("leases-v1")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn a_lease_whose_file_was_removed_knows_it() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let LeaseAttempt::Acquired(lease) = sandbox.store.lease(&key, "run").unwrap() else {
        panic!("nobody holds it");
    };
    fs_err::remove_file(sandbox.store.root().join("leases-v1").join(key.to_string())).unwrap();
    assert!(!lease.is_valid());
    let LeaseAttempt::Acquired(second) = sandbox.store.lease(&key, "other").unwrap() else {
        panic!("it cannot be known to be held");
    };
    drop(lease);
    assert!(second.is_valid(), "the first did not take the file of the second");
}

#[test]
fn many_contenders_hold_a_lease_one_at_a_time() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let inside = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = sandbox.reopened();
                let mut turns = 0;
                while turns < 25 {
                    if let LeaseAttempt::Acquired(lease) = store.lease(&key, "x").unwrap() {
                        let others = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        assert_eq!(others, 0);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        drop(lease);
                        turns += 1;
                    }
                }
            });
        }
    });
}

/// The variable that makes [`holder_process`] do something.
const HOLD: &str = "DGPIPE_CACHE_TEST_HOLD";

/// Not a test of its own: the body of the process that the next test kills.
#[test]
#[expect(clippy::disallowed_methods, reason = "the process that starts this one tells it what to do")]
fn holder_process() {
    let Ok(root) = std::env::var(HOLD) else {
        return;
    };
    let store = Store::open(root).unwrap();
    let lease = store.lease(&Key::of(b"key"), "the child").unwrap();
    assert!(matches!(lease, LeaseAttempt::Acquired(_)));
    let scratch = store.scratch("of the child").unwrap();
    let kept = store.scratch("kept by the child").unwrap().keep();
    let mut out = std::io::stdout();
    writeln!(out, "\n@ {}\n@ {}", scratch.path().display(), kept.display()).unwrap();
    out.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_mins(1));
}

#[test]
fn a_killed_process_holds_neither_lease_nor_scratch() {
    kill_holder(false);
}

#[test]
fn a_power_cut_may_take_the_lock_of_a_scratch_folder() {
    kill_holder(true);
}

fn kill_holder(lock_lost: bool) {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "leases::holder_process", "--nocapture"])
        .env(HOLD, sandbox.store.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let paths: Vec<_> = lines
        .map(Result::unwrap)
        .filter_map(|line| line.strip_prefix("@ ").map(std::path::PathBuf::from))
        .take(2)
        .collect();
    assert!(!is_free(&sandbox.store, &key));
    drop(sandbox.store.scratch("while it lives").unwrap());
    assert!(paths[0].exists(), "a live process keeps its scratch");
    child.kill().unwrap();
    child.wait().unwrap();
    if lock_lost {
        let name = paths[0].file_name().unwrap().to_str().unwrap();
        let id: Vec<_> = name.split('-').take(4).collect();
        let lock = paths[0].with_file_name(id.join("-") + ".lock");
        fs_err::remove_file(lock).unwrap();
    }
    assert!(is_free(&sandbox.store, &key));
    let scratch = sandbox.reopened().scratch("when it is dead").unwrap();
    assert!(!paths[0].exists(), "a dead process does not");
    assert!(paths[1].exists(), "but what it kept stays");
    drop(scratch);
}

#[test]
fn a_scratch_folder_goes_with_its_handle_unless_it_is_kept() {
    let sandbox = Sandbox::new();
    let scratch = sandbox.store.scratch("lodo[target=sketch] ../..").unwrap();
    let path = scratch.path().to_owned();
    assert_eq!(path.parent(), Some(sandbox.store.root().join("scratch").as_path()));
    fs_err::create_dir(path.join("sub")).unwrap();
    fs_err::write(path.join("sub/file"), "bytes").unwrap();
    drop(scratch);
    assert!(!path.exists());
    let scratch = sandbox.store.scratch("failed").unwrap();
    fs_err::write(scratch.path().join("file"), "bytes").unwrap();
    let kept = scratch.keep();
    assert_eq!(fs_err::read(kept.join("file")).unwrap(), b"bytes");
}
