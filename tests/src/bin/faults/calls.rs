//! Errors and kills at the N-th system call of each kind, by strace. Every thread and child counts for itself.

use std::os::unix::process::ExitStatusExt;

use dgpipe_tests::faults::oracle::Undisturbed;

use crate::scene::{Scene, is_installed};

/// System calls, with the errors that they can end with.
const CALLS: [(&str, &[&str]); 24] = [
    ("openat", &["EMFILE", "EIO", "ENOSPC"]),
    ("read", &["EIO", "EINTR"]),
    ("write", &["ENOSPC", "EIO", "EINTR"]),
    // An injected error keeps the file open and its lock held, which the kernel never does: kills only.
    ("close", &[]),
    ("fsync", &["EIO", "ENOSPC"]),
    ("syncfs", &["EIO", "ENOSPC"]),
    ("rename", &["EIO", "ENOSPC"]),
    ("renameat", &["EIO", "ENOSPC"]),
    ("renameat2", &["EIO", "ENOSPC", "EINVAL"]),
    ("linkat", &["EPERM", "EMLINK"]),
    ("unlink", &["EIO"]),
    ("unlinkat", &["EIO"]),
    ("mkdir", &["ENOSPC", "EIO"]),
    ("mkdirat", &["ENOSPC", "EIO"]),
    ("fchmodat", &["EIO"]),
    ("ftruncate", &["EIO"]),
    ("flock", &["ENOLCK", "EOPNOTSUPP"]),
    ("ioctl", &["EOPNOTSUPP"]),
    ("copy_file_range", &["EIO", "ENOSPC"]),
    ("statx", &["EIO"]),
    ("newfstatat", &["EIO"]),
    ("getdents64", &["EIO"]),
    ("clone3", &["EAGAIN"]),
    ("execve", &["EAGAIN"]),
];

/// Tries about so many cases, and returns how many went wrong.
pub(crate) fn all(cases: usize) -> usize {
    if !is_installed("strace") {
        println!("calls: skipped, there is no strace");
        return 0;
    }
    // In memory where the machine has such a disk: nothing here is about what a disk keeps.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder = folder.expect("a temporary folder can be made");
    let scene = Scene::new(folder.path().join("undisturbed"));
    scene.run().expect("an undisturbed run is well");
    let expected = scene.result();
    let kinds: usize = CALLS.iter().map(|(_, errors)| errors.len() + 1).sum();
    let (mut tried, mut wrong) = (0, 0);
    for (call, errors) in CALLS {
        let errors = errors.iter().map(|error| format!("error={error}"));
        for fault in errors.chain(["signal=KILL".to_owned()]) {
            let mut at = 1;
            // Dense at the beginning, where most protocols are, and then ever further apart.
            let most = (cases / kinds).max(1);
            for number in 0..most {
                match try_one(&folder.path().join("disturbed"), call, &fault, at, &expected) {
                    None => break,
                    Some(offences) => {
                        tried += 1;
                        if !offences.is_empty() {
                            wrong += 1;
                            println!("{call} {fault} when={at}\n  {}", offences.join("\n  "));
                        }
                    }
                }
                at += 1 + number / 8;
            }
        }
    }
    println!("calls: {tried} cases, {wrong} wrong");
    wrong
}

/// One fault; nothing where there were not so many calls.
fn try_one(root: &std::path::Path, call: &str, fault: &str, at: usize, expected: &Undisturbed) -> Option<Vec<String>> {
    fs_err::remove_dir_all(root).ok();
    let scene = Scene::new(root.to_owned());
    let log = root.with_extension("strace");
    let inject = format!("inject={call}:{fault}:when={at}");
    let trace = format!("trace={call}");
    let log_text = log.display().to_string();
    let strace = [
        "timeout",
        "-k",
        "5",
        "60",
        "strace",
        "--seccomp-bpf",
        "-f",
        "-qq",
        "-o",
        &log_text,
        "-e",
        &trace,
        "-e",
        &inject,
    ];
    let words: Vec<String> = strace.map(str::to_owned).into_iter().chain(Scene::run_arguments()).collect();
    let output = scene.command(&words).output().expect("strace can be started");
    let traced = fs_err::read_to_string(&log).unwrap_or_default();
    if !traced.contains("(INJECTED)") && !traced.contains("killed by SIGKILL") {
        return None;
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut offences = Vec::new();
    match (output.status.code(), output.status.signal()) {
        (Some(0), _) => offences.extend(scene.differences(expected)),
        // 127 is what the dynamic loader ends with; 137 is what `timeout` makes of a kill.
        (Some(1 | 3 | 127 | 137), _) | (_, Some(9)) => {}
        (Some(124), _) => offences.push("it hangs".to_owned()),
        _ => offences.push(format!("it ended with {:?}: {stderr}", output.status)),
    }
    // The standard library itself takes a pipe for something that is always readable.
    let panics = stderr.lines().chain(stdout.lines()).filter(|line| line.contains("panicked at"));
    if panics.into_iter().any(|line| !line.contains("library/std/src/sys/process/")) {
        offences.push(format!("it panicked: {stdout}{stderr}"));
    }
    offences.extend(scene.offences(expected));
    Some(offences)
}
