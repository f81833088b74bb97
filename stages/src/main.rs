//! The `dgpipe` binary.
fn main() {}
