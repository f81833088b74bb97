//! What is published where.

use crate::spec::Place;

/// One path in the user's tree and the artifacts that are put there.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The path, relative to the project root.
    pub path: String,
    /// The artifacts: one is put at the path itself, several share a folder there.
    pub members: Vec<Member>,
    /// Where it stands in the file.
    pub place: Place,
}

/// An output that is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Index of the cell.
    pub cell: usize,
    /// The output port.
    pub port: String,
}
