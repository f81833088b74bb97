//! The threads of a run and the channels between them. Built with `--cfg shuttle` they are those of shuttle, which lets
//! one thread go on at a time and chooses which (`tests/shuttle`).

use std::io;
use std::time::Duration;

#[cfg(shuttle)]
pub(super) use shuttle::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{Scope, scope, sleep},
};
#[cfg(not(shuttle))]
pub(super) use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{Scope, scope, sleep},
};

/// Starts a thread that the scope waits for.
#[cfg(not(shuttle))]
pub(super) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map(drop)
}

/// Starts a thread that the scope waits for; shuttle's have no names.
#[cfg(shuttle)]
pub(super) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    _: &str,
    work: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    drop(scope.spawn(work));
    Ok(())
}

/// Waits for a message, but not for ever.
#[cfg(not(shuttle))]
pub(super) fn receive<T>(receiver: &Receiver<T>, patience: Duration) -> Result<T, RecvTimeoutError> {
    receiver.recv_timeout(patience)
}

/// Takes a message that is there. For shuttle no time passes: after any other thread went on, patience may be at an end.
#[cfg(shuttle)]
pub(super) fn receive<T>(receiver: &Receiver<T>, _: Duration) -> Result<T, RecvTimeoutError> {
    use shuttle::sync::mpsc::TryRecvError;
    receiver.try_recv().map_err(|error| {
        shuttle::thread::yield_now();
        match error {
            TryRecvError::Empty => RecvTimeoutError::Timeout,
            TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
        }
    })
}
