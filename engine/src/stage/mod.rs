//! Stage types: what an author writes ([`StageType`]), what the engine holds ([`BoundStage`]), and what a
//! stage sees while it runs ([`Context`]).

mod ambient;
mod checkpoints;
mod context;
mod format;
mod items;
mod kind;
mod memory;
mod metric;
mod monitor;
mod port;
mod registered;
mod solo;
mod stage_error;
mod stage_type;
mod view;

pub use ambient::Ambient;
pub use checkpoints::Checkpoints;
pub(crate) use context::Findings;
pub use context::{Context, Input, LogText};
pub use dgpipe_cache::{Digest, Form};
pub use format::{Format, FormatError, RawFile, RawFolder, WriteFormat};
pub use items::Items;
pub use kind::{Kind, KindError};
pub(crate) use memory::Memory;
pub use metric::Metric;
pub use monitor::{Cancel, Monitor, Silent};
pub use port::{In, InputPort, Labelled, Many, Optional, Out, OutputPort, PortName, Ports, ReadPort};
pub use registered::{Bind, BoundStage, Registered};
pub use solo::{Solo, SoloResult};
pub use stage_error::StageError;
pub use stage_type::{StageConfig, StageType};
pub use view::{View, ViewEntry, ViewError};
