//! Runs of small pipelines in which every turn that threads can take is taken by chance: wherever the workers, the committer
//! and the owner of the state interleave, the run ends, and ends where every other run ends.
//!
//! Usage: dgpipe-shuttle SCHEDULES. A schedule that fails is printed by shuttle, which can repeat it.

#![expect(clippy::unwrap_used, reason = "a test that fails may fail by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use dgpipe_engine::run::{Outcome, RunReport};
use dgpipe_tests::faults::{Trial, Undisturbed};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};

/// Fans out and in; `twin` is the same work as `odd` under another name, so that one waits for the other's lease.
const PIPELINE: &str = "
pipeline: turns
params: { start: 1 }
stages:
  made: { uses: spread, config: { parts: { a: 1, b: 20 } } }
  value: { for: { n: [1, 2, 3] }, uses: constant, config: { value: \"${n}\" } }
  odd: { uses: parity, inputs: { number: made/a/value.txt } }
  twin: { uses: parity, inputs: { number: made/a/value.txt } }
  each: { for: { n: [1, 2, 3] }, uses: add, inputs: { terms: [odd, \"value[n=${n}]\"] }, config: { plus: \"${start}\" } }
  sum: { uses: add, inputs: { terms: [\"each[*]\", twin] } }
publish:
  results/made: made
  results/sum.txt: sum
";

const FAILING: &str = "
pipeline: turns
stages:
  good: { for: { n: [1, 2, 3] }, uses: constant, config: { value: \"${n}\" } }
  bad: { uses: fail }
  after: { uses: add, inputs: { terms: bad } }
  sum: { uses: add, inputs: { terms: \"good[*]\" } }
publish: { results/sum.txt: sum, results/after.txt: after }
";

/// How the cells of a run ended.
fn outcomes(report: &RunReport) -> BTreeMap<String, String> {
    report.cells.iter().map(|(name, cell)| (name.clone(), format!("{:?}", cell.outcome))).collect()
}

fn executed(report: &RunReport) -> usize {
    report.cells.values().filter(|cell| cell.outcome == Outcome::Executed).count()
}

/// The store is sound, and the run ended where the first schedule ended.
fn sound(trial: &Trial, expected: &OnceLock<Undisturbed>) {
    assert_eq!(trial.problems(), Vec::<String>::new());
    same(trial, expected);
}

/// What is published and what the records say is what the first schedule made of it.
fn same(trial: &Trial, expected: &OnceLock<Undisturbed>) {
    let result = trial.result();
    assert!(*expected.get_or_init(|| trial.result()) == result, "other results");
}

/// From nothing, three at a time.
fn cold(expected: &OnceLock<Undisturbed>) {
    let trial = Trial::with(PIPELINE);
    let report = trial.run_jobs(3).unwrap();
    assert!(report.succeeded(), "{:?}", outcomes(&report));
    assert_eq!(executed(&report), report.cells.len() - 1, "equal work is done once");
    sound(&trial, expected);
    let again = trial.run_jobs(3).unwrap();
    assert_eq!(executed(&again), 0);
}

/// A param has changed, and bytes that only an inner cell needs are gone: they are made again in the middle of the run.
fn healing(expected: &OnceLock<Undisturbed>) {
    let trial = Trial::with(PIPELINE);
    assert!(trial.run_jobs(3).unwrap().succeeded());
    for object in trial.objects() {
        fs_err::remove_file(object).unwrap();
    }
    trial.write("pipeline.yaml", &PIPELINE.replace("start: 1", "start: 2"));
    let report = trial.run_jobs(3).unwrap();
    assert!(report.succeeded(), "{:?}", outcomes(&report));
    // Of the results for the old param, which nothing asks for, the bytes stay gone.
    same(&trial, expected);
}

/// One cell fails: what does not depend on it is done in every schedule.
fn failing(expected: &OnceLock<Undisturbed>) {
    let trial = Trial::with(FAILING);
    let report = trial.run_jobs(2).unwrap();
    let ended = outcomes(&report);
    assert_eq!(
        (ended["bad"].as_str(), ended["after"].as_str(), ended["sum"].as_str()),
        ("Failed", "Blocked", "Executed")
    );
    sound(&trial, expected);
}

/// Two runs of one project at once share the work.
fn two_runs(expected: &OnceLock<Undisturbed>) {
    let trial = Arc::new(Trial::with(PIPELINE));
    let count = Arc::new(Mutex::new(0));
    let runs = [2, 3].map(|jobs| {
        let (trial, count) = (trial.clone(), count.clone());
        shuttle::thread::spawn(move || {
            let report = trial.run_jobs(jobs).unwrap();
            assert!(report.succeeded(), "{:?}", outcomes(&report));
            *count.lock().unwrap() += executed(&report);
        })
    });
    runs.into_iter().for_each(|run| run.join().unwrap());
    assert_eq!(*count.lock().unwrap(), 9, "each cell executes once in all, and equal work once");
    sound(&trial, expected);
}

fn schedules(name: &str, scheduler: impl Scheduler + 'static, scenario: fn(&OnceLock<Undisturbed>)) {
    let mut config = shuttle::Config::new();
    // Threads of the engine need room, and what waits turns round until it is its turn.
    config.stack_size = 8 << 20;
    config.max_steps = shuttle::MaxSteps::FailAfter(10_000_000);
    let expected = OnceLock::new();
    let tried = shuttle::Runner::new(scheduler, config).run(move || scenario(&expected));
    println!("{name}: {tried} schedules");
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).expect("usage: dgpipe-shuttle SCHEDULES");
    let scenarios: [(&str, fn(&OnceLock<Undisturbed>)); 4] =
        [("cold", cold), ("healing", healing), ("failing", failing), ("two runs", two_runs)];
    for (name, scenario) in scenarios {
        schedules(&format!("{name}, by chance"), RandomScheduler::new(count), scenario);
        schedules(&format!("{name}, by priorities"), PctScheduler::new(5, count), scenario);
    }
}
