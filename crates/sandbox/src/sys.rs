//! System calls without a safe interface: namespaces, fork, tracing, filters of system calls.

#![allow(
    unsafe_code,
    reason = "these calls have no safe interface; each is wrapped by what makes it safe"
)]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

#[cfg(not(target_env = "musl"))]
use libc::c_uint;
use libc::{c_int, c_long, c_void, pid_t};

/// A request's number: C libraries differ in its type.
#[cfg(target_env = "musl")]
type Request = c_int;
#[cfg(not(target_env = "musl"))]
type Request = c_uint;

/// Registers of a stopped process.
pub(crate) type Registers = libc::user_regs_struct;

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// Moves this process, which has one thread, into new namespaces.
pub(crate) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: takes a number; memory and descriptors stay as they are with the flags for namespaces.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Side {
    Child,
    /// With the child's id.
    Parent(pid_t),
}

/// Forks this process, which has one thread.
pub(crate) fn fork() -> io::Result<Side> {
    // SAFETY: there is no other thread that could hold a lock in the child.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Side::Child),
        child => Ok(Side::Parent(child)),
    }
}

/// Waits for any child, threads of traced programs included; its id and status. `None` when there is
/// none left.
pub(crate) fn wait_any() -> io::Result<Option<(pid_t, c_int)>> {
    loop {
        let mut status = 0;
        // SAFETY: `status` lives until the call has returned.
        match check(unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) }) {
            Ok(pid) => return Ok(Some((pid, status))),
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Ends every other process of the PID namespace that this process is the first of.
pub(crate) fn kill_all() {
    // SAFETY: takes numbers. In a PID namespace -1 is everything in it but the caller.
    unsafe { libc::kill(-1, libc::SIGKILL) };
}

fn ptrace(request: Request, pid: pid_t, data: usize) -> io::Result<c_long> {
    // SAFETY: the requests of this module take `data` as a number, or as the address of registers
    // that live until the call has returned.
    let result = unsafe {
        libc::ptrace(
            request,
            pid,
            std::ptr::null_mut::<c_void>(),
            data as *mut c_void,
        )
    };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// What a traced process does that stops it: everything that makes processes, exec, and what the
/// filter asks about. Traced processes end with the tracer.
pub(crate) fn trace_options(pid: pid_t) -> io::Result<()> {
    let options = libc::PTRACE_O_TRACEFORK
        | libc::PTRACE_O_TRACEVFORK
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_TRACESECCOMP
        | libc::PTRACE_O_EXITKILL;
    let options = usize::try_from(options).unwrap_or_default();
    ptrace(libc::PTRACE_SETOPTIONS, pid, options).map(drop)
}

/// Lets a stopped process go on, with a signal or none.
pub(crate) fn resume(pid: pid_t, signal: c_int) -> io::Result<()> {
    let signal = usize::try_from(signal).unwrap_or_default();
    ptrace(libc::PTRACE_CONT, pid, signal).map(drop)
}

/// The registers of a stopped process.
pub(crate) fn registers(pid: pid_t) -> io::Result<Registers> {
    // SAFETY: all its fields are numbers, for which zero is a value.
    let mut registers: Registers = unsafe { std::mem::zeroed() };
    let address = (&raw mut registers) as usize;
    ptrace(libc::PTRACE_GETREGS, pid, address)?;
    Ok(registers)
}

/// Sets the registers of a stopped process.
pub(crate) fn set_registers(pid: pid_t, registers: &Registers) -> io::Result<()> {
    let address = std::ptr::from_ref(registers) as usize;
    ptrace(libc::PTRACE_SETREGS, pid, address).map(drop)
}

/// Starts `command` so that this process traces it, and `filter` stops its system calls.
pub(crate) fn spawn_traced(
    command: &mut Command,
    filter: Vec<libc::sock_filter>,
) -> io::Result<pid_t> {
    let prepare = move || {
        ptrace(libc::PTRACE_TRACEME, 0, 0)?;
        let program = libc::sock_fprog {
            len: u16::try_from(filter.len()).unwrap_or_default(),
            filter: filter.as_ptr().cast_mut(),
        };
        // SAFETY: `program` and the filter behind it live until the call has returned.
        let installed = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            )
        };
        check(installed).map(drop)
    };
    // SAFETY: makes system calls only. The filter's memory was allocated before.
    unsafe { command.pre_exec(prepare) };
    let child = command.spawn()?;
    pid_t::try_from(child.id()).map_err(|_| io::ErrorKind::InvalidData.into())
}
