//! What was removed, and why.

use serde::Serialize;

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// Whether nothing was removed, because only the question was asked.
    pub dry_run: bool,
    /// Bytes that were freed.
    pub freed: u64,
    /// Bytes of objects, records, checkpoints and rows that stay.
    pub kept: u64,
    /// Records that stay.
    pub kept_records: usize,
    /// How many bytes too many stay, because all of it is in use.
    pub over: u64,
    /// Each thing that went.
    pub removed: Vec<Removed>,
}

/// Something that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// What kind of thing.
    pub what: What,
    /// Its name in the store.
    pub name: String,
    /// The cell whose latest record it was last, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// Its bytes.
    pub bytes: u64,
    /// Why it went.
    #[serde(flatten)]
    pub why: Why,
}

/// What kind of thing was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A record.
    Record,
    /// The bytes of a file, or the list of a folder.
    Object,
    /// What an execution wrote to stdout and stderr.
    Log,
    /// How far an unfinished execution came.
    Checkpoints,
    /// States at the end of executions, for those that go further.
    FinalStates,
    /// Rows made of single items.
    Items,
    /// A folder laid out for a person to look at.
    View,
    /// The private folder of an execution.
    Scratch,
    /// Something damaged.
    Quarantined,
    /// A small file that a process was writing when it was killed.
    Draft,
}

/// Why something was removed. Times are in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Why {
    /// Nothing uses it.
    Unused {
        /// Since when.
        since: u64,
    },
    /// There was too much, and this was not used for the longest time.
    Evicted {
        /// Since when it is not used.
        since: u64,
    },
    /// No record names it.
    Orphaned,
    /// What it belongs to is gone.
    RecordGone,
    /// What it was kept for is done.
    Done,
    /// The process that made it is dead.
    ProcessDead,
    /// It was left for a person to look at, long ago.
    Old {
        /// When.
        since: u64,
    },
}
