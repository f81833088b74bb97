//! Every example runs, and a second run executes nothing.

use std::process::Command;

#[test]
fn every_example_runs_and_runs_again_without_executing() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut names = Vec::new();
    for entry in fs_err::read_dir(examples).unwrap() {
        let entry = entry.unwrap();
        // The notebook is no project, and has a test of its own.
        if !entry.path().join("pipeline.yaml").exists() {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let folder = tempfile::tempdir().unwrap();
        crate::project::copy(&entry.path(), folder.path());
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_dgpipe"));
            command.current_dir(folder.path()).args(["run", "pipeline.yaml", "--json"]).env_remove("DGPIPE_CACHE");
            let output = command.output().unwrap();
            assert!(output.status.success(), "{name}\n{}", String::from_utf8_lossy(&output.stderr));
            let stdout = String::from_utf8(output.stdout).unwrap();
            let last: serde_json::Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
            last["executed"].as_u64().unwrap()
        };
        assert!(run() > 0, "{name}");
        assert_eq!(run(), 0, "{name}");
        names.push(name);
    }
    names.sort();
    assert_eq!(names, ["script-feeds-native", "words"]);
}
