//! What `init` writes runs, and runs again without executing.

use serde_json::Value;

use crate::project::{Project, copy};

/// Runs the pipeline of a project in a folder below, and returns how many cells executed.
fn executed(project: &Project, folder: &str, arguments: &[&str]) -> u64 {
    let mut command = project.command(&["run", "pipeline.yaml", "--json"]);
    let output = command.args(arguments).current_dir(project.path(folder)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let stdout = String::from_utf8(output.stdout).unwrap();
    let last: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    last["executed"].as_u64().unwrap()
}

#[test]
fn every_template_runs_and_runs_again_without_executing() {
    let project = Project::new();
    for template in ["command", "images"] {
        project.call(&["init", template, "--template", template]);
        assert!(executed(&project, template, &[]) > 0, "{template}");
        assert_eq!(executed(&project, template, &[]), 0, "{template}");
    }
    for name in ["table/table.md", "accuracy/lodo.pdf", "inspection/counts.csv"] {
        assert!(project.path(&format!("images/results/drawn/{name}")).exists(), "{name}");
    }
    let unknown = project.command(&["init", "new", "--template", "image"]).output().unwrap();
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("a similar value exists: 'images'"));
}

#[test]
fn the_template_for_images_takes_a_folder_of_ones_own() {
    let project = Project::new();
    project.call(&["init", "mine", "--template", "images"]);
    let drawn =
        project.command(&["run", "pipeline.yaml", "images"]).current_dir(project.path("mine")).status().unwrap();
    assert!(drawn.success());
    let path =
        project.command(&["path", "pipeline.yaml", "images"]).current_dir(project.path("mine")).output().unwrap();
    let drawn = String::from_utf8(path.stdout).unwrap();
    for (style, domain) in [("photo", "indoors"), ("sketch", "outdoors")] {
        copy(&std::path::Path::new(drawn.trim()).join(style), &project.path(&format!("mine/data/images/{domain}")));
    }
    let quick = ["--profile", "own", "--set", "seeds=[1]", "--set", "epochs=1"];
    assert!(executed(&project, "mine", &quick) > 0);
    assert_eq!(executed(&project, "mine", &quick), 0);
    let table = fs_err::read_to_string(project.path("mine/results/own/table/table.csv")).unwrap();
    assert!(table.contains("indoors") && table.contains("outdoors"), "{table}");
}
