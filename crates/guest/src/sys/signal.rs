//! Signals as values: all are blocked and taken one by one, so there are no handlers.

use std::mem::MaybeUninit;
use std::ptr;

use super::{Errno, check};

fn set(fill: unsafe extern "C" fn(*mut libc::sigset_t) -> libc::c_int) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `fill` is sigfillset or sigemptyset, which initialise the whole set and cannot fail.
    unsafe {
        fill(set.as_mut_ptr());
        set.assume_init()
    }
}

fn mask(set: &libc::sigset_t) -> Result<(), Errno> {
    // SAFETY: the set is initialised; the old one is not asked for.
    check(unsafe { libc::sigprocmask(libc::SIG_SETMASK, set, ptr::null_mut()) }).map(drop)
}

/// Blocks every signal that can be blocked.
pub(crate) fn block_all() -> Result<(), Errno> {
    mask(&set(libc::sigfillset))
}

/// Blocks none, as a new process expects it.
pub(crate) fn unblock_all() -> Result<(), Errno> {
    mask(&set(libc::sigemptyset))
}

/// Sleeps until a signal is there and takes it.
pub(crate) fn next() -> Result<i32, Errno> {
    let all = set(libc::sigfillset);
    // SAFETY: the set is initialised; no information about the sender is asked for.
    check(unsafe { libc::sigwaitinfo(&raw const all, ptr::null_mut()) })
}

/// Sends `signal` to one process.
pub(crate) fn send(process: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: the call takes no pointer.
    check(unsafe { libc::kill(process, signal) }).map(drop)
}
