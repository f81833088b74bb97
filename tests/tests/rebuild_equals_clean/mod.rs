//! Random pipelines, edits, losses and kills: whatever happened before, a run ends where a run on an empty store ends.
//!
//! A failing history is printed as YAML. In a file of `tests/tests/histories/` it is played again by every test run.

mod history;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use dgpipe_tests::Sandbox;
use dgpipe_tests::faults::oracle;
use history::{Edit, History, SOURCES, Work, pipeline};
use proptest::prelude::*;

use crate::project;

/// A project that a history happens to.
struct Play {
    sandbox: Sandbox,
    stages: Vec<Work>,
    param: u8,
    sources: [u8; SOURCES],
    damaged: bool,
}

impl Play {
    fn begin(stages: Vec<Work>) -> Self {
        let play = Self { sandbox: project(""), stages, param: 1, sources: [1, 2, 3], damaged: false };
        play.write(&play.sandbox);
        play
    }

    /// Writes pipeline and sources as they are now.
    fn write(&self, sandbox: &Sandbox) {
        sandbox.write("pipeline.yaml", &pipeline(&self.stages, self.param));
        for (source, value) in self.sources.iter().enumerate() {
            let (name, text) = (format!("given{source}.txt"), format!("{value}\n"));
            if !sandbox.has(&name) || sandbox.read(&name) != text {
                sandbox.write(&name, &text);
            }
        }
    }

    /// Every so manieth file of a folder.
    fn some(&self, folder: &str, step: usize) -> Vec<PathBuf> {
        self.sandbox.files(folder).into_iter().step_by(step).collect()
    }

    fn lose(&self, folder: &str, step: usize) {
        self.some(folder, step).iter().for_each(|path| fs_err::remove_file(path).unwrap());
    }

    fn happen(&mut self, edit: &Edit) {
        let count = self.stages.len();
        match edit {
            Edit::Replace(stage, work) => self.stages[stage % count] = work.clone(),
            Edit::Swap(one, other) => self.stages.swap(one % count, other % count),
            Edit::Add(work) => self.stages.push(work.clone()),
            Edit::Remove(stage) if count > 1 => drop(self.stages.remove(stage % count)),
            Edit::Remove(_) => {}
            Edit::Param(value) => self.param = *value,
            Edit::File(source, value) => self.sources[source % SOURCES] = *value,
            Edit::Touch(source) => {
                let name = format!("given{}.txt", source % SOURCES);
                self.sandbox.write(&name, &self.sandbox.read(&name));
            }
            Edit::Kill(milliseconds) => self.kill(Duration::from_millis((*milliseconds).into())),
            Edit::LoseObjects(step) => self.lose(".dgpipe/objects-v1", *step),
            Edit::LoseRecords(step) => self.lose(".dgpipe/records-v1", *step),
            Edit::LosePublished(step) => self.lose("results", *step),
            Edit::Damage(step) => {
                self.damaged = true;
                for path in self.some(".dgpipe/objects-v1", *step) {
                    let bytes = fs_err::read(&path).unwrap().len();
                    fs_err::remove_file(&path).unwrap();
                    fs_err::write(&path, "7".repeat(bytes)).unwrap();
                }
            }
            Edit::Forget => {
                for folder in ["memo-v1", "scratch", "leases-v1", "logs-v1", "projects-v1"] {
                    fs_err::remove_dir_all(self.sandbox.path(".dgpipe").join(folder)).ok();
                }
                // Without a ledger, what was published under other names and bytes is the user's.
                fs_err::remove_dir_all(self.sandbox.path("results")).ok();
            }
        }
        self.write(&self.sandbox);
    }

    fn kill(&self, after: Duration) {
        // Something has to be done for there to be something to kill.
        let mut run = self.sandbox.command();
        run.args(["run", "pipeline.yaml", "--force", "s0"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut run = run.spawn().unwrap();
        std::thread::sleep(after);
        run.kill().unwrap();
        run.wait().unwrap();
    }

    /// Runs, and compares with a run on an empty store.
    fn check(&self, done: &[Edit]) {
        let text = || format!("after {done:?} of\n{}", self.sandbox.read("pipeline.yaml"));
        let plan = self.sandbox.call(&["plan", "pipeline.yaml", "--json"]).exits(0).stdout;
        let run = self.sandbox.run().exits(0);
        let clean = project("");
        self.write(&clean);
        clean.run().exits(0);
        let (found, expected) = (result(&self.sandbox), result(&clean));
        for index in 0..self.stages.len() {
            let path = PathBuf::from(format!("s{index}.txt"));
            assert_eq!(found.published.get(&path), expected.published.get(&path), "{} {}", path.display(), text());
        }
        for (key, outputs) in &expected.records {
            assert_eq!(found.records.get(key), Some(outputs), "the record {key} {}", text());
        }
        // Damage is found no earlier than when bytes are read, so it is no part of a plan.
        if !self.damaged {
            assert_eq!(oracle::problems(&self.sandbox.path(".dgpipe")), self.known_problems(), "{}", text());
            let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
            let reused = plan["cells"].as_array().unwrap().iter().filter(|cell| cell["decision"] == "reuse");
            for cell in reused {
                let cell = cell["cell"].as_str().unwrap().to_owned();
                assert!(!run.executed().contains(&cell), "{cell} executed against the plan {}", text());
            }
        }
        let again = self.sandbox.run().exits(0);
        assert_eq!((again.count("executed"), again.count("restored")), (0, 0), "{}", text());
    }

    /// Objects that were lost on purpose are missing as long as nobody needs them.
    fn known_problems(&self) -> Vec<String> {
        let problems = oracle::problems(&self.sandbox.path(".dgpipe"));
        problems.into_iter().filter(|problem| problem.contains(" lacks ")).collect()
    }
}

fn result(sandbox: &Sandbox) -> oracle::Undisturbed {
    oracle::result(sandbox.root(), &sandbox.path(".dgpipe"))
}

fn play(history: &History) {
    let mut play = Play::begin(history.stages.clone());
    play.sandbox.run().exits(0);
    for (index, edit) in history.edits.iter().enumerate() {
        play.happen(edit);
        play.check(&history.edits[..=index]);
    }
}

/// Ten histories, or as many as `PROPTEST_CASES` says.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if asked.cases == 256 { 10 } else { asked.cases };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 40, ..asked }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a1_an_incremental_run_ends_where_a_clean_one_ends(history in History::any()) {
        let played = std::panic::catch_unwind(|| play(&history));
        if let Err(panic) = played {
            let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            return Err(TestCaseError::fail(format!(
                "{said}\nto play it again, put this into a file of tests/tests/histories:\n{}", history.written()
            )));
        }
    }

    #[test]
    fn a_history_is_read_as_it_was_written(history in History::any()) {
        prop_assert_eq!(History::read(&history.written()), history);
    }
}

#[test]
fn histories_that_once_failed_end_where_a_clean_run_ends() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let mut paths: Vec<PathBuf> = fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        play(&History::read(&fs_err::read_to_string(path).unwrap()));
    }
}
