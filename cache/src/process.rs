//! Which process this is, so that what it leaves behind can be told from what a live one needs.

use std::sync::OnceLock;

/// A process, told apart from a later one that got the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// Name of the machine.
    pub(crate) host: String,
    /// What the kernel calls this time of its running; empty where it does not say.
    pub(crate) boot: String,
    /// Number of the process.
    pub(crate) pid: u32,
    /// Ticks from boot to its start; zero where that cannot be known.
    pub(crate) started: u64,
}

impl Process {
    /// Returns this process.
    pub(crate) fn current() -> &'static Self {
        static CURRENT: OnceLock<Process> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let pid = std::process::id();
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let boot = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            Self { host, boot: boot.trim().to_owned(), pid, started: start_of(pid).unwrap_or(0) }
        })
    }

    /// Tells whether a process of this machine still runs.
    pub(crate) fn is_alive(pid: u32, started: u64) -> bool {
        start_of(pid) == Some(started)
    }
}

/// Reads the start time from the file that Linux keeps per process. The name of the program comes
/// before it and may contain anything, so fields are counted from the last parenthesis.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_its_successor_is_not() {
        let current = Process::current();
        assert!(Process::is_alive(current.pid, current.started));
        assert!(!Process::is_alive(current.pid, current.started + 1));
    }
}
