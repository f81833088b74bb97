//! A report as files: the page, its style and script, its data, and copies of what is published.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::cells::Cells;
use super::figures::Figure;
use super::page::Page;
use super::runs::Runs;
use super::script::script;
use crate::Failure;
use crate::picture::Folded;
use crate::session::Session;

/// Names the files of a report that was written to a folder, a line each.
const LIST: &str = ".dgpipe-report";

/// The files of a report by their name, and nothing of when or where it was made: the same store gives the same bytes.
pub(crate) struct Site {
    files: BTreeMap<String, Vec<u8>>,
}

impl Site {
    /// Gathers what is known. `file` is the pipeline file; a live page asks again how things stand.
    pub(crate) fn of(session: &Session, file: &Path, live: bool) -> Result<Self, Failure> {
        let plan = session.plan(&[], &[])?;
        let runs = Runs::of(session)?;
        let cells = Cells::new(session, &plan, runs.last());
        let mut figures = Figure::all(session, &plan, file)?;
        let folded = Folded::readable(&session.graph);
        let page = Page { session, cells: &cells, runs: &runs, figures: &figures, folded: &folded, live };
        let mut files = BTreeMap::from([
            ("index.html".to_owned(), page.render().into_bytes()),
            ("icon.svg".to_owned(), include_bytes!("icon.svg").to_vec()),
            ("report.css".to_owned(), include_bytes!("report.css").to_vec()),
            ("report.js".to_owned(), include_bytes!("report.js").to_vec()),
        ]);
        let mut index = cells.index(&folded);
        index["runs"] = runs.index();
        index["live"] = json!(live);
        files.insert("data/index.js".to_owned(), script("index", &index));
        for (number, chunk) in cells.chunks()?.iter().enumerate() {
            files.insert(format!("data/cells-{number}.js"), script(&format!("cells-{number}"), chunk));
        }
        for (number, chunk) in runs.chunks(session)?.iter().enumerate() {
            files.insert(format!("data/run-{number}.js"), script(&format!("run-{number}"), chunk));
        }
        files.extend(figures.iter_mut().flat_map(|figure| &mut figure.files).filter_map(|file| file.copy.take()));
        Ok(Self { files })
    }

    /// The bytes of a file.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }

    /// Writes all files to a folder: a new or empty one, or one with an older report.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Failure> {
        let list = folder.join(LIST);
        let occupied = !list.is_file() && fs_err::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if occupied || (folder.exists() && !folder.is_dir()) {
            let failure = Failure::call(format!("`{}` is there and is no report", folder.display()));
            return Err(failure.hint("`--out DIR` names a new or empty folder, or one with a report to replace"));
        }
        let before = fs_err::read_to_string(&list).unwrap_or_default();
        fs_err::create_dir_all(folder)?;
        // Whatever happens, the next report knows what it may replace.
        let mut names: Vec<&str> = self.files.keys().map(String::as_str).chain(before.lines()).collect();
        names.sort_unstable();
        names.dedup();
        fs_err::write(&list, names.join("\n"))?;
        for name in before.lines().filter(|name| !self.files.contains_key(*name) && is_ours(name)) {
            fs_err::remove_file(folder.join(name)).ok();
        }
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            fs_err::create_dir_all(path.parent().unwrap_or(folder))?;
            fs_err::write(path, bytes)?;
        }
        let names: Vec<&str> = self.files.keys().map(String::as_str).collect();
        Ok(fs_err::write(list, names.join("\n"))?)
    }
}

/// Whether a name in the list can be one of a report: the list is a file that anybody can write.
fn is_ours(name: &str) -> bool {
    let mut parts = name.split('/');
    let folder = matches!(parts.next(), Some("data" | "figures"));
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    };
    folder && parts.next().is_some_and(plain) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_a_report_are_replaced() {
        assert!(is_ours("data/cells-0.js") && is_ours("figures/0123abcd.svg"));
        for name in ["../data/x", "data/../../x", "data/.x", "/etc/passwd", "index.html", "data/a/b", "figures/"] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
