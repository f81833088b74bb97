//! The engine of dgpipe: from the text of a pipeline, over its meaning and the decisions, to a run and its report.
//!
//! It knows no machine learning, prints nothing, and reads the environment only where a caller hands it over.

pub mod command;
mod environment;
mod files;
pub mod fingerprint;
pub mod graph;
pub mod passport;
pub mod plan;
mod project_root;
mod registry;
pub mod run;
pub mod spec;
pub mod stage;
pub mod why;

pub use environment::Environment;
pub use project_root::project_root;
pub use registry::{Registry, SourceKind};
