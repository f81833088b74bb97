//! `image-folder/1`: `[<domain>/]<class>/<file>`, read lazily: listing opens no image.
//!
//! Hidden names and folders without files are ignored, and so are loose files beside the folders of a level.

use std::collections::BTreeSet;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, ViewEntry};

/// One file of an image folder.
#[derive(Clone, Debug)]
pub struct ImageItem {
    /// The name of its domain, where the folder has that level.
    pub domain: Option<String>,
    /// The name of its class.
    pub class: String,
    /// Its file name.
    pub name: String,
    folder: View,
}

impl ImageItem {
    /// Its path below the parent of the classes, such as `dog/pic_0001.jpg`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.class, self.name)
    }

    /// Its path in the image folder, such as `photo/dog/pic_0001.jpg`.
    pub fn path(&self) -> String {
        self.domain.as_ref().map_or_else(|| self.id(), |domain| format!("{domain}/{}", self.id()))
    }

    /// Its bytes.
    pub fn view(&self) -> Result<View, FormatError> {
        Ok(self.folder.at(&self.name)?)
    }
}

/// The files of an image folder, ordered by domain, class and name (by bytes).
#[derive(Clone, Debug)]
pub struct ImageFolder {
    /// The domains that have files, in alphabetical order; empty where classes lie at the top.
    pub domains: Vec<String>,
    /// The classes that have files in any domain, in alphabetical order.
    pub classes: Vec<String>,
    /// The folders of classes, those without files included, in alphabetical order.
    pub class_folders: Vec<String>,
    /// The files.
    pub items: Vec<ImageItem>,
}

/// A folder and what lies directly in it.
struct Level {
    name: String,
    view: View,
    files: Vec<String>,
    folders: Vec<String>,
}

impl Level {
    fn open(parent: &View, name: &str) -> Result<Self, FormatError> {
        let view = parent.at(name)?;
        let (files, folders) = names(&view)?;
        Ok(Self { name: name.to_owned(), view, files, folders })
    }

    fn children(&self) -> Result<Vec<Self>, FormatError> {
        self.folders.iter().map(|name| Self::open(&self.view, name)).collect()
    }
}

impl Format for ImageFolder {
    const KIND: Kind = Kind::new("image-folder/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        let root = step_into_kfold(view)?;
        let (_, folders) = names(&root)?;
        let levels = folders.iter().map(|name| Level::open(&root, name)).collect::<Result<Vec<_>, _>>()?;
        let mut folder = Self { domains: vec![], classes: vec![], class_folders: vec![], items: vec![] };
        if has_domains(&root, &levels)? {
            for level in levels.iter().filter(|level| !level.folders.is_empty()) {
                folder.add_classes(Some(&level.name), level.children()?)?;
            }
        } else {
            folder.add_classes(None, levels)?;
        }
        if folder.items.is_empty() {
            return Err(FormatError::content(
                view.label(),
                "no image found; files belong at `[<domain>/]<class>/<file>`",
            ));
        }
        folder.sum_up();
        Ok(folder)
    }
}

impl ImageFolder {
    /// Leaves out the files at these places. The lists of classes and domains stay.
    #[must_use]
    pub fn without(mut self, places: impl IntoIterator<Item = usize>) -> Self {
        let places: BTreeSet<usize> = places.into_iter().collect();
        let mut place = 0..;
        self.items.retain(|_| place.next().is_none_or(|place| !places.contains(&place)));
        self
    }

    /// Takes the files of the classes of one domain.
    fn add_classes(&mut self, domain: Option<&str>, classes: Vec<Level>) -> Result<(), FormatError> {
        for class in classes {
            if let Some(inner) = class.folders.first() {
                return Err(FormatError::content(
                    class.view.label(),
                    format!(
                        "`{inner}` is a folder where images were expected; folders go no deeper than `<domain>/<class>`"
                    ),
                ));
            }
            self.class_folders.push(class.name.clone());
            self.items.extend(class.files.into_iter().map(|name| ImageItem {
                domain: domain.map(str::to_owned),
                class: class.name.clone(),
                name,
                folder: class.view.clone(),
            }));
        }
        Ok(())
    }

    /// Derives the lists of domains and classes.
    fn sum_up(&mut self) {
        let sorted = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>();
        self.class_folders = sorted(self.class_folders.drain(..).collect());
        self.classes = sorted(self.items.iter().map(|item| item.class.clone()).collect());
        self.domains = sorted(self.items.iter().filter_map(|item| item.domain.clone()).collect());
        self.items.sort_by(|a, b| (&a.domain, &a.class, &a.name).cmp(&(&b.domain, &b.class, &b.name)));
    }
}

/// The names of visible files and of visible folders.
fn names(view: &View) -> Result<(Vec<String>, Vec<String>), FormatError> {
    let visible = view.entries()?.into_iter().filter(|entry| !entry.name.starts_with('.'));
    let (folders, files): (Vec<ViewEntry>, Vec<ViewEntry>) = visible.partition(|entry| entry.form == Form::Folder);
    let names = |entries: Vec<ViewEntry>| entries.into_iter().map(|entry| entry.name).collect();
    Ok((names(files), names(folders)))
}

/// Copies of PACS lie in a folder `kfold` of their archive.
fn step_into_kfold(view: &View) -> Result<View, FormatError> {
    let (_, folders) = names(view)?;
    if folders == ["kfold"] { Ok(view.at("kfold")?) } else { Ok(view.clone()) }
}

/// Whether the folders at the top are domains: they hold folders, and classes hold files.
fn has_domains(root: &View, levels: &[Level]) -> Result<bool, FormatError> {
    let deep = levels.iter().find(|level| !level.folders.is_empty());
    let flat = levels.iter().find(|level| level.folders.is_empty() && !level.files.is_empty());
    match (deep, flat) {
        (Some(deep), Some(flat)) => Err(FormatError::content(
            root.label(),
            format!(
                "`{}` holds folders and `{}` holds files; all folders at the top must be domains, or all classes",
                deep.name, flat.name
            ),
        )),
        (deep, _) => Ok(deep.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            if file.ends_with('/') {
                fs_err::create_dir_all(&path).unwrap();
            } else {
                fs_err::create_dir_all(path.parent().unwrap()).unwrap();
                fs_err::write(&path, file.as_bytes()).unwrap();
            }
        }
        root
    }

    fn read(files: &[&str]) -> Result<ImageFolder, FormatError> {
        ImageFolder::read(&View::disk(folder(files).path()))
    }

    #[test]
    fn classes_come_from_all_domains_in_alphabetical_order() {
        let root = folder(&["b/dog/2.png", "b/dog/10.png", "a/person/x.jpg", "a/cat/y.jpg"]);
        let images = ImageFolder::read(&View::disk(root.path())).unwrap();
        assert_eq!(images.domains, ["a", "b"]);
        assert_eq!(images.classes, ["cat", "dog", "person"]);
        let paths: Vec<String> = images.items.iter().map(ImageItem::path).collect();
        assert_eq!(paths, ["a/cat/y.jpg", "a/person/x.jpg", "b/dog/10.png", "b/dog/2.png"]);
        assert_eq!(images.items[3].view().unwrap().bytes().unwrap(), b"b/dog/2.png");
    }

    #[test]
    fn a_sub_tree_has_classes_at_the_top() {
        let images = read(&["dog/1.png", "cat/1.png"]).unwrap();
        assert!(images.domains.is_empty());
        assert_eq!(images.items[0].id(), "cat/1.png");
        assert_eq!(images.items[0].path(), "cat/1.png");
    }

    #[test]
    fn hidden_and_empty_folders_and_loose_files_are_ignored() {
        let images =
            read(&[".git/x/1.png", "a/.hidden/1.png", "a/dog/1.png", "a/dog/.DS_Store", "a/cat/", "empty/", "README"]);
        let images = images.unwrap();
        assert_eq!(images.domains, ["a"]);
        assert_eq!(images.classes, ["dog"]);
        assert_eq!(images.class_folders, ["cat", "dog"]);
        assert_eq!(images.items.len(), 1);
    }

    #[test]
    fn a_lone_kfold_is_stepped_into() {
        let images = read(&["kfold/photo/dog/1.png", "splits.txt"]).unwrap();
        assert_eq!(images.domains, ["photo"]);
        assert_eq!(images.items[0].path(), "photo/dog/1.png");
    }

    #[test]
    fn a_wrong_layout_is_refused_with_its_place() {
        for (files, expected) in [
            (&["a/dog/1.png", "cat/1.png"][..], "`a` holds folders and `cat` holds files"),
            (&["a/dog/deep/1.png"][..], "`deep` is a folder where images were expected"),
            (&["empty/"][..], "no image found"),
            (&["1.png"][..], "no image found"),
        ] {
            let error = read(files).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
