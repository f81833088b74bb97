//! Disks that are full, cannot be written to or lie apart, and limits of the process: a clear message, exit code 3,
//! a sound store, and a next run that goes on. Disks are mounted in a name space of their own, which is gone with the
//! test; where the machine does not allow that, a test says so and is left out.

use std::process::{Command, Stdio};

use dgpipe_tests::faults::oracle;
use dgpipe_tests::{FileServer, Outcome, Reply, Sandbox};

use crate::project;

/// Enough cells and bytes to be in the middle of something wherever the room ends.
const PIPELINE: &str = "
pipeline: limits
profiles: { other: {} }
stages:
  big:
    for: { n: [1, 2, 3] }
    uses: command
    shell: true
    run: set -e; mkdir x; for i in 1 2 3 4; do head -c 15000 /dev/zero > x/$$i; echo ${n} >> x/$$i; done
    outputs: { x: { folder: x } }
  made: { uses: spread, config: { parts: { a: 1, b: 20 } } }
  sum: { uses: add, inputs: { terms: [made/a/value.txt, made/b/value.txt] } }
publish:
  \"results/${n}\": big
  results/made: made
  results/sum.txt: sum
";

/// A shell in a name space where it may mount disks, or nothing where that is not allowed.
fn apart() -> Option<Command> {
    // As a slave: what is unmounted outside must not live on in here.
    let mut arguments = vec!["--mount", "--propagation", "slave"];
    if !rustix::process::getuid().is_root() {
        arguments.push("-r");
    }
    let mut probe = Command::new("unshare");
    let probe = probe.args(&arguments).args(["sh", "-c", "mount -t tmpfs none /mnt"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
        {
            eprintln!("skipped: no disk may be mounted here, not even in a name space");
        }
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(arguments).args(["sh", "-euc"]);
    Some(command)
}

/// Runs a script in the project, apart; `$TOY` is the binary.
fn script(mut shell: Command, sandbox: &Sandbox, script: &str) -> Outcome {
    let here = sandbox.command();
    let shell = shell.arg(script).current_dir(sandbox.root()).env("TOY", here.get_program()).env("NO_COLOR", "1");
    Outcome::of(&shell.env_remove("DGPIPE_CACHE").output().unwrap())
}

/// What a run that nothing disturbs publishes.
fn expected() -> oracle::Undisturbed {
    let sandbox = project(PIPELINE);
    sandbox.run().exits(0);
    oracle::result(sandbox.root(), &sandbox.path(".dgpipe"))
}

/// Runs with the store on a small disk until the room suffices; every run but the last has to end with 3 and a message
/// that says what is full, and to leave a sound store that the next run goes on with. Most say how much of it there
/// is: when a stage of Rust met it, there may be room again when it is looked for, the sooner the busier the machine.
fn full_disk(option: &str, first: u32, step: u32, most: u32, how_much: &str) {
    let Some(shell) = apart() else { return };
    let message = "is full\\|No space left on device";
    let sandbox = project(PIPELINE);
    // The store is copied out before the name space, and the disk with it, is gone.
    let text = format!(
        "mkdir store; size={first}; touch failed named; mount -t tmpfs -o {option}=$size none store
        until timeout 60 \"$TOY\" run pipeline.yaml --cache store/s 2> said; do
            code=$?; cat said >&2
            test $code = 3 || {{ echo \"exit code $code at $size\" >&2; exit 1; }}
            grep -q '{message}' said || {{ echo \"an unclear message at $size\" >&2; exit 1; }}
            echo $size >> failed; ! grep -q '{how_much}' said || echo $size >> named
            test ! -d store/s/objects-v1 || cp -a store/s \"copy-$size\"
            size=$((size + {step})); test $size -lt {most} || {{ echo 'never enough' >&2; exit 1; }}
            mount -o remount,{option}=$size store
        done
        cp -a store/s copy-last; echo $size"
    );
    let outcome = script(shell, &sandbox, &text).exits(0);
    assert!(outcome.stderr.contains("resumes"), "the message says that the next run goes on: {}", outcome.stderr);
    let times = |name: &str| sandbox.read(name).lines().count();
    assert!(times("named") * 2 >= times("failed"), "{} of {} say it", times("named"), times("failed"));
    let mut copies = 0;
    for entry in fs_err::read_dir(sandbox.root()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("copy-") {
            assert_eq!(oracle::problems(&path), Vec::<String>::new(), "{}", path.display());
            copies += 1;
        }
    }
    assert!(copies > 3, "the disk was full only {copies} times");
    assert!(oracle::result(sandbox.root(), &sandbox.path("copy-last")) == expected(), "other results");
}

#[test]
fn b1_wherever_the_disk_is_full_the_run_ends_with_3_and_the_next_one_goes_on() {
    full_disk("size", 16_384, 20_480, 4_000_000, "is full: [0-9]* bytes");
}

#[test]
fn b2_wherever_no_inode_is_left_the_run_ends_with_3_and_the_next_one_goes_on() {
    full_disk("nr_inodes", 3, 5, 400, "bytes and 0 inodes are free");
}

#[test]
fn b1_a_command_that_does_not_notice_that_the_disk_is_full_is_not_believed() {
    let Some(shell) = apart() else { return };
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: command, shell: true, run: \"head -c 300000 /dev/zero > x; true\", outputs: { x: { file: x } } } }
publish: { results/x: a }
",
    );
    let text = "mkdir store; mount -t tmpfs -o size=200k none store
        timeout 60 \"$TOY\" run pipeline.yaml --cache store/s && exit 9; test $? = 3
        mount -o remount,size=10M store
        timeout 60 \"$TOY\" run pipeline.yaml --cache store/s";
    let outcome = script(shell, &sandbox, text).exits(0);
    assert!(outcome.stderr.contains("what it wrote may be cut short"), "{}", outcome.stderr);
    assert_eq!(sandbox.read("results/x").len(), 300_000);
}

#[test]
fn b1_a_full_disk_of_the_user_is_told_and_the_store_keeps_what_was_computed() {
    let Some(shell) = apart() else { return };
    let sandbox = project(PIPELINE);
    let text = "mkdir results; mount -t tmpfs -o size=16384 none results
        timeout 60 \"$TOY\" run pipeline.yaml && exit 9; test $? = 3
        mount -o remount,size=10M results
        timeout 60 \"$TOY\" run pipeline.yaml --json > said; cp -a results copied; umount results; rmdir results; mv copied results";
    let outcome = script(shell, &sandbox, text).exits(0);
    assert!(outcome.stderr.contains("is full"), "{}", outcome.stderr);
    assert!(sandbox.read("said").contains("\"executed\":0,\"reused\":5"), "{}", sandbox.read("said"));
    assert!(oracle::result(sandbox.root(), &sandbox.path(".dgpipe")) == expected(), "other results");
}

#[test]
fn b10_a_store_that_cannot_be_written_to_is_told_and_stays_as_it_is() {
    let Some(shell) = apart() else { return };
    let sandbox = project(PIPELINE);
    sandbox.run().exits(0);
    sandbox.edit("b: 20", "b: 30");
    let before = oracle::result(sandbox.root(), &sandbox.path(".dgpipe"));
    let text = "mount --bind .dgpipe .dgpipe; mount -o remount,bind,ro .dgpipe
        timeout 60 \"$TOY\" run pipeline.yaml && exit 9; test $? = 3
        \"$TOY\" plan pipeline.yaml; \"$TOY\" plan pipeline.yaml --profile other > other";
    let outcome = script(shell, &sandbox, text).exits(0);
    assert!(outcome.stderr.contains("Read-only file system"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("execute  made"), "looking still works: {}", outcome.stdout);
    assert_eq!(oracle::result(sandbox.root(), &sandbox.path(".dgpipe")), before);
    assert_eq!(sandbox.run().exits(0).executed(), ["made", "sum"]);
}

#[test]
fn b1_executing_again_on_a_full_disk_is_no_word_about_the_cells() {
    let Some(shell) = apart() else { return };
    let sandbox = project(PIPELINE);
    let text = "mkdir .dgpipe; mount -t tmpfs -o size=3m none .dgpipe; \"$TOY\" run pipeline.yaml
        dd if=/dev/zero of=.dgpipe/full bs=64k 2> /dev/null && exit 9
        \"$TOY\" verify pipeline.yaml --rerun 1 && exit 9; test $? = 3
        rm .dgpipe/full; \"$TOY\" verify pipeline.yaml --rerun 1";
    let outcome = script(shell, &sandbox, text).exits(0);
    assert!(outcome.stderr.contains("is full"), "{}", outcome.stderr);
}

#[test]
fn b11_b12_store_results_and_temporary_files_may_lie_on_three_disks_without_reflinks() {
    let Some(shell) = apart() else { return };
    let sandbox = project(PIPELINE);
    let text = "mkdir store results temporary
        for disk in store results temporary; do mount -t tmpfs none $disk; done
        export TMPDIR=$PWD/temporary
        timeout 60 \"$TOY\" run pipeline.yaml --cache store/s
        rm -r results/1; timeout 60 \"$TOY\" run pipeline.yaml --cache store/s --json > said
        cp -a results copied; cp -a store/s copy; umount results; rmdir results; mv copied results";
    script(shell, &sandbox, text).exits(0);
    assert!(sandbox.read("said").contains("\"executed\":0,\"reused\":5,\"restored\":1"), "{}", sandbox.read("said"));
    assert!(oracle::result(sandbox.root(), &sandbox.path("copy")) == expected(), "other results");
}

/// Runs under ever wider limits of the shell until it succeeds; every run before fails and leaves a sound store.
fn limited(limit: &str, values: impl Iterator<Item = u32>) -> usize {
    let sandbox = project(PIPELINE);
    for (failed, value) in values.enumerate() {
        let toy = sandbox.command();
        let mut shell = Command::new("sh");
        let text = format!("ulimit {limit} {value}; exec timeout 60 \"$TOY\" run pipeline.yaml");
        let shell = shell.args(["-c", &text]).current_dir(sandbox.root()).env("TOY", toy.get_program());
        let outcome = Outcome::of(&shell.output().unwrap());
        if sandbox.has(".dgpipe/objects-v1") {
            assert_eq!(oracle::problems(&sandbox.path(".dgpipe")), Vec::<String>::new(), "ulimit {limit} {value}");
        }
        assert!(!outcome.stderr.contains("panicked"), "ulimit {limit} {value}: {}", outcome.stderr);
        if outcome.code == Some(0) {
            assert!(oracle::result(sandbox.root(), &sandbox.path(".dgpipe")) == expected(), "other results");
            return failed;
        }
        // The dynamic loader and `timeout` itself fail with codes of their own where nothing at all can be opened.
        let known = [1, 3, 125, 126, 127, 128];
        assert!(known.contains(&outcome.code.unwrap_or(-1)), "ulimit {limit} {value}: {outcome:?}");
    }
    panic!("it never succeeded");
}

#[test]
fn b7_with_too_few_open_files_allowed_a_run_fails_or_is_right() {
    assert!(limited("-n", 3..400) > 3);
}

#[test]
fn b9_with_too_short_files_allowed_a_run_fails_or_is_right() {
    assert!(limited("-f", (0..200).step_by(3)) > 3);
}

#[test]
fn a_fetch_into_a_full_disk_says_so_and_goes_on_when_there_is_room() {
    let Some(shell) = apart() else { return };
    let server = FileServer::start(|asked| {
        let len = if asked.path.ends_with("large.bin") { 300_000 } else { 1000 };
        Reply::file(asked, &crate::fetching::content(len))
    });
    let sandbox = project("");
    let fetch = format!("NO_PROXY='*' $TOY fetch numbers --from {}", server.url());
    let outcome = script(
        shell,
        &sandbox,
        &format!(
            "mkdir -p data/numbers; mount -t tmpfs -o size=200k none data/numbers
            {fetch} && exit 9; echo code $?
            mount -o remount,size=2m data/numbers; {fetch}; sha256sum < data/numbers/large.bin; ls -A data/numbers"
        ),
    )
    .exits(0);
    assert!(outcome.stderr.contains("No space left on device"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: free space, or fetch into another folder"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("resumed   large.bin"), "{}", outcome.stderr);
    assert!(outcome.stdout.starts_with("code 3\n"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("5a5d1daeeaa10c66"), "{}", outcome.stdout);
    assert!(outcome.stdout.ends_with("large.bin\nsmall.bin\n"), "{}", outcome.stdout);
}
