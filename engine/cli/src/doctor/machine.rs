//! The machine: processors, memory, devices, and what commands and runs ask of it.

use std::process::{Command, Stdio};

use dgpipe_engine::command::sandbox_support;

use super::Finding;
use crate::arguments::Common;
use crate::terminal::bytes;
use crate::{Computing, Program};

/// Less memory than this is worth a word.
const LITTLE_MEMORY: u64 = 2 << 30;

/// Looks at the machine.
pub(crate) fn machine(program: &Program, common: &Common) -> Vec<Finding> {
    let mut findings = vec![cores(), memory()];
    findings.extend(devices(program, common));
    findings.extend([sandbox(), git()]);
    findings
}

fn cores() -> Finding {
    match std::thread::available_parallelism() {
        Ok(cores) => Finding::ok("cores", format!("{cores} ({})", std::env::consts::ARCH)),
        Err(error) => Finding::note("cores", format!("cannot be counted: {error}"), "name a number with `--jobs N`"),
    }
}

fn memory() -> Finding {
    let text = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let Some(total) = kilobytes(&text, "MemTotal:") else {
        return Finding::note("memory", "unknown", "stages with `needs: { memory: … }` are not held back");
    };
    // The limit of a container, in either version of control groups; without one it is `max`, or larger than all there is.
    let files = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = files.iter().find_map(|file| fs_err::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    let available = kilobytes(&text, "MemAvailable:").unwrap_or(total).min(limit.unwrap_or(u64::MAX));
    let within = limit.filter(|limit| *limit < total).map(|limit| format!(", of which {} may be used", bytes(limit)));
    let text = format!("{}, {} available{}", bytes(total), bytes(available), within.unwrap_or_default());
    if available < LITTLE_MEMORY {
        return Finding::note("memory", text, "fewer cells at once need less: `--jobs 1`");
    }
    Finding::ok("memory", text)
}

/// Reads a line of `/proc/meminfo`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()? * 1024)
}

fn devices(program: &Program, common: &Common) -> Vec<Finding> {
    let Computing { devices, auto, why } = (program.computing)();
    let mut findings: Vec<Finding> =
        devices.into_iter().map(|(name, about)| Finding::ok("device", format!("{name}: {about}"))).collect();
    findings.push(Finding::ok("device", format!("`--device auto` takes {auto}: {why}")));
    if common.device != "auto" {
        findings.push(match (program.lend)(&common.device) {
            Ok(lent) => Finding::ok("device", format!("`--device {}` can be had: {}", common.device, lent.device)),
            Err(error) => Finding::problem("device", error, "name another one with `--device`"),
        });
    }
    findings
}

fn sandbox() -> Finding {
    match sandbox_support() {
        Ok(text) => Finding::ok("sandbox", text),
        Err(why) => Finding::note("sandbox", why, "commands run, but can read files that they do not declare"),
    }
}

fn git() -> Finding {
    let output = Command::new("git").arg("--version").stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {
            Finding::ok("git", String::from_utf8_lossy(&output.stdout).trim().trim_start_matches("git ").to_owned())
        }
        _ => Finding::note("git", "not found on `PATH`", "runs do not record the commit"),
    }
}
