//! The files at a path, found but not yet read. Names are checked here, so that no later step meets
//! one that cannot be stored.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::TreeError;
use crate::content::link_stays_inside;
use crate::filesystem::{FileKind, Filesystem, Stat};

/// What to do with symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// Take what they lead to.
    Follow,
    /// Take them as they are, where they stay inside the tree.
    Keep,
}

/// What belongs to a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk {
    /// Names with a dot in front, and folders with nothing in them.
    pub(crate) hidden: bool,
    pub(crate) links: Links,
}

/// A file that was found.
#[derive(Debug, Clone)]
pub(crate) struct TreeFile {
    pub(crate) path: PathBuf,
    pub(crate) stat: Stat,
}

/// A file, a folder with all in it, or a link.
#[derive(Debug)]
pub(crate) enum Tree {
    File(Box<TreeFile>),
    Folder(BTreeMap<String, Tree>),
    Link(String),
}

/// The folders that a walk is in, for noticing that it goes in circles.
struct Way<'a> {
    folder: (u64, u64),
    above: Option<&'a Way<'a>>,
    depth: usize,
}

impl Way<'_> {
    fn passes(&self, folder: (u64, u64)) -> bool {
        self.folder == folder || self.above.is_some_and(|above| above.passes(folder))
    }
}

impl Tree {
    /// Finds the files at a path.
    pub(crate) fn walk(filesystem: &dyn Filesystem, path: &Path, walk: Walk) -> Result<Self, TreeError> {
        Walker { filesystem, walk }
            .visit(path, None)
            // Nothing but hidden names is still a folder, at the top.
            .map(|tree| tree.unwrap_or_else(|| Self::Folder(BTreeMap::new())))
    }

    /// Returns all files in the order of their names.
    pub(crate) fn files(&self) -> Vec<&TreeFile> {
        let mut files = Vec::new();
        self.gather(&mut files);
        files
    }

    fn gather<'a>(&'a self, files: &mut Vec<&'a TreeFile>) {
        match self {
            Self::File(file) => files.push(file),
            Self::Folder(children) => {
                for child in children.values() {
                    child.gather(files);
                }
            }
            Self::Link(_) => {}
        }
    }
}

struct Walker<'a> {
    filesystem: &'a dyn Filesystem,
    walk: Walk,
}

impl Walker<'_> {
    fn visit(&self, path: &Path, above: Option<&Way<'_>>) -> Result<Option<Tree>, TreeError> {
        let missing = || TreeError::Missing { path: path.to_owned() };
        let mut stat = self.filesystem.stat(path)?.ok_or_else(missing)?;
        if stat.kind == FileKind::Link {
            if self.walk.links == Links::Keep {
                return self.keep_link(path, above).map(Some);
            }
            stat = self.filesystem.stat_target(path)?.ok_or_else(missing)?;
        }
        match stat.kind {
            FileKind::File => Ok(Some(Tree::File(Box::new(TreeFile { path: path.to_owned(), stat })))),
            FileKind::Folder => self.visit_folder(path, stat, above),
            FileKind::Link | FileKind::Special => Err(TreeError::Special { path: path.to_owned() }),
        }
    }

    fn visit_folder(&self, path: &Path, stat: Stat, above: Option<&Way<'_>>) -> Result<Option<Tree>, TreeError> {
        let folder = (stat.device, stat.stamp.inode);
        if above.is_some_and(|above| above.passes(folder)) {
            return Err(TreeError::Loop { path: path.to_owned() });
        }
        let way = Way { folder, above, depth: above.map_or(0, |above| above.depth + 1) };
        let names = self.filesystem.list(path)?;
        let children = names
            .into_par_iter()
            .with_min_len(32)
            .map(|name| self.visit_child(path, name, &way))
            .filter_map(Result::transpose)
            .collect::<Result<Vec<_>, _>>()?;
        if children.is_empty() && above.is_some() && !self.walk.hidden {
            return Ok(None);
        }
        Ok(Some(Tree::Folder(children.into_iter().collect())))
    }

    fn visit_child(&self, folder: &Path, name: OsString, way: &Way<'_>) -> Result<Option<(String, Tree)>, TreeError> {
        if !self.walk.hidden && name.as_encoded_bytes().starts_with(b".") {
            return Ok(None);
        }
        let path = folder.join(&name);
        let Ok(name) = name.into_string() else {
            return Err(TreeError::NotUtf8 { path });
        };
        Ok(self.visit(&path, Some(way))?.map(|tree| (name, tree)))
    }

    fn keep_link(&self, path: &Path, above: Option<&Way<'_>>) -> Result<Tree, TreeError> {
        let target = self.filesystem.read_link(path)?;
        let target = target.into_os_string().into_string();
        let Ok(target) = target else {
            return Err(TreeError::NotUtf8 { path: path.to_owned() });
        };
        if above.is_some_and(|above| link_stays_inside(&target, above.depth)) {
            return Ok(Tree::Link(target));
        }
        Err(TreeError::Escapes { path: path.to_owned(), target })
    }
}
