//! The system calls that no library has in a safe form. The only module with `unsafe`.

#![allow(
    unsafe_code,
    reason = "open files are numbers, and only who holds one can vouch for it"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd, RawFd};

use socket2::Socket;
use tokio::io::unix::AsyncFd;

/// Nanoseconds of a second.
const NANOSECONDS: i128 = 1_000_000_000;

/// An open file that keeps its number as long as it lives.
pub(crate) trait Owned: AsRawFd {}

impl Owned for Socket {}
impl Owned for File {}

/// Puts an open file that does not block into the event loop.
pub(crate) fn register<T: Owned>(file: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: the value owns its descriptor, names no other one, and nobody here closes it or takes
    // it out while it is in the loop: `AsyncFd` gives it as a shared reference only.
    Ok(unsafe { AsyncFd::register(file) }?)
}

/// Has reads and writes of a pipe not wait.
pub(crate) fn do_not_wait(file: &OwnedFd) -> io::Result<()> {
    // SAFETY: the call takes no pointer, and the descriptor is open. A pipe has no other flags here.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Ends the agent, when everything that it had to do is done.
pub(crate) fn end() -> ! {
    // SAFETY: the call does not return, and nothing here must run at the end.
    unsafe { libc::_exit(0) }
}

/// What the clock of a device of the hypervisor says, in nanoseconds since 1970.
pub(crate) fn device_clock(device: &File) -> io::Result<i128> {
    // The kernel's `FD_TO_CLOCKID`.
    let clock = (!device.as_raw_fd() << 3) | 3;
    read_clock(clock)
}

/// What this machine's clock says, in nanoseconds since 1970.
pub(crate) fn machine_clock() -> io::Result<i128> {
    read_clock(libc::CLOCK_REALTIME)
}

fn read_clock(clock: libc::clockid_t) -> io::Result<i128> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a structure of ours, which the call fills.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(i128::from(time.tv_sec) * NANOSECONDS + i128::from(time.tv_nsec))
}

/// Sets this machine's clock to so many nanoseconds since 1970.
pub(crate) fn set_machine_clock(nanoseconds: i128) -> io::Result<()> {
    let out_of_range = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let time = libc::timespec {
        tv_sec: i64::try_from(nanoseconds.div_euclid(NANOSECONDS)).map_err(out_of_range)?,
        tv_nsec: i64::try_from(nanoseconds.rem_euclid(NANOSECONDS)).map_err(out_of_range)?,
    };
    // SAFETY: the pointer is to a structure of ours, which the call only reads.
    if unsafe { libc::clock_settime(libc::CLOCK_REALTIME, &raw const time) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Takes an open file by its number. `None` for the standard streams, which belong to the standard
/// library, and for a number that is not open. It is closed in programs that this one would start.
pub(crate) fn adopt(number: RawFd) -> Option<OwnedFd> {
    if number < 3 {
        return None;
    }
    // SAFETY: the call takes no pointer; it fails for a number that is not open.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return None;
    }
    // SAFETY: the number is open, and init gave it to this process for this one use.
    Some(unsafe { OwnedFd::from_raw_fd(number) })
}
