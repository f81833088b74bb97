//! What a command that failed may have missed: files of the project that it spoke of and that it does not declare.

use std::collections::BTreeSet;
use std::path::{Component, Path};

/// More than this would hide the failure itself.
const MOST: usize = 5;

/// Whether a letter stands between paths in what programs say.
fn separates(letter: char) -> bool {
    letter.is_whitespace() || "'\"`()[]{}<>,;:=|‘’“”".contains(letter)
}

/// The first path outside the project of which a text says that it may not be read. Commands may read what lay there when
/// they began: the kernel's rules can name no file that is made later beside the project.
pub(super) fn refused_outside(text: &str, project: &Path) -> Option<String> {
    let refused = |line: &&str| line.contains("Permission denied") || line.contains("Errno 13");
    let words = text.lines().filter(refused).flat_map(|line| line.split(separates));
    let mut paths = words.filter(|word| word.starts_with('/') && !Path::new(word).starts_with(project));
    paths.find(|path| Path::new(path).is_file()).map(str::to_owned)
}

/// What to do about a path outside the project that may not be read.
pub(super) fn hint_outside(path: &str) -> String {
    format!(
        "if the command made `{path}` itself: what it makes outside the project while it runs can be kept from it; let it use `$TMPDIR`, or say `sandbox: off`"
    )
}

/// Finds paths in a text that are there in the project but not among those that are declared; relative to the project.
pub(super) fn find(text: &str, project: &Path, declared: &BTreeSet<String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split(separates) {
        let path = Path::new(word.trim_end_matches('.'));
        // A plain word is more often a word than the name of a folder.
        if !word.contains(['/', '.']) {
            continue;
        }
        let Some(relative) = in_project(path, project) else {
            continue;
        };
        let is_declared = declared.iter().any(|path| Path::new(&relative).starts_with(path));
        if !is_declared && !found.contains(&relative) && project.join(&relative).exists() {
            found.push(relative);
        }
    }
    found.truncate(MOST);
    found
}

/// The path as one below the project, where it is one, without dgpipe's own.
fn in_project(path: &Path, project: &Path) -> Option<String> {
    let relative = if path.is_absolute() { path.strip_prefix(project).ok()? } else { path };
    let mut names = Vec::new();
    for component in relative.components() {
        match component {
            Component::Normal(name) => names.push(name.to_str()?),
            // `../data` from scratch means the project's as well as any other guess.
            Component::CurDir | Component::ParentDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let own = names.first().is_none_or(|first| *first == ".dgpipe");
    (!own).then(|| names.join("/"))
}

/// The hint: what to write under `inputs:`.
pub(super) fn hint(paths: &[String], project: &Path) -> Option<String> {
    if paths.is_empty() {
        return None;
    }
    let form = |path: &String| if project.join(path).is_dir() { "folder" } else { "file" };
    let lines = paths.iter().map(|path| format!("\n  {}: {{ {}: {path} }}", port_of(path), form(path)));
    let lines = lines.collect::<String>();
    Some(format!("a command sees only what it declares; if it reads these, add to its `inputs:`{lines}"))
}

/// A name for the input, from the file's.
fn port_of(path: &str) -> String {
    let stem = Path::new(path).file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = stem.chars().map(plain).collect();
    if name.starts_with(|letter: char| letter.is_ascii_alphabetic()) { name } else { format!("input_{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_a_message_names_are_found_however_it_quotes_them() {
        let project = tempfile::tempdir().unwrap();
        fs_err::create_dir(project.path().join("data")).unwrap();
        for name in ["data/train.csv", "model.py", "known.txt"] {
            fs_err::write(project.path().join(name), "").unwrap();
        }
        let absolute = project.path().join("model.py");
        let text = format!(
            "FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'\n\
             cat: {}: Permission denied\nopen known.txt, ../../data/train.csv. /etc/passwd and nothing.at/all .",
            absolute.display()
        );
        let declared = BTreeSet::from(["known.txt".to_owned()]);
        assert_eq!(find(&text, project.path(), &declared), ["data/train.csv", "model.py"]);
    }

    #[test]
    fn the_hint_is_what_to_write() {
        let project = tempfile::tempdir().unwrap();
        fs_err::create_dir(project.path().join("7.d")).unwrap();
        let hint = hint(&["data/Train-1.csv".to_owned(), "7.d".to_owned()], project.path()).unwrap();
        assert!(hint.ends_with("\n  train_1: { file: data/Train-1.csv }\n  input_7: { folder: 7.d }"), "{hint}");
    }
}
