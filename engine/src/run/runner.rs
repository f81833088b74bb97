//! The owner of a run's state. Workers execute, the committer stores; both only send messages here, and only
//! here is decided what happens next.
//!
//! A cell's key is known when the outputs of all that it reads are known. Then a record is looked up: found, the
//! cell is reused; not found, it executes once the bytes of its inputs are in the store. Bytes that turn out to be
//! missing or bad make their producer execute, at any time; where that gives other digests, readers that were
//! decided on the old ones are decided again.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dgpipe_cache::{
    Artifact, Holding, InUse, Key, Lease, LeaseAttempt, Outputs, Project, Record, RunFolder, Store, StoreError,
};

use super::attempt::Attempts;
use super::committer::{InStore, Sealed, commit_all};
use super::event_log::EventLog;
use super::executor::{Assignment, Ended, Executor, now_in_milliseconds};
use super::ledger_keeper::LedgerKeeper;
use super::priority::{Priority, priorities};
use super::slots::Slots;
use super::threads::{self, Receiver, RecvTimeoutError, Scope, Sender};
use super::{Event, Listener, Outcome, RunError, RunOptions, RunReport};
use crate::command::{self, ProjectRoot};
use crate::fingerprint::Fingerprint;
use crate::graph::{Graph, InputRef, Publication, Reading};
use crate::plan::{
    Cause, Causes, Decision, InputError, Plan, Planner, Provenance, Reason, fingerprint, in_short, input_artifacts,
};

/// How often timeouts, leases of others and requests to stop are looked after.
const TICK: Duration = if cfg!(shuttle) { Duration::ZERO } else { Duration::from_millis(20) };
/// How often a cell may start again because its inputs were bad.
const MOST_HEALINGS: u32 = 3;
/// How long others may have the right to publish before that is told.
const PATIENCE: Duration = Duration::from_secs(1);
/// After so many ticks, leases of others are looked after at one tick of ten only.
const MOST_EAGER_LOOKS: u32 = 100;
const LATE_LOOK: u32 = 10;

/// Carries out a plan and returns what became of it. The report is also kept with the project.
pub fn run(
    graph: &Graph,
    store: &Store,
    project: &Project,
    plan: Plan,
    options: &RunOptions,
    listener: &dyn Listener,
) -> Result<RunReport, RunError> {
    let begun = Instant::now();
    let started = now_in_milliseconds();
    let folder = new_run(project, started)?;
    let name = folder.id().to_owned();
    let log = Mutex::new(EventLog::new(folder.append_events()?));
    let report = Mutex::new(RunReport::default());
    let hear = |event: &Event| {
        let at = begun.elapsed();
        report.lock().unwrap_or_else(std::sync::PoisonError::into_inner).hear(event, at);
        log.lock().unwrap_or_else(std::sync::PoisonError::into_inner).hear(event, at);
        listener.hear(event);
    };
    hear(&Event::RunStarted {
        run: name.clone(),
        pipeline: graph.spec.name.clone(),
        profile: graph.spec.profile.clone(),
        started,
        params: graph.params.clone(),
        git: options.git.clone(),
        cells: plan.cells.len(),
        execute: plan.count("execute"),
        waiting: plan.count("await"),
    });
    let latest = project.latest()?;
    let attempts = Attempts::default();
    let executor = Executor {
        graph,
        store,
        options,
        sources: &plan.sources,
        attempts: &attempts,
        listener: &hear,
        run: &name,
        keeps: true,
        spares: Mutex::default(),
    };
    let planner = Planner::new(graph, store, &latest);
    put_back(graph, options, &hear)?;
    let ended = threads::scope(|scope| {
        let (sender, receiver) = threads::channel();
        let mut runner = Runner::new(&executor, &planner, &plan, scope, sender, folder.in_use());
        runner.start()?;
        runner.drive(&receiver)?;
        while let Some(alone) = runner.alone(project)? {
            let mut ledger = LedgerKeeper::open(graph, store, project, options, &plan.sources)?;
            let bad = ledger.publish(&plan.targets, &|cell, port| runner.target_output(cell, port), &hear);
            // What was put in place is noted whatever happened to the rest.
            ledger.close()?;
            drop(alone);
            let bad = bad?;
            if bad.is_empty() || !runner.heal(&bad)? {
                break;
            }
            runner.drive(&receiver)?;
        }
        runner.keep_listings();
        let artifacts = runner.published();
        Ok::<_, RunError>((runner.finish(), artifacts))
    });
    command::end_orphans();
    let ((keys, in_use), artifacts) = ended?;
    let cells = LazyCell::new(|| (0..graph.cells.len()).map(|cell| graph.name(cell)).collect::<BTreeSet<_>>());
    let latest = keys.iter().map(|(cell, key)| (graph.name(*cell), *key)).collect();
    project.add_latest(latest, &|cell| cells.contains(cell))?;
    drop(in_use);
    store.source_memo().save().map_err(|error| RunError::Io(std::io::Error::other(error)))?;
    store.save_index()?;
    store.sync()?;
    for text in store.take_warnings() {
        hear(&Event::Warning { text });
    }
    let mut report = std::mem::take(&mut *report.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    for (cell, key) in keys {
        if let Some(cell) = report.cells.get_mut(&graph.name(cell)) {
            cell.key = Some(key);
        }
    }
    report.artifacts = artifacts;
    report.unfinished = false;
    report.seconds = begun.elapsed().as_secs_f64();
    report.count();
    hear(&report.finished());
    folder.set_report(&report)?;
    Ok(report)
}

/// Makes the folder of a run. Its name sorts by time; the process keeps two runs of the same millisecond apart, and
/// where process numbers are the same, in containers, the next millisecond does.
fn new_run(project: &Project, started: u64) -> Result<RunFolder, StoreError> {
    let name = |started: u64| format!("{started:013}-{:05}", std::process::id());
    let mut made = (started..).map(|started| project.new_run(&name(started)));
    made.find(|made| !matches!(made, Err(StoreError::Exists { .. }))).expect("there is always a next millisecond")
}

/// Puts back what commands of killed runs had moved aside in the project. Only their cells would do so when they execute,
/// and they may be reused.
fn put_back(graph: &Graph, options: &RunOptions, hear: &dyn Fn(&Event)) -> Result<(), RunError> {
    let outputs: Vec<String> = graph.cells.iter().flat_map(|cell| cell.work.project_outputs()).collect();
    if outputs.is_empty() {
        return Ok(());
    }
    let back = command::put_all_back(&options.root, &outputs).map_err(StoreError::from)?;
    for path in back {
        let text = format!("`{path}` was put back as it was before a run that was killed in the middle of it");
        hear(&Event::Warning { text });
    }
    Ok(())
}

/// What happened elsewhere.
enum Message {
    Ended {
        cell: usize,
        ended: Ended,
        lease: Lease,
    },
    /// The execution is over, and what it left is on its way into the store.
    Sealed {
        cell: usize,
    },
    InStore(Box<InStore>),
}

impl From<InStore> for Message {
    fn from(in_store: InStore) -> Self {
        Self::InStore(Box::new(in_store))
    }
}

/// Where a cell stands.
#[derive(Debug)]
enum State {
    /// Something that it reads is not known yet, or its bytes are being made again.
    Waiting,
    /// It can start as soon as there is room.
    Ready,
    /// Another run holds its lease.
    Held,
    /// A worker has it, or the committer.
    Running,
    /// It came to an end.
    Ended(Outcome),
}

struct Runner<'scope, 'env> {
    executor: &'env Executor<'env>,
    planner: &'env Planner<'env>,
    plan: &'env Plan,
    scope: &'scope Scope<'scope, 'env>,
    messages: Sender<Message>,
    sealed: Option<Sender<Sealed>>,
    states: BTreeMap<usize, State>,
    /// Outputs that are known, from a record or an execution.
    outputs: BTreeMap<usize, Arc<Outputs>>,
    /// Outputs that a record of the same key had before this run.
    recorded: BTreeMap<usize, Arc<Outputs>>,
    keys: BTreeMap<usize, Key>,
    /// Tells who removes unused records which this run uses.
    in_use: InUse,
    /// Reasons of cells that are ready or held.
    prepared: BTreeMap<usize, Prepared>,
    ready: BinaryHeap<(Priority, usize)>,
    priorities: BTreeMap<usize, Priority>,
    held: BTreeSet<usize>,
    /// Who had a cell when its lease was last asked for. Kept to learn how that went.
    holdings: BTreeMap<usize, Holding>,
    /// How often the leases of others were looked after since the last that was new.
    looks: u32,
    /// Cells whose waiting was said aloud once.
    announced: BTreeSet<usize>,
    slots: Slots,
    /// Whether a command of this run runs in the project root.
    in_project: bool,
    /// Whether one of another run did when that was last asked.
    project_is_busy: bool,
    /// Cells that wait for either to end.
    awaiting_project: Vec<(Priority, usize)>,
    /// How many cells a worker or the committer has.
    running: usize,
    healings: BTreeMap<usize, u32>,
    /// Cells that executed in this run, whose record must not send them round again.
    executed: BTreeSet<usize>,
    /// When each cell last began, and when it last had executed, in steps of this run.
    began: BTreeMap<usize, u64>,
    done: BTreeMap<usize, u64>,
    steps: u64,
    failed: bool,
    /// What is behind changed inputs, told once.
    causes: Causes<'env>,
    /// Keys whose execution failed in this run: equal work is not tried again under another name.
    failures: BTreeMap<Key, String>,
}

/// What decides a cell's result: its fingerprint, the key, and what it reads, port by port.
type Identity = (Fingerprint, Key, Vec<Vec<Artifact>>);

/// A cell that is to execute. Of many that wait, only what cannot be found out again is kept.
struct Prepared {
    reasons: Vec<Reason>,
    /// Whether a record that exists is to be replaced.
    replace: bool,
}

impl<'scope, 'env> Runner<'scope, 'env> {
    fn new(
        executor: &'env Executor<'env>,
        planner: &'env Planner<'env>,
        plan: &'env Plan,
        scope: &'scope Scope<'scope, 'env>,
        messages: Sender<Message>,
        in_use: InUse,
    ) -> Self {
        let options = executor.options;
        let any = plan.decisions.values().any(|planned| planned.decision != Decision::Reuse);
        Self {
            executor,
            planner,
            plan,
            scope,
            messages,
            sealed: None,
            states: plan.cells.iter().map(|cell| (*cell, State::Waiting)).collect(),
            outputs: BTreeMap::new(),
            recorded: BTreeMap::new(),
            keys: BTreeMap::new(),
            in_use,
            prepared: BTreeMap::new(),
            ready: BinaryHeap::new(),
            priorities: if any { priorities(executor.graph, plan) } else { BTreeMap::new() },
            held: BTreeSet::new(),
            holdings: BTreeMap::new(),
            looks: 0,
            announced: BTreeSet::new(),
            slots: Slots::new(options.jobs, options.gpus, options.memory),
            in_project: false,
            project_is_busy: false,
            awaiting_project: Vec::new(),
            running: 0,
            healings: BTreeMap::new(),
            executed: BTreeSet::new(),
            began: BTreeMap::new(),
            done: BTreeMap::new(),
            steps: 0,
            failed: false,
            failures: BTreeMap::new(),
            causes: Causes::new(planner, &plan.sources),
        }
    }

    /// Takes the plan's decisions over.
    fn start(&mut self) -> Result<(), RunError> {
        for cell in &self.plan.cells {
            let planned = &self.plan.decisions[cell];
            // What has to execute only for its bytes has outputs that are known already.
            if !planned.outputs.is_empty() {
                self.recorded.insert(*cell, Arc::clone(&planned.outputs));
                if !self.plan.forced.contains(cell) {
                    self.outputs.insert(*cell, Arc::clone(&planned.outputs));
                }
            }
            if planned.decision == Decision::Reuse {
                self.reuse(*cell, planned.key, planned.seconds.unwrap_or(0.0));
            }
        }
        for cell in self.plan.cells.clone() {
            if let Decision::Execute(reasons) = &self.plan.decisions[&cell].decision {
                self.prepare(cell, reasons.clone())?;
            }
        }
        Ok(())
    }

    /// Goes on until nothing runs and nothing can start.
    fn drive(&mut self, receiver: &Receiver<Message>) -> Result<(), RunError> {
        let driven = self.drive_on(receiver);
        if driven.is_err() {
            // Nobody will ask for the results of what still runs.
            self.executor.attempts.stop(true);
        }
        driven
    }

    fn drive_on(&mut self, receiver: &Receiver<Message>) -> Result<(), RunError> {
        let mut ticked = Instant::now();
        loop {
            self.fill()?;
            if self.running == 0 && self.held.is_empty() {
                return Ok(());
            }
            match threads::receive(receiver, TICK) {
                Ok(message) => self.take(message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            // By the clock: a stream of messages must not keep timeouts and requests to stop waiting.
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick();
            }
        }
    }

    /// Waits for the right to publish, which another run of this project may have. Nothing when asked to stop.
    fn alone(&self, project: &Project) -> Result<Option<fs_err::File>, RunError> {
        let begun = Instant::now();
        let mut told = false;
        while !self.stopping() {
            if let Some(alone) = project.try_publishing()? {
                return Ok(Some(alone));
            }
            if !told && begun.elapsed() > PATIENCE {
                told = true;
                let text = "another run of this pipeline is publishing its results".to_owned();
                self.executor.listener.hear(&Event::RunWaiting { text });
            }
            threads::sleep(TICK);
        }
        Ok(None)
    }

    fn stopping(&self) -> bool {
        self.executor.options.cancel.is_cancelled()
    }

    fn tick(&mut self) {
        self.executor.attempts.stop(self.stopping());
        if self.stopping() {
            self.held.clear();
        }
        // A cell of another run that takes long is asked for less often.
        self.looks = self.looks.saturating_add(1);
        if self.looks > MOST_EAGER_LOOKS && !self.looks.is_multiple_of(LATE_LOOK) {
            return;
        }
        self.project_is_busy = false;
        self.ready.extend(self.awaiting_project.drain(..));
        for cell in std::mem::take(&mut self.held) {
            self.enqueue(cell);
        }
    }

    /// Starts ready cells while there is room.
    fn fill(&mut self) -> Result<(), RunError> {
        if self.stopping() || (self.failed && self.executor.options.fail_fast) {
            self.ready.clear();
            return Ok(());
        }
        let mut left = Vec::new();
        while let Some((priority, cell)) = self.ready.pop() {
            if !matches!(self.states[&cell], State::Ready) {
                continue;
            }
            if (self.in_project || self.project_is_busy) && self.works_in_project(cell) {
                self.awaiting_project.push((priority, cell));
            } else if self.slots.take(self.executor.graph.cells[cell].needs) {
                self.begin(cell)?;
            } else {
                left.push((priority, cell));
                // Smaller cells behind it may still fit, but looking at all of a long queue would be quadratic.
                if left.len() >= 64 {
                    break;
                }
            }
        }
        self.ready.extend(left);
        Ok(())
    }

    /// Starts a cell whose slots are taken: under its lease, and only if no other run was faster.
    fn begin(&mut self, cell: usize) -> Result<(), RunError> {
        let graph = self.executor.graph;
        let Some(prepared) = self.prepared.remove(&cell) else { return Ok(()) };
        let Some((fingerprint, key, artifacts)) = self.identity(cell)? else {
            self.slots.give_back(graph.cells[cell].needs);
            return Ok(());
        };
        if let Some(error) = self.failures.get(&key).cloned() {
            self.slots.give_back(graph.cells[cell].needs);
            self.end(cell, Outcome::Failed, 0.0, Some(error));
            return Ok(());
        }
        let lease = match self.executor.store.lease(&key, &self.holder())? {
            LeaseAttempt::Acquired(lease) => lease,
            LeaseAttempt::Held(holding) => {
                self.slots.give_back(graph.cells[cell].needs);
                self.hold(cell, prepared, holding);
                return Ok(());
            }
        };
        let waited_for = self.holdings.remove(&cell);
        // Also bytes that were missing may have been made again by another run.
        if !self.plan.forced.contains(&cell)
            && let Some(found) = self.executor.store.lookup(&key)?
            && found.outputs.values().all(|output| self.executor.store.contains(&output.artifact))
        {
            self.slots.give_back(graph.cells[cell].needs);
            self.outputs.insert(cell, found.outputs);
            self.reuse(cell, Some(key), found.seconds);
            return self.propagate(cell);
        }
        if let Some(error) = waited_for.and_then(|mut holding| holding.failure()) {
            self.slots.give_back(graph.cells[cell].needs);
            self.keys.insert(cell, key);
            return self.failed(cell, error, 0.0, None);
        }
        let root = if self.works_in_project(cell) {
            let Some(root) = ProjectRoot::try_enter(&self.executor.options.root).map_err(StoreError::from)? else {
                self.slots.give_back(graph.cells[cell].needs);
                self.hold_for_project(cell, prepared);
                return Ok(());
            };
            self.in_project = true;
            Some(root)
        } else {
            None
        };
        self.states.insert(cell, State::Running);
        self.running += 1;
        self.steps += 1;
        self.began.insert(cell, self.steps);
        self.start_committer()?;
        let started = Event::CellStarted {
            cell: graph.name(cell),
            stage_type: graph.cells[cell].work.type_name().to_owned(),
            reasons: prepared.reasons.clone(),
            was: self.planner.last_record(cell),
            causes: self.causes_behind(&prepared.reasons)?,
        };
        self.executor.listener.hear(&started);
        self.uses(cell, key);
        let provenance = Provenance::of(graph, &graph.cells[cell], &|other| self.keys.get(&other).copied());
        let Prepared { reasons, replace } = prepared;
        self.spawn(Assignment { cell, fingerprint, key, artifacts, provenance, reasons, replace }, lease, root)
    }

    /// What is behind changed inputs, but for cells that executed in this run and say so themselves.
    fn causes_behind(&mut self, reasons: &[Reason]) -> Result<Vec<Cause>, RunError> {
        let Self { causes, keys, executed, planner, executor, .. } = self;
        let explained = |name: &str, was: Key| {
            let cell = executor.graph.find(name).filter(|cell| executed.contains(cell));
            cell.is_some_and(|cell| planner.last_record(cell) == Some(was))
        };
        Ok(causes.behind(reasons, &|cell| keys.get(&cell).copied(), &explained)?)
    }

    fn spawn(&self, assignment: Assignment, lease: Lease, root: Option<ProjectRoot>) -> Result<(), RunError> {
        let (messages, executor, sealed) = (self.messages.clone(), self.executor, self.sealed.clone());
        let work = move || {
            let cell = assignment.cell;
            let ended = executor.execute(&assignment);
            drop(root);
            match (ended, sealed) {
                (Ended::Sealed { mut transaction, has_checkpoints, seconds }, Some(sealed)) => {
                    transaction.under(lease);
                    messages.send(Message::Sealed { cell }).ok();
                    sealed.send(Sealed { cell, transaction: *transaction, has_checkpoints, seconds }).ok();
                }
                (ended, _) => drop(messages.send(Message::Ended { cell, ended, lease })),
            }
        };
        Ok(threads::start(self.scope, "cell", work)?)
    }

    /// The committer lives from the first execution on; a run that executes nothing needs none.
    fn start_committer(&mut self) -> Result<(), RunError> {
        if self.sealed.is_some() {
            return Ok(());
        }
        let (sender, receiver) = threads::channel();
        let (store, messages) = (self.executor.store, self.messages.clone());
        self.sealed = Some(sender);
        let commit = move || commit_all(store, &receiver, &messages);
        Ok(threads::start(self.scope, "committer", commit)?)
    }

    fn take(&mut self, message: Message) -> Result<(), RunError> {
        match message {
            Message::InStore(in_store) => {
                let InStore { cell, result, seconds } = *in_store;
                self.running -= 1;
                if self.is_one_by_one() {
                    self.give_back(cell);
                }
                match result {
                    Ok(committed) => self.executed(cell, committed.record, seconds),
                    Err(error) => self.lost(cell, error),
                }
            }
            // While the disk makes it durable, another cell can execute; so commits also gather.
            Message::Sealed { cell } => {
                self.left_project(cell);
                if !self.is_one_by_one() {
                    self.give_back(cell);
                }
                Ok(())
            }
            Message::Ended { cell, ended, lease } => {
                self.running -= 1;
                self.left_project(cell);
                self.give_back(cell);
                match ended {
                    Ended::Failed { error, seconds } => self.failed(cell, error, seconds, Some(lease)),
                    Ended::Refused { error } => Err(RunError::Refused { cell: self.name(cell), error }),
                    Ended::Cancelled | Ended::Sealed { .. } => {
                        self.end(cell, Outcome::Cancelled, 0.0, None);
                        Ok(())
                    }
                }
            }
        }
    }

    /// With one job a cell starts when the one before is in the store, so that the order is the same every time.
    fn is_one_by_one(&self) -> bool {
        self.executor.options.jobs <= 1
    }

    /// Whether a cell is a command that runs in the project root, where there is one at a time.
    fn works_in_project(&self, cell: usize) -> bool {
        !self.executor.graph.cells[cell].work.project_outputs().is_empty()
    }

    /// An execution is over: if it was in the project root, the next may enter.
    fn left_project(&mut self, cell: usize) {
        if self.works_in_project(cell) {
            self.in_project = false;
            self.ready.extend(self.awaiting_project.drain(..));
        }
    }

    fn give_back(&mut self, cell: usize) {
        self.slots.give_back(self.executor.graph.cells[cell].needs);
    }

    fn executed(&mut self, cell: usize, record: Record, seconds: f64) -> Result<(), RunError> {
        self.executed.insert(cell);
        self.steps += 1;
        self.done.insert(cell, self.steps);
        let before = self.outputs.insert(cell, record.outputs).or_else(|| self.recorded.get(&cell).cloned());
        let now = &self.outputs[&cell];
        let same = before.as_ref().is_some_and(|before| before == now) || self.gave_the_same_before(cell);
        if before.as_ref().is_some_and(|before| before != now) {
            let text = format!("`{}` is not reproducible: it ran again and gave other bytes", self.name(cell));
            self.executor.listener.hear(&Event::Warning { text });
        }
        self.states.insert(cell, State::Ended(Outcome::Executed));
        let (cell_name, metrics) = (self.name(cell), record.metrics);
        let (outcome, error, same_bytes) = (Outcome::Executed, None, same);
        let finished = Event::CellFinished { cell: cell_name, outcome, seconds, error, same_bytes, metrics };
        self.executor.listener.hear(&finished);
        if self.remade_meanwhile(cell) && self.decide_anew(cell)? {
            return Ok(());
        }
        self.propagate(cell)
    }

    /// Whether the last record of this cell, under another key, has the same outputs.
    fn gave_the_same_before(&self, cell: usize) -> bool {
        let last = self.planner.last_record(cell).filter(|key| Some(key) != self.keys.get(&cell));
        let found = last.and_then(|key| self.executor.store.lookup(&key).ok().flatten());
        found.is_some_and(|found| found.outputs == self.outputs[&cell])
    }

    /// An execution could not be stored. Where bytes that the store had were removed meanwhile, it executes again.
    fn lost(&mut self, cell: usize, error: StoreError) -> Result<(), RunError> {
        let stopping = self.stopping();
        let healings = self.healings.entry(cell).or_default();
        if !error.is_miss() || *healings >= MOST_HEALINGS || stopping {
            return Err(error.into());
        }
        *healings += 1;
        let outputs = &self.executor.graph.cells[cell].work.ports().outputs;
        let port = outputs.first().map(|output| output.name.clone()).unwrap_or_default();
        self.prepare(cell, vec![Reason::ArtifactMissing { port }])
    }

    /// A failure whose inputs turned out bad is no failure: their producers execute again first.
    fn failed(&mut self, cell: usize, error: String, seconds: f64, lease: Option<Lease>) -> Result<(), RunError> {
        let bad = self.remade_meanwhile(cell) || !self.missing_producers(cell).is_empty();
        let healings = self.healings.entry(cell).or_default();
        if bad && *healings < MOST_HEALINGS && !self.executor.options.cancel.is_cancelled() {
            *healings += 1;
            self.states.insert(cell, State::Waiting);
            return self.resolve(cell);
        }
        self.failed = true;
        // Other runs that wait for it report the same and do not try again.
        if let Some(lease) = lease {
            lease.fail(&error);
        }
        if let Some(key) = self.keys.get(&cell) {
            self.failures.insert(*key, error.clone());
        }
        self.end(cell, Outcome::Failed, seconds, Some(error));
        Ok(())
    }

    /// Whether something that a cell reads was made again after it began, or is being made again: another reader met its
    /// bad bytes too, and was faster to say so. They may be back in the store before that is known here.
    fn remade_meanwhile(&self, cell: usize) -> bool {
        let Some(began) = self.began.get(&cell) else { return false };
        let remade = |read: &usize| {
            let is_done = matches!(self.states.get(read), Some(State::Ended(outcome)) if outcome.is_done());
            !is_done || self.done.get(read).is_some_and(|done| done > began)
        };
        self.executor.graph.reads(cell).iter().any(remade)
    }

    /// The end of a cell that did not execute, or not to its end.
    fn end(&mut self, cell: usize, outcome: Outcome, seconds: f64, error: Option<String>) {
        self.states.insert(cell, State::Ended(outcome));
        let (cell, same_bytes, metrics) = (self.name(cell), false, serde_json::Map::new());
        self.executor.listener.hear(&Event::CellFinished { cell, outcome, seconds, error, same_bytes, metrics });
    }

    /// Notes the key of a cell. Others are told, unless it is the latest of its cell, which is in use anyway.
    fn uses(&mut self, cell: usize, key: Key) {
        if self.keys.insert(cell, key) != Some(key) && self.planner.last_record(cell) != Some(key) {
            // Where that cannot be written, what gets lost is made again.
            drop(self.in_use.add(&key));
        }
    }

    fn reuse(&mut self, cell: usize, key: Option<Key>, seconds: f64) {
        if let Some(key) = key {
            self.uses(cell, key);
        }
        self.end(cell, Outcome::Reused, seconds, None);
    }

    /// The outputs of a cell are known, or known anew: its readers are decided, those that are decided on other
    /// digests once more.
    fn propagate(&mut self, cell: usize) -> Result<(), RunError> {
        for reader in self.executor.graph.readers(cell) {
            match self.states.get(&reader) {
                Some(State::Waiting | State::Ready) => self.resolve(reader)?,
                Some(State::Ended(Outcome::Reused | Outcome::Executed)) if self.executed.contains(&cell) => {
                    self.decide_anew(reader)?;
                }
                // What still runs is looked at when it ends.
                _ => {}
            }
        }
        Ok(())
    }

    /// Decides once more about a cell that is done, where what it reads has other digests by now. Returns whether it has.
    fn decide_anew(&mut self, cell: usize) -> Result<bool, RunError> {
        let key = self.identity(cell)?.map(|(_, key, _)| key);
        let is_other = key.is_some() && key != self.keys.get(&cell).copied();
        if is_other {
            self.states.insert(cell, State::Waiting);
            self.resolve(cell)?;
        }
        Ok(is_other)
    }

    /// Fingerprint, key and inputs of a cell, where the outputs of all that it reads are known. Where a part that it
    /// reads turns out not to exist, it fails; where bytes turn out bad, it waits until they are made again.
    fn identity(&mut self, cell: usize) -> Result<Option<Identity>, RunError> {
        let Executor { graph, store, sources, .. } = *self.executor;
        let output = |other: usize, port: &str| {
            let ended = matches!(self.states.get(&other), Some(State::Ended(outcome)) if outcome.is_done());
            if ended { Some(self.outputs.get(&other)?.get(port)?.artifact) } else { None }
        };
        let artifacts = match input_artifacts(graph, &graph.cells[cell], sources, store, &output) {
            Ok(Some(artifacts)) => artifacts,
            Ok(None) => return Ok(None),
            Err(InputError::SourcePart(what) | InputError::MadePart(what)) => {
                self.failed = true;
                self.end(cell, Outcome::Failed, 0.0, Some(what));
                return Ok(None);
            }
            Err(InputError::Store(error)) if error.is_miss() => {
                self.states.insert(cell, State::Waiting);
                return if self.remake_inputs(cell)? { Ok(None) } else { Err(error.into()) };
            }
            Err(InputError::Store(error)) => return Err(error.into()),
        };
        let fingerprint = fingerprint(graph, &graph.cells[cell], &artifacts);
        let key = fingerprint.key();
        Ok(Some((fingerprint, key, artifacts)))
    }

    /// Has the bytes made again that a cell reads and that are not there. Returns whether there are any.
    fn remake_inputs(&mut self, cell: usize) -> Result<bool, RunError> {
        let missing = self.missing_producers(cell);
        for (producer, port) in &missing {
            if matches!(self.states.get(producer), Some(State::Ended(outcome)) if outcome.is_done()) {
                self.prepare(*producer, vec![Reason::ArtifactMissing { port: port.clone() }])?;
            }
        }
        Ok(!missing.is_empty())
    }

    /// Decides about a cell as soon as all that it reads is known.
    fn resolve(&mut self, cell: usize) -> Result<(), RunError> {
        let Some((fingerprint, key, _)) = self.identity(cell)? else {
            return Ok(());
        };
        let forced = self.plan.forced.contains(&cell);
        let found = self.executor.store.lookup(&key)?;
        if let Some(found) = &found {
            self.recorded.insert(cell, Arc::clone(&found.outputs));
        }
        let Some(found) = found.filter(|_| !forced) else {
            let reasons = match forced {
                true => vec![Reason::Forced],
                false => self
                    .planner
                    .reasons(cell, &fingerprint, self.executor.sources, &|cell| self.keys.get(&cell).copied())?,
            };
            return self.prepare(cell, reasons);
        };
        let is_target = self.plan.targets.cells.contains(&cell);
        let lacking = found.outputs.iter().find(|(_, output)| !self.executor.store.contains(&output.artifact));
        if let (true, Some((port, _))) = (is_target, lacking) {
            let reason = Reason::ArtifactMissing { port: port.clone() };
            self.outputs.insert(cell, found.outputs);
            return self.prepare(cell, vec![reason]);
        }
        self.outputs.insert(cell, found.outputs);
        self.reuse(cell, Some(key), found.seconds);
        self.propagate(cell)
    }

    /// Makes a cell ready, or first makes the bytes again that it reads and that are not there.
    fn prepare(&mut self, cell: usize, reasons: Vec<Reason>) -> Result<(), RunError> {
        if self.executor.options.permitted.as_ref().is_some_and(|permitted| !permitted.contains(&cell)) {
            self.failed = true;
            let error = format!("it would have to execute, which the plan does not allow: {}", in_short(&reasons));
            self.end(cell, Outcome::Failed, 0.0, Some(error));
            return Ok(());
        }
        self.states.insert(cell, State::Waiting);
        self.remake_inputs(cell)?;
        if self.identity(cell)?.is_none() {
            return Ok(());
        }
        let replace = reasons.iter().any(|reason| matches!(reason, Reason::Forced | Reason::ArtifactMissing { .. }));
        self.prepared.insert(cell, Prepared { reasons, replace });
        self.enqueue(cell);
        Ok(())
    }

    fn enqueue(&mut self, cell: usize) {
        self.states.insert(cell, State::Ready);
        let priority = self.priorities.get(&cell).copied().unwrap_or_default();
        self.ready.push((priority, cell));
    }

    /// What others are told about who executes a key of this run.
    fn holder(&self) -> String {
        format!("run {}", self.executor.run)
    }

    fn hold(&mut self, cell: usize, prepared: Prepared, mut holding: Holding) {
        let holder = holding.holder();
        // A cell of this run with equal work is nothing to tell about.
        let own = holder.starts_with(&self.holder());
        let was_ready = matches!(self.states.insert(cell, State::Held), Some(State::Ready));
        if was_ready && !own && self.announced.insert(cell) {
            self.looks = 0;
            let since = holding.since();
            self.executor.listener.hear(&Event::CellWaiting { cell: self.name(cell), holder, since });
        }
        self.holdings.insert(cell, holding);
        self.prepared.insert(cell, prepared);
        self.held.insert(cell);
    }

    /// Another run has a command in the project root, or what is left of one that was killed.
    fn hold_for_project(&mut self, cell: usize, prepared: Prepared) {
        if self.announced.insert(cell) {
            self.looks = 0;
            let text = format!(
                "`{}` runs in the project's own folder, where a command of another run still is; `fuser -v .` names its processes",
                self.name(cell)
            );
            self.executor.listener.hear(&Event::RunWaiting { text });
        }
        self.project_is_busy = true;
        self.states.insert(cell, State::Held);
        self.prepared.insert(cell, prepared);
        self.held.insert(cell);
    }

    /// Cells whose outputs this one reads and whose bytes the store does not have, with a port that is missing.
    fn missing_producers(&self, cell: usize) -> Vec<(usize, String)> {
        let readings = self.executor.graph.cells[cell].inputs.iter().flat_map(|port| &port.readings);
        let mut missing: Vec<(usize, String)> = readings
            .filter_map(|reading| match &reading.from {
                InputRef::Cell { cell, port } => Some((*cell, port.clone())),
                InputRef::Source(_) => None,
            })
            .filter(|(cell, port)| {
                let artifact = self.outputs.get(cell).and_then(|outputs| outputs.get(port));
                artifact.is_some_and(|output| !self.executor.store.contains(&output.artifact))
            })
            .collect();
        missing.sort_unstable();
        missing.dedup_by_key(|(cell, _)| *cell);
        missing
    }

    /// Makes cells execute whose bytes could not be published. Returns whether there is hope for any of them.
    fn heal(&mut self, bad: &[(usize, String)]) -> Result<bool, RunError> {
        let mut hope = false;
        for (cell, port) in bad {
            let healings = self.healings.entry(*cell).or_default();
            *healings += 1;
            if *healings <= MOST_HEALINGS {
                hope |= self.executor.options.permitted.as_ref().is_none_or(|permitted| permitted.contains(cell));
                self.prepare(*cell, vec![Reason::ArtifactMissing { port: port.clone() }])?;
            } else {
                let error = format!("its output `{port}` is damaged in the store again and again");
                self.failed = true;
                self.end(*cell, Outcome::Failed, 0.0, Some(error));
            }
        }
        Ok(hope)
    }

    /// What stands for each published path, where all of it is done.
    fn published(&self) -> BTreeMap<String, Vec<Artifact>> {
        let publications = self.plan.targets.publications.iter().map(|index| &self.executor.graph.publications[*index]);
        let artifacts = |publication: &Publication| {
            let outputs = publication.members.iter().map(|member| self.target_output(member.cell, &member.port));
            outputs.map(|output| Some(output?.0)).collect::<Option<Vec<_>>>()
        };
        publications.filter_map(|publication| Some((publication.path.clone(), artifacts(publication)?))).collect()
    }

    /// Remembers what the folders of sources look like that executed cells have read, for reasons to come.
    fn keep_listings(&self) {
        let cells = self.executed.iter().map(|cell| &self.executor.graph.cells[*cell]);
        let readings = cells.flat_map(|cell| &cell.inputs).flat_map(|port| &port.readings);
        let sources: BTreeSet<usize> = readings.filter_map(Reading::source).collect();
        for snapshot in sources.into_iter().filter_map(|source| self.executor.sources.snapshot(source)) {
            // Without it later reasons name fewer files; a full disk shows itself where results are stored.
            self.executor.store.keep_listing(snapshot).ok();
        }
    }

    /// The artifact of a target's output, where the cell is done.
    fn target_output(&self, cell: usize, port: &str) -> Option<(Artifact, Key)> {
        match self.states.get(&cell)? {
            State::Ended(outcome) if outcome.is_done() => {
                Some((self.outputs.get(&cell)?.get(port)?.artifact, *self.keys.get(&cell)?))
            }
            _ => None,
        }
    }

    fn name(&self, cell: usize) -> String {
        self.executor.graph.name(cell)
    }

    /// Says of every cell that never started why, and returns the keys of those that are done, still told to be in use.
    fn finish(mut self) -> (BTreeMap<usize, Key>, InUse) {
        let stopped = self.stopping() || (self.failed && self.executor.options.fail_fast);
        for cell in &self.plan.cells {
            if matches!(self.states[cell], State::Ended(_)) {
                continue;
            }
            let unmade =
                |read: &usize| matches!(self.states.get(read), Some(State::Ended(Outcome::Failed | Outcome::Blocked)));
            let blocked = self.executor.graph.reads(*cell).iter().any(unmade);
            let outcome = if blocked || !stopped { Outcome::Blocked } else { Outcome::Cancelled };
            self.end(*cell, outcome, 0.0, None);
        }
        let done = |cell: &usize| matches!(self.states[cell], State::Ended(outcome) if outcome.is_done());
        let keys = self.keys.iter().filter(|(cell, _)| done(cell)).map(|(cell, key)| (*cell, *key)).collect();
        (keys, self.in_use)
    }
}
