//! A figure as files: `figure/1`.

use std::collections::BTreeMap;
use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};

use crate::figure::{Figure, pdf_of, png_of};

/// One drawing in every file format, and what lies beside it.
///
/// On disk a folder: `<stem>.svg`, the format of record; `<stem>.pdf` for papers and `<stem>.png`, both made from it;
/// and further files such as the graph behind a drawing of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FigureFiles {
    /// Content by file name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl FigureFiles {
    /// Renders a figure in every format, under the name `stem`.
    pub(crate) fn of(stem: &str, figure: &Figure) -> Result<Self, FormatError> {
        let files = [("svg", figure.svg().into_bytes()), ("pdf", pdf_of(figure)?), ("png", png_of(figure)?)];
        Ok(Self { files: files.into_iter().map(|(ending, bytes)| (format!("{stem}.{ending}"), bytes)).collect() })
    }

    /// Adds a file beside the drawing.
    #[must_use]
    pub(crate) fn beside(mut self, name: &str, content: Vec<u8>) -> Self {
        self.files.insert(name.to_owned(), content);
        self
    }
}

impl Format for FigureFiles {
    const KIND: Kind = Kind::new("figure/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        let mut files = BTreeMap::new();
        for entry in view.entries()?.into_iter().filter(|entry| entry.form == Form::File) {
            let content = view.at(&entry.name)?.bytes()?;
            files.insert(entry.name, content);
        }
        if files.keys().any(|name| Path::new(name).extension().is_some_and(|ending| ending == "svg")) {
            return Ok(Self { files });
        }
        Err(FormatError::content(view.label(), "there is no `.svg` in the folder"))
    }
}

impl WriteFormat for FigureFiles {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        fs_err::create_dir_all(path)?;
        for (name, content) in &self.files {
            fs_err::write(path.join(name), content)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Anchor, Text};

    #[test]
    fn a_figure_has_the_same_bytes_every_time_and_nothing_of_the_moment_in_it() {
        let render = || {
            let mut figure = Figure::new(85.0, "sample", Some("Title"), Some("A caption."));
            figure.paragraph("words", Text::normal(Anchor::Start));
            FigureFiles::of("sample", &figure.close()).unwrap()
        };
        assert_eq!(render(), render());
        let svg = String::from_utf8(render().files["sample.svg"].clone()).unwrap();
        assert!(!svg.contains("<metadata") && !svg.contains("date") && !svg.contains("ersion"), "{svg}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let figure = Figure::new(20.0, "x", None, None).close();
        let files = FigureFiles::of("x", &figure).unwrap().beside("graph.json", b"{}\n".to_vec());
        files.write(&folder.path().join("f")).unwrap();
        assert_eq!(FigureFiles::read(&View::disk(folder.path().join("f"))).unwrap(), files);
        assert!(FigureFiles::read(&View::disk(folder.path())).unwrap_err().to_string().contains("no `.svg`"));
    }
}
