//! Any history of a store against a model of a few lines: which records stand, and which objects were harmed.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use dgpipe_cache::{Artifact, Digest, GcOptions, Key, Seal, Store};
use proptest::prelude::*;

use crate::sandbox::{Sandbox, picture, record};

/// The files of an output: one, or a folder of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    File(u8),
    Folder(u8, u8),
}

/// What happens to a store. Objects and keys are few, so that histories meet themselves.
#[derive(Debug, Clone)]
enum Step {
    Commit { key: u8, shape: Shape, replace: bool },
    CommitTogether(Vec<(u8, Shape)>),
    Flip(u8),
    Cut(u8),
    RemoveObject(u8),
    SwapObjects(u8, u8),
    DamageRecord(u8),
    Forget(u8),
    Restore { key: u8, over: bool },
    Verify,
    Collect,
    Reopen,
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![(0..4_u8).prop_map(Shape::File), (0..4_u8, 0..4_u8).prop_map(|(a, b)| Shape::Folder(a, b))]
}

fn steps() -> impl Strategy<Value = Step> {
    let (key, object) = (0..3_u8, 0..4_u8);
    prop_oneof![
        4 => (key.clone(), shapes(), any::<bool>()).prop_map(|(key, shape, replace)| Step::Commit { key, shape, replace }),
        2 => prop::collection::vec((key.clone(), shapes()), 1..4).prop_map(Step::CommitTogether),
        1 => object.clone().prop_map(Step::Flip),
        1 => object.clone().prop_map(Step::Cut),
        1 => object.clone().prop_map(Step::RemoveObject),
        1 => (object.clone(), object).prop_map(|(a, b)| Step::SwapObjects(a, b)),
        1 => key.clone().prop_map(Step::DamageRecord),
        1 => key.clone().prop_map(Step::Forget),
        2 => (key, any::<bool>()).prop_map(|(key, over)| Step::Restore { key, over }),
        1 => Just(Step::Verify),
        1 => Just(Step::Collect),
        2 => Just(Step::Reopen),
    ]
}

fn bytes(object: u8) -> Vec<u8> {
    vec![object; 10 + usize::from(object)]
}

fn digest(object: u8) -> Digest {
    Digest::of(&bytes(object))
}

fn key(number: u8) -> Key {
    Key::of(&[number])
}

impl Shape {
    fn objects(self) -> BTreeSet<u8> {
        match self {
            Self::File(object) => BTreeSet::from([object]),
            Self::Folder(a, b) => BTreeSet::from([a, b]),
        }
    }

    /// Writes it as a stage would.
    fn write(self, sandbox: &Sandbox) -> std::path::PathBuf {
        let path = sandbox.path("out");
        fs_err::remove_dir_all(&path).or_else(|_| fs_err::remove_file(&path)).ok();
        match self {
            Self::File(object) => sandbox.write("out", bytes(object)),
            Self::Folder(a, b) => {
                sandbox.write("out/a", bytes(a));
                sandbox.write("out/inner/b", bytes(b));
                path
            }
        }
    }
}

struct Model {
    sandbox: Sandbox,
    store: Store,
    /// Which output each key has.
    records: BTreeMap<u8, Shape>,
    /// Objects whose bytes are not, or may not be, those of their name.
    harmed: BTreeSet<u8>,
}

impl Model {
    fn new() -> Self {
        let sandbox = Sandbox::in_memory();
        let store = sandbox.store.clone();
        Self { sandbox, store, records: BTreeMap::new(), harmed: BTreeSet::new() }
    }

    fn is_whole(&self, shape: Shape) -> bool {
        shape.objects().is_disjoint(&self.harmed)
    }

    fn commit(&mut self, wanted: &[(u8, Shape)], replace: bool) {
        let mut batch = Vec::new();
        let mut artifacts = Vec::new();
        for (number, shape) in wanted {
            let mut transaction = self.store.begin(key(*number));
            let artifact = transaction.put(&shape.write(&self.sandbox), Seal::Move).unwrap();
            if replace {
                transaction.replace();
            }
            transaction.record(record(key(*number), &[artifact]));
            artifacts.push(artifact);
            batch.push(transaction);
        }
        for ((number, shape), committed) in wanted.iter().zip(self.store.commit(batch)) {
            let committed = committed.unwrap();
            let before = self.records.get(number).copied();
            // What was just put is whole again, whatever it was before.
            self.harmed.retain(|object| !shape.objects().contains(object));
            if committed.adopted {
                assert!(before.is_some() && !replace, "{number} adopted what was not there");
            } else {
                let kept = before.filter(|before| !replace && self.is_whole(*before));
                assert!(kept.is_none_or(|kept| kept == *shape), "{number} lost its first result");
                self.records.insert(*number, *shape);
            }
        }
    }

    /// Whatever was harmed is a miss, and all else is what it was.
    fn check(&self, number: u8) {
        let found = self.store.lookup(&key(number)).unwrap();
        let shape = self.records.get(&number).copied();
        assert_eq!(found.is_some(), shape.is_some(), "the record of {number}");
        let (Some(found), Some(shape)) = (found, shape) else { return };
        let output = found.outputs["main"].artifact;
        match shape {
            Shape::File(object) => self.check_file(&output, object, shape),
            Shape::Folder(a, b) => {
                for (path, object) in [("a", a), ("inner/b", b)] {
                    match self.store.subtree(&output, path) {
                        Ok(part) => self.check_file(&part.expect("the folder has it"), object, shape),
                        Err(error) => panic!("its manifests were not touched: {error}"),
                    }
                }
            }
        }
    }

    fn check_file(&self, artifact: &Artifact, object: u8, shape: Shape) {
        assert_eq!(artifact.digest, digest(object));
        match self.store.read(artifact) {
            Ok(read) => assert_eq!(read, bytes(object), "false bytes were served for {shape:?}"),
            Err(error) => assert!(error.is_miss() && self.harmed.contains(&object), "{shape:?}: {error}"),
        }
    }

    fn restore(&self, number: u8, over: bool) {
        let (Some(found), Some(shape)) = (self.store.lookup(&key(number)).unwrap(), self.records.get(&number)) else {
            return;
        };
        let dest = self.sandbox.path("restored");
        if !over {
            fs_err::remove_dir_all(&dest).or_else(|_| fs_err::remove_file(&dest)).ok();
        }
        let before = dest.exists().then(|| picture(&dest));
        match self.store.restore(&found.outputs["main"].artifact, &dest) {
            Ok(_) => {
                let path = shape.write(&self.sandbox);
                assert_eq!(picture(&dest), picture(&path));
            }
            Err(error) => {
                assert!(error.is_miss() && !self.is_whole(*shape), "{error}");
                assert_eq!(dest.exists().then(|| picture(&dest)), before, "half of it is there");
            }
        }
    }

    fn harm(&mut self, object: u8, harm: impl FnOnce(&mut Vec<u8>)) {
        let path = self.sandbox.object_path(&digest(object));
        if let Ok(mut bytes) = fs_err::read(&path) {
            harm(&mut bytes);
            self.sandbox.damage(&digest(object), &bytes);
            self.harmed.insert(object);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Commit { key, shape, replace } => self.commit(&[(key, shape)], replace),
            Step::CommitTogether(wanted) => self.commit(&wanted, false),
            Step::Flip(object) => self.harm(object, |bytes| bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1)),
            Step::Cut(object) => self.harm(object, |bytes| bytes.truncate(bytes.len() - 1)),
            Step::RemoveObject(object) => {
                if fs_err::remove_file(self.sandbox.object_path(&digest(object))).is_ok() {
                    self.harmed.insert(object);
                }
            }
            Step::SwapObjects(a, b) if a != b => {
                let (one, other) = (self.sandbox.object_path(&digest(a)), self.sandbox.object_path(&digest(b)));
                if let (Ok(first), Ok(second)) = (fs_err::read(one), fs_err::read(other)) {
                    self.harm(a, |bytes| *bytes = second);
                    self.harm(b, |bytes| *bytes = first);
                }
            }
            Step::SwapObjects(..) => {}
            Step::DamageRecord(number) => {
                let path = self.sandbox.record_path(&key(number));
                if let Ok(mut bytes) = fs_err::read(&path) {
                    bytes.truncate(bytes.len() / 2);
                    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
                    fs_err::write(&path, bytes).unwrap();
                    self.records.remove(&number);
                }
            }
            Step::Forget(number) => {
                self.store.forget(&key(number)).unwrap();
                self.records.remove(&number);
            }
            Step::Restore { key, over } => self.restore(key, over),
            Step::Verify => {
                let verification = self.store.verify_whole(&|_, _| ());
                for problem in verification.problems {
                    assert!(problem.quarantined, "{}", problem.reason);
                }
            }
            Step::Collect => {
                let all = GcOptions { older_than: Some(Duration::ZERO), grace: Duration::ZERO, ..GcOptions::default() };
                self.store.gc(&all).unwrap();
                // No project uses anything.
                self.records.clear();
                self.harmed.extend(0..4);
            }
            Step::Reopen => {
                self.store.save_index().unwrap();
                self.store = self.sandbox.reopened();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_happens_a_store_gives_what_was_put_or_a_miss(history in prop::collection::vec(steps(), 1..30)) {
        let mut model = Model::new();
        for step in history {
            model.take(step);
            (0..3).for_each(|number| model.check(number));
        }
    }
}
