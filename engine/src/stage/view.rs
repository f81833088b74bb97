//! A read-only look at an artifact: in the store, or a source where it lies.

use std::path::{Path, PathBuf};

use dgpipe_cache::{Artifact, Digest, Form, ManifestEntry, Store, StoreError};

/// A file or folder that a stage reads, wherever its bytes are. Cheap to clone.
///
/// Names inside a folder are relative, with `/` between parts. Hidden names (a leading dot) of a source are
/// seen only where its kind asks for them.
#[derive(Clone, Debug)]
pub struct View {
    label: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Disk { path: PathBuf, hidden: bool },
    Stored { store: Store, artifact: Artifact },
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewEntry {
    /// Its name, without a path.
    pub name: String,
    /// Whether it is a file or a folder.
    pub form: Form,
}

/// Bytes that could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The file system said no.
    #[error("{label}: {source}")]
    Io {
        /// Which artifact, and which file in it.
        label: String,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The store could not serve the artifact.
    #[error("{label}: {source}")]
    Store {
        /// Which artifact, and which file in it.
        label: String,
        /// What the store said.
        source: Box<StoreError>,
    },
    /// A name that does not exist.
    #[error("{label} has no `{name}`; it has [{}]", entries.join(", "))]
    Missing {
        /// Which folder.
        label: String,
        /// The name asked for.
        name: String,
        /// The first names there are.
        entries: Vec<String>,
    },
    /// A folder where a file was expected, or the other way round.
    #[error("{label} is not a {expected}")]
    WrongForm {
        /// Which artifact, and which file in it.
        label: String,
        /// `file` or `folder`.
        expected: &'static str,
    },
}

impl View {
    /// Looks at a path on disk, without its hidden names.
    pub fn disk(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { label: path.display().to_string(), place: Place::Disk { path, hidden: false } }
    }

    /// Looks at a path on disk under a name that messages use.
    pub(crate) fn source(label: impl Into<String>, path: PathBuf, hidden: bool) -> Self {
        Self { label: label.into(), place: Place::Disk { path, hidden } }
    }

    /// Looks at an artifact in the store under a name that messages use.
    pub(crate) fn stored(label: impl Into<String>, store: Store, artifact: Artifact) -> Self {
        Self { label: label.into(), place: Place::Stored { store, artifact } }
    }

    /// What messages call it, such as `embeddings[domain=photo]/labels.npy`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Whether it is a file or a folder.
    pub fn form(&self) -> Form {
        match &self.place {
            Place::Disk { path, .. } if path.is_dir() => Form::Folder,
            Place::Disk { .. } => Form::File,
            Place::Stored { artifact, .. } => artifact.form,
        }
    }

    /// The names in a folder, in byte order.
    pub fn entries(&self) -> Result<Vec<ViewEntry>, ViewError> {
        if self.form() == Form::File {
            return Err(ViewError::WrongForm { label: self.label.clone(), expected: "folder" });
        }
        let mut entries = match &self.place {
            Place::Disk { path, hidden } => self.disk_entries(path, *hidden)?,
            Place::Stored { store, artifact } => {
                let manifest = store.manifest(artifact).map_err(|error| self.store_error(error))?;
                let entry = |entry: &ManifestEntry| {
                    // A link inside an artifact is seen as the file that it stands for.
                    let form = entry.artifact().map_or(Form::File, |artifact| artifact.form);
                    ViewEntry { name: entry.name.clone(), form }
                };
                manifest.entries().iter().map(entry).collect()
            }
        };
        entries.sort();
        Ok(entries)
    }

    fn disk_entries(&self, path: &Path, hidden: bool) -> Result<Vec<ViewEntry>, ViewError> {
        let mut entries = Vec::new();
        for entry in fs_err::read_dir(path).map_err(|error| self.io_error(error))? {
            let entry = entry.map_err(|error| self.io_error(error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if hidden || !name.starts_with('.') {
                let form = if entry.path().is_dir() { Form::Folder } else { Form::File };
                entries.push(ViewEntry { name, form });
            }
        }
        Ok(entries)
    }

    /// The file or folder at a relative path, or nothing where there is none.
    pub fn find(&self, relative: &str) -> Result<Option<Self>, ViewError> {
        let label = format!("{}/{relative}", self.label);
        let place = match &self.place {
            Place::Disk { path, hidden } => {
                let path = path.join(relative);
                if !path.exists() {
                    return Ok(None);
                }
                Place::Disk { path, hidden: *hidden }
            }
            Place::Stored { store, artifact } => {
                let found = store.subtree(artifact, relative).map_err(|error| self.store_error(error))?;
                let Some(artifact) = found else { return Ok(None) };
                Place::Stored { store: store.clone(), artifact }
            }
        };
        Ok(Some(Self { label, place }))
    }

    /// The file or folder at a relative path, or an error that says which names there are.
    pub fn at(&self, relative: &str) -> Result<Self, ViewError> {
        if let Some(found) = self.find(relative)? {
            return Ok(found);
        }
        let entries = self.entries()?.into_iter().take(12).map(|entry| entry.name).collect();
        Err(ViewError::Missing { label: self.label.clone(), name: relative.to_owned(), entries })
    }

    /// All bytes of a file.
    pub fn bytes(&self) -> Result<Vec<u8>, ViewError> {
        let mut bytes = Vec::new();
        let mut file = self.open()?;
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(|error| self.io_error(error))?;
        Ok(bytes)
    }

    /// Opens a file for reading.
    pub fn open(&self) -> Result<std::fs::File, ViewError> {
        if self.form() == Form::Folder {
            return Err(ViewError::WrongForm { label: self.label.clone(), expected: "file" });
        }
        match &self.place {
            Place::Disk { path, .. } => {
                let file = fs_err::File::open(path).map_err(|error| self.io_error(error))?;
                Ok(file.into_parts().0)
            }
            Place::Stored { store, artifact } => store.open_object(artifact).map_err(|error| self.store_error(error)),
        }
    }

    /// The digest of a file's bytes. Artifacts in the store know theirs; a source's file is read.
    pub fn digest(&self) -> Result<Digest, ViewError> {
        match &self.place {
            Place::Stored { artifact, .. } => Ok(artifact.digest),
            Place::Disk { .. } => Ok(Digest::of(&self.bytes()?)),
        }
    }

    /// Lays a read-only copy at `path`, which does not exist yet: by reflink, else by copying.
    pub(crate) fn materialise(&self, path: &Path) -> Result<(), ViewError> {
        match &self.place {
            Place::Stored { store, artifact } => {
                store.materialise(artifact, path).map(drop).map_err(|error| self.store_error(error))
            }
            Place::Disk { path: from, hidden } => {
                copy_visible(from, path, *hidden).map_err(|error| self.io_error(error))
            }
        }
    }

    /// Whether [`View::overwrite`] can be used: for files in the store.
    pub(crate) fn can_overwrite(&self) -> bool {
        matches!(&self.place, Place::Stored { artifact, .. } if artifact.form == Form::File)
    }

    /// Lays a read-only copy in place of a file that nobody else uses.
    pub(crate) fn overwrite(&self, path: &Path) -> Result<(), ViewError> {
        match &self.place {
            Place::Stored { store, artifact } if artifact.form == Form::File => {
                store.overwrite(artifact, path).map(drop).map_err(|error| self.store_error(error))
            }
            _ => {
                fs_err::remove_file(path).map_err(|error| self.io_error(error))?;
                self.materialise(path)
            }
        }
    }

    fn io_error(&self, source: std::io::Error) -> ViewError {
        ViewError::Io { label: self.label.clone(), source }
    }

    fn store_error(&self, source: StoreError) -> ViewError {
        ViewError::Store { label: self.label.clone(), source: Box::new(source) }
    }
}

/// Copies a source, links followed, hidden names left out unless they belong to it.
fn copy_visible(from: &Path, to: &Path, hidden: bool) -> std::io::Result<()> {
    if !from.is_dir() {
        reflink_copy::reflink_or_copy(from, to)?;
        return Ok(());
    }
    fs_err::create_dir_all(to)?;
    for entry in fs_err::read_dir(from)? {
        let name = entry?.file_name();
        if hidden || !name.to_string_lossy().starts_with('.') {
            copy_visible(&from.join(&name), &to.join(&name), hidden)?;
        }
    }
    Ok(())
}
