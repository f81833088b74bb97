//! The specification of engine and command line, as sentences: what is promised is tested here, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that fails may fail by panicking, in its helpers too")]

mod caching;
mod collecting;
mod commands;
mod comparison;
mod damage;
mod determinism;
mod doctor;
mod failing;
mod faults;
mod fetching;
mod items;
mod language;
mod leases;
mod limits;
mod memory;
mod mistakes;
mod never_lost;
mod passports;
mod past;
mod plans;
mod programs;
mod publishing;
mod rebuild_equals_clean;
mod reliability;
mod reports;
mod resuming;
mod secrets;
mod sharing;
mod signals;
mod sweeps;
mod tidy;
mod undeclared;
mod verifying;
mod why;

use dgpipe_tests::Sandbox;

/// A project with this pipeline, and the toy binary to run it.
fn project(pipeline: &str) -> Sandbox {
    Sandbox::with(env!("CARGO_BIN_EXE_toy"), pipeline)
}
