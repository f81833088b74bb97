//! The groups of processes that are running, watched for requests to stop by one thread of this process.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::stage::Cancel;

/// How long a group has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);
/// How often a request to stop is looked for.
const TICK: Duration = Duration::from_millis(20);

static GROUPS: Mutex<BTreeMap<i32, Group>> = Mutex::new(BTreeMap::new());
static CHANGED: Condvar = Condvar::new();
static WATCHER: Once = Once::new();

struct Group {
    pid: Pid,
    cancel: Cancel,
    /// When it got TERM.
    told: Option<Instant>,
}

/// A group that is stopped when that is asked for: TERM first, KILL when its time is up.
pub(super) struct Watched(i32);

impl Watched {
    /// Begins to watch.
    pub(super) fn begin(pid: Pid, cancel: Cancel) -> Self {
        let number = pid.as_raw_nonzero().get();
        groups().insert(number, Group { pid, cancel, told: None });
        WATCHER.call_once(|| drop(std::thread::spawn(watch)));
        CHANGED.notify_one();
        Self(number)
    }

    /// Ends watching, and tells whether the group was told to stop.
    pub(super) fn end(self) -> bool {
        groups().remove(&self.0).is_some_and(|group| group.told.is_some())
    }
}

fn groups() -> MutexGuard<'static, BTreeMap<i32, Group>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watch() {
    let mut watched = groups();
    loop {
        for group in watched.values_mut().filter(|group| group.cancel.is_cancelled()) {
            // The group may just have ended by itself, which is as good.
            match group.told {
                None => {
                    kill_process_group(group.pid, Signal::TERM).ok();
                    group.told = Some(Instant::now());
                }
                Some(told) if told.elapsed() > GRACE => drop(kill_process_group(group.pid, Signal::KILL)),
                Some(_) => {}
            }
        }
        watched = if watched.is_empty() {
            CHANGED.wait(watched).unwrap_or_else(PoisonError::into_inner)
        } else {
            drop(watched);
            std::thread::sleep(TICK);
            groups()
        };
    }
}
