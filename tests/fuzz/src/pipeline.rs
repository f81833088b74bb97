//! A pipeline file with any text: it has a meaning, or mistakes that can be shown; and reading it twice gives the same.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use dgpipe_engine::Environment;
use dgpipe_engine::graph::resolve;
use dgpipe_engine::spec::{LoadError, Loaded, Mistakes, Overrides, TreeMemo};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static PROJECT: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder can be made"));

/// The names of the cells, or the mistakes as they are shown.
fn meaning(file: &Path) -> Result<Vec<String>, String> {
    let root = PROJECT.path();
    let shown = |mistakes: Mistakes| mistakes.render(false, 80);
    let loaded = match Loaded::read(file, root, &Overrides::default(), &TreeMemo::default()) {
        Ok(loaded) => loaded,
        Err(LoadError::Io(error)) => panic!("{error}"),
        Err(LoadError::Mistakes(mistakes)) => return Err(shown(mistakes)),
    };
    let environment = Environment::new([("NAME".to_owned(), "value".to_owned())]);
    let graph = resolve(loaded, &dgpipe_tests::PROGRAM.registry, &environment, root).map_err(shown)?;
    Ok(graph.order().iter().map(|cell| graph.name(*cell)).collect())
}

fuzz_target!(|text: &[u8]| {
    let file = PROJECT.path().join("pipeline.yaml");
    fs_err::write(&file, text).expect("the file can be written");
    assert_eq!(meaning(&file), meaning(&file));
});
