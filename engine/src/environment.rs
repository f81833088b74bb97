//! The environment variables that a caller hands over; the engine never reads its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Environment variables by name.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Takes variables over. Values that are not Unicode are left out.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The executable that a name means: itself where it contains a `/`, else the first on `PATH`.
    pub fn executable(&self, name: &str, root: &Path) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt;
        let runs = |path: &PathBuf| {
            fs_err::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        };
        if name.contains('/') {
            return Some(root.join(name)).filter(runs);
        }
        let folders = self.get("PATH").unwrap_or("/usr/local/bin:/usr/bin:/bin").split(':');
        folders.map(|folder| Path::new(folder).join(name)).find(runs)
    }
}
