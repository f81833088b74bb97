//! A store in a temporary folder, with short words for what tests do to it.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dgpipe_cache::{Artifact, Committed, Digest, Key, Output, Record, Seal, Store, Transaction};

/// A store and a folder beside it.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self::around(tempfile::tempdir().unwrap())
    }

    /// On a disk in memory, where the machine has one: for many histories.
    pub(crate) fn in_memory() -> Self {
        Self::around(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    fn around(folder: tempfile::TempDir) -> Self {
        let store = Store::open(folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    /// Opens the store as another process would.
    pub(crate) fn reopened(&self) -> Store {
        Store::open(self.store.root()).unwrap()
    }

    /// Returns a path outside the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file outside the store, making its folders.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, bytes).unwrap();
        path
    }

    /// Stores a path as the output `main` of a key.
    pub(crate) fn put(&self, key: &str, name: &str) -> Artifact {
        let mut transaction = self.store.begin(Key::of(key.as_bytes()));
        let artifact = transaction.put(&self.path(name), Seal::Copy).unwrap();
        commit(transaction, &[artifact]).unwrap();
        artifact
    }

    /// Stores bytes as the output `main` of a key.
    pub(crate) fn put_bytes(&self, key: &str, bytes: &[u8]) -> Artifact {
        let mut transaction = self.store.begin(Key::of(key.as_bytes()));
        let artifact = transaction.put_bytes(bytes).unwrap();
        commit(transaction, &[artifact]).unwrap();
        artifact
    }

    pub(crate) fn object_path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        let objects = self.store.root().join("objects-v1");
        objects.join(&hex[..2]).join(&hex[2..])
    }

    pub(crate) fn record_path(&self, key: &Key) -> PathBuf {
        let hex = key.to_string();
        let records = self.store.root().join("records-v1");
        records.join(&hex[..2]).join(format!("{}.json", &hex[2..]))
    }

    /// Replaces the bytes of a read-only object in place.
    pub(crate) fn damage(&self, digest: &Digest, bytes: &[u8]) {
        let path = self.object_path(digest);
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        fs_err::write(&path, bytes).unwrap();
    }

    /// Returns the names of leases that are held.
    pub(crate) fn leases(&self) -> Vec<String> {
        let names = names(&self.store.root().join("leases-v1"));
        names.into_iter().filter(|name| name != "holders").collect()
    }

    /// Returns the names of the files of holders.
    pub(crate) fn holders(&self) -> Vec<String> {
        names(&self.store.root().join("leases-v1/holders"))
    }

    pub(crate) fn quarantined(&self) -> usize {
        let quarantine = self.store.root().join("quarantine-v1");
        fs_err::read_dir(quarantine).unwrap().count()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Commits a transaction whose record names these artifacts.
pub(crate) fn commit(
    mut transaction: Transaction,
    artifacts: &[Artifact],
) -> Result<Committed, dgpipe_cache::StoreError> {
    let store = transaction.store().clone();
    transaction.record(record(transaction.key(), artifacts));
    store.commit(vec![transaction]).remove(0)
}

/// Makes a record that names these artifacts.
pub(crate) fn record(key: Key, artifacts: &[Artifact]) -> Record {
    let mut record = Record::new(key);
    let outputs = artifacts
        .iter()
        .enumerate()
        .map(|(number, artifact)| {
            let name = match number {
                0 => "main".to_owned(),
                number => format!("output{number}"),
            };
            let kind = "file/1".to_owned();
            (name, Output { kind, artifact: *artifact })
        })
        .collect();
    record.outputs = Arc::new(outputs);
    record
}

/// Returns all that is in a folder: files with their bytes and modes, links, folders.
pub(crate) fn picture(path: &Path) -> BTreeMap<String, String> {
    let mut picture = BTreeMap::new();
    draw(path, String::new(), &mut picture);
    picture
}

fn draw(path: &Path, name: String, picture: &mut BTreeMap<String, String>) {
    let metadata = fs_err::symlink_metadata(path).unwrap();
    let text = if metadata.is_symlink() {
        format!("link {}", fs_err::read_link(path).unwrap().display())
    } else if metadata.is_dir() {
        for entry in fs_err::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let below = entry.file_name().into_string().unwrap();
            draw(&entry.path(), format!("{name}/{below}"), picture);
        }
        "folder".to_owned()
    } else {
        let executable = metadata.permissions().mode() & 0o100 != 0;
        format!("{executable} {:?}", fs_err::read(path).unwrap())
    };
    picture.insert(name, text);
}
