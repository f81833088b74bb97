//! A table for papers and for programs: `table/1`.

use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};

/// The same table three times. On disk a folder: `table.csv`, `table.md`, `table.tex`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// For programs: one line a value.
    pub csv: String,
    /// For readers of text.
    pub markdown: String,
    /// For papers, with the rules of `booktabs`.
    pub latex: String,
}

const NAMES: [&str; 3] = ["table.csv", "table.md", "table.tex"];

impl Format for Table {
    const KIND: Kind = Kind::new("table/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        let text = |name: &str| {
            let file = view.at(name)?;
            String::from_utf8(file.bytes()?).map_err(|error| FormatError::content(file.label(), error))
        };
        let [csv, markdown, latex] = NAMES.map(text);
        Ok(Self { csv: csv?, markdown: markdown?, latex: latex? })
    }
}

impl WriteFormat for Table {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        fs_err::create_dir_all(path)?;
        for (name, text) in NAMES.into_iter().zip([&self.csv, &self.markdown, &self.latex]) {
            fs_err::write(path.join(name), text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let text = |text: &str| text.to_owned();
        let table = Table { csv: text("a,b\n"), markdown: text("| a |\n"), latex: text("\\toprule\n") };
        table.write(&folder.path().join("t")).unwrap();
        assert_eq!(Table::read(&View::disk(folder.path().join("t"))).unwrap(), table);
    }
}
