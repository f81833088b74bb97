//! Where a project begins.

use std::path::{Path, PathBuf};

/// The nearest folder upwards with `dgpipe.toml`, else with `.git`, else the pipeline file's own.
///
/// A folder is never a project because it holds `.dgpipe/`: that would make the place of the store decide.
pub fn project_root(pipeline_file: &Path) -> PathBuf {
    let own = pipeline_file.parent().unwrap_or(Path::new("."));
    let with = |name: &str| own.ancestors().find(|folder| folder.join(name).exists()).map(Path::to_owned);
    with("dgpipe.toml").or_else(|| with(".git")).unwrap_or_else(|| own.to_owned())
}
