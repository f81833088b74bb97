//! House rules that a machine can keep: they are about files, not about behaviour.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Files that git would carry, by their path from the root of the repository.
fn files() -> Vec<String> {
    let mut files = Vec::new();
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() || ["target", ".git", ".dgpipe", "results", "data", "shared"].contains(&name.as_str())
            {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path.strip_prefix(root()).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

fn read(file: &str) -> String {
    String::from_utf8_lossy(&fs_err::read(root().join(file)).unwrap()).into_owned()
}

fn ends_with(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found == extension)
}

fn rust_files(below: &[&str]) -> Vec<String> {
    let inside = |file: &String| below.is_empty() || below.iter().any(|folder| file.starts_with(folder));
    files().into_iter().filter(|file| ends_with(file, "rs") && inside(file)).collect()
}

/// Asserts that a list of offences is empty, and shows all of them.
fn none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}\n", offences.join("\n"));
}

#[test]
fn a_mod_file_has_documentation_modules_and_names_and_little_else() {
    let mut offences = Vec::new();
    for file in
        rust_files(&["cache/src", "engine/src", "engine/cli/src"]).iter().filter(|file| file.ends_with("/mod.rs"))
    {
        let text = read(file);
        let types = ["pub struct ", "pub enum ", "pub trait ", "impl ", "macro_rules!"];
        offences.extend(
            text.lines()
                .filter(|line| types.iter().any(|word| line.starts_with(word)))
                .map(|line| format!("{file}: {line}")),
        );
    }
    none(offences);
}

#[test]
fn no_file_is_named_after_nothing() {
    let banned = [
        "util", "utils", "helper", "helpers", "common", "misc", "base", "core", "imp", "manager", "handler", "service",
        "data", "info",
    ];
    let stem =
        |file: &String| Path::new(file).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let offends = |file: &String| stem(file).split('_').any(|word| banned.contains(&word));
    none(rust_files(&[]).into_iter().filter(offends).collect());
}

#[test]
fn every_file_says_what_it_is_for() {
    none(rust_files(&[]).into_iter().filter(|file| !read(file).starts_with("//! ")).collect());
}

#[test]
fn the_pipeline_language_uses_no_serde_feature_that_loses_places() {
    let mut offences = Vec::new();
    for file in rust_files(&["engine/src/spec", "engine/src/command", "engine/src/graph"]) {
        let text = read(&file);
        let lines = text.lines().filter(|line| line.contains("#[serde(") && line.contains("flatten"));
        offences.extend(lines.map(|line| format!("{file}: {line}")));
    }
    let untagged = rust_files(&["engine/src/spec"]).into_iter().filter(|file| read(file).contains("untagged)]"));
    offences.extend(untagged);
    none(offences);
}

#[test]
fn the_engine_knows_no_machine_learning() {
    let mut offences = Vec::new();
    for file in rust_files(&["engine/src"]) {
        let text = read(&file).to_lowercase();
        // A test may show what a config of a user looks like.
        let code = text.split("#[cfg(test)]").next().unwrap_or("").replace("unix_epoch", "");
        for word in ["model", "epoch", "tensor", "batch"] {
            offences.extend(code.lines().filter(|line| line.contains(word)).map(|line| format!("{file}: {line}")));
        }
    }
    for manifest in ["engine/Cargo.toml", "engine/cli/Cargo.toml", "cache/Cargo.toml", "tests/Cargo.toml"] {
        let text = read(manifest);
        let names = text.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let foreign = names.filter(|name| name.starts_with("burn") || ["image", "ndarray", "dgpipe"].contains(name));
        offences.extend(foreign.map(|name| format!("{manifest}: {name}")));
    }
    none(offences);
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let mut offences = Vec::new();
    for file in rust_files(&[]).iter().filter(|file| !file.ends_with("tidy.rs")) {
        let text = read(file);
        offences.extend(
            text.lines()
                .filter(|line| line.contains("#[allow(") || line.contains("#![allow("))
                .map(|line| format!("{file}: {line}")),
        );
        // An attribute may be wrapped over several lines.
        for expectation in text.split("#[expect(").skip(1) {
            let attribute = expectation.split(")]").next().unwrap_or("");
            if !attribute.contains("reason = ") {
                offences.push(format!("{file}: #[expect({attribute})] without a reason"));
            }
        }
    }
    none(offences);
}

#[test]
fn every_stage_type_is_registered() {
    let library = read("stages/src/lib.rs");
    let registry = library.split("const STAGE_TYPES").nth(1).unwrap_or("").split("];").next().unwrap_or("");
    let mut offences = Vec::new();
    for file in rust_files(&["stages/src"]) {
        let text = read(&file);
        for line in text.lines().filter(|line| line.starts_with("impl StageType for ")) {
            let name = line.trim_start_matches("impl StageType for ").trim_end_matches(['{', ' ']);
            if !registry.contains(&format!("::{name}>")) && !registry.contains(&format!("<{name}>")) {
                offences.push(format!("{file}: `{name}` is not in STAGE_TYPES"));
            }
        }
    }
    // The registry is the last thing that is written; until it is there, there is nothing to forget.
    none(if registry.is_empty() { Vec::new() } else { offences });
}

#[test]
fn no_file_tells_of_the_machine_it_was_written_on() {
    let places = ["/home/", "/Users/", "/root/", "/mnt/", "/media/"];
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| !file.ends_with("tidy.rs") && !file.ends_with(".pending-snap")) {
        let Ok(text) = String::from_utf8(fs_err::read(root().join(file)).unwrap()) else { continue };
        offences.extend(
            text.lines()
                .filter(|line| places.iter().any(|place| line.contains(place)))
                .map(|line| format!("{file}: {line}")),
        );
    }
    none(offences);
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut offences = Vec::new();
    for file in files().iter().filter(|file| ends_with(file, "md")) {
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        for link in read(file).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or("");
            let outside = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
            if !outside && !root().join(folder).join(path).exists() {
                offences.push(format!("{file}: {link}"));
            }
        }
    }
    none(offences);
}
