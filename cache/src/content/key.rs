//! The hash of a fingerprint: what a record in the store is named by.

hash_type! {
    /// The BLAKE3 hash of all that decides the result of a cell.
    Key
}
