//! Named inputs and outputs. One typed constant gives the declaration, the type of `read` and `write`,
//! and the kind that the graph checks.

use std::marker::PhantomData;

use dgpipe_cache::Form;

use super::{Context, Format, Kind, StageError};
use crate::graph::Coordinates;

/// An input that takes exactly one artifact.
pub struct In<F> {
    name: &'static str,
    format: PhantomData<fn() -> F>,
}

/// An input that takes one artifact or none.
pub struct Optional<F> {
    name: &'static str,
    format: PhantomData<fn() -> F>,
}

/// An input that takes a list of artifacts, in the order of their cells.
pub struct Many<F> {
    name: &'static str,
    may_be_empty: bool,
    format: PhantomData<fn() -> F>,
}

/// An input that takes a list of artifacts and sees the coordinates of the cells that made them.
/// The coordinates are part of the key.
pub struct Labelled<F> {
    name: &'static str,
    may_be_empty: bool,
    format: PhantomData<fn() -> F>,
}

/// An output.
pub struct Out<F> {
    name: &'static str,
    file_name: &'static str,
    format: PhantomData<fn() -> F>,
}

impl<F: Format> In<F> {
    /// Names the port.
    pub const fn new(name: &'static str) -> Self {
        Self { name, format: PhantomData }
    }
}

impl<F: Format> Optional<F> {
    /// Names the port.
    pub const fn new(name: &'static str) -> Self {
        Self { name, format: PhantomData }
    }
}

impl<F: Format> Many<F> {
    /// Names the port, which needs at least one artifact.
    pub const fn new(name: &'static str) -> Self {
        Self { name, may_be_empty: false, format: PhantomData }
    }

    /// Lets the port be left out, which gives an empty list.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.may_be_empty = true;
        self
    }
}

impl<F: Format> Labelled<F> {
    /// Names the port, which needs at least one artifact.
    pub const fn new(name: &'static str) -> Self {
        Self { name, may_be_empty: false, format: PhantomData }
    }

    /// Lets the port be left out, which gives an empty list.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.may_be_empty = true;
        self
    }
}

impl<F: Format> Out<F> {
    /// Names the port. The first output that a type declares is its main one.
    pub const fn new(name: &'static str) -> Self {
        Self { name, file_name: name, format: PhantomData }
    }

    /// Gives the file another name than the port's, such as `scores.json`.
    #[must_use]
    pub const fn named(mut self, file_name: &'static str) -> Self {
        self.file_name = file_name;
        self
    }
}

/// A port's name, whatever its type.
pub trait PortName {
    /// The name as pipeline files write it.
    fn name(&self) -> &'static str;
}

macro_rules! named {
    ($($port:ident),*) => {$(
        impl<F> PortName for $port<F> {
            fn name(&self) -> &'static str {
                self.name
            }
        }
        // Derived `Copy` would ask the format to be `Copy`, which a port does not need.
        impl<F> Clone for $port<F> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<F> Copy for $port<F> {}
    )*};
}
named!(In, Optional, Many, Labelled, Out);

/// An input port as [`Context::read`] takes it.
pub trait ReadPort: PortName {
    /// What reading gives.
    type Value;

    /// The declaration for the graph.
    fn declare(&self) -> InputPort;

    /// Reads what is connected.
    fn read(&self, context: &Context<'_>) -> Result<Self::Value, StageError>;
}

impl<F: Format> ReadPort for In<F> {
    type Value = F;

    fn declare(&self) -> InputPort {
        InputPort::of::<F>(self.name)
    }

    fn read(&self, context: &Context<'_>) -> Result<F, StageError> {
        let [input] = context.inputs(self.name) else {
            return Err(StageError::new(format!("input `{}` needs exactly one artifact", self.name)));
        };
        Ok(F::read(&input.view)?)
    }
}

impl<F: Format> ReadPort for Optional<F> {
    type Value = Option<F>;

    fn declare(&self) -> InputPort {
        InputPort { required: false, ..InputPort::of::<F>(self.name) }
    }

    fn read(&self, context: &Context<'_>) -> Result<Option<F>, StageError> {
        context.inputs(self.name).first().map(|input| Ok(F::read(&input.view)?)).transpose()
    }
}

impl<F: Format> ReadPort for Many<F> {
    type Value = Vec<F>;

    fn declare(&self) -> InputPort {
        InputPort { many: true, required: !self.may_be_empty, ..InputPort::of::<F>(self.name) }
    }

    fn read(&self, context: &Context<'_>) -> Result<Vec<F>, StageError> {
        context.inputs(self.name).iter().map(|input| Ok(F::read(&input.view)?)).collect()
    }
}

impl<F: Format> ReadPort for Labelled<F> {
    type Value = Vec<(Coordinates, F)>;

    fn declare(&self) -> InputPort {
        InputPort { many: true, labelled: true, required: !self.may_be_empty, ..InputPort::of::<F>(self.name) }
    }

    fn read(&self, context: &Context<'_>) -> Result<Self::Value, StageError> {
        let read = |input: &super::Input| Ok((input.coordinates.clone(), F::read(&input.view)?));
        context.inputs(self.name).iter().map(read).collect()
    }
}

/// The declaration of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPort {
    /// Its name in pipeline files.
    pub name: String,
    /// The kinds it takes.
    pub kinds: Vec<Kind>,
    /// Whether it takes a file or a folder.
    pub form: Form,
    /// Whether it takes several artifacts.
    pub many: bool,
    /// Whether it must be connected.
    pub required: bool,
    /// Whether the coordinates of its cells are seen and so part of the key.
    pub labelled: bool,
}

impl InputPort {
    /// A single, required port that takes what `F` reads.
    fn of<F: Format>(name: &str) -> Self {
        let mut kinds = vec![F::KIND];
        kinds.extend_from_slice(F::ALSO);
        Self { name: name.to_owned(), kinds, form: F::FORM, many: false, required: true, labelled: false }
    }
}

/// The declaration of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPort {
    /// Its name in pipeline files.
    pub name: String,
    /// What it contains.
    pub kind: Kind,
    /// Whether it is a file or a folder.
    pub form: Form,
    /// The name of the file or folder in scratch, and so in the tree of whoever receives it.
    pub file_name: String,
}

/// All inputs and outputs of a stage type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// What it reads.
    pub inputs: Vec<InputPort>,
    /// What it writes; the first is the main output.
    pub outputs: Vec<OutputPort>,
}

impl Ports {
    /// Adds an input.
    #[must_use]
    pub fn reads(mut self, port: impl ReadPort) -> Self {
        self.inputs.push(port.declare());
        self
    }

    /// Adds an output.
    #[must_use]
    pub fn writes<F: Format>(mut self, port: Out<F>) -> Self {
        let (name, file_name) = (port.name.to_owned(), port.file_name.to_owned());
        self.outputs.push(OutputPort { name, file_name, kind: F::KIND, form: F::FORM });
        self
    }

    /// The input of that name.
    pub fn input(&self, name: &str) -> Option<&InputPort> {
        self.inputs.iter().find(|port| port.name == name)
    }

    /// The output of that name.
    pub fn output(&self, name: &str) -> Option<&OutputPort> {
        self.outputs.iter().find(|port| port.name == name)
    }

    /// The output that a selector without a port means.
    pub fn main_output(&self) -> Option<&OutputPort> {
        self.outputs.first()
    }
}
