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
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
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
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
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

    /// Asserts the exit code and passes the outcome on.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}
