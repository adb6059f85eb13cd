//! System calls, each as a safe function with a typed result.
//!
//! The only module with `unsafe`. It knows the kernel's interface and nothing of enclaves: no
//! policy, no message, no path. What the standard library has in a safe form is not repeated here.

#![allow(
    unsafe_code,
    reason = "system calls that the standard library has no safe form of"
)]

pub(crate) mod machine;
pub(crate) mod mount;
pub(crate) mod privilege;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod signal;
pub(crate) mod vsock;

use std::fmt;
use std::io;

/// The number that a failed system call leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    fn last() -> Self {
        io::Error::last_os_error().into()
    }
}

impl From<io::Error> for Errno {
    /// An error of the standard library's own, such as a file that ended, is an I/O error.
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

/// The value of a call that gives -1 for an error.
fn check<T: PartialEq + From<i8>>(value: T) -> Result<T, Errno> {
    if value == T::from(-1) {
        Err(Errno::last())
    } else {
        Ok(value)
    }
}
