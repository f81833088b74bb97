//! From many dimensions to two, for drawing.

mod pca;
mod tsne;

pub(crate) use pca::Pca;
pub(crate) use tsne::Tsne;
