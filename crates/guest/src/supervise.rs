//! Watching the application and the agent: signals passed on, processes reaped, their ends taken.
//!
//! The enclave ends with the first of the two: an application without its agent would be deaf, and
//! one that was started again would have lost its connections without a word.
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

/// Waits until the process `application` ends. The end of `agent` before it is a failure.
pub(crate) fn watch(application: i32, agent: Option<i32>) -> Result<Ended, Failure> {
    let lost = |errno| Failure::ApplicationLost { errno };
    loop {
        // Before the first signal too: the application may have ended already.
        let ends = reap_all(application, agent).map_err(lost)?;
        match (ends.application, ends.agent) {
            (Some(ended), _) => return Ok(ended),
            (None, Some(ended)) => return Err(Failure::AgentEnded { ended }),
            (None, None) => {}
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

/// Which of the watched processes have ended, and how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ends {
    application: Option<Ended>,
    agent: Option<Ended>,
}

/// Reaps everything that has ended.
fn reap_all(application: i32, agent: Option<i32>) -> Result<Ends, Errno> {
    let mut found = Ends::default();
    loop {
        match reap() {
            Ok(Some((process, ended))) if process == application => {
                found.application = Some(ended);
            }
            Ok(Some((process, ended))) if Some(process) == agent => found.agent = Some(ended),
            Ok(Some(_)) => {}
            Ok(None) => return Ok(found),
            Err(Errno(libc::ECHILD)) if found != Ends::default() => return Ok(found),
            Err(errno) => return Err(errno),
        }
    }
}
