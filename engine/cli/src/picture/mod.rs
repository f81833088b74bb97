//! The graph as a picture: cells folded into stages, stages in layers from top to bottom, edges that go round boxes.

mod drawing;
mod folded;
mod layout;

pub(crate) use drawing::{Drawing, Share, mark, symbols};
pub(crate) use folded::{Folded, Node, NodeKind};
