//! The device and its ioctl. The only module with `unsafe`.
//!
//! | ioctl | number | argument |
//! |---|---|---|
//! | request | `_IOWR(0x0A, 0, 32 bytes)` = 0xC0200A00 | request pointer and length, response pointer and length |

#![allow(
    unsafe_code,
    reason = "an ioctl is a call whose meaning the compiler cannot know"
)]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;

/// The device. The kernel makes it with mode 0600 and owner root.
pub const DEVICE: &str = "/dev/nsm";
/// Bytes of the longest request and of the longest response that the driver passes on.
pub const MAX_MESSAGE: usize = 0x3000;

const REQUEST: libc::Ioctl = libc::_IOWR::<Message>(0x0a, 0);

#[repr(C)]
struct Message {
    request: libc::iovec,
    response: libc::iovec,
}

/// Sends `request` to the open module and gives its answer. It may take milliseconds.
///
/// # Errors
///
/// What the driver says: `EMSGSIZE` for a request that is too long, among others.
pub fn call(module: &File, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut response = vec![0; MAX_MESSAGE];
    let mut message = Message {
        request: libc::iovec {
            // The driver copies the request and never writes to it.
            iov_base: request.as_ptr().cast_mut().cast(),
            iov_len: request.len(),
        },
        response: libc::iovec {
            iov_base: response.as_mut_ptr().cast(),
            iov_len: response.len(),
        },
    };
    // SAFETY: the message has the layout of the driver's `struct nsm_raw`, and both buffers are
    // ours, of the lengths given, until the call returns.
    if unsafe { libc::ioctl(module.as_raw_fd(), REQUEST, &raw mut message) } == -1 {
        return Err(io::Error::last_os_error());
    }
    response.truncate(message.response.iov_len);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_that_of_the_driver() {
        // Whatever type a C library has for it: the kernel looks at 32 bits.
        assert_eq!(REQUEST & 0xffff_ffff, 0xc020_0a00);
    }

    #[test]
    fn what_is_no_module_refuses() {
        let null = File::open("/dev/null").unwrap();
        let error = call(&null, b"\x69GetRandom").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY));
    }
}
