//! Paths that a pipeline names: inside the project, in one spelling each.

use std::path::{Component, Path};

use crate::spec::{Mistake, Place};

/// A path inside the project, in its one spelling: names joined by `/`, none of them `.` or `..`. Fails with a mistake at
/// `place` where the text is no such path: absolute, leaving the project, or among the files of dgpipe and git.
pub fn project_path(text: &str, place: Place) -> Result<String, Mistake> {
    let mistake = |why: &str| {
        let help = "paths are relative to the project root and stay inside it";
        Mistake::new("bad-path", format!("`{}` {why}", text.escape_debug())).at(place, "here").help(help)
    };
    if text.is_empty() || text.contains(['\0', '\n', '\\']) {
        return Err(mistake("is not a path"));
    }
    let mut parts = Vec::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir => return Err(mistake("leaves the project")),
            Component::RootDir | Component::Prefix(_) => return Err(mistake("is absolute")),
        }
    }
    if parts.iter().any(|part| part.len() > 255) {
        return Err(mistake("has a name longer than 255 bytes"));
    }
    match parts.first().map(String::as_str) {
        None => Err(mistake("is the project itself")),
        // Some programs read it as a home folder, however the path is spelled.
        Some(first) if first.starts_with('~') => Err(mistake("is not a path")),
        Some(".dgpipe" | ".git") => Err(mistake("lies where dgpipe or git keep their own files")),
        Some(_) => Ok(parts.join("/")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> Result<String, String> {
        project_path(text, Place::default()).map_err(|mistake| mistake.message)
    }

    #[test]
    fn a_path_has_one_spelling() {
        for text in ["a/b", "./a/b", "a//b", "a/./b/", "a/b/."] {
            assert_eq!(path(text).unwrap(), "a/b", "{text}");
        }
    }

    #[test]
    fn e3_paths_that_are_none_or_lie_elsewhere_are_refused() {
        let long = "a".repeat(256);
        for text in
            ["", ".", "./", "/a", "..", "a/../b", "~/a", "./~", "a\\b", "a\0", "a\nb", ".git/config", ".dgpipe", &long]
        {
            assert!(path(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_stays_below_the_project_and_is_its_own_spelling(text in "[./a~\\\\ é]{0,12}") {
            if let Ok(normal) = path(&text) {
                prop_assert!(Path::new(&normal).components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert_eq!(path(&normal), Ok(normal.clone()));
            }
        }
    }
}
