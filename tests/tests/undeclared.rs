//! Undeclared files of the project are kept away from commands, and failures say what to declare.

use super::project;

/// Whether the kernel can restrict a process; where it cannot, the tests that need it say so and check nothing.
#[expect(clippy::print_stderr, reason = "a test that checks nothing says so")]
fn kernel_restricts() -> bool {
    #[cfg(target_os = "linux")]
    let restricts = {
        use landlock::{AccessFs, Ruleset, RulesetAttr, RulesetStatus};
        let restricted =
            || Ruleset::default().handle_access(AccessFs::Execute).ok()?.create().ok()?.restrict_self().ok();
        // In a thread of its own, because a restriction lasts.
        let status = std::thread::spawn(restricted).join().unwrap();
        status.is_some_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    };
    #[cfg(not(target_os = "linux"))]
    let restricts = false;
    if !restricts {
        eprintln!("skipped: the kernel has no Landlock");
    }
    restricts
}

/// A project with a file `data/secret.txt`, and a command that runs this shell text, in which `ROOT` is the project.
fn shell(text: &str, more: &str) -> dgpipe_tests::Sandbox {
    let sandbox = project("");
    let text = text.replace("ROOT", &sandbox.root().display().to_string());
    let pipeline = format!(
        "pipeline: p\nstages:\n  read:\n    uses: command\n    shell: true\n    run: {text}\n    \
         outputs: {{ copy: {{ file: copy.txt }} }}\n    {more}\npublish: {{ results/copy.txt: read }}\n"
    );
    sandbox.write("pipeline.yaml", &pipeline);
    sandbox.write("data/secret.txt", "hidden\n");
    sandbox
}

#[test]
fn an_undeclared_file_of_the_project_cannot_be_read() {
    if !kernel_restricts() {
        return;
    }
    let sandbox = shell("cat ROOT/data/secret.txt > ${out.copy}", "");
    let run = sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    assert!(run.stderr.contains("Permission denied"), "{}", run.stderr);
    assert!(run.stderr.contains("secret: { file: data/secret.txt }"), "{}", run.stderr);
    assert!(!sandbox.has("results/copy.txt"));
}

#[test]
fn an_undeclared_program_of_the_project_cannot_be_started() {
    if !kernel_restricts() {
        return;
    }
    let sandbox = shell("ROOT/say.sh > ${out.copy}", "");
    sandbox.write_program("say.sh", "#!/bin/sh\necho hello\n");
    let run = sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    assert!(run.stderr.contains("say: { file: say.sh }"), "{}", run.stderr);
}

#[test]
fn a_declared_file_is_read_from_the_working_folder() {
    let sandbox = shell("cat data/secret.txt > ${out.copy}", "inputs: { secret: { file: data/secret.txt } }");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert_eq!(sandbox.read("results/copy.txt"), "hidden\n");
}

#[test]
fn a_file_that_is_not_in_the_working_folder_is_named_with_the_line_to_add() {
    let sandbox = shell("cat data/secret.txt > ${out.copy}", "");
    let run = sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    assert!(run.stderr.contains("add to its `inputs:`"), "{}", run.stderr);
    assert!(run.stderr.contains("secret: { file: data/secret.txt }"), "{}", run.stderr);
}

#[test]
fn without_the_sandbox_undeclared_files_can_be_read() {
    let sandbox = shell("cat ROOT/data/secret.txt > ${out.copy}", "sandbox: off");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert_eq!(sandbox.read("results/copy.txt"), "hidden\n");
}

#[test]
fn a_command_in_the_project_has_no_sandbox_unless_it_asks_for_one() {
    let sandbox = shell("cat data/secret.txt > ${out.copy}", "cwd: project");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert_eq!(sandbox.read("results/copy.txt"), "hidden\n");
    if kernel_restricts() {
        let sandbox = shell("cat data/secret.txt > ${out.copy}", "cwd: project\n    sandbox: on");
        sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    }
}

#[test]
fn what_belongs_to_a_declared_tool_can_be_read() {
    let sandbox = shell("ROOT/.venv/bin/tool > ${out.copy}", "tools: [.venv/bin/tool]");
    sandbox.write_program(".venv/bin/tool", "#!/bin/sh\ncat \"${0%/bin/tool}/lib/words.txt\"\n");
    sandbox.write(".venv/lib/words.txt", "from the library\n");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert_eq!(sandbox.read("results/copy.txt"), "from the library\n");
}

#[test]
fn files_are_renamed_and_linked_from_folder_to_folder() {
    let text = "mkdir a b; echo moved > a/x; python3 -c 'import os; os.rename(\"a/x\", \"b/x\")' || perl -e 'rename(\"a/x\", \"b/x\") or exit 1'; \
                ln b/x a/y; cat a/y > ${out.copy}";
    let sandbox = shell(&format!("'{}'", text.replace('\'', "''")), "");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert_eq!(sandbox.read("results/copy.txt"), "moved\n");
}

#[test]
fn renaming_makes_nothing_readable() {
    if !kernel_restricts() {
        return;
    }
    let sandbox = shell("mv ROOT/data/secret.txt stolen; cat stolen > ${out.copy}", "");
    sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    assert!(!sandbox.has("results/copy.txt"));
    assert_eq!(sandbox.read("data/secret.txt"), "hidden\n");
}

#[test]
fn programs_of_the_project_on_the_path_open_their_folder_and_not_the_project() {
    for folder in ["ROOT/bin", "ROOT"] {
        let sandbox = shell("say > ${out.copy}; cat ROOT/data/secret.txt >> ${out.copy}", "tools: [bin/say]");
        sandbox.write_program("bin/say", "#!/bin/sh\necho said\n");
        sandbox.write_program("say", "#!/bin/sh\necho said\n");
        let folder = folder.replace("ROOT", &sandbox.root().display().to_string());
        let sandbox = sandbox.variable("PATH", &format!("{folder}:/usr/bin:/bin"));
        let run = sandbox.call(&["run", "pipeline.yaml"]);
        if kernel_restricts() {
            assert_eq!(run.code, Some(1), "{folder}");
            assert!(run.stderr.contains("data/secret.txt"), "{}", run.stderr);
        }
    }
}

#[test]
fn what_lies_outside_the_project_can_be_read() {
    let outside = tempfile::tempdir().unwrap();
    fs_err::write(outside.path().join("words.txt"), "from outside\n").unwrap();
    let sandbox = shell(&format!("cat {}/words.txt > ${{out.copy}}", outside.path().display()), "");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert_eq!(sandbox.read("results/copy.txt"), "from outside\n");
}

#[test]
fn whether_there_is_a_sandbox_decides_no_key() {
    let sandbox = shell("echo same > ${out.copy}", "");
    sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    let text = sandbox.read("pipeline.yaml").replace("    outputs:", "    sandbox: off\n    outputs:");
    sandbox.write("pipeline.yaml", &text);
    let run = sandbox.call(&["run", "pipeline.yaml", "--json"]).exits(0);
    assert!(run.stdout.contains("\"executed\":0,\"reused\":1"), "{}", run.stdout);
}

#[test]
fn what_a_command_makes_beside_the_project_and_may_not_read_is_told_with_what_to_do() {
    if !kernel_restricts() {
        return;
    }
    let beside = tempfile::tempdir().unwrap();
    let made = beside.path().join("made");
    let sandbox = shell(&format!("cat {} > ${{out.copy}}", made.display()), "");
    // The project lies in a folder of its own below `beside`, so that what appears there is beside the way down to it.
    let root = beside.path().join("project");
    fs_err::create_dir(&root).unwrap();
    let made = made.display();
    let pipeline = format!(
        "pipeline: p\nstages:\n  read:\n    uses: command\n    shell: true\n    run: \"echo 1 > {made}; cat {made} > ${{out.copy}}\"\n    \
         outputs: {{ copy: {{ file: copy.txt }} }}\n  later:\n    uses: command\n    shell: true\n    run: cat {made} > ${{out.copy}}\n    \
         outputs: {{ copy: {{ file: copy.txt }} }}\n"
    );
    fs_err::write(root.join("dgpipe.toml"), "").unwrap();
    fs_err::write(root.join("pipeline.yaml"), pipeline).unwrap();
    let run = sandbox.call_in(&root, &["run", "pipeline.yaml", "--jobs", "1", "read", "later"]).exits(1);
    assert!(run.stderr.contains("let it use `$TMPDIR`, or say `sandbox: off`"), "{}", run.stderr);
    assert!(
        run.stderr.contains("1 failed"),
        "a command that begins when the file is there may read it: {}",
        run.stderr
    );
}
