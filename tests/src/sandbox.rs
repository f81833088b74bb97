//! A project in a temporary folder, and calls of the toy binary in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A project with a pipeline file. Calls run the real toy binary.
pub struct Sandbox {
    folder: tempfile::TempDir,
    binary: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a call printed and how it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Sandbox {
    /// A project whose `pipeline.yaml` has this text. `binary` is the path of the toy binary, which a test knows as
    /// `env!("CARGO_BIN_EXE_toy")`.
    pub fn with(binary: &str, pipeline: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("dgpipe-test-").tempdir().expect("a temporary folder can be made");
        let sandbox = Self { folder, binary: binary.into(), variables: Vec::new() };
        sandbox.write("dgpipe.toml", "");
        sandbox.write("pipeline.yaml", pipeline);
        sandbox
    }

    /// Adds a variable to the environment of later calls.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces the binary that later calls run.
    #[must_use]
    pub fn binary(mut self, binary: &str) -> Self {
        self.binary = binary.into();
        self
    }

    /// Sets a variable for later calls, in place of an earlier value.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The project root.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The path of a file of the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().expect("a file is in a folder")).expect("the folder can be made");
        fs_err::write(path, content).expect("the file can be written");
    }

    /// Writes a program of the project.
    pub fn write_program(&self, name: &str, content: &str) {
        self.write(name, content);
        let executable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        fs_err::set_permissions(self.path(name), executable).expect("the mode can be changed");
    }

    /// Removes a file or folder of the project, which must be there.
    pub fn remove(&self, name: &str) {
        let path = self.path(name);
        let removed = if path.is_dir() { fs_err::remove_dir_all(path) } else { fs_err::remove_file(path) };
        removed.expect("it can be removed");
    }

    /// Whether a path of the project exists.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    /// All files below a folder of the project, in the order of their paths.
    pub fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut open = vec![self.path(folder)];
        while let Some(folder) = open.pop() {
            for entry in fs_err::read_dir(folder).into_iter().flatten() {
                let path = entry.expect("the folder can be listed").path();
                if path.is_dir() && !path.is_symlink() { open.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// The files of the store, below `.dgpipe`, that contain these bytes.
    pub fn stored_with(&self, needle: &str) -> Vec<PathBuf> {
        let contains = |path: &PathBuf| {
            let bytes = fs_err::read(path).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        };
        self.files(".dgpipe").into_iter().filter(contains).collect()
    }

    /// The one object of the store whose bytes are these.
    pub fn object(&self, content: &str) -> PathBuf {
        let is = |path: &PathBuf| fs_err::read(path).is_ok_and(|bytes| bytes == content.as_bytes());
        let found: Vec<PathBuf> = self.files(".dgpipe/objects-v1").into_iter().filter(is).collect();
        assert_eq!(found.len(), 1, "objects with the bytes {content:?}");
        found.into_iter().next().expect("there is one")
    }

    /// Writes over an object of the store as a failing disk would, whatever its mode.
    pub fn damage(&self, content: &str, bytes: &[u8]) {
        let object = self.object(content);
        let writable = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        fs_err::set_permissions(&object, writable).expect("the mode can be changed");
        fs_err::write(object, bytes).expect("the object can be written");
    }

    /// What a text says, with what differs from call to call left out: the project's path, times, keys, runs.
    pub fn redacted(&self, text: &str) -> String {
        redacted(&text.replace(&self.root().display().to_string(), "[ROOT]"))
    }

    /// Reads a file of the project.
    pub fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).expect("the file can be read")
    }

    /// Replaces text in `pipeline.yaml`, which must be there.
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("pipeline.yaml");
        assert!(text.contains(from), "`{from}` is not in the pipeline");
        self.write("pipeline.yaml", &text.replace(from, to));
    }

    /// The toy binary, to be started in the project.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(self.root()).env_remove("DGPIPE_CACHE").env("NO_COLOR", "1");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Calls the binary.
    #[must_use = "an outcome that nobody looks at proves nothing"]
    pub fn call(&self, arguments: &[&str]) -> Outcome {
        let output = self.command().args(arguments).output().expect("the binary can be started");
        Outcome::of(&output)
    }

    /// Calls the binary in another folder than the project root.
    #[must_use = "an outcome that nobody looks at proves nothing"]
    pub fn call_in(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        let output = self.command().current_dir(folder).args(arguments).output();
        Outcome::of(&output.expect("the binary can be started"))
    }

    /// What `check` says about the pipeline's mistakes.
    pub fn mistakes(&self) -> String {
        let check = self.call(&["check", "pipeline.yaml"]).exits(2);
        assert_eq!(check.stdout, "", "messages go to stderr");
        self.redacted(&check.stderr)
    }

    /// What `why` says about a cell, without what differs from call to call.
    pub fn why(&self, cell: &str, arguments: &[&str]) -> String {
        let why = self.call(&[&["why", "pipeline.yaml", cell], arguments].concat()).exits(0);
        self.redacted(&why.stdout)
    }

    /// Runs the pipeline.
    #[must_use = "an outcome that nobody looks at proves nothing"]
    pub fn run(&self) -> Outcome {
        self.run_with(&[])
    }

    /// Runs the pipeline with further arguments.
    #[must_use = "an outcome that nobody looks at proves nothing"]
    pub fn run_with(&self, arguments: &[&str]) -> Outcome {
        let call = [&["run", "pipeline.yaml", "--json"], arguments].concat();
        self.call(&call)
    }
}

impl Outcome {
    /// What a finished process left.
    pub fn of(output: &std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Cells and how they ended, a line each, in the order of their names; cells that ended twice count as the last.
    pub fn outcomes(&self) -> String {
        let events = self.events();
        let ended = events.iter().filter(|event| event["event"] == "cell-finished");
        let ended = ended.map(|event| (event["cell"].as_str().unwrap_or(""), event["outcome"].as_str().unwrap_or("")));
        let by_name: std::collections::BTreeMap<&str, &str> = ended.collect();
        by_name.iter().map(|(cell, outcome)| format!("{cell} {outcome}\n")).collect()
    }

    /// The warnings.
    pub fn warnings(&self) -> Vec<String> {
        let events = self.events().into_iter().filter(|event| event["event"] == "warning");
        events.map(|event| event["text"].as_str().unwrap_or("").to_owned()).collect()
    }

    /// The message of a failed cell.
    pub fn error(&self, cell: &str) -> String {
        let events = self.events();
        let failed = events.iter().rfind(|event| event["cell"] == cell && event["outcome"] == "failed");
        failed.and_then(|event| event["error"].as_str()).unwrap_or("").to_owned()
    }

    /// What was done about published paths: each path with how.
    pub fn published(&self) -> Vec<String> {
        let events = self.events().into_iter().filter(|event| event["event"] == "published");
        let shown = |event: Value| {
            format!("{} {}", event["path"].as_str().unwrap_or(""), event["how"]["how"].as_str().unwrap_or(""))
        };
        events.map(shown).collect()
    }

    /// The lines of JSON on stdout.
    pub fn events(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
    }

    /// Cells that ended in this way, in the order of their names.
    pub fn cells(&self, outcome: &str) -> Vec<String> {
        let mut cells: Vec<String> = self
            .events()
            .iter()
            .filter(|event| event["event"] == "cell-finished" && event["outcome"] == outcome)
            .map(|event| event["cell"].as_str().unwrap_or("").to_owned())
            .collect();
        cells.sort();
        cells
    }

    /// Cells that executed.
    pub fn executed(&self) -> Vec<String> {
        self.cells("executed")
    }

    /// A number of the last event.
    pub fn count(&self, name: &str) -> u64 {
        self.events().last().and_then(|event| event[name].as_u64()).unwrap_or(u64::MAX)
    }

    /// Asserts the exit code and passes the outcome on, for further questions.
    #[expect(clippy::return_self_not_must_use, reason = "often the exit code is all that is asked")]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// Replaces what differs from call to call.
fn redacted(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if !first.is_ascii_alphanumeric() {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len())];
        rest = &rest[word.len()..];
        let number = word.parse::<f64>().is_ok();
        let unit = ["ms", "s", "min", "h"].iter().map(|unit| format!(" {unit}")).find(|unit| {
            let after = rest.strip_prefix(unit.as_str());
            number && after.is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
        });
        let all = |fits: fn(u8) -> bool| word.bytes().all(fits);
        if let Some(unit) = unit {
            shown.push_str("[TIME]");
            rest = &rest[unit.len()..];
            // The column is as wide as the longest time.
            while rest.starts_with("   ") {
                rest = &rest[1..];
            }
        } else if shown.ends_with(".dgpipe/scratch/") {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(rest.len());
            shown.push_str("[SCRATCH]");
            rest = &rest[end..];
        } else if word.len() == 4 && number && rest.len() > 14 && rest.starts_with('-') && &rest[6..7] == " " {
            shown.push_str("[DATE]");
            rest = &rest[15..];
        } else if word.len() == 13 && all(|byte| byte.is_ascii_digit()) {
            shown.push_str("[RUN]");
            let process =
                rest.strip_prefix('-').map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
            rest = &rest[process..];
        } else if word.len() >= 12 && all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            shown.push_str("[HEX]");
        } else {
            shown.push_str(word);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_runs_and_keys_are_redacted_and_nothing_else() {
        let text = "took 1.5 s, 12 ms; run 1795161599000-01234 of 0123456789abcdef, 3 cells, deadbeef, 5 min";
        assert_eq!(redacted(text), "took [TIME], [TIME]; run [RUN] of [HEX], 3 cells, deadbeef, [TIME]");
        assert_eq!(redacted("seed 42 sheep, a.b.c 7"), "seed 42 sheep, a.b.c 7");
    }
}
