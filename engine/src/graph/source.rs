//! Data from outside: a leaf of the graph, read where it lies.

use std::path::PathBuf;

use crate::spec::Place;
use crate::stage::Kind;

/// A source with its path resolved. The path never enters a key, only the content behind it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name under `sources:`, or the path of an input written as `{file: …}`.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The path as messages show it, relative to the project root where it is below it.
    pub shown: String,
    /// What it contains.
    pub kind: Kind,
    /// Folders that are stepped into where there is nothing else.
    pub steps_into: &'static [&'static str],
    /// Whether hidden names (a leading dot) belong to it.
    pub hidden: bool,
    /// Where it stands in the file.
    pub place: Place,
}

impl Source {
    /// The file or folder to read, after stepping into lone folders such as `kfold/`.
    pub fn root(&self) -> PathBuf {
        let mut root = self.path.clone();
        for step in self.steps_into {
            let below = root.join(step);
            let lone = fs_err::read_dir(&root).is_ok_and(|entries| {
                let visible = |entry: &fs_err::DirEntry| !entry.file_name().to_string_lossy().starts_with('.');
                entries.filter_map(Result::ok).filter(visible).count() == 1
            });
            if lone && below.is_dir() {
                root = below;
            }
        }
        root
    }
}
