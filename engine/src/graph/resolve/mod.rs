//! From [`PipelineSpec`](crate::spec::PipelineSpec) to [`Graph`](super::Graph): every name is looked up, every mistake is
//! reported. After this no spelling mistake is left to be found.
//!
//! A [`Resolver`](resolver::Resolver) collects what is right and what is wrong, in the order of its files: sources, stages with
//! their cells, the inputs of cells, publications; then the order in which cells can execute.

mod binder;
mod inputs;
mod order;
mod publications;
mod resolver;
mod selection;
mod sources;
mod stages;

pub use resolver::resolve;
pub(super) use selection::select;
pub(crate) use sources::known_kind;
pub(crate) use stages::sandbox_value;
