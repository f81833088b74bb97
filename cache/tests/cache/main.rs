//! What the store promises, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test that fails may fail by panicking, in its helpers too")]

mod bench;
mod checkpoints;
mod committing;
mod damage;
mod gc;
mod index;
mod items;
mod leases;
mod model;
mod projects;
mod publish_order;
mod recorder;
mod restoring;
mod sandbox;
mod sources;
mod trees;
mod verifying;
