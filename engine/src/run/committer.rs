//! Makes finished executions durable, many at a time: one pair of disk syncs serves all that wait.

use dgpipe_cache::{Committed, Store, StoreError, Transaction};

use super::threads::{Receiver, Sender};

/// An execution on its way into the store.
pub(super) struct Sealed {
    pub(super) cell: usize,
    pub(super) transaction: Transaction,
    /// Whether its key has checkpoints, which nobody needs once the record stands.
    pub(super) has_checkpoints: bool,
    pub(super) seconds: f64,
}

/// An execution in the store.
pub(super) struct InStore {
    pub(super) cell: usize,
    pub(super) result: Result<Committed, StoreError>,
    pub(super) seconds: f64,
}

/// Commits until the other end of `sealed` is closed.
pub(super) fn commit_all<M: From<InStore>>(store: &Store, sealed: &Receiver<Sealed>, done: &Sender<M>) {
    while let Ok(first) = sealed.recv() {
        let mut together = vec![first];
        together.extend(sealed.try_iter());
        let split = |sealed: Sealed| ((sealed.cell, sealed.seconds, sealed.has_checkpoints), sealed.transaction);
        let (cells, transactions): (Vec<_>, Vec<_>) = together.into_iter().map(split).unzip();
        for ((cell, seconds, has_checkpoints), result) in cells.into_iter().zip(store.commit(transactions)) {
            if let (true, Ok(committed)) = (has_checkpoints, &result) {
                // What stays behind costs room until it is collected.
                store.remove_checkpoints(&committed.key).ok();
            }
            // The runner only hangs up after all it waits for has come.
            done.send(InStore { cell, result, seconds }.into()).ok();
        }
    }
}
