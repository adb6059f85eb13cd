//! Watching the application: signals passed on, processes reaped, its end taken.
//!
//! All signals are blocked and taken one by one with `sigwaitinfo`, which sleeps: an idle init
//! uses no CPU. `SIGCHLD` stands for any number of processes, so all that have ended are reaped.

use crate::failure::Failure;
use crate::sys::process::{Ended, reap};
use crate::sys::{Errno, signal};

/// Signals that are init's own affair, and are not passed on: those that say something about init's
/// memory, instructions and children, and those that a terminal stops background jobs with.
const OWN: [i32; 11] = [
    libc::SIGCHLD,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGABRT,
    libc::SIGPIPE,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// Waits until the process `application` ends.
pub(crate) fn watch(application: i32) -> Result<Ended, Failure> {
    let lost = |errno| Failure::ApplicationLost { errno };
    loop {
        // Before the first signal too: the application may have ended already.
        if let Some(ended) = reap_all(application).map_err(lost)? {
            return Ok(ended);
        }
        let signal = match signal::next() {
            Err(Errno(libc::EINTR)) => continue,
            result => result.map_err(lost)?,
        };
        if !OWN.contains(&signal) {
            // A process that has just ended takes no signal, and is reaped next.
            let _ = signal::send(application, signal);
        }
    }
}

/// Reaps everything that has ended; the end of `application` if it is among that.
fn reap_all(application: i32) -> Result<Option<Ended>, Errno> {
    let mut found = None;
    loop {
        match reap() {
            Ok(Some((process, ended))) if process == application => found = Some(ended),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(found),
            Err(Errno(libc::ECHILD)) if found.is_some() => return Ok(found),
            Err(errno) => return Err(errno),
        }
    }
}
