//! What the tests of engine and command line are made of: toy stage types, a toy binary, a sandbox project.
//!
//! Nothing here depends on burn, so that the engine is tested in seconds.

pub mod faults;
mod sandbox;
mod toys;

pub use sandbox::{Outcome, Sandbox};
pub use toys::{NEXT_PROGRAM, PROGRAM};
