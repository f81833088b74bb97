//! What looking at the whole store found.

use std::path::PathBuf;

use serde::Serialize;

use crate::content::Key;

/// What looking at the whole store found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Objects that were hashed.
    pub objects: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Records that were read.
    pub records: usize,
    /// Records, and files of projects, of a newer program, which are left alone.
    pub newer: usize,
    /// What is damaged, in the order of the paths.
    pub problems: Vec<Problem>,
    /// Good records whose bytes are not all there, in the order of their keys.
    pub incomplete: Vec<Incomplete>,
}

/// Something that is damaged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Where it was.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// Whether it is out of the way now.
    pub quarantined: bool,
}

/// A good record whose bytes are not all there: where they are needed, it counts as absent, and its cell executes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incomplete {
    /// Its key.
    pub key: Key,
    /// What executed, as its fingerprint says.
    pub stage_type: String,
    /// The run that executed it.
    pub run: String,
    /// The first output that cannot be served.
    pub port: String,
    /// Why.
    pub reason: String,
}
