//! The notebook loads what a run left. Needs Python with `NumPy`, pandas and `PyTorch`, as `DGPIPE_TEST_PYTHON` or `python3`;
//! without them the test says that it was skipped.

use std::process::Command;

use serde_json::Value;

use crate::project::Project;

#[test]
#[expect(clippy::disallowed_methods, reason = "which Python has the libraries is a matter of the machine")]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn the_notebook_loads_results_with_numpy_pandas_and_pytorch_alone() {
    let python = std::env::var("DGPIPE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_libraries = Command::new(&python).args(["-c", "import numpy, pandas, torch"]).output();
    if !has_libraries.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no NumPy, pandas and PyTorch; DGPIPE_TEST_PYTHON may name another");
        return;
    }
    let project = Project::new();
    project.run(&[
        "pipelines/digits.yaml",
        "--set",
        "seeds=[42, 43]",
        "--set",
        "epochs=3",
        "--set",
        "methods=[erm, importance]",
    ]);
    let notebook = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/notebook/results.ipynb");
    let notebook: Value = serde_json::from_str(&fs_err::read_to_string(notebook).unwrap()).unwrap();
    let cells = notebook["cells"].as_array().unwrap().iter().filter(|cell| cell["cell_type"] == "code");
    let lines = cells.flat_map(|cell| cell["source"].as_array().unwrap().iter().chain([&Value::Null]));
    let script: String = lines.map(|line| line.as_str().unwrap_or("\n")).collect();
    fs_err::write(project.path("notebook.py"), script).unwrap();
    let output = Command::new(&python).current_dir(project.path("")).arg("notebook.py").output().unwrap();
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{errors}");
    assert!(out.contains("All keys matched") && out.contains("predictions agree in"), "{out}");
}
