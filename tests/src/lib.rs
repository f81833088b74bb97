//! What the tests of engine and command line are made of: toy stage types, a toy binary, a sandbox project.
//!
//! Nothing here depends on burn, so that the engine is tested in seconds.

pub mod faults;
mod file_server;
mod sandbox;
mod toys;

pub use file_server::{Asked, FileServer, Reply};
pub use sandbox::{Outcome, Sandbox};
pub use toys::{NEXT_PROGRAM, PROGRAM};
