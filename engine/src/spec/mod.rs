//! The text of a pipeline file: YAML with places, merged and decoded into [`PipelineSpec`].

mod decode;
mod decode_error;
mod gaps;
mod load;
mod merge;
mod mistake;
mod node;
mod pipeline_spec;
mod place;
mod schema;
mod selector;
mod stand_in;
mod template;
mod tree_memo;
mod yaml;

pub use decode::{decode, decode_all};
pub use decode_error::DecodeError;
pub use load::{LoadError, Loaded, Overrides};
pub use merge::merge;
pub use mistake::{ECHO, Mistake, Mistakes, nearest};
pub use node::{Entry, Node, NodeMap, Value};
pub use pipeline_spec::{PipelineSpec, PublishSpec, SourceSpec, StageSpec};
pub use place::{Place, Text, Texts};
pub use schema::pipeline_schema;
pub use selector::{Comparison, Constraint, Selector};
pub use template::{Piece, Scope, Template, scalar_text, substitute, substitute_all, unknown};
pub use tree_memo::TreeMemo;
pub use yaml::parse;
