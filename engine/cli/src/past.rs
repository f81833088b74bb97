//! The past runs of a project, and how a call names one.

use std::path::{Path, PathBuf};

use dgpipe_cache::{RunFolder, Store};
use dgpipe_engine::project_root;
use dgpipe_engine::run::RunReport;
use dgpipe_engine::spec::{Loaded, Overrides};

use crate::Failure;
use crate::arguments::Common;
use crate::session::{has_store, project_id, store_folder, tree_memo};

/// Past runs, the oldest first.
pub(crate) struct Past {
    folders: Vec<RunFolder>,
    /// The store, where there is one.
    pub(crate) store: Option<Store>,
    /// The root of the project.
    pub(crate) root: PathBuf,
}

impl Past {
    /// The runs of a pipeline file, of the profiles that the call names or of all; without a file those of the whole
    /// project around the current folder.
    pub(crate) fn look(file: Option<&Path>, common: &Common) -> Result<Self, Failure> {
        let here = std::path::absolute(file.unwrap_or(Path::new("pipeline.yaml")))?;
        let root = project_root(&here);
        let pipeline = match file {
            Some(file) => Some(pipeline_name(file, &root, common)?),
            None => None,
        };
        let folder = store_folder(&root, common);
        if !has_store(&folder)? {
            return Ok(Self { folders: Vec::new(), store: None, root });
        }
        let store = Store::open(folder)?;
        let profile = common.profile.as_ref().map(|names| names.join("-"));
        Self::of(&store, &root, pipeline.as_deref(), profile.as_deref())
    }

    /// The runs of a project, of one pipeline or profile where it is named.
    pub(crate) fn of(
        store: &Store,
        root: &Path,
        pipeline: Option<&str>,
        profile: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut folders = Vec::new();
        for (found, under, project) in store.projects(&project_id(root))? {
            if pipeline.is_none_or(|name| name == found) && profile.is_none_or(|name| name == under) {
                folders.extend(project.runs()?);
            }
        }
        folders.sort_by(|one, other| one.id().cmp(other.id()));
        Ok(Self { folders, store: Some(store.clone()), root: root.to_owned() })
    }

    /// The folders of the runs.
    pub(crate) fn folders(&self) -> &[RunFolder] {
        &self.folders
    }

    /// All runs of which anything is known.
    pub(crate) fn reports(&self) -> Result<Vec<RunReport>, Failure> {
        let mut reports = Vec::new();
        for folder in &self.folders {
            reports.extend(RunReport::of(folder)?);
        }
        Ok(reports)
    }

    /// The run of exactly that name.
    pub(crate) fn named(&self, name: &str) -> Result<Option<RunReport>, Failure> {
        let found = self.folders.iter().find(|folder| folder.id() == name);
        Ok(found.map(RunReport::of).transpose()?.flatten())
    }

    /// The run that a text means: a name or its beginning, `latest`, or `latest~2` for the second before it.
    pub(crate) fn run(&self, text: &str) -> Result<RunReport, Failure> {
        let folder = match steps_back(text)? {
            Some(steps) => self.folders.iter().rev().nth(steps).ok_or_else(|| {
                let runs = crate::terminal::counted(self.folders.len(), "run");
                Failure::call(format!("there is no run `{text}`: {runs} in all"))
            })?,
            None => self.beginning_with(text)?,
        };
        RunReport::of(folder)?.ok_or_else(|| Failure::call(format!("nothing is known of the run `{}`", folder.id())))
    }

    fn beginning_with(&self, text: &str) -> Result<&RunFolder, Failure> {
        let found: Vec<&RunFolder> = self.folders.iter().filter(|folder| folder.id().starts_with(text)).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(Failure::call(format!("there is no run `{text}`")).hint("`dgpipe runs` lists them")),
            several => match several.iter().find(|folder| folder.id() == text) {
                Some(exact) => Ok(exact),
                None => {
                    let ids: Vec<&str> = several.iter().take(4).map(|folder| folder.id()).collect();
                    let more = if several.len() > 4 { ", …" } else { "" };
                    let message = format!("`{text}` begins {} runs: [{}{more}]", several.len(), ids.join(", "));
                    Err(Failure::call(message).hint("write more of the name"))
                }
            },
        }
    }
}

/// How many runs before the last one `latest`, `latest~1`, … is.
fn steps_back(text: &str) -> Result<Option<usize>, Failure> {
    let Some(rest) = text.strip_prefix("latest") else { return Ok(None) };
    let steps = match rest.strip_prefix('~') {
        None if rest.is_empty() => Some(0),
        None => None,
        Some("") => Some(1),
        Some(number) => number.parse().ok(),
    };
    let error = || Failure::call(format!("`{text}` is not a run")).hint("write `latest`, `latest~1`, `latest~2`, …");
    steps.map(Some).ok_or_else(error)
}

/// Splits arguments of which the first may be a pipeline file.
pub(crate) fn file_first(arguments: &[String]) -> (Option<&Path>, &[String]) {
    match arguments {
        [first, rest @ ..] if is_file(first) => (Some(Path::new(first)), rest),
        all => (None, all),
    }
}

fn is_file(text: &str) -> bool {
    let path = Path::new(text);
    path.is_file() || path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

/// The name in a pipeline file. What else is wrong in it does not keep anybody from looking back.
fn pipeline_name(file: &Path, root: &Path, common: &Common) -> Result<String, Failure> {
    crate::session::must_be_file(file)?;
    let file = std::path::absolute(file)?;
    let loaded = Loaded::read(&file, root, &Overrides::default(), &tree_memo(root, common))?;
    Ok(loaded.spec.name)
}
