//! What a stage may do while it runs, and nothing more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Ambient, Cancel, Checkpoints, FormatError, In, Items, Memory, Metric, Monitor, Out, PortName, ReadPort, StageError,
    View, WriteFormat,
};
use crate::graph::Coordinates;

/// One artifact connected to an input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its bytes.
    pub view: View,
    /// Which cell made it; empty for sources.
    pub coordinates: Coordinates,
    /// Its file name where it has one, such as a source's; else the producing port's name.
    pub file_name: String,
    /// Whether a command sees it at exactly `file_name` in its working folder.
    pub in_place: bool,
}

/// What a program wrote while it ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogText {
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// What an execution left beside its outputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) metrics: BTreeMap<String, Metric>,
    pub(crate) notes: Vec<String>,
    pub(crate) log: LogText,
    pub(crate) at_rest: bool,
}

/// The world of one execution.
pub struct Context<'a> {
    inputs: &'a BTreeMap<String, Vec<Input>>,
    outputs: &'a BTreeMap<String, PathBuf>,
    scratch: &'a Path,
    ambient: &'a Ambient,
    monitor: &'a dyn Monitor,
    cancel: &'a Cancel,
    memory: Option<&'a Memory<'a>>,
    findings: Findings,
}

impl<'a> Context<'a> {
    /// Puts the world together; the executor and [`Solo`](super::Solo) do this.
    pub(crate) fn new(
        inputs: &'a BTreeMap<String, Vec<Input>>,
        outputs: &'a BTreeMap<String, PathBuf>,
        scratch: &'a Path,
        ambient: &'a Ambient,
        monitor: &'a dyn Monitor,
        cancel: &'a Cancel,
    ) -> Self {
        let findings = Findings::default();
        Self { inputs, outputs, scratch, ambient, monitor, cancel, memory: None, findings }
    }

    /// Lets it know of former executions.
    pub(crate) fn remembering(mut self, memory: Option<&'a Memory<'a>>) -> Self {
        self.memory = memory;
        self
    }

    /// Reads an input: one value, an option, or a list, as the port says.
    pub fn read<P: ReadPort>(&self, port: P) -> Result<P::Value, StageError> {
        port.read(self)
    }

    /// The bytes behind a single input, for types that look at more than its format gives.
    pub fn view<F>(&self, port: In<F>) -> Result<View, StageError> {
        let first = self.inputs(port.name()).first();
        first
            .map(|input| input.view.clone())
            .ok_or_else(|| StageError::new(format!("input `{}` is not connected", port.name())))
    }

    /// Everything connected to the input of that name.
    pub fn inputs(&self, name: &str) -> &'a [Input] {
        self.inputs.get(name).map_or(&[], Vec::as_slice)
    }

    /// Writes an output as a whole.
    pub fn write<F: WriteFormat>(&mut self, port: Out<F>, value: &F) -> Result<(), StageError> {
        let path = self.output(port)?;
        value.write(&path).map_err(|error: FormatError| error.into())
    }

    /// Where an output is to be written, for types that write it bit by bit. The path does not exist yet.
    pub fn output<F>(&self, port: Out<F>) -> Result<PathBuf, StageError> {
        self.output_path(port.name())
    }

    /// Where the output of that name is to be written.
    pub(crate) fn output_path(&self, name: &str) -> Result<PathBuf, StageError> {
        let path = self.outputs.get(name);
        path.cloned().ok_or_else(|| StageError::new(format!("output `{name}` was not declared")))
    }

    /// A private folder that vanishes after the execution.
    pub fn scratch(&self) -> &'a Path {
        self.scratch
    }

    /// States to go on from, should this execution be stopped.
    pub fn checkpoints(&self) -> Checkpoints<'a> {
        Checkpoints::new(self.memory)
    }

    /// Rows that former executions made of what this port reads, item by item. `config` is what of the config decides a row.
    pub fn items<F>(&self, port: In<F>, config: &impl Serialize) -> Result<Items<'a>, StageError> {
        Ok(Items::new(self.memory, port.name(), &serde_json::to_value(config)?))
    }

    /// What the program lends, such as a device.
    pub fn ambient<T: Send + Sync + 'static>(&self) -> Result<&'a T, StageError> {
        self.ambient.get()
    }

    /// Reports that `done` of `total` units are finished; `unit` in the plural, such as `images`.
    pub fn progress(&self, done: u64, total: u64, unit: &str) {
        self.monitor.progress(done, total, unit);
    }

    /// The wire behind [`Context::progress`], for threads that outlive a borrow of the context.
    pub fn monitor(&self) -> &'a dyn Monitor {
        self.monitor
    }

    /// Records a number or text beside the outputs.
    pub fn metric(&mut self, name: impl Into<String>, value: impl Into<Metric>) {
        self.findings.metrics.insert(name.into(), value.into());
    }

    /// Records a remark or warning that is shown and kept with the result.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.monitor.note(&text);
        self.findings.notes.push(text);
    }

    /// Whether the run is being stopped.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Returns an error where the run is being stopped. Long loops call it between pieces of work.
    pub fn stop_if_cancelled(&self) -> Result<(), StageError> {
        if self.is_cancelled() { Err(StageError::cancelled()) } else { Ok(()) }
    }

    /// The request to stop, for waits on something outside.
    pub(crate) fn cancel(&self) -> &'a Cancel {
        self.cancel
    }

    /// Keeps what a program wrote.
    pub(crate) fn keep_log(&mut self, log: LogText) {
        self.findings.log = log;
    }

    /// Says that nobody is left who could write to the outputs or to scratch. What a program made is not at rest
    /// unless this is said.
    pub(crate) fn is_at_rest(&mut self) {
        self.findings.at_rest = true;
    }

    /// What was recorded beside the outputs.
    pub(crate) fn into_findings(self) -> Findings {
        self.findings
    }
}
