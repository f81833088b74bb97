//! `dgpipe run`: brings targets up to date.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use clap::Args;
use dgpipe_engine::command::end_everything;
use dgpipe_engine::run::{EditPolicy, Listener, RunOptions, run};
use dgpipe_engine::stage::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::plan::jobs;
use crate::arguments::Common;
use crate::exact_plan::ExactPlan;
use crate::git::GitQuestion;
use crate::session::{Pipeline, Session, request};
use crate::terminal::{Forecast, JsonLines, Lines, Progress, Screen, summary};
use crate::{ExitStatus, Failure, Program};

/// What asks a run to stop.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// What `run` takes.
#[derive(Debug, Args)]
pub struct Run {
    /// The pipeline file
    file: PathBuf,
    /// What to bring up to date: selectors or published paths (default: everything published, else the leaves)
    targets: Vec<String>,
    /// Stop starting cells at the first failure
    #[arg(long)]
    fail_fast: bool,
    /// Execute these cells and replace their records
    #[arg(long, value_name = "CELL")]
    force: Vec<String>,
    /// Do exactly what a plan says that `plan --out` wrote, or refuse
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["targets", "force", "dry_run"])]
    plan: Option<PathBuf>,
    /// Show what would be done, like `plan`
    #[arg(long)]
    dry_run: bool,
    /// Replace published files that were edited by hand
    #[arg(long, conflicts_with = "keep_edits")]
    discard_edits: bool,
    /// Move published files that were edited by hand aside
    #[arg(long)]
    keep_edits: bool,
    /// The least time between two checkpoints of a stage that writes some
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds, env = "DGPIPE_CHECKPOINT_EVERY", hide_env_values = true)]
    checkpoint_every: Duration,
}

impl Run {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        if self.dry_run {
            return super::plan::PlanCommand::new(self.file.clone(), self.targets.clone(), self.force.clone())
                .execute(program, common);
        }
        match &self.plan {
            None => self.carry_out(program, common, None),
            Some(path) => {
                let planned = ExactPlan::read(path, common)?;
                self.carry_out(program, &planned.call(common), Some(planned))
            }
        }
    }

    fn carry_out(&self, program: &Program, common: &Common, exact: Option<ExactPlan>) -> Result<ExitStatus, Failure> {
        let pipeline = Pipeline::open(program, &self.file, common)?;
        let git = GitQuestion::ask(pipeline.root.clone());
        let request = match &exact {
            Some(exact) => match exact.request(&pipeline.graph, common) {
                Some(request) => request,
                None => return Ok(ExitStatus::Failed),
            },
            None => request(&pipeline.graph, &self.targets, &self.force)?,
        };
        let session = Session::open(pipeline, common)?;
        let plan = session.planner().plan(request)?;
        if let Some(exact) = &exact
            && !exact.agrees(program, &session, &plan, common)
        {
            return Ok(ExitStatus::Failed);
        }
        let (cancel, signal) = listen()?;
        // A run that executes nothing asks for no device: looking for one can take longer than the run.
        let executes = plan.count("reuse") != plan.cells.len();
        let options = options(program, common, &session, &self.file, cancel, executes)?;
        let permitted = exact.map(|exact| exact.permitted(&session.graph));
        let (fail_fast, edits, checkpoint_every) = (self.fail_fast, self.edits(), self.checkpoint_every);
        let options = RunOptions { fail_fast, edits, checkpoint_every, git: git.answer(), permitted, ..options };
        let screen = Screen::new(common);
        let listener: Box<dyn Listener> = if common.json {
            Box::new(JsonLines::default())
        } else if screen.is_terminal && !common.quiet {
            let forecast = Forecast::of(&session.graph, &plan, options.jobs);
            Box::new(Progress::new(screen, common.verbose, forecast))
        } else {
            Box::new(Lines::new(screen, common))
        };
        let targets = plan.targets.clone();
        let report = run(&session.graph, &session.store, &session.project, plan, &options, &*listener)?;
        drop(listener);
        if !common.json {
            summary::show(program, &session, &targets, &report, screen, common);
        }
        Ok(status_of(report.succeeded(), &options.cancel, &signal))
    }

    fn edits(&self) -> EditPolicy {
        match (self.discard_edits, self.keep_edits) {
            (true, _) => EditPolicy::Discard,
            (_, true) => EditPolicy::Keep,
            _ => EditPolicy::Block,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "it must be a number of seconds, 0 or more".to_owned())
}

/// How cells are executed. The program lends its devices only where any of them `executes`.
pub(crate) fn options(
    program: &Program,
    common: &Common,
    session: &Session,
    file: &Path,
    cancel: Cancel,
    executes: bool,
) -> Result<RunOptions, Failure> {
    let defaults = RunOptions::default();
    let lent = if executes { Some((program.lend)(&common.device).map_err(Failure::call)?) } else { None };
    let lent =
        lent.unwrap_or_else(|| crate::Lent { ambient: defaults.ambient.clone(), device: String::new(), gpus: 0 });
    Ok(RunOptions {
        root: session.root.clone(),
        file: file.to_owned(),
        jobs: jobs(common),
        gpus: lent.gpus,
        memory: memory(),
        ambient: lent.ambient,
        device: lent.device,
        version: program.version.to_owned(),
        cancel,
        ..defaults
    })
}

/// The exit status of work that could be interrupted.
pub(crate) fn status_of(succeeded: bool, cancel: &Cancel, signal: &AtomicI32) -> ExitStatus {
    match signal.load(Ordering::SeqCst) {
        SIGINT if cancel.is_cancelled() => ExitStatus::Interrupted,
        SIGTERM | SIGHUP if cancel.is_cancelled() => ExitStatus::Terminated,
        _ if succeeded => ExitStatus::Done,
        _ => ExitStatus::Failed,
    }
}

/// The first signal asks everything to stop; a second one of the same kind kills all commands and ends the program.
pub(crate) fn listen() -> Result<(Cancel, Arc<AtomicI32>), Failure> {
    let cancel = Cancel::default();
    let which = Arc::new(AtomicI32::new(0));
    for signal in SIGNALS {
        signal_hook::flag::register(signal, cancel.flag())?;
    }
    let mut signals = signal_hook::iterator::Signals::new(SIGNALS)?;
    let first = Arc::clone(&which);
    std::thread::Builder::new().spawn(move || {
        let mut seen = BTreeSet::new();
        for signal in signals.forever() {
            first.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).ok();
            if !seen.insert(signal) {
                end_everything();
                let status = if signal == SIGINT { ExitStatus::Interrupted } else { ExitStatus::Terminated };
                signal_hook::low_level::exit(i32::from(status.code()));
            }
        }
    })?;
    Ok((cancel, which))
}

/// Bytes of memory of this machine, for cells that say how much they need.
fn memory() -> u64 {
    let text = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes * 1024)
}
