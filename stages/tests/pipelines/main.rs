//! The shipped pipelines, run by the real binary in folders of their own.

mod project;
mod workflows;
