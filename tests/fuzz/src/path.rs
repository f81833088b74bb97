//! Any text as a path in a pipeline: a path below the project in its one spelling, or a mistake.
#![no_main]

use std::path::{Component, Path};

use dgpipe_engine::graph::project_path;
use dgpipe_engine::spec::Place;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(path) = project_path(text, Place::default()) {
        assert!(Path::new(&path).components().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
        assert!(!path.is_empty() && !path.contains('\0'), "{path:?}");
        assert_eq!(project_path(&path, Place::default()).ok(), Some(path));
    }
});
