//! The text of a pipeline file: YAML with places, merged and decoded into [`PipelineSpec`].

mod decode;
mod mistake;
mod node;
mod place;
mod yaml;

pub use decode::{decode, DecodeError};
pub use mistake::{Mistake, Mistakes, nearest};
pub use node::{Entry, Node, NodeMap, Value};
pub use place::{Place, Text, Texts};
pub use yaml::parse;
