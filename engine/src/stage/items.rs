//! Rows that former executions made of single items: what did not change is not made again.

use std::time::Instant;

use dgpipe_cache::{Digest, ItemRows};

use super::memory::Memory;

/// More bytes of rows than this are not held back.
const MOST_WAITING: usize = 32 << 20;

/// The rows of one execution's items. A row may depend on the item's bytes, the type, the config that was given for items and
/// the other inputs, and on nothing else: not on its neighbours, nor its place.
///
/// What was kept is also written when this is dropped, so that an execution that is interrupted or fails loses nothing.
pub struct Items<'a> {
    opened: Option<(&'a Memory<'a>, ItemRows)>,
    /// The port whose items they are. Rows name its content by themselves.
    port: String,
    /// When it was opened, or something was last written.
    since: Instant,
}

impl<'a> Items<'a> {
    pub(super) fn new(memory: Option<&'a Memory<'a>>, port: &str, config: &serde_json::Value) -> Self {
        let opened = memory.and_then(|memory| {
            let family = memory.fingerprint.items(port, config, &memory.device_class);
            let rows = memory.store.item_rows(&family);
            rows.map_err(|error| memory.warn("rows of items could not be read", error)).ok().map(|rows| (memory, rows))
        });
        Self { opened, port: port.to_owned(), since: Instant::now() }
    }

    /// The row that a former execution made of an item. Called from many threads.
    pub fn find(&self, item: &Digest) -> Option<Vec<u8>> {
        let (memory, rows) = self.opened.as_ref()?;
        if memory.afresh { None } else { rows.get(item) }
    }

    /// Keeps a row for later executions.
    pub fn keep(&mut self, item: Digest, row: Vec<u8>) {
        let Some((memory, rows)) = &mut self.opened else { return };
        if !(memory.afresh && rows.get(&item).as_ref() == Some(&row)) {
            rows.add(item, row);
        }
    }

    /// Writes what was kept, where it is time. Called between pieces of work.
    pub fn write_when_due(&mut self) {
        let Some((memory, rows)) = &self.opened else { return };
        if self.since.elapsed() >= memory.every || rows.waiting() > MOST_WAITING {
            self.since = Instant::now();
            self.write();
        }
    }

    fn write(&mut self) {
        let Some((memory, rows)) = &mut self.opened else { return };
        if (memory.unchanged)(Some(&self.port))
            && let Err(error) = rows.flush()
        {
            memory.warn("rows of items could not be written", error);
        }
    }
}

impl Drop for Items<'_> {
    fn drop(&mut self) {
        self.write();
    }
}
