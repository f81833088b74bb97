//! Tells whether a store is sound, with nothing of the code that is tested but digests, lists of files, and the reading
//! of records. It changes nothing, damage least of all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dgpipe_cache::{Artifact, Digest, Form, Key, Manifest, ManifestEntry, Store};

/// What a run leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undisturbed {
    /// Bytes of published files by their paths below `results`.
    pub published: BTreeMap<PathBuf, Vec<u8>>,
    /// Outputs, as JSON, by keys.
    pub records: BTreeMap<String, String>,
}

/// Reads what is published in a project and what the records in a store say.
pub fn result(project: &Path, store: &Path) -> Undisturbed {
    let opened = open(store);
    let mut records = BTreeMap::new();
    for key in keys(store) {
        if let Some(record) = opened.record(&key).expect("records can be read") {
            let outputs = serde_json::to_string(&record.outputs).expect("outputs are JSON");
            records.insert(key.to_string(), outputs);
        }
    }
    let mut published = BTreeMap::new();
    let results = project.join("results");
    for path in files(&results) {
        let relative = path.strip_prefix(&results).expect("it is below").to_owned();
        // What a live process is building beside its place; only when it is dead does the next one remove it.
        if !relative.to_string_lossy().starts_with(".dgpipe-") {
            published.insert(relative, fs_err::read(path).expect("it can be read"));
        }
    }
    Undisturbed { published, records }
}

/// Everything that is wrong with a store: objects that are not what their names say, records that cannot be read,
/// records whose bytes are neither there nor known to be damaged.
pub fn problems(store: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let objects = store.join("objects-v1");
    for path in files(&objects) {
        let name = path.strip_prefix(&objects).expect("it is below").to_string_lossy().replace('/', "");
        let bytes = fs_err::read(&path).expect("it can be read");
        if Digest::of(&bytes).to_string() != name {
            problems.push(format!("the object {name} has other bytes, {} of them", bytes.len()));
        }
    }
    let aside = files(&store.join("quarantine-v1"));
    let aside: Vec<String> = aside.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let opened = open(store);
    for key in keys(store) {
        let Ok(Some(record)) = opened.record(&key) else {
            problems.push(format!("the record {key} cannot be read"));
            continue;
        };
        for (port, output) in record.outputs.as_ref() {
            let lacking = lacking(&objects, output.artifact);
            let unknown = lacking.iter().filter(|digest| !aside.iter().any(|path| path.contains(digest.as_str())));
            problems.extend(unknown.map(|digest| format!("the output {port} of the record {key} lacks {digest}")));
        }
    }
    problems
}

/// Whether a record that should be there, told by its key, lies in quarantine.
pub fn is_aside(store: &Path, key: &str) -> bool {
    let named = |path: &PathBuf| path.to_string_lossy().contains(key);
    files(&store.join("quarantine-v1")).iter().any(named)
}

/// The objects that an artifact needs and that are not there, or not what their names say.
fn lacking(objects: &Path, artifact: Artifact) -> Vec<String> {
    let name = artifact.digest.to_string();
    let bytes = fs_err::read(objects.join(&name[..2]).join(&name[2..])).ok();
    match bytes.filter(|bytes| Digest::of(bytes) == artifact.digest) {
        None => vec![name],
        Some(_) if artifact.form == Form::File => Vec::new(),
        Some(bytes) => match Manifest::decode(&bytes) {
            Ok(manifest) => {
                let parts = manifest.entries().iter().filter_map(ManifestEntry::artifact);
                parts.flat_map(|part| lacking(objects, part)).collect()
            }
            Err(_) => vec![name],
        },
    }
}

/// Another way of opening would change nothing: the folders are there.
fn open(store: &Path) -> Store {
    Store::open(store).expect("the store can be opened")
}

fn keys(store: &Path) -> Vec<Key> {
    let records = store.join("records-v1");
    let name = |path: &PathBuf| path.strip_prefix(&records).expect("it is below").to_string_lossy().into_owned();
    let hex = |path: PathBuf| name(&path).replace('/', "").trim_end_matches(".json").to_owned();
    files(&records).into_iter().filter_map(|path| hex(path).parse().ok()).collect()
}

/// All files below a folder, in the order of their paths.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
