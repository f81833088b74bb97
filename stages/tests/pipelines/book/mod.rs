//! The documents: every command on their pages is run, what is shown as its output is compared, and links lead somewhere.

mod output;
mod page;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::page::Page;
use crate::project::{Project, copy};

// The stage type that a page explains; its own tests run here.
#[path = "../../../examples/own_stage_type/normalise_embeddings.rs"]
mod normalise_embeddings;

/// Pages that need a program which not every machine has: they are skipped by name without it.
const NEEDS: &[(&str, &str)] =
    &[("docs/how-to/own-commands.md", "python3"), ("docs/how-to/wrap-a-repository.md", "python3")];

/// Blocks that show commands and are not run, by page and first command, and why not.
const NOT_RUN: &[(&str, &str, &str)] = &[
    (
        "CONTRIBUTING.md",
        "cargo test -p dgpipe-cache -p dgpipe-engine -p dgpipe-cli -p dgpipe-tests",
        "is what runs this",
    ),
    ("README.md", "cargo test", "is what runs this"),
    ("docs/backbone.md", "dgpipe fetch pacs", "asks a server"),
    ("docs/backbone.md", "cargo build --release -p dgpipe", "measures for minutes"),
    ("docs/backbone.md", "cargo install --path stages --features wgpu", "builds for minutes"),
    (
        "docs/backbone.md",
        "VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json cargo test -p dgpipe --features wgpu --test pipelines gpu",
        "needs a GPU",
    ),
    ("docs/commands.md", "dgpipe fetch", "asks a server"),
    ("docs/how-to/cite-a-figure.md", "dgpipe trace figure-from-a-paper.pdf", "a file from elsewhere"),
    (
        "docs/how-to/own-stage-type.md",
        "cargo run --release --example own_stage_type -- stages normalise-embeddings",
        "builds for minutes",
    ),
    ("docs/performance.md", "benches/lattice/run 1000 5", "measures for minutes"),
    (
        "docs/performance.md",
        "python3 -m venv peers && peers/bin/pip install -r benches/peers/requirements.txt",
        "installs other tools",
    ),
    ("docs/performance.md", "benches/hashing/run 4 5", "measures for minutes"),
    ("docs/performance.md", "cargo build --release -p dgpipe-tests --bin toy", "measures for minutes"),
    ("docs/performance.md", "time dgpipe run pipelines/pacs.yaml", "on the front page"),
    ("docs/performance.md", "cargo run --release -p dgpipe --example head_training", "measures for minutes"),
    ("docs/performance.md", "benches/backbone/run IMAGES 3 2", "measures for minutes"),
    (
        "docs/performance.md",
        "CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release -p dgpipe --example embedding",
        "measures for minutes",
    ),
    ("docs/report.md", "dgpipe serve examples/words/pipeline.yaml", "serves until it is stopped"),
    ("docs/resuming.md", "dgpipe run pipelines/pacs.yaml", "after a kill: `resuming.rs` does that"),
    ("docs/tutorial.md", "cargo install --path stages", "builds for minutes"),
    ("examples/notebook/README.md", "dgpipe run pipelines/digits.yaml", "`notebook.rs` does that"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The front page, that for contributors, and all below `docs/` and `examples/`, by their path from the root of the repository.
fn pages() -> Vec<Page> {
    let mut names = vec!["CONTRIBUTING.md".to_owned(), "README.md".to_owned()];
    let mut open = vec!["docs".to_owned(), "examples".to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs_err::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                open.push(name);
            } else if entry.path().extension().is_some_and(|extension| extension == "md") {
                names.push(name);
            }
        }
    }
    names.sort();
    names.into_iter().map(|name| Page::new(fs_err::read_to_string(root().join(&name)).unwrap(), name)).collect()
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Needs `bash`; pages that need more say so in [`NEEDS`]. What is missing is named, and left out.
/// `DGPIPE_TEST_PAGE=docs/tutorial.md` runs that page alone.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
#[expect(clippy::disallowed_methods, reason = "who writes a page wants to run that one")]
fn every_command_of_the_documents_does_what_the_page_says() {
    if !is_there("bash") {
        eprintln!("skipped: there is no bash");
        return;
    }
    let mut offences = Vec::new();
    let only = std::env::var("DGPIPE_TEST_PAGE").ok();
    let wanted = |page: &&Page| page.has_commands() && only.as_ref().is_none_or(|name| *name == page.name);
    for page in pages().iter().filter(wanted) {
        let missing = NEEDS.iter().find(|(name, program)| *name == page.name && !is_there(program));
        if let Some((name, program)) = missing {
            eprintln!("skipped: {name}, there is no {program}");
            continue;
        }
        offences.extend(run(page));
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

/// Runs the commands of a page, in its order, in a copy of what the repository ships.
fn run(page: &Page) -> Vec<String> {
    let project = Project::new();
    copy(&root().join("examples"), &project.path("examples"));
    let said = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_dgpipe"), programs.path().join("dgpipe")).unwrap();
    write_program(&programs.path().join("cargo"), CARGO);
    let script = said.path().join("page");
    fs_err::write(&script, page.script()).unwrap();
    let path = format!("{}:{}", programs.path().display(), env!("PATH"));
    let mut bash = Command::new("timeout");
    bash.args(["600", "bash"]).arg(&script).current_dir(project.path("")).env("PATH", path).env("SAID", said.path());
    bash.env("HOME", said.path()).env("NO_COLOR", "1").env_remove("DGPIPE_CACHE");
    let status = bash.status().unwrap();
    let outputs: BTreeMap<usize, String> = page.outputs(said.path());
    if !status.success() {
        let failed = fs_err::read_to_string(said.path().join("failed")).unwrap_or_default();
        let line: usize = failed.trim().parse().unwrap_or(0);
        let last = outputs.range(..=line).next_back().map_or("", |(_, output)| output);
        return vec![format!(
            "{}:{line} failed (line 0: it took more than ten minutes): {}\n{last}",
            page.name,
            page.line(line)
        )];
    }
    page.disagreements(&outputs)
}

/// What the pages call of cargo: the binary that is there already.
const CARGO: &str = "#!/bin/sh
[ \"$1 $2 $3\" = 'run --release --' ] || { echo \"cargo $*: not in the book's test\" >&2; exit 1; }
shift 3
exec dgpipe \"$@\"
";

fn write_program(path: &Path, content: &str) {
    fs_err::write(path, content).unwrap();
    fs_err::set_permissions(path, <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755))
        .unwrap();
}

#[test]
fn commands_that_are_not_run_are_listed_with_a_reason() {
    let pages = pages();
    let shown =
        pages.iter().flat_map(|page| page.commands_in_text().into_iter().map(|command| (page.name.as_str(), command)));
    let shown: Vec<(&str, &str)> = shown.collect();
    let listed: Vec<(&str, &str)> = NOT_RUN.iter().map(|(page, command, _)| (*page, *command)).collect();
    assert_eq!(shown, listed);
}

#[test]
fn links_between_the_pages_lead_to_files_and_headings() {
    let pages = pages();
    let mut offences = Vec::new();
    for page in &pages {
        let folder = Path::new(&page.name).parent().unwrap_or(Path::new(""));
        for (line, link) in page.links().into_iter().filter(|(_, link)| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.name.clone() } else { tidied(&folder.join(path)) };
            let known = pages.iter().find(|page| page.name == target);
            let there = match known {
                Some(page) => anchor.is_empty() || page.anchors().iter().any(|known| known == anchor),
                None => root().join(&target).exists() && anchor.is_empty(),
            };
            if !there {
                offences.push(format!("{}:{line}: {link}", page.name));
            }
        }
    }
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

/// A path without `..`.
fn tidied(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()) {
        if part == ".." { drop(parts.pop()) } else { parts.push(part) }
    }
    parts.join("/")
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let pages = pages();
    let contents = pages.iter().find(|page| page.name == "docs/README.md").unwrap();
    let linked: Vec<String> =
        contents.links().into_iter().map(|(_, link)| tidied(&Path::new("docs").join(link))).collect();
    let forgotten = pages.iter().map(|page| &page.name).filter(|name| {
        // Decisions have a table of contents of their own.
        let elsewhere = name.starts_with("docs/decisions/") && *name != "docs/decisions/README.md";
        name.starts_with("docs/") && !elsewhere && *name != "docs/README.md" && !linked.contains(name)
    });
    assert_eq!(forgotten.collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn the_stage_type_on_the_page_is_the_one_that_is_compiled() {
    let page = fs_err::read_to_string(root().join("docs/how-to/own-stage-type.md")).unwrap();
    for file in ["main.rs", "normalise_embeddings.rs"] {
        let code = fs_err::read_to_string(root().join("stages/examples/own_stage_type").join(file)).unwrap();
        assert!(
            page.contains(&format!("```rust\n{code}```\n")),
            "docs/how-to/own-stage-type.md does not have {file} as it is"
        );
    }
}

#[test]
fn the_reference_of_stage_types_is_what_the_program_says() {
    let page = fs_err::read_to_string(root().join("docs/reference/stage-types.md")).unwrap();
    let printed = Project::new().call(&["stages", "--markdown"]);
    assert!(page == printed, "out of date: cargo run -p dgpipe -- stages --markdown > docs/reference/stage-types.md");
}

#[test]
fn every_whole_pipeline_on_the_pages_has_no_mistakes() {
    let project = Project::new();
    let mut checked = 0;
    for page in pages() {
        for (line, pipeline) in page.pipelines() {
            fs_err::write(project.path("shown.yaml"), pipeline).unwrap();
            let check = project.command(&["check", "shown.yaml"]).output().unwrap();
            assert!(check.status.success(), "{}:{line}\n{}", page.name, String::from_utf8_lossy(&check.stderr));
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}
