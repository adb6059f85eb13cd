//! Mounting, and device nodes.

use std::ffi::CStr;

use super::{Errno, check};

/// Flags of `mount(2)`, joined with `|`.
pub(crate) type Flags = libc::c_ulong;

pub(crate) use libc::{
    MS_BIND as BIND, MS_MOVE as MOVE, MS_NODEV as NODEV, MS_NOEXEC as NOEXEC, MS_NOSUID as NOSUID,
    MS_RDONLY as RDONLY, MS_REMOUNT as REMOUNT,
};

/// Mounts a file system of `kind` on `target`. `data` has the options of the kind.
pub(crate) fn mount(kind: &CStr, target: &CStr, flags: Flags, data: &CStr) -> Result<(), Errno> {
    call(kind, target, kind, flags, data)
}

/// Makes `source` visible at `target` (`BIND`), moves it there (`MOVE`), or changes the flags of
/// what is mounted at `target` (`REMOUNT | BIND`).
pub(crate) fn rearrange(source: &CStr, target: &CStr, flags: Flags) -> Result<(), Errno> {
    call(source, target, c"none", flags, c"")
}

fn call(source: &CStr, target: &CStr, kind: &CStr, flags: Flags, data: &CStr) -> Result<(), Errno> {
    // SAFETY: all pointers are NUL-terminated and live until the call returns.
    let result = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            data.as_ptr().cast(),
        )
    };
    check(result).map(drop)
}

/// Creates a character device with exactly these permissions.
pub(crate) fn character_device(
    path: &CStr,
    permissions: u32,
    (major, minor): (u32, u32),
) -> Result<(), Errno> {
    let device = libc::makedev(major, minor);
    // SAFETY: the path is NUL-terminated.
    check(unsafe { libc::mknod(path.as_ptr(), libc::S_IFCHR | permissions, device) })?;
    // The mode given to mknod is subject to the umask, whatever that is.
    // SAFETY: as above.
    check(unsafe { libc::chmod(path.as_ptr(), permissions) }).map(drop)
}
