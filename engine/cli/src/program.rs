//! What a binary adds to the command line: its name, its stage types, what it lends to them.

use dgpipe_engine::Registry;
use dgpipe_engine::stage::{Ambient, Kind, View};

use crate::Download;

/// Makes of an artifact what the terminal shows of it, where there is something to show.
pub type Show = fn(&View) -> Option<String>;

/// A binary made of this command line and some stage types.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its stage types and source kinds.
    pub registry: Registry,
    /// Refuses a `--device` that this program cannot have, without looking for it.
    pub check_device: fn(device: &str) -> Result<(), String>,
    /// Turns `--device` into what stages are lent. The error says what is there instead.
    pub lend: fn(device: &str) -> Result<Lent, String>,
    /// What `fetch` gets.
    pub downloads: &'static [Download],
    /// What to print of published artifacts at the end of a run, by kind.
    pub shows: &'static [(Kind, Show)],
}

/// What a binary lends to its stages.
#[derive(Clone, Debug)]
pub struct Lent {
    /// Things by their type.
    pub ambient: Ambient,
    /// What computes, for records.
    pub device: String,
    /// How many graphics processors can be occupied at the same time.
    pub gpus: u32,
}
