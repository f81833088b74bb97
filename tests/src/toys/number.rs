//! The format of the toys: a whole number as text.

use std::path::Path;

use dgpipe_cache::Form;
use dgpipe_engine::stage::{Format, FormatError, Kind, View, WriteFormat};

/// A whole number in a text file.
pub(super) struct Number(pub(super) i64);

impl Format for Number {
    const KIND: Kind = Kind::new("number/1");
    const FORM: Form = Form::File;

    fn read(view: &View) -> Result<Self, FormatError> {
        let bytes = view.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        let number = text.trim().parse();
        number.map(Self).map_err(|_| FormatError::content(view.label(), format!("`{}` is not a number", text.trim())))
    }
}

impl WriteFormat for Number {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        Ok(fs_err::write(path, format!("{}\n", self.0))?)
    }
}
