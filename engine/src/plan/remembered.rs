//! What a record remembers of why it is what it is.

use dgpipe_cache::Record;

use super::Provenance;
use super::difference::Identified;
use crate::fingerprint::Fingerprint;

/// Fingerprint and provenance of a record.
pub(crate) struct Remembered {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) provenance: Option<Provenance>,
}

impl Remembered {
    /// Reads a record; nothing where its fingerprint is not one that this program knows.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let fingerprint = serde_json::from_value(record.fingerprint.clone()).ok()?;
        Some(Self { fingerprint, provenance: Provenance::read(record) })
    }

    pub(crate) fn identified(&self) -> Identified<'_> {
        Identified { fingerprint: &self.fingerprint, provenance: self.provenance.as_ref() }
    }
}
