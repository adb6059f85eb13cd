//! Credit for the entropy that the security module gave.
//!
//! | ioctl | number | argument |
//! |---|---|---|
//! | RNDADDENTROPY | `_IOW('R', 3, int[2])` = 0x40085203 | bits, bytes, and the bytes themselves |

use std::fs::File;
use std::os::fd::AsRawFd;

use super::{Errno, check};

const RNDADDENTROPY: libc::Ioctl = libc::_IOW::<[libc::c_int; 2]>(b'R' as u32, 3);

/// Bytes that one call to [`add_entropy`] takes at most.
pub(crate) const MAX_ENTROPY: usize = 256;

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
    fn the_number_is_that_of_the_driver() {
        // Whatever type a C library has for it: the kernel looks at 32 bits.
        assert_eq!(RNDADDENTROPY & 0xffff_ffff, 0x4008_5203);
    }
}
