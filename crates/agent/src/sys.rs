//! The system calls that no library has in a safe form. The only module with `unsafe`.

#![allow(
    unsafe_code,
    reason = "open files are numbers, and only who holds one can vouch for it"
)]

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};

use socket2::Socket;
use tokio::io::unix::AsyncFd;

/// Puts a socket that does not block into the event loop.
pub(crate) fn register(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a socket owns its descriptor, names no other one, and nobody here closes it or takes
    // it out while it is in the loop: `AsyncFd` gives it as a shared reference only.
    Ok(unsafe { AsyncFd::register(socket) }?)
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
