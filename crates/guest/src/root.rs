//! The switch of the root: `/rootfs` becomes `/`.
//!
//! The first file system of a kernel cannot be left with `pivot_root`. The directory is mounted on
//! itself, moved over the root and entered. After that the process's root is the root of its mount
//! namespace, as the kernel demands of whoever makes user namespaces; a plain `chroot` would not
//! do. What lies underneath (init's own file, the configuration) has no path any more, not even
//! for a process that calls `chroot` itself: `..` above the new root leads to the new root.
//!
//! The new root is mounted `nodev`: a device node in an image is there, with its mode and number,
//! and cannot be opened. An image could otherwise bring its own `/dev/nsm`.

use std::env::set_current_dir;
use std::fs;
use std::os::unix::fs::chroot;

use crate::failure::Failure;
use crate::sys::Errno;
use crate::sys::mount::{BIND, MOVE, NODEV, REMOUNT, rearrange};

const ROOT: &str = "/rootfs";

/// Makes the application's root the root.
pub(crate) fn switch() -> Result<(), Failure> {
    if !fs::symlink_metadata(ROOT).is_ok_and(|root| root.is_dir()) {
        return Err(Failure::RootMissing);
    }
    let root = c"/rootfs";
    step("bind", rearrange(root, root, BIND))?;
    step("nodev", rearrange(root, root, REMOUNT | BIND | NODEV))?;
    step("enter", set_current_dir(ROOT).map_err(Errno::from))?;
    step("move", rearrange(c".", c"/", MOVE))?;
    step("chroot", chroot(".").map_err(Errno::from))?;
    step("leave", set_current_dir("/").map_err(Errno::from))
}

fn step(step: &'static str, result: Result<(), Errno>) -> Result<(), Failure> {
    result.map_err(|errno| Failure::RootNotSwitched { step, errno })
}
