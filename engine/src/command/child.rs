//! A child process with all its descendants: started in its own group, stopped as a group.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::watched::Watched;
use super::working_folder::WorkingFolder;
use crate::stage::{Cancel, StageError};

/// A running program.
pub(super) struct Child {
    child: std::process::Child,
    group: Pid,
}

impl Child {
    pub(super) fn spawn(command: &mut Command, folder: &WorkingFolder) -> Result<Self, StageError> {
        let stdout = fs_err::File::create(&folder.stdout)?.into_parts().0;
        let stderr = fs_err::File::create(&folder.stderr)?.into_parts().0;
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).process_group(0);
        let child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            let failure = StageError::new(format!("could not start `{program}`: {error}"));
            match error.kind() {
                std::io::ErrorKind::NotFound => failure.hint("is it installed and on PATH?"),
                std::io::ErrorKind::PermissionDenied => failure.hint("is it executable?"),
                _ => failure,
            }
        })?;
        let group = Pid::from_child(&child);
        Ok(Self { child, group })
    }

    /// Waits for the end, or for a request to stop. Descendants that outlive the program are killed.
    pub(super) fn wait(mut self, cancel: &Cancel, folder: &WorkingFolder) -> Result<(), StageError> {
        let watched = Watched::begin(self.group, cancel.clone());
        let status = self.child.wait();
        let stopped = watched.end();
        end_group(self.group);
        let status = status?;
        if stopped || (cancel.is_cancelled() && !status.success()) {
            return Err(StageError::cancelled());
        }
        if status.success() { Ok(()) } else { Err(failure(status, folder)) }
    }
}

/// Kills what is left of a group, so that nothing writes to outputs that are being sealed.
fn end_group(group: Pid) {
    for _ in 0..100 {
        if test_kill_process_group(group).is_err() {
            return;
        }
        kill_process_group(group, Signal::KILL).ok();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn failure(status: ExitStatus, folder: &WorkingFolder) -> StageError {
    let what = match (status.code(), status.signal()) {
        (Some(code), _) => format!("the command exited with {code}"),
        (None, Some(9)) => "the command was killed (SIGKILL), most likely for want of memory".to_owned(),
        (None, Some(signal)) => format!("the command was killed by signal {signal}"),
        (None, None) => "the command ended without a status".to_owned(),
    };
    let text = String::from_utf8_lossy(&folder.said(&folder.stderr)).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("\n  ");
    if last.is_empty() { StageError::new(what) } else { StageError::new(format!("{what}:\n  {last}")) }
}
