//! What the store promises, tested from outside.

mod bench;
mod committing;
mod damage;
mod index;
mod leases;
mod projects;
mod publish_order;
mod recorder;
mod restoring;
mod sandbox;
mod sources;
mod trees;
