//! Asks git at which commit the project is, beside everything else, for the report of a run.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use dgpipe_engine::run::GitState;

/// A run does not wait longer for an answer that nothing depends on.
const PATIENCE: Duration = Duration::from_secs(2);

/// A question to git that is being answered.
pub(crate) struct GitQuestion(Receiver<Option<GitState>>);

impl GitQuestion {
    /// Asks about the repository around a folder.
    pub(crate) fn ask(folder: PathBuf) -> Self {
        let (sender, receiver) = channel();
        // Whoever gave up waiting does not hear the answer; without a thread there is none.
        drop(std::thread::Builder::new().name("git".to_owned()).spawn(move || sender.send(state(folder)).ok()));
        Self(receiver)
    }

    /// The answer; nothing without git, outside of a repository, or where git takes its time.
    pub(crate) fn answer(self) -> Option<GitState> {
        self.0.recv_timeout(PATIENCE).ok().flatten()
    }
}

/// What a hook of git, or whoever works in another repository, leaves in the environment; with any of it git would
/// tell of that repository, whatever the folder is.
const OTHERS: [&str; 7] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
];

fn state(folder: PathBuf) -> Option<GitState> {
    let mut git = Command::new("git");
    // Looking must neither write to the repository nor start programs that its settings name.
    git.arg("-C").arg(folder).args(["--no-optional-locks", "-c", "core.fsmonitor=false"]);
    git.args(["status", "--porcelain=v2", "--branch", "--untracked-files=no"]);
    for name in OTHERS {
        git.env_remove(name);
    }
    let output = git.stdin(Stdio::null()).output().ok().filter(|output| output.status.success())?;
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// Reads the second version of git's porcelain format (`git help status`).
fn parse(status: &str) -> Option<GitState> {
    let commit = status.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    let commit = (commit != "(initial)").then(|| commit.to_owned());
    Some(GitState { commit, dirty: status.lines().any(|line| !line.starts_with('#')) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_and_changes_are_read() {
        let clean = parse("# branch.oid 77e48\n# branch.head main\n").unwrap();
        assert_eq!(clean, GitState { commit: Some("77e48".to_owned()), dirty: false });
        assert!(parse("# branch.oid 77e48\n1 .M N... 100644 100644 100644 a b file\n").unwrap().dirty);
        assert_eq!(parse("# branch.oid (initial)\n").unwrap().commit, None);
        assert_eq!(parse(""), None);
    }
}
