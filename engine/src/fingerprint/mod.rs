//! What decides a cell's result, as a readable list and as a digest.

mod canonical;
mod fingerprint;

pub use fingerprint::{FORMAT, Fingerprint, FingerprintInput, FingerprintPort};
