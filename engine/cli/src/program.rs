//! What a binary adds to the command line: its name, its stage types, what it lends to them.

use dgpipe_engine::Registry;
use dgpipe_engine::stage::{Ambient, Kind, View};

use crate::{Download, Template};

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
    /// What there is to compute with.
    pub computing: fn() -> Computing,
    /// What `fetch` gets.
    pub downloads: &'static [Download],
    /// What to print of published artifacts at the end of a run, by kind.
    pub shows: &'static [(Kind, Show)],
    /// What `init` can start a project with, besides commands.
    pub templates: &'static [Template],
}

impl Program {
    /// What `init` can start a project with.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        [&Template::COMMAND].into_iter().chain(self.templates)
    }
}

/// What a machine has to compute with, for people.
#[derive(Clone, Debug)]
pub struct Computing {
    /// The devices that `--device` can name, and those that it cannot, each with what it is.
    pub devices: Vec<(String, String)>,
    /// Which of them `--device auto` takes.
    pub auto: String,
    /// Why it takes that one.
    pub why: String,
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
