//! A copy of the shipped pipelines in a folder of its own, and calls of the real binary in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A project with the pipelines of this repository.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

/// What a run said.
pub(crate) struct Run {
    events: Vec<Value>,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pipelines");
        copy(&shipped, &folder.path().join("pipelines"));
        fs_err::write(folder.path().join("dgpipe.toml"), "").unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dgpipe"));
        command.current_dir(self.folder.path()).args(arguments).env_remove("DGPIPE_CACHE").env("NO_COLOR", "1");
        command
    }

    /// Calls the binary and returns its stdout; it must succeed.
    pub(crate) fn call(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a pipeline; it must succeed.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let stdout = self.call(&[&["run", "--json"], arguments].concat());
        Run { events: stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect() }
    }

    /// Every file below a folder with its bytes.
    pub(crate) fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(name), "", &mut files);
        files
    }
}

impl Run {
    fn cells(&self, outcome: &str) -> Vec<&str> {
        let ended = self.events.iter().filter(|event| event["event"] == "cell-finished" && event["outcome"] == outcome);
        ended.filter_map(|event| event["cell"].as_str()).collect()
    }

    /// The stages that executed.
    pub(crate) fn stages(&self) -> BTreeSet<&str> {
        self.cells("executed").into_iter().map(|cell| cell.split('[').next().unwrap_or(cell)).collect()
    }

    /// The cells that executed.
    pub(crate) fn executed(&self) -> BTreeSet<&str> {
        self.cells("executed").into_iter().collect()
    }
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).unwrap();
    for entry in fs_err::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs_err::copy(entry.path(), to).unwrap();
        }
    }
}

fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs_err::read(entry.path()).unwrap());
        }
    }
}
