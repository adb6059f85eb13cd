//! Processes: made, replaced by a program, waited for; and the limits they run under.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::{Errno, check};

/// Which side of a fork this is.
#[derive(Debug)]
pub(crate) enum Fork {
    Child,
    /// With the id of the child.
    Parent(i32),
}

/// Makes a second process. Sound only in a process with one thread, which PID 1 is.
pub(crate) fn fork() -> Result<Fork, Errno> {
    // SAFETY: there is one thread, so no lock is held by another one in the child.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        child => Ok(Fork::Parent(child)),
    }
}

/// Ends this process at once: for a child that became no program.
pub(crate) fn end(status: i32) -> ! {
    // SAFETY: the call does not return and takes no pointer.
    unsafe { libc::_exit(status) }
}

/// A pipe that no program inherits: its reading and its writing end.
pub(crate) fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    let mut ends = [0; 2];
    // SAFETY: the array has room for two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    let [reading, writing] = ends;
    // SAFETY: both are new and nobody else's.
    unsafe { Ok((OwnedFd::from_raw_fd(reading), OwnedFd::from_raw_fd(writing))) }
}

/// Makes the open file `from` the standard stream `to` (0, 1 or 2).
pub(crate) fn replace_stream(from: &OwnedFd, to: i32) -> Result<(), Errno> {
    // SAFETY: `from` is open; the standard streams belong to nobody in this process.
    check(unsafe { libc::dup2(from.as_raw_fd(), to) }).map(drop)
}

/// Begins a session of its own.
pub(crate) fn new_session() -> Result<(), Errno> {
    // SAFETY: the call takes no pointer.
    check(unsafe { libc::setsid() }).map(drop)
}

/// NUL-terminated strings with the null-terminated array of pointers that `execve` takes.
#[derive(Debug)]
pub(crate) struct Strings {
    pointers: Vec<*const libc::c_char>,
    /// What the pointers point to.
    _owned: Vec<CString>,
}

impl Strings {
    pub(crate) fn new(owned: Vec<CString>) -> Self {
        let pointers = owned.iter().map(|string| string.as_ptr());
        let pointers = pointers.chain([ptr::null()]).collect();
        Self {
            pointers,
            _owned: owned,
        }
    }
}

/// Replaces this process by a program. Returns only if that failed.
pub(crate) fn execute(path: &CStr, arguments: &Strings, environment: &Strings) -> Errno {
    // SAFETY: both arrays end with a null pointer, and their strings live as long as they do.
    unsafe {
        libc::execve(
            path.as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
        );
    }
    Errno::last()
}

/// Replaces this process by an open program, by whatever path it was opened. Returns only if that
/// failed.
pub(crate) fn execute_file(program: &File, arguments: &Strings, environment: &Strings) -> Errno {
    // SAFETY: both arrays end with a null pointer, and their strings live as long as they do; the
    // path is empty, so that the kernel takes the file.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            program.as_raw_fd(),
            c"".as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    Errno::last()
}

/// Lets the program that this process becomes have the open file of this number.
pub(crate) fn pass(file: RawFd) -> Result<(), Errno> {
    // SAFETY: the call takes no pointer; a number that is not open is an error.
    check(unsafe { libc::fcntl(file, libc::F_SETFD, 0) }).map(drop)
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// By itself, with this code.
    #[error("exited with {0}")]
    Exited(i32),
    /// By this signal.
    #[error("ended by signal {0}")]
    Signaled(i32),
}

/// Takes one process that has ended, if there is one: its id and its end.
pub(crate) fn reap() -> Result<Option<(i32, Ended)>, Errno> {
    let mut status = 0;
    // SAFETY: the pointer is to an int of ours.
    let process = check(unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) })?;
    Ok((process != 0).then(|| (process, ended(status))))
}

fn ended(status: libc::c_int) -> Ended {
    if libc::WIFEXITED(status) {
        Ended::Exited(libc::WEXITSTATUS(status))
    } else {
        Ended::Signaled(libc::WTERMSIG(status))
    }
}

/// Waits for one child.
#[cfg(test)]
pub(crate) fn wait_for(child: i32) -> Result<Ended, Errno> {
    let mut status = 0;
    // SAFETY: the pointer is to an int of ours.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
    Ok(ended(status))
}

/// Sets the soft and the hard limit of a resource, by its number.
pub(crate) fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = libc::rlimit64 {
        rlim_cur: soft,
        rlim_max: hard,
    };
    // SAFETY: the limit is ours and only read. The call is made by number because the type of its
    // first argument differs between C libraries.
    let result = unsafe {
        libc::syscall(
            libc::SYS_prlimit64,
            0,
            resource,
            &raw const limit,
            ptr::null_mut::<libc::rlimit64>(),
        )
    };
    check(result).map(drop)
}

/// No limit.
pub(crate) const UNLIMITED: u64 = libc::RLIM64_INFINITY;
