//! Leases and scratch folders: what is held while its process lives, and not a moment longer.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dgpipe_cache::{Holding, Key, Lease, LeaseAttempt, Locking, Store};

use crate::recorder::Recorder;
use crate::sandbox::{Sandbox, commit, record};

fn is_free(store: &Store, key: &Key) -> bool {
    matches!(store.lease(key, "test").unwrap(), LeaseAttempt::Acquired(_))
}

fn acquired(store: &Store, key: &Key) -> Lease {
    match store.lease(key, "run").unwrap() {
        LeaseAttempt::Acquired(lease) => lease,
        LeaseAttempt::Held(holding) => panic!("{} holds it", holding.holder()),
    }
}

fn held(store: &Store, key: &Key) -> Holding {
    match store.lease(key, "waiter").unwrap() {
        LeaseAttempt::Held(holding) => holding,
        LeaseAttempt::Acquired(_) => panic!("nobody holds it"),
    }
}

/// Writes a lease as a process would have that differs from this one in some fields, and that beat so long ago.
fn imitate(sandbox: &Sandbox, key: &Key, differs: &[(&str, serde_json::Value)], ago: Duration) -> PathBuf {
    let other = sandbox.reopened();
    let lease = acquired(&other, &Key::of(b"only to have a file"));
    let holders = sandbox.store.root().join("leases-v1/holders");
    let text = fs_err::read_to_string(holders.join(&sandbox.holders()[0])).unwrap();
    drop((lease, other));
    let mut line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    for (field, value) in differs {
        line["signed"][field] = value.clone();
    }
    let path = sandbox.store.root().join("leases-v1").join(key.to_string());
    fs_err::write(&path, format!("{line}\n")).unwrap();
    let file = fs_err::OpenOptions::new().write(true).open(&path).unwrap();
    file.file().set_modified(SystemTime::now() - ago).unwrap();
    path
}

const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(61);

#[test]
fn a_lease_excludes_others_and_says_who_holds_it() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let LeaseAttempt::Acquired(lease) = sandbox.store.lease(&key, "run 7").unwrap() else {
        panic!("nobody holds it");
    };
    let LeaseAttempt::Held(mut holding) = sandbox.reopened().lease(&key, "run 8").unwrap() else {
        panic!("it is held");
    };
    let who = holding.holder();
    assert!(holding.since().is_some_and(|since| since > 1_500_000_000_000));
    assert!(who.contains("run 7"), "{who}");
    assert!(who.contains(&std::process::id().to_string()), "{who}");
    assert!(is_free(&sandbox.store, &Key::of(b"another")));
    assert!(lease.is_valid());
    drop(lease);
    assert!(is_free(&sandbox.store, &key));
    assert_eq!(sandbox.leases(), [] as [String; 0]);
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

#[test]
fn one_file_stands_for_all_keys_of_a_process() {
    let sandbox = Sandbox::new();
    let leases: Vec<Lease> = (0..50u8).map(|number| acquired(&sandbox.store, &Key::of(&[number]))).collect();
    let folder = sandbox.store.root().join("leases-v1");
    let inode = |name: &String| fs_err::metadata(folder.join(name)).unwrap().ino();
    let inodes: std::collections::BTreeSet<u64> = sandbox.leases().iter().map(inode).collect();
    assert_eq!((sandbox.leases().len(), inodes.len(), sandbox.holders().len()), (50, 1, 1));
    drop(leases);
    assert!(sandbox.leases().is_empty());
    let Sandbox { store, .. } = &sandbox;
    assert_eq!(sandbox.holders().len(), 1, "{store:?}");
}

#[test]
fn a_holder_takes_its_file_along_when_it_goes() {
    let sandbox = Sandbox::new();
    let other = sandbox.reopened();
    drop(acquired(&other, &Key::of(b"key")));
    drop(other);
    assert!(sandbox.holders().is_empty());
}

#[test]
fn d8_a_holder_whose_own_file_was_removed_claims_by_a_new_one() {
    let sandbox = Sandbox::new();
    let first = acquired(&sandbox.store, &Key::of(b"first"));
    fs_err::remove_dir_all(sandbox.store.root().join("leases-v1/holders")).unwrap();
    let second = acquired(&sandbox.store, &Key::of(b"second"));
    assert!(first.is_valid() && second.is_valid());
    assert!(!is_free(&sandbox.reopened(), &Key::of(b"first")));
    fs_err::remove_dir_all(sandbox.store.root().join("leases-v1")).unwrap();
    assert!(!first.is_valid());
    assert!(acquired(&sandbox.store, &Key::of(b"third")).is_valid());
}

#[test]
fn a10_a_lease_from_before_a_reboot_is_dead_though_its_process_number_lives() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    imitate(&sandbox, &key, &[("boot", "another".into())], NOW);
    assert!(is_free(&sandbox.store, &key));
}

#[test]
fn a10_a_lease_of_a_process_whose_number_was_given_to_another_is_dead() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    imitate(&sandbox, &key, &[("started", 7.into())], NOW);
    assert!(is_free(&sandbox.store, &key));
}

#[test]
fn d9_another_machine_with_the_same_process_number_is_another_holder() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let path = imitate(&sandbox, &key, &[("host", "elsewhere".into()), ("boot", "another".into())], NOW);
    assert!(held(&sandbox.store, &key).holder().contains("elsewhere"));
    assert!(path.exists());
}

#[test]
fn a_machine_that_was_silent_for_a_minute_is_dispossessed() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    imitate(&sandbox, &key, &[("host", "elsewhere".into()), ("boot", "another".into())], LONG);
    assert!(acquired(&sandbox.store, &key).is_valid());
}

#[test]
fn b15_a_beat_from_the_future_counts_from_when_it_was_seen() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    imitate(&sandbox, &key, &[("host", "elsewhere".into()), ("boot", "another".into())], NOW);
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    // The clock of the disk was set back by decades since that beat.
    disk.set_clock(1000);
    assert!(!is_free(&store, &key));
    disk.set_clock(1059);
    assert!(!is_free(&store, &key));
    disk.set_clock(1060);
    assert!(is_free(&store, &key));
}

#[test]
fn b15_a_clock_that_jumps_ahead_does_not_take_from_the_living_of_this_machine() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let _lease = acquired(&sandbox.store, &key);
    let disk = Arc::new(Recorder::default());
    let store = Store::open_on(sandbox.store.root(), disk.clone()).unwrap();
    disk.set_clock(9_000_000_000);
    assert!(!is_free(&store, &key));
}

#[test]
fn d7_without_locks_leases_are_kept_by_their_files_with_a_warning() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let open = || Store::open_on(sandbox.store.root(), Arc::new(Recorder::answering(Locking::Unsupported))).unwrap();
    let (one, other) = (open(), open());
    let lease = acquired(&one, &key);
    assert!(!is_free(&other, &key));
    assert!(!is_free(&other, &key));
    let warnings = other.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("without locks"));
    drop(lease);
    assert!(is_free(&other, &key));
    imitate(&sandbox, &key, &[("pid", u32::MAX.into())], NOW);
    assert!(is_free(&other, &key), "its process is gone");
}

#[test]
fn d7_locks_that_lie_take_nothing_from_the_living() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let open = || Store::open_on(sandbox.store.root(), Arc::new(Recorder::answering(Locking::Acquired))).unwrap();
    let (one, other) = (open(), open());
    let lease = acquired(&one, &key);
    assert!(!is_free(&other, &key));
    assert!(lease.is_valid());
    drop(lease);
    assert!(is_free(&other, &key));
}

#[test]
fn b12_without_hard_links_each_lease_has_a_file_of_its_own() {
    let sandbox = Sandbox::new();
    let open = || Store::open_on(sandbox.store.root(), Arc::new(Recorder::without_links())).unwrap();
    let (one, other) = (open(), open());
    let keys = [Key::of(b"one"), Key::of(b"two")];
    let leases = keys.map(|key| acquired(&one, &key));
    assert_eq!(sandbox.leases().len(), 2);
    assert!(leases.iter().all(Lease::is_valid));
    let mut holding = held(&other, &keys[0]);
    assert!(holding.since().is_some());
    let [first, _second] = leases;
    first.fail("it broke");
    assert_eq!(holding.failure().as_deref(), Some("it broke"));
    assert!(is_free(&other, &keys[0]));
    assert!(!is_free(&other, &keys[1]));
    drop(one);
    assert!(!is_free(&other, &keys[1]), "a lease outlives the handle");
}

#[test]
fn one_of_many_takes_over_from_the_dead() {
    for _ in 0..20 {
        let sandbox = Sandbox::new();
        let key = Key::of(b"key");
        imitate(&sandbox, &key, &[("boot", "another".into())], NOW);
        let attempts: Vec<LeaseAttempt> = std::thread::scope(|scope| {
            let ask = || sandbox.reopened().lease(&key, "x").unwrap();
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let valid = |attempt: &&LeaseAttempt| matches!(attempt, LeaseAttempt::Acquired(lease) if lease.is_valid());
        assert!(attempts.iter().filter(valid).count() <= 1);
        let acquired = attempts.iter().filter(|attempt| matches!(attempt, LeaseAttempt::Acquired(_)));
        assert!(acquired.count() <= 1);
    }
}

#[test]
fn who_waits_learns_of_the_failure_though_the_holder_is_gone() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let other = sandbox.reopened();
    let lease = acquired(&other, &key);
    let mut holding = held(&sandbox.store, &key);
    assert_eq!(holding.failure(), None);
    lease.fail("no convergence");
    drop(other);
    assert!(sandbox.holders().len() <= 1 && sandbox.leases().is_empty());
    assert_eq!(holding.failure().as_deref(), Some("no convergence"));
    assert!(is_free(&sandbox.store, &key));
}

#[test]
fn b16_a_lost_lease_gives_no_right_to_replace_a_record() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let slow = sandbox.reopened();
    let lease = acquired(&slow, &key);
    let mut transaction = slow.begin(key);
    let late = transaction.put_bytes(b"late").unwrap();
    transaction.replace();
    transaction.under(lease);
    transaction.record(record(key, &[late]));
    // It sleeps, another machine takes over and is done first.
    fs_err::remove_file(sandbox.store.root().join("leases-v1").join(key.to_string())).unwrap();
    let first = sandbox.put_bytes("key", b"first");
    let committed = slow.commit(vec![transaction]).remove(0).unwrap();
    assert!(committed.adopted);
    assert_eq!(committed.record.outputs["main"].artifact, first);
    assert_eq!(sandbox.reopened().lookup(&key).unwrap().unwrap().outputs["main"].artifact, first);
}

#[test]
fn a_lease_ends_with_the_transaction_that_was_committed_under_it() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let mut transaction = sandbox.store.begin(key);
    let artifact = transaction.put_bytes(b"bytes").unwrap();
    transaction.under(acquired(&sandbox.store, &key));
    assert!(!is_free(&sandbox.reopened(), &key));
    commit(transaction, &[artifact]).unwrap();
    assert!(is_free(&sandbox.reopened(), &key));
}

#[test]
fn what_is_no_lease_is_an_error_and_not_a_wait_for_ever() {
    let sandbox = Sandbox::new();
    let key = Key::of(b"key");
    let path = sandbox.store.root().join("leases-v1").join(key.to_string());
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    let error = sandbox.store.lease(&key, "run").unwrap_err();
    assert!(error.to_string().contains(&key.to_string()), "{error}");
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
    drop(acquired(&sandbox.reopened(), &Key::of(b"the first of the next process")));
    assert_eq!(sandbox.holders().len(), 1, "only that of `sandbox.store`");
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
