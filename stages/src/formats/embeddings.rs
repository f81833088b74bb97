//! Labelled vectors, one per item: `embeddings/1`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, StageError, View, WriteFormat};
use ndarray::{Array2, ArrayView1, Axis, concatenate};
use serde::{Deserialize, Serialize};

use super::json;
use super::npy::{self, RowWriter};

/// A vector, a label, a name and a digest for each of `n` items.
///
/// On disk a folder: `embeddings.npy` (f32 `[n, d]`), `labels.npy` (i64 `[n]`), `items.json` (`classes`, `ids`, `digests`).
#[derive(Clone, Debug, PartialEq)]
pub struct Embeddings {
    /// One row per item: `[n, d]`.
    pub vectors: Array2<f32>,
    /// Index into [`Embeddings::classes`] per item.
    pub labels: Vec<i64>,
    /// The names of all classes there are, also of those without an item here.
    pub classes: Vec<String>,
    /// What each item is called, such as `dog/pic_0001.jpg`.
    pub ids: Vec<String>,
    /// Digest of each item's bytes, by which leakage is decided.
    pub digests: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Items {
    classes: Vec<String>,
    ids: Vec<String>,
    digests: Vec<String>,
}

/// What is known of embeddings beside their vectors.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ItemLists<'a> {
    /// The label of each item, an index into the classes.
    #[serde(skip)]
    pub labels: &'a [i64],
    /// The names of all classes there are.
    pub classes: &'a [String],
    /// What each item is called.
    pub ids: &'a [String],
    /// The digest of each item's bytes.
    pub digests: &'a [String],
}

const ITEMS: &str = "items.json";
const LABELS: &str = "labels.npy";
const VECTORS: &str = "embeddings.npy";

impl ItemLists<'_> {
    /// Refuses lists that do not belong to so many rows.
    fn check(&self, place: &str, rows: usize) -> Result<(), FormatError> {
        let error = |file: &str, what: String| Err(FormatError::content(format!("{place}/{file}"), what));
        for (file, what, count) in [
            (LABELS, "labels", self.labels.len()),
            (ITEMS, "`ids`", self.ids.len()),
            (ITEMS, "`digests`", self.digests.len()),
        ] {
            if count != rows {
                return error(file, format!("there are {count} {what}, but {VECTORS} has {rows} rows"));
            }
        }
        if self.classes.is_empty() || self.classes.iter().collect::<BTreeSet<_>>().len() != self.classes.len() {
            return error(ITEMS, format!("`classes` is [{}]; different names were expected", self.classes.join(", ")));
        }
        let is_label = |label: &i64| (0..self.classes.len() as i64).contains(label);
        if let Some(index) = self.labels.iter().position(|label| !is_label(label)) {
            let (label, classes) = (self.labels[index], self.classes.len());
            return error(LABELS, format!("item {index} has label {label}, but there are {classes} classes, from 0"));
        }
        Ok(())
    }

    fn write(&self, folder: &Path) -> Result<(), FormatError> {
        npy::write(&folder.join(LABELS), ArrayView1::from(self.labels).into_dyn())?;
        json::write(&folder.join(ITEMS), self)
    }
}

/// Refuses a row whose vector is no vector. `place` is the artifact.
fn check_row(place: &str, row: &[f32], index: usize, id: &str) -> Result<(), FormatError> {
    let error = |what: String| Err(FormatError::content(format!("{place}/{VECTORS}"), what));
    if row.is_empty() {
        return error("the vectors have no entries".to_owned());
    }
    if !row.iter().all(|value| value.is_finite()) {
        return error(format!("row {index} (`{id}`) has values that are not finite"));
    }
    Ok(())
}

/// Writes embeddings vector by vector, as [`Embeddings`] are written as a whole, so that they never lie in memory together.
#[derive(Debug)]
pub struct EmbeddingsWriter {
    folder: PathBuf,
    vectors: RowWriter,
}

/// What embeddings are called while they are written: where that is means nothing to who reads the message.
const WRITTEN: &str = "the embeddings";

impl EmbeddingsWriter {
    /// Starts the folder, for vectors of that width.
    pub fn create(folder: &Path, width: usize) -> Result<Self, FormatError> {
        fs_err::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), vectors: RowWriter::create(&folder.join(VECTORS), width)? })
    }

    /// Writes the vector of one more item.
    pub fn push(&mut self, vector: &[f32], id: &str) -> Result<(), FormatError> {
        check_row(WRITTEN, vector, self.vectors.rows(), id)?;
        self.vectors.push(vector)
    }

    /// Writes what is known of the items.
    pub fn finish(self, items: ItemLists<'_>) -> Result<(), FormatError> {
        items.check(WRITTEN, self.vectors.rows())?;
        self.vectors.finish()?;
        items.write(&self.folder)
    }
}

impl Embeddings {
    /// The number of items.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The width of the vectors.
    pub fn width(&self) -> usize {
        self.vectors.ncols()
    }

    /// The items at these indices, in their order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let texts = |all: &[String]| indices.iter().map(|&index| all[index].clone()).collect();
        Self {
            vectors: self.vectors.select(Axis(0), indices),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
            classes: self.classes.clone(),
            ids: texts(&self.ids),
            digests: texts(&self.digests),
        }
    }

    /// The indices of the items of one class, in order.
    pub fn of_class(&self, class: usize) -> Vec<usize> {
        (0..self.len()).filter(|&index| self.labels[index] == class as i64).collect()
    }

    /// Joins the items of several artifacts one after another; refuses differing classes and widths. `port` is the input's
    /// name, for messages.
    pub fn joined(port: &str, parts: &[Self]) -> Result<Self, StageError> {
        let first = parts.first().ok_or_else(|| StageError::new(format!("input `{port}` has no embeddings")))?;
        Self::check_alike(port, parts)?;
        let views: Vec<_> = parts.iter().map(|part| part.vectors.view()).collect();
        let texts =
            |field: fn(&Self) -> &Vec<String>| parts.iter().flat_map(|part| field(part).iter().cloned()).collect();
        Ok(Self {
            vectors: concatenate(Axis(0), &views)?,
            labels: parts.iter().flat_map(|part| part.labels.iter().copied()).collect(),
            classes: first.classes.clone(),
            ids: texts(|part| &part.ids),
            digests: texts(|part| &part.digests),
        })
    }

    /// Refuses embeddings that have differing classes or widths and so mean different things by the same numbers.
    pub fn check_alike(port: &str, parts: &[Self]) -> Result<(), StageError> {
        for (index, pair) in parts.windows(2).enumerate() {
            let place = format!("input `{port}`: embeddings {index} and {}", index + 1);
            if pair[0].classes != pair[1].classes {
                let classes = |part: &Self| part.classes.join(", ");
                let what =
                    format!("{place} differ in their classes, [{}] and [{}]", classes(&pair[0]), classes(&pair[1]));
                return Err(
                    StageError::new(what).hint("embed all domains with the class list of the whole image folder")
                );
            }
            if pair[0].width() != pair[1].width() {
                let what = format!("{place} differ in width, {} and {}", pair[0].width(), pair[1].width());
                return Err(StageError::new(what).hint("embed all domains with the same backbone"));
            }
        }
        Ok(())
    }

    fn lists(&self) -> ItemLists<'_> {
        ItemLists { labels: &self.labels, classes: &self.classes, ids: &self.ids, digests: &self.digests }
    }

    fn check(&self, place: &str) -> Result<(), FormatError> {
        self.lists().check(place, self.vectors.nrows())?;
        if self.width() == 0 {
            return Err(FormatError::content(format!("{place}/{VECTORS}"), "the vectors have no entries"));
        }
        let rows = self.vectors.rows().into_iter().zip(&self.ids).enumerate();
        for (index, (row, id)) in rows {
            match row.as_slice() {
                Some(row) => check_row(place, row, index, id)?,
                None => check_row(place, &row.to_vec(), index, id)?,
            }
        }
        Ok(())
    }
}

impl Format for Embeddings {
    const KIND: Kind = Kind::new("embeddings/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        let Items { classes, ids, digests } = json::read(&view.at(ITEMS)?)?;
        let vectors = npy::read_matrix(&view.at(VECTORS)?)?;
        let labels = npy::read_vector::<i64>(&view.at(LABELS)?)?.to_vec();
        let embeddings = Self { vectors, labels, classes, ids, digests };
        embeddings.check(view.label())?;
        Ok(embeddings)
    }
}

impl WriteFormat for Embeddings {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        self.check(WRITTEN)?;
        fs_err::create_dir_all(path)?;
        npy::write(&path.join(VECTORS), self.vectors.view().into_dyn())?;
        self.lists().write(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(classes: &[&str], labels: &[i64]) -> Embeddings {
        let texts = |prefix: &str| (0..labels.len()).map(|index| format!("{prefix}{index}")).collect();
        Embeddings {
            vectors: Array2::from_shape_fn((labels.len(), 3), |(row, column)| (row * 3 + column) as f32),
            labels: labels.to_vec(),
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            ids: texts("id"),
            digests: texts("digest"),
        }
    }

    fn writing(embeddings: &Embeddings) -> String {
        let folder = tempfile::tempdir().unwrap();
        embeddings.write(&folder.path().join("e")).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let embeddings = example(&["cat", "dog"], &[0, 1, 1]);
        embeddings.write(&folder.path().join("e")).unwrap();
        assert_eq!(Embeddings::read(&View::disk(folder.path().join("e"))).unwrap(), embeddings);
    }

    #[test]
    fn vector_by_vector_the_same_files_are_written_as_in_one_go() {
        let folder = tempfile::tempdir().unwrap();
        let embeddings = example(&["cat", "dog"], &[0, 1, 1]);
        let [whole, by_vectors] = ["whole", "vectors"].map(|name| folder.path().join(name));
        embeddings.write(&whole).unwrap();
        let mut writer = EmbeddingsWriter::create(&by_vectors, 3).unwrap();
        for (vector, id) in embeddings.vectors.rows().into_iter().zip(&embeddings.ids) {
            writer.push(vector.as_slice().unwrap(), id).unwrap();
        }
        writer.finish(embeddings.lists()).unwrap();
        for name in [VECTORS, LABELS, ITEMS] {
            let [whole, by_vectors] = [&whole, &by_vectors].map(|folder| fs_err::read(folder.join(name)).unwrap());
            assert!(whole == by_vectors, "{name}");
        }
        let mut writer = EmbeddingsWriter::create(&folder.path().join("bad"), 1).unwrap();
        writer.push(&[1.0], "cat/1.png").unwrap();
        let error = writer.push(&[f32::INFINITY], "cat/2.png").unwrap_err().to_string();
        assert_eq!(error, "the embeddings/embeddings.npy: row 1 (`cat/2.png`) has values that are not finite");
    }

    #[test]
    fn joining_keeps_the_order_and_selecting_takes_rows() {
        let both = Embeddings::joined("train", &[example(&["a", "b"], &[0, 1]), example(&["a", "b"], &[1])]).unwrap();
        assert_eq!((both.labels.as_slice(), both.ids[2].as_str()), (&[0, 1, 1][..], "id0"));
        assert_eq!(both.of_class(1), [1, 2]);
        assert_eq!(both.select(&[2, 0]).vectors, ndarray::arr2(&[[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]));
    }

    #[test]
    fn differing_classes_are_refused() {
        let parts = [example(&["a", "b"], &[0]), example(&["b", "a"], &[0])];
        let error = Embeddings::joined("train", &parts).unwrap_err();
        assert_eq!(error.to_string(), "input `train`: embeddings 0 and 1 differ in their classes, [a, b] and [b, a]");
    }

    #[test]
    fn a_label_without_a_class_is_refused() {
        assert!(writing(&example(&["a"], &[0, 1])).ends_with("item 1 has label 1, but there are 1 classes, from 0"));
        assert!(writing(&example(&["a"], &[-1])).contains("label -1"));
    }

    #[test]
    fn lengths_that_disagree_and_values_that_are_not_finite_are_refused() {
        let mut embeddings = example(&["a"], &[0, 0]);
        embeddings.digests.pop();
        assert!(writing(&embeddings).ends_with("there are 1 `digests`, but embeddings.npy has 2 rows"));
        let mut embeddings = example(&["a"], &[0, 0]);
        embeddings.vectors[[1, 2]] = f32::NAN;
        assert!(writing(&embeddings).ends_with("row 1 (`id1`) has values that are not finite"));
    }
}
