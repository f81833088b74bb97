//! Looking at the whole store: every object is hashed, every record read, and every one listed that is not as it
//! should be. What is damaged goes to quarantine; nothing is deleted.

mod verification;
mod whole;

pub use verification::{Incomplete, Problem, Verification};
