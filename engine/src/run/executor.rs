//! Executes one cell: lays its world out, lets it work, checks what it left, and gathers that for the store.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use dgpipe_cache::{Artifact, Form, Key, Output, Record, Scratch, Seal, Store, StoreError, Transaction};

use super::attempt::Attempts;
use super::{Event, Listener, RunOptions};
use crate::command;
use crate::fingerprint::Fingerprint;
use crate::graph::{Cell, Graph, InputRef, Reading};
use crate::plan::{Provenance, Reason, SourceSnapshots};
use crate::stage::{Cancel, Context, Findings, Input, Memory, Monitor, OutputPort, StageError, View};

/// What a worker needs to know.
pub(super) struct Executor<'a> {
    pub(super) graph: &'a Graph,
    pub(super) store: &'a Store,
    pub(super) options: &'a RunOptions,
    pub(super) sources: &'a SourceSnapshots,
    pub(super) attempts: &'a Attempts,
    pub(super) listener: &'a dyn Listener,
    pub(super) run: &'a str,
    /// Whether it leaves what is no result: for a person to look at, for later executions to go on from. It uses what
    /// others left only where it does.
    pub(super) keeps: bool,
    /// Scratch folders of commands that are certainly dead, for other commands to use again.
    pub(super) spares: Mutex<Vec<Scratch>>,
}

/// One execution to be done.
pub(super) struct Assignment {
    pub(super) cell: usize,
    pub(super) fingerprint: Fingerprint,
    pub(super) key: Key,
    pub(super) artifacts: Vec<Vec<Artifact>>,
    pub(super) provenance: Provenance,
    pub(super) reasons: Vec<Reason>,
    /// Whether a record that exists is to be replaced.
    pub(super) replace: bool,
}

/// Scratch folders with no more than this may wait for their removal.
const LITTLE: u64 = 64 << 10;

/// Laying out more than this for a command is announced: without reflinks it takes a while, and room on the disk.
const MUCH: u64 = 1 << 30;

impl Assignment {
    /// How many bytes its inputs have.
    fn reads(&self) -> u64 {
        self.artifacts.iter().flatten().map(|artifact| artifact.size).sum()
    }
}

/// What is said before so many bytes are laid out for a command.
fn announcement(bytes: u64) -> Option<String> {
    let gib = bytes as f64 / f64::from(1 << 30);
    let how = "by reflink where the disk can, else by copying";
    (bytes > MUCH).then(|| format!("{gib:.1} GiB of inputs are being laid out, {how}"))
}

/// How an execution ended, before anything is in the store for good.
pub(super) enum Ended {
    /// To be committed.
    Sealed { transaction: Box<Transaction>, has_checkpoints: bool, seconds: f64 },
    /// Failed, with a message for people.
    Failed { error: String, seconds: f64 },
    /// The disk or the store refused, for which the cell is not to blame.
    Refused { error: String },
    /// Stopped on request.
    Cancelled,
}

impl Executor<'_> {
    /// Executes a cell, again where it may be retried.
    pub(super) fn execute(&self, assignment: &Assignment) -> Ended {
        let cell = &self.graph.cells[assignment.cell];
        let mut attempt = 1;
        loop {
            let begun = Instant::now();
            let error = match self.attempt(assignment, cell) {
                Ok((transaction, has_checkpoints)) => {
                    let seconds = begun.elapsed().as_secs_f64();
                    return Ended::Sealed { transaction: Box::new(transaction), has_checkpoints, seconds };
                }
                Err(Failure::Cancelled) => return Ended::Cancelled,
                Err(Failure::Refused(error)) => return Ended::Refused { error },
                Err(Failure::Error(error)) => error,
            };
            if attempt > cell.retries || self.options.cancel.is_cancelled() {
                return Ended::Failed { error, seconds: begun.elapsed().as_secs_f64() };
            }
            let cell = cell.id.to_string();
            self.listener.hear(&Event::CellRetried { cell, attempt, error });
            attempt += 1;
        }
    }

    /// Gives too whether there are checkpoints, which nobody needs once the result is in the store.
    fn attempt(&self, assignment: &Assignment, cell: &Cell) -> Result<(Transaction, bool), Failure> {
        let is_command = cell.work.type_name() == command::NAME;
        let scratch = self.scratch(assignment, is_command);
        let scratch = scratch.map_err(|error| Failure::Refused(StageError::from(error).to_string()))?;
        let inputs = self.inputs(assignment, cell);
        let outputs = output_paths(cell, &scratch);
        let cancel = self.attempts.begin(assignment.cell, cell.timeout);
        let begun = Instant::now();
        let monitor = CellMonitor { cell: cell.id.to_string(), listener: self.listener };
        if is_command && let Some(text) = announcement(assignment.reads()) {
            monitor.note(&text);
        }
        let unchanged = |except: Option<&str>| self.unchanged(cell, except).is_ok();
        let memory = self.memory(assignment, cell, &cancel, &unchanged);
        let context = Context::new(&inputs, &outputs, scratch.path(), &self.options.ambient, &monitor, &cancel);
        let mut context = context.remembering(self.keeps.then_some(&memory));
        let worked = catch_unwind(AssertUnwindSafe(|| cell.work.execute(&mut context)));
        let findings = context.into_findings();
        let timed_out = self.attempts.end(assignment.cell);
        let seconds = begun.elapsed().as_secs_f64();
        let result = match worked {
            _ if timed_out => Err(StageError::new(format!("it took longer than its timeout of {}", limit(cell)))),
            Err(panic) => {
                Err(StageError::new(format!("stage type `{}` panicked: {}", cell.work.type_name(), said(&*panic)))
                    .hint("this is a bug in the stage type; please report it"))
            }
            Ok(Err(error)) if error.is_cancelled() => return Err(Failure::Cancelled),
            Ok(result) => result.and_then(|()| self.unchanged(cell, None)),
        };
        if is_command && let Some(no_room) = self.no_room() {
            let ended = result.map_or_else(|error| error.to_string(), |()| "what it wrote may be cut short".to_owned());
            return Err(Failure::Refused(format!("{ended}: {no_room}")));
        }
        // The bytes of those who may still write are hashed while they are copied.
        let seal = if findings.at_rest || !is_command { Seal::Move } else { Seal::Copy };
        let before = memory.spent_before.load(Ordering::Relaxed) as f64 / 1000.0;
        match result.and_then(|()| self.seal(assignment, cell, &outputs, &findings, seal, (before, seconds))) {
            Ok(transaction) => {
                let little = assignment.reads() <= LITTLE && transaction.size() <= LITTLE;
                match findings.at_rest {
                    true if little => self.spares().push(scratch),
                    false if little => scratch.discard_at_the_end(),
                    _ => drop(scratch),
                }
                Ok((transaction, memory.has_checkpoints.into_inner()))
            }
            Err(error) if error.is_refusal() => Err(Failure::Refused(error.to_string())),
            Err(error) => Err(Failure::Error(self.failed(assignment, &error, &findings, scratch))),
        }
    }

    /// Says how full the disk of a command's scratch folder is, where it is: programs often do not notice, and end as
    /// if all were well.
    fn no_room(&self) -> Option<String> {
        let (bytes, inodes) = self.store.free();
        let known = bytes > 0 || inodes > 0;
        let disk = self.store.root().display();
        let full = known && (bytes < LITTLE || inodes == 0);
        full.then(|| format!("the disk of `{disk}` is full: {bytes} bytes and {inodes} inodes are free"))
    }

    fn memory<'m>(
        &'m self,
        assignment: &'m Assignment,
        cell: &Cell,
        cancel: &'m Cancel,
        unchanged: &'m (dyn Fn(Option<&str>) -> bool + Sync),
    ) -> Memory<'m> {
        Memory {
            store: self.store,
            fingerprint: &assignment.fingerprint,
            key: assignment.key,
            continues: cell.work.continues(),
            device_class: self.options.device_class(),
            afresh: assignment.reasons.contains(&Reason::Forced),
            every: self.options.checkpoint_every,
            cancel,
            unchanged,
            has_checkpoints: AtomicBool::new(false),
            spent_before: AtomicU64::new(0),
        }
    }

    fn scratch(&self, assignment: &Assignment, is_command: bool) -> Result<Scratch, StoreError> {
        let label = assignment.key.short();
        let spare = if is_command { self.spares().pop() } else { None };
        match spare {
            Some(spare) => self.store.relabel(spare, &label),
            None => self.store.scratch(&label),
        }
    }

    fn spares(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inputs(&self, assignment: &Assignment, cell: &Cell) -> BTreeMap<String, Vec<Input>> {
        let ports = cell.inputs.iter().zip(&assignment.artifacts);
        let input = |(reading, artifact): (&Reading, &Artifact)| Input {
            view: self.view(reading, *artifact),
            coordinates: crate::plan::coordinates(self.graph, reading),
            file_name: reading.file_name.clone(),
            in_place: reading.in_place,
        };
        let port = |(port, artifacts): (&crate::graph::PortInputs, &Vec<Artifact>)| {
            let inputs = port.readings.iter().zip(artifacts).map(input).collect();
            (port.port.clone(), inputs)
        };
        ports.map(port).collect()
    }

    fn view(&self, reading: &Reading, artifact: Artifact) -> View {
        let below = reading.path.as_ref().map(|path| format!("/{path}")).unwrap_or_default();
        match &reading.from {
            InputRef::Cell { cell, port } => {
                let label = format!("{}.{port}{below}", self.graph.name(*cell));
                View::stored(label, self.store.clone(), artifact)
            }
            InputRef::Source(index) => {
                let source = &self.graph.sources[*index];
                let root = self.sources.root(*index).cloned().unwrap_or_else(|| source.path.clone());
                let path = reading.path.as_ref().map_or_else(|| root.clone(), |path| root.join(path));
                View::source(format!("{}{below}", source.shown), path, source.hidden)
            }
        }
    }

    /// What was read must still be what was hashed, else the key would lie.
    fn unchanged(&self, cell: &Cell, except: Option<&str>) -> Result<(), StageError> {
        let ports = cell.inputs.iter().filter(|port| Some(port.port.as_str()) != except);
        for reading in ports.flat_map(|port| &port.readings) {
            if let InputRef::Source(index) = reading.from
                && !self.sources.unchanged(index)
            {
                let name = &self.graph.sources[index].name;
                let error = StageError::new(format!("the source `{name}` changed while the cell was executing"));
                return Err(error.hint("nothing was cached; run again when it is at rest"));
            }
        }
        Ok(())
    }

    fn seal(
        &self,
        assignment: &Assignment,
        cell: &Cell,
        outputs: &BTreeMap<String, PathBuf>,
        findings: &Findings,
        seal: Seal,
        (before, seconds): (f64, f64),
    ) -> Result<Transaction, StageError> {
        let mut transaction = self.store.begin(assignment.key);
        if assignment.replace {
            transaction.replace();
        }
        let mut record = Record::new(assignment.key);
        let mut sealed = BTreeMap::new();
        for port in &cell.work.ports().outputs {
            let path = &outputs[&port.name];
            check_output(&port.name, port.form, path)?;
            let artifact = transaction.put(path, seal)?;
            sealed.insert(port.name.clone(), Output { kind: port.kind.to_string(), artifact });
        }
        record.outputs = Arc::new(sealed.into_iter().collect());
        let log = log_bytes(findings);
        if let Some(log) = &log {
            transaction.log(log)?;
        }
        record.fingerprint = serde_json::to_value(&assignment.fingerprint)?;
        let metric = |(name, value): (&String, &crate::stage::Metric)| Ok((name.clone(), serde_json::to_value(value)?));
        record.metrics = findings.metrics.iter().map(metric).collect::<Result<_, serde_json::Error>>()?;
        record.notes.clone_from(&findings.notes);
        record.started = now_in_milliseconds().saturating_sub((seconds * 1000.0) as u64);
        // With what former executions put into the checkpoint that this one went on from: making it anew takes all of that.
        record.seconds = before + seconds;
        record.device.clone_from(&self.options.device);
        record.host = serde_json::json!({ "os": std::env::consts::OS, "architecture": std::env::consts::ARCH });
        self.run.clone_into(&mut record.run);
        record.engine.clone_from(&self.options.version);
        record.log = log.is_some();
        record.reasons = serde_json::to_value(&assignment.reasons)?;
        assignment.provenance.write(&mut record)?;
        transaction.record(record);
        Ok(transaction)
    }

    /// Keeps what can help to understand a failure, and says where it is.
    fn failed(&self, assignment: &Assignment, error: &StageError, findings: &Findings, scratch: Scratch) -> String {
        let mut text = error.to_string();
        if let Some(hint) = error.hint_text() {
            text.push_str(&format!("\nhint: {hint}"));
        }
        if !self.keeps {
            return text;
        }
        if let Some(log) = log_bytes(findings)
            && self.store.save_log(&assignment.key, &log).is_ok()
        {
            let name = self.graph.name(assignment.cell);
            text.push_str(&format!("\nlog: dgpipe log {} '{name}'", self.options.file.display()));
        }
        if self.graph.cells[assignment.cell].work.type_name() == command::NAME {
            text.push_str(&format!("\nscratch: {}", scratch.keep().display()));
        }
        text
    }
}

enum Failure {
    Error(String),
    Refused(String),
    Cancelled,
}

struct CellMonitor<'a> {
    cell: String,
    listener: &'a dyn Listener,
}

impl Monitor for CellMonitor<'_> {
    fn progress(&self, done: u64, total: u64, unit: &str) {
        let (cell, unit) = (self.cell.clone(), unit.to_owned());
        self.listener.hear(&Event::CellProgress { cell, done, total, unit });
    }

    fn note(&self, text: &str) {
        self.listener.hear(&Event::CellNote { cell: self.cell.clone(), text: text.to_owned() });
    }
}

/// Longer names do not leave room for a number in front of them.
const LONGEST: usize = 200;

/// Outputs lie in scratch beside what the stage does there, under names that no two of them share.
fn output_paths(cell: &Cell, scratch: &Scratch) -> BTreeMap<String, PathBuf> {
    let outputs = cell.work.ports().outputs.iter().enumerate();
    // Numbered, because `a` with `b-c` and `a-b` with `c` would meet; the end of the name has its extension.
    let path = |index: usize, port: &OutputPort| {
        let name = port.file_name.char_indices().find(|(at, _)| port.file_name.len() - at <= LONGEST);
        let name = name.map_or("", |(at, _)| &port.file_name[at..]);
        scratch.path().join(format!("out-{index}-{name}"))
    };
    outputs.map(|(index, port)| (port.name.clone(), path(index, port))).collect()
}

fn check_output(port: &str, form: Form, path: &std::path::Path) -> Result<(), StageError> {
    let there = match form {
        Form::File => path.is_file(),
        Form::Folder => path.is_dir(),
    };
    if there { Ok(()) } else { Err(StageError::new(format!("the output `{port}` was not written"))) }
}

/// Standard output, then standard error, each under a line that names it where both wrote.
fn log_bytes(findings: &Findings) -> Option<Vec<u8>> {
    let log = &findings.log;
    let notes = findings.notes.iter().map(|note| format!("note: {note}\n")).collect::<String>();
    if log.stdout.is_empty() && log.stderr.is_empty() && notes.is_empty() {
        return None;
    }
    let sections = [("stdout", log.stdout.as_slice()), ("stderr", &log.stderr), ("notes", notes.as_bytes())];
    let map: BTreeMap<&str, String> =
        sections.iter().map(|(name, bytes)| (*name, String::from_utf8_lossy(bytes).into_owned())).collect();
    serde_json::to_vec(&map).ok()
}

fn limit(cell: &Cell) -> String {
    let seconds = cell.timeout.unwrap_or_default().as_secs_f64();
    if seconds < 120.0 { format!("{seconds} s") } else { format!("{:.0} min", seconds / 60.0) }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

pub(super) fn now_in_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inputs_above_a_gibibyte_are_announced() {
        assert_eq!(announcement(MUCH), None);
        let text = announcement(MUCH / 2 * 5).unwrap();
        assert_eq!(text, "2.5 GiB of inputs are being laid out, by reflink where the disk can, else by copying");
    }
}
