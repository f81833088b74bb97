//! The disk fails, or the power is cut, at every single operation of a run: nothing false is ever served, and the
//! next run ends where a run that nothing disturbed ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dgpipe_cache::RealFilesystem;
use dgpipe_engine::run::{PublishHow, RunReport};
use dgpipe_tests::faults::{
    FailingDisk, Failure, Intercepted, Loss, Operation, Owner, PowerCut, Tree, Trial, Undisturbed, oracle,
};

/// A source, a folder, a fan-in of parts of it, and three published paths: a folder, a file, a folder put together.
const PIPELINE: &str = "
pipeline: faults
sources: { given: { path: given.txt, kind: number/1 } }
stages:
  made: { uses: spread, config: { parts: { a: 1, b: 20 } } }
  odd: { uses: parity, inputs: { number: made/a/value.txt } }
  sum: { uses: add, inputs: { terms: [odd, made/b/value.txt], extra: given } }
publish:
  results/made: made
  results/odd.txt: odd
  results/both: [sum, sum.count]
";

/// What the pipeline above lacks: rows by item, checkpoints after every round and the state at the end, commands, one of
/// them in the project's own folder, and a figure and a table with their passports. What a command may read is worked out
/// once for a process, in which the store is replaced again and again here: hence no sandbox.
const RICH: &str = "
pipeline: faults
sources: { given: { path: given.txt, kind: number/1 }, all: { path: all, kind: folder/1 } }
stages:
  rows: { uses: each, inputs: { items: all } }
  long: { uses: rounds, inputs: { start: given }, config: { rounds: 2, value: 3 } }
  said:
    uses: command
    shell: true
    sandbox: off
    run: set -e; mkdir x; cat ${in.number} > x/one; echo said; echo two > x/two
    inputs: { number: rows }
    outputs: { x: { folder: x } }
  here:
    uses: command
    cwd: project
    shell: true
    run: cat ${in.number} > here.txt
    inputs: { number: long }
    outputs: { x: { file: here.txt } }
  plot: { uses: draw, inputs: { numbers: [long, rows] }, config: { title: a } }
publish:
  results/plot: plot
  results/table: plot.table
  results/said: said
  results/here.txt: here
";

/// Where a run begins, and where it has to end.
struct Scenario {
    trial: Trial,
    /// Only every so manieth operation fails: of a pipeline with commands, a run takes too long for all of them.
    step: usize,
    start: Tree,
    /// What was there before, some of which the run may leave alone.
    before: Undisturbed,
    expected: Undisturbed,
    /// What is wrong with the store from the start.
    known: Vec<String>,
}

impl Scenario {
    fn new(prepare: impl FnOnce(&Trial)) -> Self {
        Self::with(PIPELINE, 1, prepare)
    }

    fn with(pipeline: &str, step: usize, prepare: impl FnOnce(&Trial)) -> Self {
        let trial = Trial::with(pipeline);
        trial.write("given.txt", "300\n");
        trial.write("all/one.txt", "1\n");
        trial.write("all/two.txt", "20\n");
        prepare(&trial);
        let (before, known) = (trial.result(), trial.problems());
        let start = trial.snapshot();
        fs_err::remove_dir_all(trial.root().join(".dgpipe")).unwrap();
        fs_err::remove_dir_all(trial.root().join("results")).ok();
        assert!(trial.run().unwrap().succeeded());
        let expected = trial.result();
        Self { trial, step, start, before, expected, known }
    }

    fn cold() -> Self {
        Self::new(|_| ())
    }

    fn warm() -> Self {
        Self::new(run)
    }

    fn rich_cold(step: usize) -> Self {
        Self::with(RICH, step, |_| ())
    }

    /// A run that was stopped in the middle: rows and a checkpoint are there, and results of before are published.
    fn rich_changed(step: usize) -> Self {
        Self::with(RICH, step, |trial| {
            run(trial);
            trial.write("given.txt", "4000\n");
            trial.write("all/three.txt", "300\n");
            trial.write("pipeline.yaml", &RICH.replace("rounds: 2,", "rounds: 3, fails_in: 2,"));
            assert!(!trial.run().unwrap().succeeded(), "its third round fails");
            trial.write("pipeline.yaml", &RICH.replace("rounds: 2,", "rounds: 3,"));
            assert!(!oracle::files(&trial.root().join(".dgpipe/resume-v1")).is_empty());
        })
    }

    /// Published paths, the output of the command in the project, rows and states are gone.
    fn rich_restored(step: usize) -> Self {
        Self::with(RICH, step, |trial| {
            run(trial);
            fs_err::remove_dir_all(trial.root().join("results")).unwrap();
            fs_err::remove_file(trial.root().join("here.txt")).unwrap();
        })
    }

    fn restored() -> Self {
        Self::new(|trial| {
            run(trial);
            fs_err::remove_dir_all(trial.root().join("results/made")).unwrap();
            fs_err::remove_file(trial.root().join("results/odd.txt")).unwrap();
        })
    }

    fn changed() -> Self {
        Self::new(|trial| {
            run(trial);
            change(trial);
        })
    }

    /// Half of the store is of the past.
    fn aged() -> Self {
        Self::new(|trial| {
            run(trial);
            change(trial);
            run(trial);
            fs_err::remove_dir_all(trial.root().join(".dgpipe/projects-v1/trial/faults/default/runs")).unwrap();
        })
    }

    /// An object of a published folder is not what its name says.
    fn damaged() -> Self {
        Self::new(|trial| {
            run(trial);
            let objects = trial.root().join(".dgpipe/objects-v1");
            let mut damaged = 0;
            for fan in fs_err::read_dir(objects).unwrap() {
                for object in fs_err::read_dir(fan.unwrap().path()).unwrap() {
                    let object = object.unwrap().path();
                    if fs_err::read(&object).unwrap() == b"20\n" {
                        fs_err::remove_file(&object).unwrap();
                        fs_err::write(&object, "21\n").unwrap();
                        damaged += 1;
                    }
                }
            }
            assert_eq!(damaged, 1);
            fs_err::remove_dir_all(trial.root().join("results/made")).unwrap();
        })
    }

    /// What `verify` says now. Records whose bytes a failing device has taken to quarantine are told as incomplete until
    /// somebody needs them.
    fn verified(&self) -> Vec<String> {
        let Some(found) = self.trial.verify_on(Arc::new(RealFilesystem)) else {
            return vec!["the store cannot be opened".to_owned()];
        };
        let damaged =
            found.problems.iter().map(|problem| format!("verify: {} {}", problem.path.display(), problem.reason));
        let aside = oracle::files(&self.trial.root().join(".dgpipe/quarantine-v1"));
        let incomplete = found.incomplete.iter().filter(|_| aside.is_empty());
        damaged.chain(incomplete.map(|record| format!("verify: {} {}", record.key, record.reason))).collect()
    }

    /// What is wrong now, after the run that follows a fault.
    fn offences(&self) -> Vec<String> {
        let mut offences = self.trial.problems();
        offences.retain(|problem| !self.known.contains(problem));
        self.trial.end_process();
        match self.trial.run() {
            Ok(report) if report.succeeded() => {}
            Ok(report) => {
                let RunReport { counts, published, warnings, .. } = report;
                offences.push(format!("the next run does not succeed: {counts:?} {published:?} {warnings:?}"));
            }
            Err(error) => offences.push(format!("the next run fails: {error}")),
        }
        offences.extend(self.trial.problems());
        offences.extend(self.verified());
        offences.extend(self.differences());
        offences
    }

    /// How the project differs from one that nothing disturbed.
    fn differences(&self) -> Vec<String> {
        let found = self.trial.result();
        let mut differences = Vec::new();
        if found.published != self.expected.published {
            let shown = |(path, bytes): (&PathBuf, &Vec<u8>)| {
                format!("{} {:?}", path.display(), String::from_utf8_lossy(bytes))
            };
            let shown: Vec<String> = found.published.iter().map(shown).collect();
            differences.push(format!("published: {}", shown.join(", ")));
        }
        for (key, outputs) in &self.expected.records {
            if found.records.get(key) != Some(outputs) {
                differences.push(format!("the record {key}: {:?}", found.records.get(key)));
            }
        }
        for (key, outputs) in &found.records {
            let known = self.expected.records.get(key).or(self.before.records.get(key));
            if known != Some(outputs) {
                differences.push(format!("an unknown record {key}: {outputs}"));
            }
        }
        differences
    }

    /// Whether a record that is told of as missing lies in quarantine.
    fn is_aside(&self, difference: &str) -> bool {
        let missing = difference.strip_prefix("the record ").and_then(|text| text.strip_suffix(": None"));
        missing.is_some_and(|key| oracle::is_aside(&self.trial.root().join(".dgpipe"), key))
    }

    /// Fails every operation of a run, and returns how many there are.
    fn fails_at_every_operation(&self, failure: Failure, lasting: bool) -> usize {
        let (mut wrong, mut cases) = (Vec::new(), 0);
        // Where not all are tried, other ones are for each kind of failure.
        let offset = (failure as usize * 2 + usize::from(lasting)) % self.step;
        for first in (1 + offset..).step_by(self.step) {
            self.start.write(self.trial.root());
            let disk = Arc::new(Intercepted::new(FailingDisk::new(failure, first, lasting)));
            let run = self.trial.run_on(disk.clone());
            let failed = disk.interceptor.failed();
            let mut offences = Vec::new();
            if matches!(&run, Ok(report) if report.succeeded()) {
                offences.extend(self.differences());
                // What the device would not give is put aside and made again when somebody needs it: by the next run.
                offences.retain(|offence| failure != Failure::Device || !self.is_aside(offence));
            }
            if failed.is_empty() {
                assert!(offences.is_empty() && run.unwrap().succeeded(), "an undisturbed run: {offences:?}");
                assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
                return cases;
            }
            cases += 1;
            offences.extend(self.offences());
            if !offences.is_empty() {
                let run = run.map(|report| report.counts);
                wrong.push(format!("{failure:?} {first} {} {run:?}\n  {}", failed[0], offences.join("\n  ")));
            }
        }
        unreachable!("a run has an end")
    }

    fn fails_in_every_way(&self) {
        let mut cases = 0;
        for failure in Failure::ALL {
            for lasting in [false, true] {
                cases += self.fails_at_every_operation(failure, lasting);
            }
        }
        assert!(cases > 100, "only {cases} cases");
        print(cases);
    }

    /// Fails every operation of looking at the whole store.
    fn verifies_on_every_failing_disk(&self) {
        let (mut wrong, mut cases) = (Vec::new(), 0);
        let ways = Failure::ALL.into_iter().flat_map(|failure| [(failure, false), (failure, true)]);
        for (failure, lasting) in ways {
            for first in 1.. {
                self.start.write(self.trial.root());
                let disk = Arc::new(Intercepted::new(FailingDisk::new(failure, first, lasting)));
                let found = self.trial.verify_on(disk.clone());
                let Some(failed) = disk.interceptor.failed().into_iter().next() else { break };
                cases += 1;
                let mut offences = Vec::new();
                let aside = oracle::files(&self.trial.root().join(".dgpipe/quarantine-v1")).len();
                // Only a device that fails says that bytes are lost; all else passes.
                if failure != Failure::Device && aside > self.known.len() {
                    offences.push(format!("{aside} good objects or records were moved away"));
                }
                if found.is_some_and(|found| !self.known.is_empty() && found.problems.is_empty()) {
                    offences.push("the damage was not told of".to_owned());
                }
                offences.extend(self.offences());
                if !offences.is_empty() {
                    wrong.push(format!("{failure:?} {first} {failed}\n  {}", offences.join("\n  ")));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
        assert!(cases > 100, "only {cases} cases");
        print(cases);
    }

    /// What is wrong after things were removed: what is in use has to be there, so that nothing executes.
    fn lost(&self) -> Vec<String> {
        let mut lost = self.trial.problems();
        self.trial.end_process();
        match self.trial.run() {
            Ok(report) if report.succeeded() && report.counts.executed == 0 => {}
            other => lost.push(format!("the next run: {:?}", other.map(|report| report.counts))),
        }
        lost.extend(self.trial.problems());
        lost.extend(self.verified());
        lost.extend(self.differences());
        lost
    }

    /// Fails every operation of removing what is not in use, and cuts the power at every change.
    fn loses_nothing_when_removing_fails(&self) {
        self.start.write(self.trial.root());
        let plain = self.trial.collect_on(Arc::new(RealFilesystem)).unwrap();
        assert!(plain.removed.len() > 5, "{plain:?}");
        assert_eq!(self.lost(), Vec::<String>::new());
        let (mut wrong, mut cases) = (Vec::new(), 0);
        let ways = Failure::ALL.into_iter().flat_map(|failure| [(failure, false), (failure, true)]);
        for (failure, lasting) in ways {
            for first in 1.. {
                self.start.write(self.trial.root());
                let disk = Arc::new(Intercepted::new(FailingDisk::new(failure, first, lasting)));
                let collected = self.trial.collect_on(disk.clone()).map(|collected| collected.removed.len());
                let Some(failed) = disk.interceptor.failed().into_iter().next() else { break };
                cases += 1;
                // What a device does not give out is in quarantine, and made again.
                let offences = if failure == Failure::Device { self.offences() } else { self.lost() };
                if !offences.is_empty() {
                    wrong.push(format!("{failure:?} {first} {failed} {collected:?}\n  {}", offences.join("\n  ")));
                }
            }
        }
        for at in 1.. {
            self.start.write(self.trial.root());
            let disk = Arc::new(Intercepted::new(PowerCut::new(self.trial.root(), at)));
            drop(self.trial.collect_on(disk.clone()));
            let losses = [Loss::Everything, Loss::Bytes, Loss::Some(at as u64)];
            for (loss, tree) in losses.map(|loss| (loss, disk.interceptor.tree(loss))) {
                tree.write(self.trial.root());
                cases += 1;
                let offences = self.lost();
                if !offences.is_empty() {
                    wrong.push(format!("{at} {loss:?}\n  {}", offences.join("\n  ")));
                }
            }
            if !disk.interceptor.happened() {
                break;
            }
        }
        assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
        assert!(cases > 100, "only {cases} cases");
        print(cases);
    }

    /// Cuts the power at every change of a run, with every kind of loss.
    fn loses_power_at_every_change(&self) {
        let (mut wrong, mut cases) = (Vec::new(), 0);
        for at in (1..).step_by(self.step) {
            self.start.write(self.trial.root());
            let disk = Arc::new(Intercepted::new(PowerCut::new(self.trial.root(), at)));
            let run = self.trial.run_on(disk.clone());
            let happened = disk.interceptor.happened();
            let losses = [Loss::Everything, Loss::Bytes, Loss::Some(at as u64)];
            let trees = losses.map(|loss| disk.interceptor.tree(loss));
            for (loss, tree) in losses.into_iter().zip(trees) {
                tree.write(self.trial.root());
                let mut offences = if happened { self.offences() } else { self.after_the_end() };
                if matches!(&run, Ok(report) if report.succeeded()) {
                    offences.extend(self.differences());
                }
                if !offences.is_empty() {
                    let run = run.as_ref().map(|report| report.counts);
                    wrong.push(format!("{at} {loss:?} {run:?}\n  {}", offences.join("\n  ")));
                }
                cases += 1;
            }
            if !happened {
                assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
                assert!(cases > 30, "only {cases} cases");
                return print(cases);
            }
        }
    }

    /// What is wrong when the power was cut after the run had said that all is done: all has to be there.
    fn after_the_end(&self) -> Vec<String> {
        let mut offences = self.trial.problems();
        offences.extend(self.differences());
        offences
    }
}

fn change(trial: &Trial) {
    trial.write("given.txt", "4000\n");
    trial.write("pipeline.yaml", &PIPELINE.replace("a: 1,", "a: 2,"));
}

fn run(trial: &Trial) {
    assert!(trial.run().unwrap().succeeded());
}

/// Counted for `docs/reliability.md`.
#[expect(clippy::print_stderr, reason = "seen with --nocapture only")]
fn print(cases: usize) {
    eprintln!("{cases} cases");
}

#[test]
fn b1_b3_b4_b5_b6_b7_a_cold_run_survives_every_failure_of_the_disk() {
    Scenario::cold().fails_in_every_way();
}

#[test]
fn b1_b3_b4_b5_b6_b7_a_warm_run_survives_every_failure_of_the_disk() {
    Scenario::warm().fails_in_every_way();
}

#[test]
fn b1_b3_b4_b5_b6_b7_restoring_survives_every_failure_of_the_disk() {
    Scenario::restored().fails_in_every_way();
}

#[test]
fn b1_b3_b4_b5_b6_b7_replacing_results_survives_every_failure_of_the_disk() {
    Scenario::changed().fails_in_every_way();
}

#[test]
fn a9_b1_b3_b4_b5_healing_survives_every_failure_of_the_disk() {
    Scenario::damaged().fails_in_every_way();
}

#[test]
fn b1_b3_b4_b5_b6_b7_commands_rows_checkpoints_and_passports_survive_failures_of_the_disk() {
    Scenario::rich_cold(11).fails_in_every_way();
}

#[test]
fn b1_b3_b4_b5_b6_b7_going_on_survives_failures_of_the_disk() {
    Scenario::rich_changed(11).fails_in_every_way();
}

#[test]
fn b1_b3_b4_b5_b6_b7_restoring_figures_survives_failures_of_the_disk() {
    Scenario::rich_restored(5).fails_in_every_way();
}

#[test]
fn a2_a3_a4_a5_a6_commands_rows_checkpoints_and_passports_survive_power_cuts() {
    Scenario::rich_cold(4).loses_power_at_every_change();
}

#[test]
fn a4_a5_a6_a8_going_on_survives_power_cuts() {
    Scenario::rich_changed(4).loses_power_at_every_change();
}

#[test]
fn a2_a3_a4_a5_a6_a_cold_run_survives_a_power_cut_at_every_change() {
    Scenario::cold().loses_power_at_every_change();
}

#[test]
fn a4_a5_a6_a_warm_run_survives_a_power_cut_at_every_change() {
    Scenario::warm().loses_power_at_every_change();
}

#[test]
fn a4_a8_restoring_survives_a_power_cut_at_every_change() {
    Scenario::restored().loses_power_at_every_change();
}

#[test]
fn a4_a8_replacing_results_survives_a_power_cut_at_every_change() {
    Scenario::changed().loses_power_at_every_change();
}

#[test]
fn b5_b7_looking_at_a_good_store_survives_every_failure_of_the_disk() {
    Scenario::warm().verifies_on_every_failing_disk();
}

#[test]
fn b5_b7_looking_at_a_damaged_store_survives_every_failure_of_the_disk() {
    Scenario::damaged().verifies_on_every_failing_disk();
}

#[test]
fn a7_removing_what_is_not_in_use_survives_every_failure_and_power_cut() {
    Scenario::aged().loses_nothing_when_removing_fails();
}

/// Who changes a value once more after a cut finds no edit of theirs where the run before published.
#[test]
fn a4_a8_after_a_power_cut_in_publishing_other_values_are_published_in_its_place() {
    let other = |trial: &Trial| {
        trial.write("given.txt", "50\n");
        trial.write("pipeline.yaml", &PIPELINE.replace("{ a: 1, b: 20 }", "{ a: 4, b: 7 }"));
    };
    for scenario in [Scenario::cold(), Scenario::changed()] {
        let trial = &scenario.trial;
        scenario.start.write(trial.root());
        other(trial);
        run(trial);
        let expected = trial.result().published;
        let (mut wrong, mut cases) = (Vec::new(), 0);
        for at in 1.. {
            scenario.start.write(trial.root());
            let disk = Arc::new(Intercepted::new(PowerCut::new(trial.root(), at)));
            drop(trial.run_on(disk.clone()));
            // Where nothing but the program was killed, all that it has written is there.
            let killed = trial.snapshot();
            let losses = [Loss::Everything, Loss::Bytes, Loss::Some(at as u64)];
            for tree in losses.map(|loss| disk.interceptor.tree(loss)).into_iter().chain([killed]) {
                tree.write(trial.root());
                trial.end_process();
                other(trial);
                cases += 1;
                match trial.run() {
                    Ok(report) if report.succeeded() && trial.result().published == expected => {}
                    Ok(report) => wrong.push(format!("{at}: {:?} {:?}", report.published, report.warnings)),
                    Err(error) => wrong.push(format!("{at}: {error}")),
                }
            }
            if !disk.interceptor.happened() {
                break;
            }
        }
        assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
        assert!(cases > 100, "only {cases} cases");
        print(cases);
    }
}

/// What cannot be looked at while it is replaced is no edit: the run says what failed, and ends with 3.
#[test]
fn b5_a_disk_that_fails_while_results_are_replaced_is_not_taken_for_an_edit() {
    let scenario = Scenario::changed();
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for first in 1.. {
        scenario.start.write(scenario.trial.root());
        let disk = Arc::new(Intercepted::new(FailingDisk::new(Failure::Device, first, false)));
        let run = scenario.trial.run_on(disk.clone());
        let Some(failed) = disk.interceptor.failed().into_iter().next() else { break };
        cases += 1;
        let published = run.map(|report| report.published).unwrap_or_default();
        if published.values().any(|how| matches!(how, PublishHow::Edited | PublishHow::Occupied)) {
            wrong.push(format!("{first} {failed}: {published:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    print(cases);
}

/// The second cut comes while the next run is putting right what the first one left.
#[test]
fn a9_a_power_cut_while_recovering_from_a_power_cut_is_survived() {
    let scenario = Scenario::changed();
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for first in (1..).step_by(3) {
        scenario.start.write(scenario.trial.root());
        let disk = Arc::new(Intercepted::new(PowerCut::new(scenario.trial.root(), first)));
        drop(scenario.trial.run_on(disk.clone()));
        if !disk.interceptor.happened() {
            break;
        }
        disk.interceptor.cut(Loss::Some(first as u64));
        scenario.trial.end_process();
        let disk = Arc::new(Intercepted::new(PowerCut::new(scenario.trial.root(), 1 + first * 7 % 120)));
        drop(scenario.trial.run_on(disk.clone()));
        disk.interceptor.cut(Loss::Some(cases));
        let offences = scenario.offences();
        if !offences.is_empty() {
            wrong.push(format!("{first}\n  {}", offences.join("\n  ")));
        }
        cases += 1;
    }
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 30, "only {cases} cases");
    print(cases as usize);
}

/// Saves a published file, or one of a published folder, at those moments of a run that replaces it and dies at another,
/// and returns what is wrong after the next run; nothing where the run had ended before.
fn saved_at(
    scenario: &Scenario,
    file: &str,
    renames: bool,
    moments: &[usize],
    death: Option<usize>,
) -> Option<Vec<String>> {
    let trial = &scenario.trial;
    let results = trial.root().join("results");
    scenario.start.write(trial.root());
    let owner = Owner::new(&results, &results.join(file), renames, moments.to_vec(), death);
    let disk = Arc::new(Intercepted::new(owner));
    drop(trial.run_on(disk.clone()));
    let owner = &disk.interceptor;
    if owner.operations().len() < moments.iter().copied().chain(death).max().unwrap_or(0) {
        return None;
    }
    trial.end_process();
    let next = trial.run();
    let mut wrong = next.err().into_iter().collect::<Vec<_>>();
    let files = oracle::files(&results);
    let texts: Vec<String> = files.iter().map(|path| fs_err::read_to_string(path).unwrap()).collect();
    wrong.extend(owner.saved().iter().filter(|saved| !texts.contains(saved)).map(|saved| format!("lost {saved:?}")));
    for (path, text) in files.iter().zip(&texts) {
        let name = path.strip_prefix(&results).unwrap().to_string_lossy().into_owned();
        if name.contains(".dgpipe-") || (name.contains("edited-") && !text.starts_with("edit") && !name.contains('/')) {
            wrong.push(format!("{name} is left, with {text:?}"));
        }
    }
    Some(wrong.into_iter().map(|wrong| format!("{file} {renames} {moments:?} {death:?}: {wrong}")).collect())
}

/// Saves a published file in each of these moments of a run that replaces it, and once more soon after, and has the run
/// killed soon after that.
fn saves_at(is_moment: impl Fn(&[Operation]) -> bool) {
    let scenario = Scenario::changed();
    let undisturbed = Owner::new(&scenario.trial.root().join("results"), Path::new(""), false, Vec::new(), None);
    let disk = Arc::new(Intercepted::new(undisturbed));
    scenario.start.write(scenario.trial.root());
    assert!(scenario.trial.run_on(disk.clone()).unwrap().succeeded());
    let operations = disk.interceptor.operations();
    let (mut wrong, mut cases) = (Vec::new(), 0);
    for (file, renames) in
        [("odd.txt", true), ("odd.txt", false), ("made/a/value.txt", true), ("made/a/value.txt", false)]
    {
        for first in (1..=operations.len()).filter(|first| is_moment(&operations[..*first])) {
            for again in [None, Some(1), Some(2), Some(3)] {
                let moments: Vec<usize> = [first].into_iter().chain(again.map(|after| first + after)).collect();
                for death in [None, Some(1), Some(2), Some(3), Some(4), Some(6), Some(9)] {
                    let death = death.map(|after| moments[moments.len() - 1] + after);
                    let Some(found) = saved_at(&scenario, file, renames, &moments, death) else { continue };
                    cases += 1;
                    wrong.extend(found);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} in {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 100, "only {cases} cases");
    print(cases);
}

#[test]
fn what_is_saved_while_a_published_path_is_replaced_by_a_run_that_is_killed_then_is_never_lost() {
    saves_at(|operations| {
        let last = &operations[operations.len().saturating_sub(2)..];
        last.iter().any(|operation| ["exchange", "rename_new"].contains(operation))
    });
}

#[test]
#[ignore = "two minutes: cargo test --release -p dgpipe-tests --test main what_is_saved -- --ignored"]
fn what_is_saved_at_a_published_path_at_any_moment_of_a_run_that_is_killed_at_any_later_one_is_never_lost() {
    saves_at(|_| true);
}
