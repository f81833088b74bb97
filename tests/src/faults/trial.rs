//! A project that runs in this process, on any disk, and an oracle that tells whether its store is sound.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dgpipe_cache::{Digest, Filesystem, Key, RealFilesystem, Store};
use dgpipe_engine::Environment;
use dgpipe_engine::graph::{Targets, resolve};
use dgpipe_engine::plan::{Planner, Request};
use dgpipe_engine::run::{RunOptions, RunReport, run};
use dgpipe_engine::spec::{Loaded, Overrides, TreeMemo};

use super::power_cut::Tree;
use crate::PROGRAM;

/// A project that runs in this process.
#[derive(Debug)]
pub struct Trial {
    folder: tempfile::TempDir,
}

/// What a run that nothing disturbs leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undisturbed {
    /// Bytes of published files by their paths.
    pub published: BTreeMap<PathBuf, Vec<u8>>,
    /// Outputs, as JSON, by keys.
    pub records: BTreeMap<String, String>,
}

impl Trial {
    /// A project with this text as `pipeline.yaml`. It lies in memory where the machine has such a disk.
    pub fn with(pipeline: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = tempfile::Builder::new().prefix("dgpipe-trial-").tempdir_in(memory);
        let folder = folder.or_else(|_| tempfile::tempdir()).expect("a temporary folder can be made");
        let trial = Self { folder };
        trial.write("dgpipe.toml", "");
        trial.write("pipeline.yaml", pipeline);
        trial
    }

    /// The project root.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.root().join(name);
        fs_err::create_dir_all(path.parent().expect("a file is in a folder")).expect("the folder can be made");
        fs_err::write(path, text).expect("the file can be written");
    }

    /// All of the project as it is, to begin there again.
    pub fn snapshot(&self) -> Tree {
        Tree::read(self.root())
    }

    /// Runs the pipeline on the real disk.
    pub fn run(&self) -> Result<RunReport, String> {
        self.run_on(Arc::new(RealFilesystem))
    }

    /// Runs the pipeline, the store on another disk. An error is shown with all its causes.
    pub fn run_on(&self, filesystem: Arc<dyn Filesystem>) -> Result<RunReport, String> {
        self.try_run(filesystem).map_err(|error| {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            text
        })
    }

    fn try_run(&self, filesystem: Arc<dyn Filesystem>) -> Result<RunReport, Box<dyn std::error::Error>> {
        let file = self.root().join("pipeline.yaml");
        let loaded = Loaded::read(&file, self.root(), &Overrides::default(), &TreeMemo::default())?;
        let graph = resolve(loaded, &PROGRAM.registry, &Environment::default(), self.root())?;
        let store = Store::open_on(self.root().join(".dgpipe"), filesystem)?;
        let project = store.project("trial", &graph.spec.name, &graph.spec.profile)?;
        let latest = project.latest()?;
        let request = Request { targets: Targets::all(&graph), force: BTreeSet::new() };
        let plan = Planner::new(&graph, &store, &latest).plan(request)?;
        let options = RunOptions { root: self.root().to_owned(), file, jobs: 1, ..RunOptions::default() };
        Ok(run(&graph, &store, &project, plan, &options, &|_: &dgpipe_engine::run::Event| ())?)
    }

    /// What is published now, and what the records say.
    pub fn result(&self) -> Undisturbed {
        let store = Store::open(self.root().join(".dgpipe")).expect("the store can be opened");
        let mut records = BTreeMap::new();
        for key in self.keys() {
            if let Some(record) = store.record(&key).expect("records can be read") {
                let outputs = serde_json::to_string(&record.outputs).expect("outputs are JSON");
                records.insert(key.to_string(), outputs);
            }
        }
        let mut published = BTreeMap::new();
        let results = self.root().join("results");
        for path in files(&results) {
            let relative = path.strip_prefix(&results).expect("it is below").to_owned();
            // What a live process is building beside its place; only when it is dead does the next one remove it.
            if !relative.to_string_lossy().starts_with(".dgpipe-") {
                published.insert(relative, fs_err::read(path).expect("it can be read"));
            }
        }
        Undisturbed { published, records }
    }

    /// Everything that is wrong with the store: objects that are not what their names say, records that cannot be
    /// read, records whose bytes are neither there nor known to be damaged.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let root = self.root().join(".dgpipe");
        let objects = root.join("objects-v1");
        for path in files(&objects) {
            let name = path.strip_prefix(&objects).expect("it is below").to_string_lossy().replace('/', "");
            let bytes = fs_err::read(&path).expect("it can be read");
            if Digest::of(&bytes).to_string() != name {
                problems.push(format!("the object {name} has other bytes, {} of them", bytes.len()));
            }
        }
        let set_aside: Vec<String> =
            files(&root.join("quarantine-v1")).iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let store = Store::open(&root).expect("the store can be opened");
        for key in self.keys() {
            let Ok(Some(record)) = store.record(&key) else {
                problems.push(format!("the record {key} cannot be read"));
                continue;
            };
            for (port, output) in &record.outputs {
                if let Err(error) = store.verify(&output.artifact) {
                    let known = set_aside.iter().any(|path| error.to_string().contains(&digest_in(path)));
                    if !known {
                        problems.push(format!("the output {port} of the record {key}: {error}"));
                    }
                }
            }
        }
        problems
    }

    fn keys(&self) -> Vec<Key> {
        let records = self.root().join(".dgpipe/records-v1");
        let name = |path: &PathBuf| path.strip_prefix(&records).expect("it is below").to_string_lossy().into_owned();
        let hex = |path: PathBuf| name(&path).replace('/', "").trim_end_matches(".json").to_owned();
        files(&records).into_iter().filter_map(|path| hex(path).parse().ok()).collect()
    }
}

/// The digest in the name of something in quarantine.
fn digest_in(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split('-').nth(1).unwrap_or("no digest").to_owned()
}

/// All files below a folder, in the order of their paths.
fn files(folder: &Path) -> Vec<PathBuf> {
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
