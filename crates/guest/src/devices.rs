//! The application's `/dev`: a file system of its own with the nodes that programs expect.
//!
//! The kernel's `/dev` is not passed on, because it has everything the machine has: the security
//! module, memory, loop devices. With no right to make nodes and every other mount `nodev`, what is
//! not here cannot be opened by any user.

use std::ffi::{CStr, CString};
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, chown, symlink};

use enclair_configuration::{Access, Configuration};
use enclair_nsm::DEVICE;

use crate::console;
use crate::failure::Failure;
use crate::sys::Errno;
use crate::sys::mount::character_device;

/// Path, permissions, number.
const NODES: [(&CStr, u32, (u32, u32)); 6] = [
    (c"/dev/null", 0o666, (1, 3)),
    (c"/dev/zero", 0o666, (1, 5)),
    (c"/dev/full", 0o666, (1, 7)),
    (c"/dev/random", 0o666, (1, 8)),
    (c"/dev/urandom", 0o666, (1, 9)),
    (c"/dev/tty", 0o666, (5, 0)),
];

const CONSOLE: (&CStr, u32, (u32, u32)) = (c"/dev/console", 0o620, (5, 1));
const TUN: (&CStr, u32, (u32, u32)) = (c"/dev/net/tun", 0o666, (10, 200));

const LINKS: [(&str, &str); 5] = [
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/ptmx", "pts/ptmx"),
];

/// Devices that depend on the kernel, found before the root is switched.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Present {
    /// The number of `/dev/nsm`, which differs between kernels.
    nsm: Option<(u32, u32)>,
    tun: bool,
}

/// Looks at the kernel's `/dev`.
pub(crate) fn look() -> Present {
    let device = |path: &str| {
        let found = fs::symlink_metadata(path).ok()?;
        found.file_type().is_char_device().then_some(found.rdev())
    };
    Present {
        nsm: device(DEVICE).map(|number| (libc::major(number), libc::minor(number))),
        tun: device("/dev/net/tun").is_some(),
    }
}

/// Fills the `/dev` that is mounted.
pub(crate) fn make(present: Present, configuration: &Configuration) -> Result<(), Failure> {
    for node in NODES {
        make_node(node)?;
    }
    let Configuration { uid, gid, .. } = *configuration;
    make_node(CONSOLE)?;
    give("/dev/console", uid, gid)?;
    // The standard streams were opened by another name, in the kernel's `/dev`.
    console::give_to(uid, gid).map_err(|errno| not_made("/dev/console", errno))?;
    for (link, target) in LINKS {
        symlink(target, link).map_err(|error| not_made(link, error.into()))?;
    }
    if present.tun {
        let directory = DirBuilder::new().mode(0o755).create("/dev/net");
        directory.map_err(|error| not_made("/dev/net", error.into()))?;
        make_node(TUN)?;
    }
    if let (Access::Allowed, Some(number)) = (configuration.nsm, present.nsm) {
        let path = CString::new(DEVICE).unwrap_or_default();
        character_device(&path, 0o600, number).map_err(|errno| not_made(DEVICE, errno))?;
        give(DEVICE, uid, gid)?;
    }
    Ok(())
}

fn make_node((path, permissions, number): (&'static CStr, u32, (u32, u32))) -> Result<(), Failure> {
    character_device(path, permissions, number)
        .map_err(|errno| not_made(path.to_str().unwrap_or_default(), errno))
}

fn give(path: &'static str, uid: u32, gid: u32) -> Result<(), Failure> {
    chown(path, Some(uid), Some(gid)).map_err(|error| not_made(path, error.into()))
}

fn not_made(path: &'static str, errno: Errno) -> Failure {
    Failure::DeviceNotMade { path, errno }
}
