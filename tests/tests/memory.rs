//! What is killed for want of memory: it is said, nothing of it is kept, everything else goes on.

use std::path::{Path, PathBuf};

use dgpipe_tests::Sandbox;

use crate::project;

/// A command that is killed as long as `deadly` is there, a cell that reads it, and two that have nothing to do with it.
fn deadly(kill: &str) -> Sandbox {
    let sandbox = project(&format!(
        "pipeline: p
stages:
  other: {{ uses: constant, config: {{ value: 1 }} }}
  apart: {{ uses: add, inputs: {{ terms: other }} }}
  killed:
    uses: command
    shell: true
    run: |
      echo 3 > x.txt
      test ! -e $HERE/deadly || {{ {kill}; }}
    env: [HERE, CGROUP]
    outputs: {{ x: {{ file: x.txt, kind: number/1 }} }}
  reader: {{ uses: add, inputs: {{ terms: killed }} }}
publish: {{ results/apart.txt: apart, results/reader.txt: reader, results/killed.txt: killed }}
"
    ));
    sandbox.write("deadly", "");
    let here = sandbox.root().display().to_string();
    sandbox.variable("HERE", &here)
}

/// Runs twice, the second time without what kills.
fn is_killed_and_the_next_run_goes_on(sandbox: &Sandbox) {
    let run = sandbox.run().exits(1);
    let error = run.error("killed");
    assert!(error.contains("the command was killed (SIGKILL), most likely for want of memory"), "{error}");
    assert_eq!(run.outcomes(), "apart executed\nkilled failed\nother executed\nreader blocked\n");
    // What the command had written is no output of anything.
    assert_eq!(
        (sandbox.files(".dgpipe/records-v1").len(), sandbox.stored_with("3\n").len()),
        (2, 1),
        "in scratch only"
    );
    assert!(sandbox.has("results/apart.txt") && !sandbox.has("results/killed.txt"));
    sandbox.call(&["verify"]).exits(0);
    sandbox.remove("deadly");
    let run = sandbox.run().exits(0);
    assert_eq!(run.outcomes(), "apart reused\nkilled executed\nother reused\nreader executed\n");
    assert_eq!(sandbox.read("results/reader.txt"), "3\n");
    sandbox.call(&["verify"]).exits(0);
}

#[test]
fn b13_a_command_that_is_killed_is_said_to_be_and_nothing_of_it_is_cached() {
    is_killed_and_the_next_run_goes_on(&deadly("kill -KILL $$$$"));
}

/// A group of processes that may have so much memory together, until this is dropped.
struct Limited {
    folder: PathBuf,
}

impl Limited {
    /// Nothing where no such group can be made: not root, or no memory controller.
    fn to(bytes: u64) -> Option<Self> {
        let name = format!("dgpipe-test-{}-{bytes}", std::process::id());
        let (first, second) = (Path::new("/sys/fs/cgroup/memory"), Path::new("/sys/fs/cgroup"));
        let limits = |folder: &Path, file: &str| {
            let limited = Self { folder: folder.join(&name) };
            fs_err::create_dir(&limited.folder).ok()?;
            fs_err::write(limited.folder.join(file), bytes.to_string()).ok()?;
            // Without this, what is too much is written to disk where the machine has a place for that.
            fs_err::write(limited.folder.join("memory.swap.max"), "0").ok();
            Some(limited)
        };
        limits(first, "memory.limit_in_bytes").or_else(|| limits(second, "memory.max"))
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        // The kernel lets it go when the last of its processes has been waited for.
        for _ in 0..100 {
            if fs_err::remove_dir(&self.folder).is_ok() || !self.folder.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

#[test]
fn b13_a_command_that_wants_more_memory_than_there_is_is_killed_and_nothing_of_it_is_cached() {
    let Some(limited) = Limited::to(48 << 20) else {
        #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
        {
            eprintln!("skipped: no group of processes can be given a limit of memory here");
        }
        return;
    };
    // `tail` keeps a line as long as it takes. Were there no limit after all, the shell's own would end it.
    let wants_all = "ulimit -v 2000000; echo 0 > $CGROUP/cgroup.procs; exec tail /dev/zero";
    let sandbox = deadly(wants_all).variable("CGROUP", &limited.folder.display().to_string());
    is_killed_and_the_next_run_goes_on(&sandbox);
}

#[test]
fn b13_a_run_that_is_itself_killed_for_want_of_memory_is_gone_on_with() {
    let Some(limited) = Limited::to(64 << 20) else {
        #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
        {
            eprintln!("skipped: no group of processes can be given a limit of memory here");
        }
        return;
    };
    // All processes of the run are in the group: the largest one is killed, which is the command, or the run with it.
    let sandbox = deadly("ulimit -v 2000000; exec tail /dev/zero");
    let mut shell = std::process::Command::new("sh");
    let script = "echo 0 > \"$CGROUP/cgroup.procs\"; exec \"$0\" run pipeline.yaml --json";
    let shell = shell.arg("-c").arg(script).arg(sandbox.command().get_program()).env("CGROUP", &limited.folder);
    let shell = shell.env("HERE", sandbox.root()).env_remove("DGPIPE_CACHE").current_dir(sandbox.root());
    let run = dgpipe_tests::Outcome::of(&shell.output().unwrap());
    assert!(matches!(run.code, Some(1) | None), "{run:?}");
    sandbox.remove("deadly");
    sandbox.run().exits(0);
    assert_eq!(sandbox.read("results/reader.txt"), "3\n");
    sandbox.call(&["verify"]).exits(0);
}
