//! Errors and kills at the N-th system call of each kind, by strace. Every thread and child counts for itself.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dgpipe_tests::faults::oracle::Undisturbed;

use crate::scene::{Scene, is_installed};

/// System calls, with the errors that they can end with.
const CALLS: [(&str, &[&str]); 24] = [
    ("openat", &["EMFILE", "EIO", "ENOSPC"]),
    ("read", &["EIO", "EINTR"]),
    ("write", &["ENOSPC", "EIO", "EINTR"]),
    // strace makes an error by leaving the call out: the file would stay open, its lock held and its pipe without an end,
    // which no kernel does. Kills only.
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

/// What is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// A run from nothing.
    Cold,
    /// A run that puts back what was published and is gone, and replaces what is out of date.
    Restored,
    /// A run with nothing to do.
    Warm,
    /// Removing what is out of use.
    Gc,
    /// Looking at the whole store.
    Verify,
}

impl Deed {
    const ALL: [Self; 5] = [Self::Cold, Self::Restored, Self::Warm, Self::Gc, Self::Verify];

    fn arguments(self) -> Vec<String> {
        match self {
            Self::Cold | Self::Restored | Self::Warm => Scene::run_arguments(),
            Self::Gc => Scene::arguments(&["gc", "--older-than", "0s", "--grace", "0s", "--max-size", "0"]),
            Self::Verify => Scene::arguments(&["verify"]),
        }
    }

    /// Brings a project to where the deed begins.
    fn prepare(self, scene: &Scene) {
        let run = || drop(scene.run().expect("an undisturbed run is well"));
        match self {
            Self::Cold => {}
            Self::Warm | Self::Verify => run(),
            Self::Restored => {
                run();
                scene.lose_published();
            }
            Self::Gc => {
                scene.change();
                run();
                scene.change_back();
                run();
            }
        }
    }
}

/// A deed, where it begins, and how often it does what.
struct Rehearsed {
    deed: Deed,
    /// The project as it is when the deed begins.
    start: PathBuf,
    /// The most calls of each kind that one thread makes.
    most: BTreeMap<String, usize>,
}

/// The calls of one try.
#[derive(Debug, Clone, Copy)]
struct Fault<'a> {
    call: &'a str,
    what: &'a str,
    /// Which of them, counted from 1.
    at: usize,
}

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
    // A project knows its own path, so all of them are at the same.
    let place = folder.path().join("disturbed");
    let rehearsed = Deed::ALL.map(|deed| rehearse(&place, folder.path(), deed));
    let kinds: usize = CALLS.iter().map(|(_, errors)| errors.len() + 1).sum();
    let each = (cases / kinds).max(1);
    let mut counts = BTreeMap::new();
    let mut wrong = 0;
    for (pair, (call, what)) in faults().into_iter().enumerate() {
        let having: Vec<&Rehearsed> = rehearsed.iter().filter(|known| known.most.contains_key(call)).collect();
        for number in 0..if having.is_empty() { 0 } else { each } {
            // One deed after the other, each beginning with another kind of call.
            let Rehearsed { deed, start, most } = having[(pair + number) % having.len()];
            let (most, tries, turn) = (most[call], each.div_ceil(having.len()), number / having.len());
            // Spread over all calls, at other places for every kind of fault; each once where there are so few.
            let at = if most <= tries { turn + 1 } else { 1 + (turn * most + chance(call, &what) % most) / tries };
            if at > most {
                continue;
            }
            let fault = Fault { call, what: &what, at };
            if let Some(offences) = try_one(&place, start, *deed, fault, &expected) {
                *counts.entry(format!("{deed:?}")).or_insert(0) += 1;
                if !offences.is_empty() {
                    wrong += 1;
                    println!("{deed:?} {call} {what} when={at}\n  {}", offences.join("\n  "));
                }
            }
        }
    }
    let tried: usize = counts.values().sum();
    println!("calls: {tried} cases, {wrong} wrong {counts:?}");
    wrong
}

/// Every call with everything that may come of it.
fn faults() -> Vec<(&'static str, String)> {
    let of = |(call, errors): (&'static str, &'static [&str])| {
        let errors = errors.iter().map(|error| format!("error={error}"));
        errors.chain(["signal=KILL".to_owned()]).map(move |what| (call, what)).collect::<Vec<_>>()
    };
    CALLS.into_iter().flat_map(of).collect()
}

/// A number that looks like chance and is the same every time.
fn chance(call: &str, what: &str) -> usize {
    let digest = dgpipe_cache::Digest::of(format!("{call} {what}").as_bytes());
    usize::from(digest.as_bytes()[0]) * 256 + usize::from(digest.as_bytes()[1])
}

/// Does a deed without a fault, and remembers where it began.
fn rehearse(place: &Path, folder: &Path, deed: Deed) -> Rehearsed {
    fs_err::remove_dir_all(place).ok();
    let scene = Scene::new(place.to_owned());
    deed.prepare(&scene);
    let start = folder.join(format!("start-{deed:?}"));
    copy(place, &start);
    let names: Vec<&str> = CALLS.iter().map(|(call, _)| *call).collect();
    let (output, traced) = traced(&scene, &format!("trace={}", names.join(",")), None, deed);
    assert!(output.status.success(), "{deed:?}: {}", String::from_utf8_lossy(&output.stderr));
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in traced.lines() {
        if let Some((process, rest)) = line.split_once(' ')
            && let Some((call, _)) = rest.trim_start().split_once('(')
        {
            *counts.entry((process, call)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for ((_, call), count) in counts {
        let known = most.entry(call.to_owned()).or_default();
        *known = count.max(*known);
    }
    Rehearsed { deed, start, most }
}

/// Times are kept: what looks older than it is would be looked at again.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "the project can be copied");
}

/// Does a deed under strace. What came of it, and what strace wrote down.
fn traced(scene: &Scene, trace: &str, inject: Option<&str>, deed: Deed) -> (Output, String) {
    let log = scene.root().with_extension("strace");
    let mut words: Vec<String> =
        ["timeout", "-k", "5", "60", "strace", "--seccomp-bpf", "-f", "-qq"].map(str::to_owned).to_vec();
    words.extend(["-o".to_owned(), log.display().to_string(), "-e".to_owned(), trace.to_owned()]);
    words.extend(inject.into_iter().flat_map(|inject| ["-e".to_owned(), inject.to_owned()]));
    words.extend(deed.arguments());
    let output = scene.command(&words).output().expect("strace can be started");
    (output, String::from_utf8_lossy(&fs_err::read(&log).unwrap_or_default()).into_owned())
}

/// One fault; nothing where there were not so many calls this time.
fn try_one(place: &Path, start: &Path, deed: Deed, fault: Fault<'_>, expected: &Undisturbed) -> Option<Vec<String>> {
    fs_err::remove_dir_all(place).ok();
    copy(start, place);
    let scene = Scene::at(place.to_owned());
    let Fault { call, what, at } = fault;
    let inject = format!("inject={call}:{what}:when={at}");
    let (output, traced) = traced(&scene, &format!("trace={call}"), Some(&inject), deed);
    if !traced.contains("(INJECTED)") && !traced.contains("killed by SIGKILL") {
        return None;
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let mut offences = Vec::new();
    match (output.status.code(), output.status.signal()) {
        // What the device would not give is put aside and made again when somebody needs it: by the next run.
        (Some(0), _) if what == "error=EIO" => {
            offences.extend(scene.differences(expected).into_iter().filter(|difference| !scene.is_aside(difference)));
        }
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
