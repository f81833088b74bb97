//! A project in a folder, runs of the toy binary in it, and the judgement of what a disturbed run left.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use dgpipe_tests::faults::oracle::{self, Undisturbed};

/// A fan of small cells, a folder, a command, a fan-in, a folder that is put together.
const PIPELINE: &str = "
pipeline: faults
params: { plus: 0 }
sources: { given: { path: given.txt, kind: number/1 } }
stages:
  one:
    for: { n: [1, 2, 3, 4, 5, 6] }
    uses: add
    inputs: { terms: given }
    config: { plus: \"${n}\" }
  made: { uses: spread, config: { parts: { a: 1, b: 20 } } }
  said:
    uses: command
    shell: true
    run: set -e; mkdir x; cat ${in.given} > x/one; head -c 70000 /dev/zero > x/zeros
    inputs: { given: made/a/value.txt }
    outputs: { x: { folder: x } }
  sum: { uses: add, inputs: { terms: [\"one[*]\", made/b/value.txt] }, config: { plus: \"${plus}\" } }
publish:
  results/made: made
  results/said: said
  \"results/one/${n}.txt\": one
  results/both: [sum, sum.count]
";

/// A project in a folder.
pub(crate) struct Scene {
    root: PathBuf,
}

impl Scene {
    /// Makes a project in a new folder.
    pub(crate) fn new(root: PathBuf) -> Self {
        fs_err::create_dir_all(&root).expect("the folder can be made");
        let scene = Self { root };
        scene.write("dgpipe.toml", "");
        scene.write("given.txt", "300\n");
        scene.write("pipeline.yaml", PIPELINE);
        scene
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.root.join(name), text).expect("the file can be written");
    }

    /// The project that lies there already.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it lies.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Removes one published folder, a file of another, and a file by itself.
    pub(crate) fn lose_published(&self) {
        fs_err::remove_dir_all(self.root.join("results/said")).expect("it was published");
        fs_err::remove_file(self.root.join("results/made/b/value.txt")).expect("it was published");
        fs_err::remove_file(self.root.join("results/one/3.txt")).expect("it was published");
    }

    /// Undoes [`Self::change`].
    pub(crate) fn change_back(&self) {
        self.write("given.txt", "300\n");
        self.write("pipeline.yaml", PIPELINE);
    }

    /// Changes what most cells read.
    pub(crate) fn change(&self) {
        self.write("given.txt", "4000\n");
        self.write("pipeline.yaml", &PIPELINE.replace("a: 1,", "a: 2,"));
    }

    /// The arguments of a run, the binary among them.
    pub(crate) fn run_arguments() -> Vec<String> {
        Self::arguments(&["run", "pipeline.yaml", "--json", "--jobs", "2"])
    }

    /// The toy binary that was built together with this program, and these arguments.
    pub(crate) fn arguments(words: &[&str]) -> Vec<String> {
        let here = std::env::current_exe().expect("the program knows its own path");
        let toy = here.with_file_name("toy").display().to_string();
        [&[toy.as_str()], words].concat().into_iter().map(str::to_owned).collect()
    }

    /// A command in the project, with nothing of the caller's store.
    pub(crate) fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(&self.root).env_remove("DGPIPE_CACHE").stdin(Stdio::null());
        command
    }

    /// Runs undisturbed. The last event, or what went wrong.
    pub(crate) fn run(&self) -> Result<serde_json::Value, String> {
        let output = self.command(&Self::run_arguments()).output().map_err(|error| error.to_string())?;
        let stdout = String::from_utf8_lossy(&output.stdout);
        if output.status.code() != Some(0) {
            return Err(format!("{:?}: {stdout}{}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
        stdout.lines().last().and_then(|line| serde_json::from_str(line).ok()).ok_or(format!("no end: {stdout}"))
    }

    /// What is published and recorded now.
    pub(crate) fn result(&self) -> Undisturbed {
        oracle::result(&self.root, &self.store())
    }

    fn store(&self) -> PathBuf {
        self.root.join(".dgpipe")
    }

    /// Has leases look as old as they are when a machine was started anew: empty ones are waited for a minute.
    pub(crate) fn age_leases(&self) {
        let past = SystemTime::now() - Duration::from_mins(5);
        for path in oracle::files(&self.store().join("leases-v1")) {
            let file = fs_err::OpenOptions::new().append(true).open(&path).expect("it can be opened");
            file.set_modified(past).expect("its time can be set");
        }
    }

    /// What is wrong with the store.
    pub(crate) fn problems(&self) -> Vec<String> {
        if self.store().join("CACHEDIR.TAG").exists() { oracle::problems(&self.store()) } else { Vec::new() }
    }

    /// What is wrong after a disturbance, before and after the next run.
    pub(crate) fn offences(&self, expected: &Undisturbed) -> Vec<String> {
        let mut offences = self.problems();
        match self.run() {
            // Whoever executes clears up first; a run that does not leaves that to the next one.
            Ok(end) if end["executed"] != 0 => offences.extend(self.leftovers()),
            Ok(_) => {}
            Err(error) => offences.push(format!("the next run: {error}")),
        }
        offences.extend(self.problems());
        offences.extend(self.verified());
        offences.extend(self.differences(expected));
        offences
    }

    /// What the binary's own `verify` finds. Records whose bytes a failing device has taken to quarantine are told as
    /// incomplete until somebody needs them.
    fn verified(&self) -> Vec<String> {
        let output = self.command(&Self::arguments(&["verify", "--json"])).output();
        let Ok(output) = output else { return vec!["verify cannot be started".to_owned()] };
        let Ok(found) = serde_json::from_slice::<serde_json::Value>(&output.stdout) else {
            return vec![format!("verify says {}", String::from_utf8_lossy(&output.stderr))];
        };
        let aside = !oracle::files(&self.store().join("quarantine-v1")).is_empty();
        let told = |list: &str| found[list].as_array().cloned().unwrap_or_default();
        let incomplete = if aside { Vec::new() } else { told("incomplete") };
        told("problems").into_iter().chain(incomplete).map(|what| format!("verify: {what}")).collect()
    }

    /// How results and records differ from what they should be. Records of before may be there as well.
    pub(crate) fn differences(&self, expected: &Undisturbed) -> Vec<String> {
        let found = self.result();
        let mut differences = Vec::new();
        for path in expected.published.keys().chain(found.published.keys()) {
            if expected.published.get(path) != found.published.get(path) {
                differences.push(format!("results/{} is not what it should be", path.display()));
            }
        }
        for (key, outputs) in &expected.records {
            if found.records.get(key) != Some(outputs) {
                differences.push(format!("the record {key} is not what it should be"));
            }
        }
        differences
    }

    /// Whether a record that is told of as different lies in quarantine.
    pub(crate) fn is_aside(&self, difference: &str) -> bool {
        let key = difference.strip_prefix("the record ").and_then(|text| text.split(' ').next());
        key.is_some_and(|key| oracle::is_aside(&self.store(), key))
    }

    /// What dead processes left that the next run should have cleared away.
    fn leftovers(&self) -> Vec<String> {
        let scratch = oracle::files(&self.store().join("scratch"));
        let results = oracle::files(&self.root.join("results"));
        let named = |path: &PathBuf, text: &str| path.to_string_lossy().contains(text);
        let scratch = scratch.into_iter().filter(|path| !named(path, "/kept-"));
        let drafts = results.into_iter().filter(|path| named(path, "/.dgpipe-"));
        scratch.chain(drafts).map(|path| format!("left behind: {}", path.display())).collect()
    }
}

/// Whether a program can be started.
pub(crate) fn is_installed(program: &str) -> bool {
    Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
