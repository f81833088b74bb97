//! Processes that outlive the command which started them, also those that left its group. On Linux a process can
//! collect such orphans, and then knows when there are none.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How often orphans are killed: a program that starts others for ever is not waited for.
const MOST_ENDINGS: usize = 100;
const PAUSE: Duration = Duration::from_millis(5);

/// Has this process collect the orphans among its descendants. To be called by the main thread of a program, which must
/// start no processes itself while cells execute.
///
/// Without it outputs of commands are copied while they are sealed, since somebody may still write to them.
pub fn collect_orphans() {
    #[cfg(target_os = "linux")]
    // Where the kernel refuses, nothing can be proved, and outputs are copied.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).ok();
}

/// Whether it is certain that no orphan lives. Orphans of any command count.
pub(super) fn are_all_dead() -> bool {
    while collects_orphans() {
        let Ok(listed) = fs_err::read_to_string(list()) else {
            return false;
        };
        // The kernel may leave out children when others end meanwhile, but never the first one.
        if listed.is_empty() {
            return true;
        }
        let numbers = listed.split_whitespace().filter_map(|number| number.parse().ok());
        let collected = numbers.filter_map(Pid::from_raw).any(is_collected);
        if !collected {
            return false;
        }
    }
    false
}

/// Kills all orphans, and the orphans that these leave. To be called when no command executes: what outlives a run would
/// go on using its files and its devices, unknown to everybody.
pub(crate) fn end_all() {
    for _ in 0..MOST_ENDINGS {
        if !collects_orphans() || are_all_dead() {
            return;
        }
        let listed = fs_err::read_to_string(list()).unwrap_or_default();
        for orphan in listed.split_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)) {
            kill_process(orphan, Signal::KILL).ok();
        }
        std::thread::sleep(PAUSE);
    }
}

/// Takes note of the end of an orphan, if it has ended.
fn is_collected(orphan: Pid) -> bool {
    // An error: another thread was faster.
    !matches!(waitpid(Some(orphan), WaitOptions::NOHANG), Ok(None))
}

fn collects_orphans() -> bool {
    #[cfg(target_os = "linux")]
    return rustix::process::child_subreaper().is_ok_and(|reaper| reaper.is_some());
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// The children of the main thread (proc(5), `/proc/PID/task/TID/children`): the kernel hands orphans to that thread.
fn list() -> PathBuf {
    let main = std::process::id();
    PathBuf::from(format!("/proc/self/task/{main}/children"))
}
