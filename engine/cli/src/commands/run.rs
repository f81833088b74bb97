//! `dgpipe run`: brings targets up to date.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use clap::Args;
use dgpipe_engine::run::{EditPolicy, Listener, RunOptions, RunReport, run};
use dgpipe_engine::stage::Cancel;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::arguments::Common;
use crate::session::{Pipeline, Session, request};
use crate::terminal::{Forecast, JsonLines, Lines, Progress, Screen, summary};
use crate::{ExitStatus, Failure, Program};

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
    /// Show what would be done, like `plan`
    #[arg(long)]
    dry_run: bool,
    /// Replace published files that were edited by hand
    #[arg(long, conflicts_with = "keep_edits")]
    discard_edits: bool,
    /// Move published files that were edited by hand aside
    #[arg(long)]
    keep_edits: bool,
}

impl Run {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        if self.dry_run {
            return super::plan::PlanCommand::new(self.file.clone(), self.targets.clone(), self.force.clone())
                .execute(program, common);
        }
        let pipeline = Pipeline::open(program, &self.file, common)?;
        let request = request(&pipeline.graph, &self.targets, &self.force)?;
        let session = Session::open(pipeline, common)?;
        let plan = session.planner().plan(request)?;
        let (options, signal) = self.options(program, common, &session, &plan)?;
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
        Ok(status(&report, &options.cancel, &signal))
    }

    fn options(
        &self,
        program: &Program,
        common: &Common,
        session: &Session,
        plan: &dgpipe_engine::plan::Plan,
    ) -> Result<(RunOptions, Arc<AtomicI32>), Failure> {
        let defaults = RunOptions::default();
        let edits = match (self.discard_edits, self.keep_edits) {
            (true, _) => EditPolicy::Discard,
            (_, true) => EditPolicy::Keep,
            _ => EditPolicy::Block,
        };
        // A run that executes nothing asks for no device: looking for one can take longer than the run.
        let idle = plan.count("reuse") == plan.cells.len();
        let lent = if idle { None } else { Some((program.lend)(&common.device).map_err(Failure::call)?) };
        let lent =
            lent.unwrap_or_else(|| crate::Lent { ambient: defaults.ambient.clone(), device: String::new(), gpus: 0 });
        let (cancel, signal) = listen()?;
        let options = RunOptions {
            root: session.root.clone(),
            file: self.file.clone(),
            jobs: common.jobs.map_or(defaults.jobs, usize::from),
            gpus: lent.gpus,
            memory: memory(),
            fail_fast: self.fail_fast,
            edits,
            ambient: lent.ambient,
            device: lent.device,
            version: program.version.to_owned(),
            cancel,
        };
        Ok((options, signal))
    }
}

fn status(report: &RunReport, cancel: &Cancel, signal: &AtomicI32) -> ExitStatus {
    match signal.load(Ordering::SeqCst) {
        SIGINT if cancel.is_cancelled() => ExitStatus::Interrupted,
        SIGTERM | SIGHUP if cancel.is_cancelled() => ExitStatus::Terminated,
        _ if report.succeeded() => ExitStatus::Done,
        _ => ExitStatus::Failed,
    }
}

/// The first signal asks everything to stop; a second one of the same kind ends the program at once.
fn listen() -> Result<(Cancel, Arc<AtomicI32>), Failure> {
    let cancel = Cancel::default();
    let which = Arc::new(AtomicI32::new(0));
    for (signal, exit) in [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 143)] {
        let again = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register_conditional_shutdown(signal, exit, Arc::clone(&again))?;
        signal_hook::flag::register(signal, again)?;
        signal_hook::flag::register(signal, cancel.flag())?;
    }
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let seen = Arc::clone(&which);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            seen.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).ok();
        }
    });
    Ok((cancel, which))
}

/// Bytes of memory of this machine, for cells that say how much they need.
fn memory() -> u64 {
    let text = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(u64::MAX, |kilobytes| kilobytes * 1024)
}
