//! What is to be removed.

use std::time::Duration;

/// What is to be removed. The default is what nothing has used for thirty days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcOptions {
    /// How long ago something must have been used last; without it thirty days, and the last ten runs keep what they
    /// used however long ago they were.
    pub older_than: Option<Duration>,
    /// How many bytes may stay: beyond that, what was not used for the longest time goes too.
    pub max_size: Option<u64>,
    /// What was written or touched so short a time ago is left alone, because whoever did so may be about to use it.
    pub grace: Duration,
    /// Only tell what would be removed.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { older_than: None, max_size: None, grace: Duration::from_hours(1), dry_run: false }
    }
}

impl GcOptions {
    /// Without `older_than`, what was used so short a time ago stays.
    const RECENT: Duration = Duration::from_hours(30 * 24);

    /// The age from which on things go, in nanoseconds.
    pub(super) fn age(&self) -> i128 {
        nanoseconds(self.older_than.unwrap_or(Self::RECENT).max(self.grace))
    }

    /// The grace in nanoseconds.
    pub(super) fn grace(&self) -> i128 {
        nanoseconds(self.grace)
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX / 2)
}
