//! A child process with all its descendants: started in its own group, listened to, stopped as a group.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process_group, test_kill_process_group, waitpgid};

use super::orphans;
use super::voice::Voice;
use crate::stage::{Cancel, StageError};

/// How long a group has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);
/// How often a request to stop is looked for.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// How often a program that closed its pipes is asked whether it has ended: soon at first, since most have.
const PAUSES: [Duration; 3] = [Duration::from_micros(200), Duration::from_millis(2), Duration::from_millis(20)];
/// How often its pipes are read after its end: more than they can hold.
const LAST_WORDS: usize = 64;

/// The groups of all programs that run now.
static GROUPS: Mutex<BTreeSet<Group>> = Mutex::new(BTreeSet::new());

/// The number of a group, which is that of its first process.
type Group = i32;

fn groups() -> MutexGuard<'static, BTreeSet<Group>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills all programs that commands run, with their descendants, and starts none any more. For a process that is about to
/// end itself.
pub fn end_everything() {
    let groups = groups();
    let running = || groups.iter().filter_map(|group| Pid::from_raw(*group));
    for group in running() {
        kill_process_group(group, Signal::KILL).ok();
    }
    // Only who has lost its parent is an orphan.
    running().for_each(end_group);
    orphans::end_all();
    // Whoever wants to start one waits for ever, which is not long.
    std::mem::forget(groups);
}

/// A running program.
pub(super) struct Child {
    child: std::process::Child,
    group: Pid,
    /// Its standard output and its standard error.
    voices: [Voice; 2],
    /// When the group got TERM.
    told: Option<Instant>,
}

/// How a program ended.
pub(super) struct Ending {
    /// Its exit status.
    pub(super) status: ExitStatus,
    /// Whether it was told to stop.
    pub(super) told: bool,
    /// What it wrote to standard output and to standard error.
    pub(super) said: [Vec<u8>; 2],
}

impl Child {
    pub(super) fn spawn(command: &mut Command) -> Result<Self, StageError> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut groups = groups();
        let mut child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            let failure = StageError::new(format!("could not start `{program}`: {error}"));
            match error.kind() {
                std::io::ErrorKind::NotFound => failure.hint("is it installed and on PATH?"),
                std::io::ErrorKind::PermissionDenied => failure.hint("is it executable?"),
                _ => failure,
            }
        })?;
        let group = Pid::from_child(&child);
        groups.insert(group.as_raw_pid());
        drop(groups);
        let stdout = child.stdout.take().map(Voice::new).unwrap_or_default();
        let stderr = child.stderr.take().map(Voice::new).unwrap_or_default();
        Ok(Self { child, group, voices: [stdout, stderr], told: None })
    }

    /// Waits for the end, listening, or for a request to stop. Descendants that outlive the program are killed.
    pub(super) fn wait(mut self, cancel: &Cancel) -> std::io::Result<Ending> {
        let status = self.attend(cancel);
        if status.is_err() {
            kill_process_group(self.group, Signal::KILL).ok();
        }
        end_group(self.group);
        groups().remove(&self.group.as_raw_pid());
        // What was said last. Not to the end: a descendant that left the group may hold the pipes for ever.
        for _ in 0..LAST_WORDS {
            if !self.listen(Timespec::default())? {
                break;
            }
        }
        let said = self.voices.map(Voice::into_text);
        Ok(Ending { status: status?, told: self.told.is_some(), said })
    }

    fn attend(&mut self, cancel: &Cancel) -> std::io::Result<ExitStatus> {
        let mut pauses = PAUSES.into_iter();
        let mut pause = Duration::ZERO;
        loop {
            if cancel.is_cancelled() {
                self.stop();
            }
            if self.voices.iter().any(|voice| voice.pipe().is_some()) {
                self.listen(TICK)?;
            } else {
                std::thread::sleep(pause);
                pause = pauses.next().unwrap_or(pause);
            }
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
        }
    }

    /// Takes what comes within that time; tells whether something came.
    fn listen(&mut self, time: Timespec) -> std::io::Result<bool> {
        let open = |voice: &'_ &mut Voice| voice.pipe().is_some();
        let mut pipes = Vec::with_capacity(2);
        pipes.extend(self.voices.iter().filter_map(Voice::pipe).map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        match poll(&mut pipes, Some(&time)) {
            Err(Errno::INTR) => return Ok(true),
            polled => polled?,
        };
        let ready: Vec<bool> = pipes.iter().map(|pipe| !pipe.revents().is_empty()).collect();
        for (voice, _) in self.voices.iter_mut().filter(open).zip(&ready).filter(|(_, ready)| **ready) {
            voice.listen()?;
        }
        Ok(ready.contains(&true))
    }

    /// TERM first, KILL when the time is up. The group may just have ended by itself, which is as good.
    fn stop(&mut self) {
        match self.told {
            None => {
                kill_process_group(self.group, Signal::TERM).ok();
                self.told = Some(Instant::now());
            }
            Some(told) if told.elapsed() > GRACE => drop(kill_process_group(self.group, Signal::KILL)),
            Some(_) => {}
        }
    }
}

/// Kills what is left of a group, so that nothing writes to outputs that are being sealed.
fn end_group(group: Pid) {
    for _ in 0..100 {
        // Orphans of the group are children of this process where it collects them.
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
        if test_kill_process_group(group).is_err() {
            return;
        }
        kill_process_group(group, Signal::KILL).ok();
        std::thread::sleep(Duration::from_millis(5));
    }
}
