//! How long the frequent things take. Run with `cargo test --release -- --ignored --nocapture bench`.

use std::time::Instant;

use dgpipe_cache::{HashOptions, Key, hash_path};

use crate::sandbox::{Sandbox, record};

#[expect(clippy::print_stdout, reason = "the numbers are what it is for")]
fn report(what: &str, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    println!("{what}: {:.2} ms", seconds * 1e3);
}

#[test]
#[ignore = "measures, asserts nothing: cargo test --release -p dgpipe-cache -- --ignored --nocapture"]
fn bench_lookups_and_commits() {
    let sandbox = Sandbox::new();
    let keys: Vec<Key> = (0..1000_u32).map(|number| Key::of(&number.to_le_bytes())).collect();
    for (name, keys) in [("200 of 1", &keys[..200]), ("800 of 1", &keys[200..])] {
        let started = Instant::now();
        let mut batch = Vec::new();
        for key in keys {
            let mut transaction = sandbox.store.begin(*key);
            let artifact = transaction.put_bytes(key.to_string().as_bytes()).unwrap();
            transaction.record(record(*key, &[artifact]));
            batch.push(transaction);
        }
        report(&format!("put {name} batch"), started);
        let started = Instant::now();
        for committed in sandbox.store.commit(batch) {
            committed.unwrap();
        }
        report(&format!("commit {name} batch"), started);
    }
    let started = Instant::now();
    for number in 0..20_u32 {
        let key = Key::of(format!("alone {number}").as_bytes());
        let mut transaction = sandbox.store.begin(key);
        let artifact = transaction.put_bytes(&number.to_le_bytes()).unwrap();
        transaction.record(record(key, &[artifact]));
        sandbox.store.commit(vec![transaction]).remove(0).unwrap();
    }
    report("20 commits of one each", started);
    let started = Instant::now();
    sandbox.store.save_index().unwrap();
    report("save index", started);
    let started = Instant::now();
    sandbox.store.sync().unwrap();
    report("sync", started);
    for _ in 0..3 {
        let started = Instant::now();
        let store = sandbox.reopened();
        report("open", started);
        let started = Instant::now();
        for key in &keys {
            let found = store.lookup(key).unwrap().unwrap();
            assert!(store.contains(&found.outputs["main"].artifact));
        }
        report("1000 × lookup + contains", started);
    }
}

#[test]
#[ignore = "measures, asserts nothing: cargo test --release -p dgpipe-cache -- --ignored --nocapture"]
fn bench_sources() {
    let sandbox = Sandbox::new();
    for number in 0..10_000 {
        let name = format!("tree/{}/{number}.png", number % 28);
        sandbox.write(&name, number.to_string().repeat(1000));
    }
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let memo = sandbox.store.source_memo();
    let path = sandbox.path("tree");
    for what in ["hash 10,000 files", "hash 10,000 files again"] {
        let started = Instant::now();
        hash_path(&path, HashOptions::default(), &memo).unwrap();
        report(what, started);
    }
    let started = Instant::now();
    memo.save().unwrap();
    report("save memo", started);
    let memo = sandbox.reopened().source_memo();
    let started = Instant::now();
    let snapshot = hash_path(&path, HashOptions::default(), &memo).unwrap();
    report("load memo, hash 10,000 unchanged files", started);
    let started = Instant::now();
    assert!(snapshot.unchanged().unwrap());
    report("unchanged", started);
    let started = Instant::now();
    let tree = sandbox.put("key", "tree");
    report("put and commit 10,000 files by copy", started);
    let started = Instant::now();
    assert!(sandbox.store.contains(&tree));
    report("contains 10,000 files", started);
    let started = Instant::now();
    sandbox.store.restore(&tree, &sandbox.path("out")).unwrap();
    report("restore 10,000 files", started);
}
