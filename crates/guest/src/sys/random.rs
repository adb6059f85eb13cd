//! The two ioctls of entropy: a request to the security module, and credit for what it gave.
//!
//! | ioctl | number | argument |
//! |---|---|---|
//! | NSM request | `_IOWR(0x0A, 0, 32 bytes)` = 0xC0200A00 | request pointer and length, response pointer and length |
//! | RNDADDENTROPY | `_IOW('R', 3, int[2])` = 0x40085203 | bits, bytes, and the bytes themselves |

use std::fs::File;
use std::os::fd::AsRawFd;

use super::{Errno, check};

const NSM_REQUEST: libc::Ioctl = libc::_IOWR::<Message>(0x0a, 0);
const RNDADDENTROPY: libc::Ioctl = libc::_IOW::<[libc::c_int; 2]>(b'R' as u32, 3);

/// Bytes that one call to [`add_entropy`] takes at most.
pub(crate) const MAX_ENTROPY: usize = 256;

#[repr(C)]
struct Message {
    request: libc::iovec,
    response: libc::iovec,
}

/// Sends `request` to the security module. Gives the length of the response in `response`.
pub(crate) fn nsm_request(
    module: &File,
    request: &[u8],
    response: &mut [u8],
) -> Result<usize, Errno> {
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
    check(unsafe { libc::ioctl(module.as_raw_fd(), NSM_REQUEST, &raw mut message) })?;
    Ok(message.response.iov_len.min(response.len()))
}

#[repr(C)]
struct PoolInfo {
    bits: libc::c_int,
    bytes: libc::c_int,
    buffer: [u8; MAX_ENTROPY],
}

/// Adds the first [`MAX_ENTROPY`] bytes of `bytes` to the kernel's pool, with credit for every bit.
pub(crate) fn add_entropy(pool: &File, bytes: &[u8]) -> Result<(), Errno> {
    let mut info = PoolInfo {
        bits: 0,
        bytes: 0,
        buffer: [0; MAX_ENTROPY],
    };
    for (to, from) in info.buffer.iter_mut().zip(bytes) {
        *to = *from;
        info.bytes += 1;
    }
    info.bits = info.bytes * 8;
    // SAFETY: the structure has the layout of `struct rand_pool_info`, and its buffer has at least
    // as many bytes as it says.
    check(unsafe { libc::ioctl(pool.as_raw_fd(), RNDADDENTROPY, &raw const info) }).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_drivers() {
        // Whatever type a C library has for them: the kernel looks at 32 bits.
        assert_eq!(NSM_REQUEST & 0xffff_ffff, 0xc020_0a00);
        assert_eq!(RNDADDENTROPY & 0xffff_ffff, 0x4008_5203);
    }
}
