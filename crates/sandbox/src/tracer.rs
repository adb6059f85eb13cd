//! Runs one program to its end, with everything that it starts, under the clock that stands still.

use std::collections::BTreeSet;
use std::io;
use std::process::Command;

use libc::{c_int, pid_t};

use crate::clock::{answer, filter, hide_vdso};
use crate::sys::{kill_all, resume, spawn_traced, trace_options, wait_any};

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With this status.
    Exit(c_int),
    /// By this signal.
    Signal(c_int),
}

/// Runs `command`, for which the time is `time`. What it started and did not wait for is ended.
///
/// This process is the first of its PID namespace: whatever loses its parent comes to it.
pub(crate) fn run(command: &mut Command, time: i64) -> io::Result<End> {
    let main = spawn_traced(command, filter())?;
    let mut known = BTreeSet::new();
    let mut end = None;
    while let Some((pid, status)) = wait_any()? {
        if libc::WIFSTOPPED(status) {
            // A process can be ended by another one while it is looked at.
            let signal = stopped(pid, status, time, &mut known);
            let resumed = signal.and_then(|signal| resume(pid, signal));
            if let Err(error) = resumed
                && !matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOENT))
            {
                kill_all();
                return Err(error);
            }
            continue;
        }
        known.remove(&pid);
        if pid == main {
            end = Some(if libc::WIFSIGNALED(status) {
                End::Signal(libc::WTERMSIG(status))
            } else {
                End::Exit(libc::WEXITSTATUS(status))
            });
            kill_all();
        }
    }
    end.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Does what a stop asks for; the signal with which the process goes on.
fn stopped(pid: pid_t, status: c_int, time: i64, known: &mut BTreeSet<pid_t>) -> io::Result<c_int> {
    let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
    let is_new = known.insert(pid);
    match (signal, event) {
        (libc::SIGTRAP, libc::PTRACE_EVENT_EXEC) => hide_vdso(pid)?,
        (libc::SIGTRAP, libc::PTRACE_EVENT_SECCOMP) => answer(pid, time)?,
        // The first program: it is traced since before its exec, and stops behind it.
        (libc::SIGTRAP, 0) if is_new => {
            trace_options(pid)?;
            hide_vdso(pid)?;
        }
        // Processes that are traced from their beginning begin stopped.
        (libc::SIGSTOP, 0) if is_new => {}
        (_, 0) => return Ok(signal),
        // Another process was made: it is traced too.
        _ => {}
    }
    Ok(0)
}
