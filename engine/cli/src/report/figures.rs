//! The figures and tables of a report: what is published, with its passport and how it stands.

use std::path::Path;

use dgpipe_cache::Digest;
use dgpipe_engine::passport::{Passport, Published, PublishedFile};
use dgpipe_engine::plan::Plan;

use crate::Failure;
use crate::session::Session;

/// The most rows and columns of a table, and bytes of a text, that are shown in the page.
const MOST_ROWS: usize = 200;
const MOST_COLUMNS: usize = 24;
const LONGEST: usize = 16 << 10;

/// Files of one figure or table: the same cell, the same name, several formats.
pub(super) struct Figure {
    /// Where it lies, without its ending.
    pub(super) name: String,
    pub(super) cell: String,
    pub(super) kind: String,
    pub(super) files: Vec<FigureFile>,
}

/// One published file.
pub(super) struct FigureFile {
    pub(super) path: String,
    /// The file of the report that it is copied to, where it is there.
    pub(super) copy: Option<(String, Vec<u8>)>,
    pub(super) standing: &'static str,
    pub(super) details: Vec<String>,
    pub(super) passport: Option<Passport>,
    pub(super) content: Content,
}

/// What of a file can be shown.
#[derive(PartialEq)]
pub(super) enum Content {
    Image,
    Table(Vec<Vec<String>>),
    Text(String),
    /// To be opened in a program of its own.
    Other,
}

impl Figure {
    /// All figures and tables that are published, in the order of their paths.
    pub(super) fn all(session: &Session, plan: &Plan, file: &Path) -> Result<Vec<Self>, Failure> {
        let published = Published::new(&session.graph, &session.store, plan, &session.root, file);
        let mut figures: Vec<Self> = Vec::new();
        for published in published.files()? {
            let name = Path::new(&published.path).with_extension("").to_string_lossy().into_owned();
            let (cell, kind) = (published.cell.clone(), published.kind.clone());
            let file = FigureFile::of(session, published);
            match figures.last_mut().filter(|figure| figure.name == name && figure.cell == cell) {
                Some(figure) => figure.files.push(file),
                None => figures.push(Self { name, cell, kind, files: vec![file] }),
            }
        }
        Ok(figures)
    }

    /// The file that shows best: one that nobody edited, then a picture, then a table, then text.
    pub(super) fn shown(&self) -> &FigureFile {
        let rank = |file: &&FigureFile| {
            let form = match (&file.content, extension(&file.path)) {
                (Content::Image, "svg") => 0,
                (Content::Image, _) => 1,
                (Content::Table(_), _) => 2,
                (Content::Text(_), _) => 3,
                (Content::Other, _) => 4,
            };
            (file.standing == "edited", form)
        };
        self.files.iter().min_by_key(rank).expect("a figure has a file")
    }
}

impl FigureFile {
    fn of(session: &Session, published: PublishedFile) -> Self {
        // What is missing or cannot be read is said by its standing.
        let bytes = fs_err::read(session.root.join(&published.path)).ok();
        let content = bytes.as_deref().map_or(Content::Other, |bytes| content(&published.path, bytes));
        let copy = bytes.map(|bytes| (copy_name(&published.path, &bytes), bytes));
        let (standing, details) = (published.standing.word(), published.standing.details());
        Self { path: published.path, copy, standing, details, passport: published.passport, content }
    }

    /// The name under which it is saved.
    pub(super) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Named by digest: a published name can be anything, and would be read as part of an address.
fn copy_name(path: &str, bytes: &[u8]) -> String {
    let extension = extension(path);
    let safe =
        !extension.is_empty() && extension.len() <= 8 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // Nothing that a browser would run may come out of the project's files under the report's address.
    let extension = if safe && !["html", "htm", "js", "xhtml", "xml"].contains(&extension) { extension } else { "txt" };
    format!("figures/{}.{extension}", Digest::of(bytes).short())
}

fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

fn content(path: &str, bytes: &[u8]) -> Content {
    match extension(path) {
        "svg" | "png" | "jpg" | "jpeg" => Content::Image,
        "csv" => table(bytes).map_or(Content::Other, Content::Table),
        "md" | "tex" | "txt" | "json" if bytes.len() <= LONGEST => {
            Content::Text(super::legible::log(&String::from_utf8_lossy(bytes)))
        }
        _ => Content::Other,
    }
}

fn table(bytes: &[u8]) -> Option<Vec<Vec<String>>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut rows = Vec::new();
    for row in reader.records() {
        let row: Vec<String> = row.ok()?.iter().map(crate::terminal::sanitised).collect();
        if rows.len() >= MOST_ROWS || row.len() > MOST_COLUMNS {
            return None;
        }
        rows.push(row);
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_names_that_are_safe_in_an_address() {
        for path in ["a b%2f..svg/x.s vg", "x.html", "x.JS<", "figure", "x.js"] {
            let name = copy_name(path, b"bytes");
            assert!(
                extension(&name) == "txt"
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/.".contains(&byte)),
                "{name}"
            );
        }
        assert_eq!(extension(&copy_name("a/figure.svg", b"<svg/>")), "svg");
    }
}
