//! A child process that cannot outlive this one.
//!
//! The child leads a process group of its own, so that a terminal's Ctrl-C reaches only us and the
//! whole group can be ended. The kernel ends it when the thread that started it ends, by whatever
//! means, `kill -9` included; so the starting thread has to stay until the child has ended.
//!
//! Descriptors that the child is to have keep their numbers: the child finds number `n` as
//! `/proc/self/fd/n`, and nothing has to have a name on disk.

#![allow(
    unsafe_code,
    reason = "what happens between fork and exec has no safe interface"
)]

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process_group, pidfd_open,
    set_parent_process_death_signal, setsid,
};

/// A running child. Dropping it ends its group.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    exit: OwnedFd,
    group: Pid,
    reaped: bool,
}

impl Child {
    /// Starts `command` with pipes for its output and nothing to read; it also gets the descriptors
    /// `kept`.
    pub(crate) fn spawn(mut command: Command, kept: &[BorrowedFd<'_>]) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let numbers: Vec<i32> = kept.iter().map(BorrowedFd::as_raw_fd).collect();
        let parent = getpid();
        let prepare = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have ended before the line above.
            if getppid() != Some(parent) {
                return Err(io::ErrorKind::NotConnected.into());
            }
            for &number in &numbers {
                // SAFETY: `kept` is borrowed until `spawn` has returned, so the descriptors are
                // open in the parent, and the child has copies of all of them.
                let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
                fcntl_setfd(descriptor, FdFlags::empty())?;
            }
            Ok(())
        };
        // SAFETY: `prepare` makes system calls only. It neither allocates (its vector was filled
        // before and an `ErrorKind` needs no memory) nor takes a lock, and touches no state that
        // another thread of the parent could have left half changed.
        unsafe { command.pre_exec(prepare) };
        let mut process = command.spawn()?;
        let group = Pid::from_child(&process);
        let exit = pidfd_open(group, PidfdFlags::empty()).or_else(|error| {
            // A child that cannot be watched is not left alone.
            process.kill()?;
            process.wait()?;
            Err(io::Error::from(error))
        })?;
        Ok(Self {
            process,
            exit,
            group,
            reaped: false,
        })
    }

    /// What it prints; `None` the second time.
    pub(crate) fn take_output(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        Some((self.process.stdout.take()?, self.process.stderr.take()?))
    }

    /// A descriptor that becomes readable when the child has ended.
    pub(crate) fn exit_descriptor(&self) -> io::Result<OwnedFd> {
        self.exit.try_clone()
    }

    /// Waits for the child and leaves the rest of its group alone: what a program has started to
    /// stay belongs to nobody who waits for the program.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.process.wait()?;
        self.reaped = true;
        Ok(status)
    }

    /// Asks the group to end, insists after `grace`, and gives the child's status.
    pub(crate) fn end(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        // The group is not gone as long as its leader has not been reaped, so this number cannot
        // be another's. A member may have ended already.
        let _ = kill_process_group(self.group, Signal::TERM);
        wait_readable(&self.exit, Some(grace))?;
        let _ = kill_process_group(self.group, Signal::KILL);
        let status = self.process.wait()?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = kill_process_group(self.group, Signal::KILL);
            let _ = self.process.wait();
        }
    }
}

/// Makes this process one that does not end with its terminal and keeps no directory busy. It must
/// not lead a group of processes.
///
/// # Errors
///
/// When it does.
pub fn leave_terminal() -> io::Result<()> {
    setsid()?;
    std::env::set_current_dir("/")
}

/// Waits until `descriptor` is readable or at its end; says whether it is.
pub(crate) fn wait_readable(descriptor: &OwnedFd, limit: Option<Duration>) -> io::Result<bool> {
    let limit = limit.map(Timespec::try_from).transpose();
    let limit = limit.map_err(|_| io::ErrorKind::InvalidInput)?;
    loop {
        let mut polled = [PollFd::from_borrowed_fd(descriptor.as_fd(), PollFlags::IN)];
        match poll(&mut polled, limit.as_ref()) {
            Ok(count) => return Ok(count > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
