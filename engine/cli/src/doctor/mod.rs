//! What `doctor` looks at: the machine, the disk of the store, and a pipeline.

mod disk;
mod finding;
mod machine;
mod pipeline;

pub(crate) use disk::disk;
pub(crate) use finding::{Finding, State};
pub(crate) use machine::machine;
pub(crate) use pipeline::pipeline;
