//! The shipped pipelines, run by the real binary in folders of their own.
#![expect(clippy::unwrap_used, reason = "a test says by failing what is wrong")]

mod book;
mod examples;
mod gpu;
mod head_arrays;
mod items;
mod notebook;
mod parquet_file;
mod project;
mod resuming;
mod templates;
mod versions;
mod workflows;
