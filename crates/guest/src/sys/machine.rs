//! The machine as a whole: its name, its uptime, its loopback interface, its modules, its end.

use std::ffi::CStr;
use std::fs::File;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::{Errno, check};

/// How the machine ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Restart,
    PowerOff,
}

/// Ends the machine. Gives an error, or nothing that matters.
pub(crate) fn reboot(end: End) -> Result<(), Errno> {
    let command = match end {
        End::Restart => libc::RB_AUTOBOOT,
        End::PowerOff => libc::RB_POWER_OFF,
    };
    // SAFETY: the call takes no pointer.
    check(unsafe { libc::reboot(command) }).map(drop)
}

/// Milliseconds since the kernel started.
pub(crate) fn uptime_ms() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a timespec of ours. The clock exists since Linux 2.6.39, and if it
    // did not, the zeros above would stand.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now) };
    let part = |value: i64| u64::try_from(value).unwrap_or_default();
    part(now.tv_sec) * 1000 + part(now.tv_nsec) / 1_000_000
}

/// Sets the host's name.
pub(crate) fn set_hostname(name: &str) -> Result<(), Errno> {
    // SAFETY: pointer and length are of one slice, which the call only reads.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) }).map(drop)
}

/// Loads the kernel module in `file`, without parameters.
pub(crate) fn load_module(file: &File) -> Result<(), Errno> {
    // SAFETY: the parameters are a NUL-terminated string; the descriptor is open.
    let result =
        unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), c"".as_ptr(), 0) };
    check(result).map(drop)
}

/// Sets the flag `IFF_UP` of the interface `name`, of at most 15 bytes.
#[allow(
    clippy::cast_possible_truncation,
    reason = "IFF_UP is 1, and the field of flags has 16 bits"
)]
pub(crate) fn interface_up(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the call takes no pointer.
    let socket =
        check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) })?;
    // SAFETY: the descriptor is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all zeros is a valid ifreq: it has numbers and arrays of them only.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    let room = request.ifr_name.len() - 1;
    for (to, from) in request.ifr_name.iter_mut().take(room).zip(name.to_bytes()) {
        *to = from.cast_signed() as libc::c_char;
    }
    let fd = socket.as_raw_fd();
    // SAFETY: SIOCGIFFLAGS reads the name in the request and writes the flags into it.
    check(unsafe { libc::ioctl(fd, libc::SIOCGIFFLAGS as _, &raw mut request) })?;
    // SAFETY: the call above filled the flags, and every bit pattern is a valid number.
    unsafe { request.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    // SAFETY: SIOCSIFFLAGS only reads the request.
    check(unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS as _, &raw const request) }).map(drop)
}
