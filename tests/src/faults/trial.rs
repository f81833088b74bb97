//! A project that runs in this process, on any disk.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dgpipe_cache::{Collection, Filesystem, GcOptions, RealFilesystem, Store, StoreError, Verification};
use dgpipe_engine::Environment;
use dgpipe_engine::graph::{Targets, resolve};
use dgpipe_engine::plan::{Planner, Request};
use dgpipe_engine::run::{RunOptions, RunReport, run};
use dgpipe_engine::spec::{Loaded, Overrides, TreeMemo};

use super::oracle::{self, Undisturbed};
use super::power_cut::Tree;
use crate::PROGRAM;

/// More than the numbers that Linux gives to processes (`PID_MAX_LIMIT`).
const NO_PROCESS: u32 = 4_194_305;

/// A project that runs in this process.
#[derive(Debug)]
pub struct Trial {
    folder: tempfile::TempDir,
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
        Self::shown(self.try_run(filesystem, 1))
    }

    /// Runs the pipeline on the real disk, so many cells at once.
    pub fn run_jobs(&self, jobs: usize) -> Result<RunReport, String> {
        Self::shown(self.try_run(Arc::new(RealFilesystem), jobs))
    }

    fn shown(result: Result<RunReport, Box<dyn std::error::Error>>) -> Result<RunReport, String> {
        result.map_err(|error| {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            text
        })
    }

    fn try_run(&self, filesystem: Arc<dyn Filesystem>, jobs: usize) -> Result<RunReport, Box<dyn std::error::Error>> {
        let file = self.root().join("pipeline.yaml");
        let loaded = Loaded::read(&file, self.root(), &Overrides::default(), &TreeMemo::default())?;
        let graph = resolve(loaded, &PROGRAM.registry, &Environment::default(), self.root())?;
        let store = Store::open_on(self.root().join(".dgpipe"), filesystem)?;
        let project = store.project("trial", &graph.spec.name, &graph.spec.profile);
        let latest = project.latest()?;
        let request = Request { targets: Targets::all(&graph), force: BTreeSet::new() };
        let plan = Planner::new(&graph, &store, &latest).plan(request)?;
        // A checkpoint whenever one is offered, so that there are many to fail.
        let checkpoint_every = Duration::ZERO;
        let options =
            RunOptions { root: self.root().to_owned(), file, jobs, checkpoint_every, ..RunOptions::default() };
        Ok(run(&graph, &store, &project, plan, &options, &|_: &dgpipe_engine::run::Event| ())?)
    }

    /// Looks at the whole store, on another disk; nothing where it cannot even be opened.
    pub fn verify_on(&self, filesystem: Arc<dyn Filesystem>) -> Option<Verification> {
        let store = Store::open_on(self.root().join(".dgpipe"), filesystem).ok()?;
        Some(store.verify_whole(&|_, _| ()))
    }

    /// Removes everything from the store that nothing uses now, however young, on another disk.
    pub fn collect_on(&self, filesystem: Arc<dyn Filesystem>) -> Result<Collection, StoreError> {
        let now = GcOptions { older_than: Some(Duration::ZERO), grace: Duration::ZERO, ..GcOptions::default() };
        Store::open_on(self.root().join(".dgpipe"), filesystem)?.gc(&now)
    }

    /// Makes what a run left look as it does after its process has ended, in another time of the machine's running:
    /// this process lives on, so that its leases would be waited for, and its drafts left alone.
    pub fn end_process(&self) {
        rename_drafts(self.root());
        let past = SystemTime::now() - Duration::from_mins(5);
        for path in oracle::files(&self.root().join(".dgpipe/leases-v1")) {
            let text = fs_err::read_to_string(&path).expect("leases are text");
            let text = text.replace("\"boot\":\"", "\"boot\":\"before ");
            let file = fs_err::OpenOptions::new().write(true).truncate(true).open(&path);
            let mut file = file.expect("it can be written");
            file.write_all(text.as_bytes()).and_then(|()| file.set_modified(past)).expect("it can be written");
        }
    }

    /// What is published now, and what the records say.
    pub fn result(&self) -> Undisturbed {
        oracle::result(self.root(), &self.root().join(".dgpipe"))
    }

    /// The files of all objects.
    pub fn objects(&self) -> Vec<PathBuf> {
        oracle::files(&self.root().join(".dgpipe/objects-v1"))
    }

    /// Everything that is wrong with the store.
    pub fn problems(&self) -> Vec<String> {
        oracle::problems(&self.root().join(".dgpipe"))
    }
}

/// Gives what is being built or replaced, and what tells of it, the number of a process that there cannot be.
fn rename_drafts(folder: &Path) {
    let other = |text: &str| text.replace(&format!("-{}-", std::process::id()), &format!("-{NO_PROCESS}-"));
    for entry in fs_err::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(".dgpipe-") {
            fs_err::rename(&path, folder.join(other(&name))).expect("it can be renamed");
        } else if name.starts_with("intended-") {
            // What a power cut left of it is no text that tells anything.
            let text = String::from_utf8_lossy(&fs_err::read(&path).expect("it can be read")).into_owned();
            fs_err::write(&path, other(&text)).expect("it can be written");
        } else if path.is_dir() && !path.is_symlink() {
            rename_drafts(&path);
        }
    }
}
