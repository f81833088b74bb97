//! A pipeline file opened for a command: project root, graph, store, past.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use dgpipe_cache::{Key, Latest, Project, Store};
use dgpipe_engine::graph::{Graph, Targets, resolve};
use dgpipe_engine::plan::{Plan, Planner, Request};
use dgpipe_engine::spec::{Loaded, Overrides, TreeMemo};
use dgpipe_engine::{Environment, project_root};

use crate::arguments::Common;
use crate::terminal::{sanitised, say};
use crate::{Failure, Program};

/// A pipeline, resolved.
pub(crate) struct Pipeline {
    pub(crate) graph: Graph,
    pub(crate) root: PathBuf,
}

impl Pipeline {
    /// Reads and resolves a pipeline file.
    pub(crate) fn open(program: &Program, file: &Path, common: &Common) -> Result<Self, Failure> {
        must_be_file(file)?;
        let file = std::path::absolute(file)?;
        let root = project_root(&file);
        let overrides = Overrides { profiles: common.profile.clone(), set: common.set.clone() };
        let loaded = Loaded::read(&file, &root, &overrides, &tree_memo(&root, common))?;
        let environment = Environment::new(variables());
        let graph = resolve(loaded, &program.registry, &environment, &root)?;
        Ok(Self { graph, root })
    }
}

/// Refuses a path at which no file is.
pub(crate) fn must_be_file(file: &Path) -> Result<(), Failure> {
    let what = match fs_err::metadata(file) {
        Ok(found) if found.is_file() => return Ok(()),
        Ok(_) => "`{}` is not a file",
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => "there is no file `{}`",
        Err(error) => return Err(error.into()),
    };
    let failure = Failure::call(what.replace("{}", &file.display().to_string()));
    Err(failure.hint("the first argument is a pipeline file, such as `pipelines/pacs.yaml`"))
}

/// Trees of large files are remembered in a store that is there; a file with mistakes makes none.
pub(crate) fn tree_memo(root: &Path, common: &Common) -> TreeMemo {
    let folder = store_folder(root, common);
    // Without it, files are only read again.
    if has_store(&folder).unwrap_or(false) {
        TreeMemo::in_folder(folder.join("memo-v1").join("trees"))
    } else {
        TreeMemo::default()
    }
}

/// The caller's environment; the engine sees only what is handed to it.
#[expect(clippy::disallowed_methods, reason = "this is where it is handed over")]
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// A pipeline with its store.
pub(crate) struct Session {
    pub(crate) graph: Graph,
    pub(crate) root: PathBuf,
    pub(crate) store: Store,
    pub(crate) project: Project,
    pub(crate) latest: Latest,
    /// Stands in for a store that does not exist yet, for commands that write nothing.
    _nowhere: Option<tempfile::TempDir>,
}

impl Session {
    /// Opens the store for writing, which may make it: what can be wrong in the call is to be checked before.
    pub(crate) fn open(pipeline: Pipeline, common: &Common) -> Result<Self, Failure> {
        let folder = store_folder(&pipeline.root, common);
        Self::with(pipeline, &folder, None)
    }

    /// Opens the store for looking: where there is none, none is made.
    pub(crate) fn look(program: &Program, file: &Path, common: &Common) -> Result<Self, Failure> {
        let pipeline = Pipeline::open(program, file, common)?;
        let folder = store_folder(&pipeline.root, common);
        if has_store(&folder)? {
            return Self::with(pipeline, &folder, None);
        }
        let nowhere = tempfile::tempdir()?;
        let folder = nowhere.path().join("store");
        Self::with(pipeline, &folder, Some(nowhere))
    }

    fn with(pipeline: Pipeline, folder: &Path, nowhere: Option<tempfile::TempDir>) -> Result<Self, Failure> {
        let Pipeline { graph, root } = pipeline;
        start_threads()?;
        let store = Store::open(folder)?;
        let project = store.project(&project_id(&root), &graph.spec.name, &graph.spec.profile);
        let latest = project.latest()?;
        Ok(Self { graph, root, store, project, latest, _nowhere: nowhere })
    }

    pub(crate) fn planner(&self) -> Planner<'_> {
        Planner::new(&self.graph, &self.store, &self.latest)
    }

    /// Plans targets, given as texts; none means everything.
    pub(crate) fn plan(&self, targets: &[String], force: &[String]) -> Result<Plan, Failure> {
        Ok(self.planner().plan(request(&self.graph, targets, force)?)?)
    }

    /// The one cell that a text means: a selector, or a published path that it makes.
    pub(crate) fn cell(&self, text: &str) -> Result<usize, Failure> {
        let published = dgpipe_engine::graph::published_cells(&self.graph, text);
        let cells = published.map_or_else(|| dgpipe_engine::graph::cells(&self.graph, text), Ok)?;
        match cells.as_slice() {
            [cell] => Ok(*cell),
            several => {
                let names: Vec<String> = several.iter().take(6).map(|cell| self.graph.name(*cell)).collect();
                let more = if several.len() > 6 { ", …" } else { "" };
                let message = format!("`{text}` means {} cells: [{}{more}]", several.len(), names.join(", "));
                Err(Failure::call(message).hint("name one of them"))
            }
        }
    }

    /// The key of a cell now, or of its last record.
    pub(crate) fn key(&self, cell: usize) -> Result<Option<Key>, Failure> {
        let plan = self.plan(&[self.graph.name(cell)], &[])?;
        Ok(plan.key(cell).or_else(|| self.latest.get(&self.graph.name(cell)).copied()))
    }
}

impl Drop for Session {
    /// Says what the store found and nobody has told yet, however the command ended.
    fn drop(&mut self) {
        for warning in self.store.take_warnings() {
            say(&format!("warning: {}\n", sanitised(&warning)));
        }
    }
}

/// Starts the threads that hashing shares. Started by need, they would panic where the system has none left.
fn start_threads() -> Result<(), Failure> {
    match rayon::ThreadPoolBuilder::new().build_global() {
        // Without a cause it says that they run already.
        Err(error) if std::error::Error::source(&error).is_some() => Err(std::io::Error::other(error).into()),
        _ => Ok(()),
    }
}

/// What targets and forced cells mean, given as texts; no targets mean everything.
pub(crate) fn request(graph: &Graph, targets: &[String], force: &[String]) -> Result<Request, Failure> {
    let mut targets = Targets::parse(graph, targets)?;
    let mut forced = std::collections::BTreeSet::new();
    for text in force {
        forced.extend(dgpipe_engine::graph::cells(graph, text)?);
    }
    targets.cells.extend(&forced);
    Ok(Request { targets, force: forced })
}

/// `--cache`, else `DGPIPE_CACHE`, else `.dgpipe` in the project root.
pub(crate) fn store_folder(root: &Path, common: &Common) -> PathBuf {
    common.cache.clone().unwrap_or_else(|| root.join(".dgpipe"))
}

/// Whether there is a store in a folder. One that cannot be reached is not one that is not there.
pub(crate) fn has_store(folder: &Path) -> Result<bool, Failure> {
    match fs_err::exists(folder.join("CACHEDIR.TAG")) {
        Err(error) if error.kind() == ErrorKind::NotADirectory => Ok(false),
        found => Ok(found?),
    }
}

/// The store of a pipeline file's project, or of the project around the current folder. None is made.
pub(crate) fn store_to_look_at(file: Option<&Path>, common: &Common) -> Result<Store, Failure> {
    let place = file.unwrap_or(Path::new("any.yaml"));
    let folder = store_folder(&project_root(&std::path::absolute(place)?), common);
    if !has_store(&folder)? {
        let failure = Failure::call(format!("there is no store at `{}`", folder.display()));
        return Err(failure.hint("call it in a project that has run, name a pipeline file, or give `--cache DIR`"));
    }
    start_threads()?;
    Ok(Store::open(&folder)?)
}

/// Keeps projects apart that share a store. The folder's name is for people, the digest of its path decides.
pub(crate) fn project_id(root: &Path) -> String {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let name = root.file_name().map_or_else(|| "project".into(), |name| name.to_string_lossy());
    let digest = dgpipe_cache::Digest::of(root.as_os_str().as_encoded_bytes());
    format!("{name}-{}", digest.short())
}
