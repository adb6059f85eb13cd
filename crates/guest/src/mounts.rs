//! What is mounted, where and how. Done after the switch of the root, so that a symlink of the
//! image leads nowhere but into the image.
//!
//! | when | rule |
//! |---|---|
//! | always | a directory that is missing is made; something else there is a failure |
//! | if empty | what the image has there is kept, and nothing is mounted |
//! | if known | a kernel without this file system is told on the console |
//!
//! `/proc/sys` and three more are read-only, because user id 0 could otherwise set the kernel's
//! helper programs, which run with all rights. The price is that a process in namespaces of its own
//! cannot mount another `/proc`, as in other container runtimes.

use std::ffi::{CStr, CString};
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

use crate::console;
use crate::failure::Failure;
use crate::sys::Errno;
use crate::sys::mount::{BIND, Flags, NODEV, NOEXEC, NOSUID, RDONLY, REMOUNT, mount, rearrange};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    IfEmpty,
    IfKnown,
}

struct Row {
    path: &'static str,
    kind: &'static CStr,
    flags: Flags,
    data: &'static CStr,
    when: When,
}

const fn row(path: &'static str, kind: &'static CStr, flags: Flags, data: &'static CStr) -> Row {
    Row {
        path,
        kind,
        flags,
        data,
        when: When::Always,
    }
}

impl Row {
    const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }
}

const PLAIN: Flags = NOSUID | NODEV;
const DATA: Flags = PLAIN | NOEXEC;

/// In this order: parents before children.
const TABLE: [Row; 9] = [
    row("/proc", c"proc", DATA, c""),
    row("/sys", c"sysfs", DATA | RDONLY, c""),
    row("/sys/fs/cgroup", c"cgroup2", DATA | RDONLY, c"").when(When::IfKnown),
    row("/dev", c"tmpfs", NOSUID | NOEXEC, c"mode=0755,size=64m"),
    row(
        "/dev/pts",
        c"devpts",
        NOSUID | NOEXEC,
        c"newinstance,ptmxmode=0666,mode=0620,gid=5",
    ),
    row("/dev/shm", c"tmpfs", DATA, c"mode=1777"),
    row("/dev/mqueue", c"mqueue", DATA, c"").when(When::IfKnown),
    row("/run", c"tmpfs", PLAIN, c"mode=0755").when(When::IfEmpty),
    row("/tmp", c"tmpfs", PLAIN, c"mode=1777").when(When::IfEmpty),
];

/// Parts of `/proc` that say something to the kernel and not about a process.
const READ_ONLY: [&CStr; 4] = [
    c"/proc/sys",
    c"/proc/sysrq-trigger",
    c"/proc/irq",
    c"/proc/bus",
];

/// Ports below 1024 are for every user: nobody else is on this machine's loopback interface.
const PORT_SETTING: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// The kernel's own `/dev`, before anything else: init needs the console and the module.
pub(crate) fn kernel_devices() -> Result<(), Failure> {
    let devices = |errno| Failure::DevicesNotMounted { errno };
    make_directory("/dev").map_err(devices)?;
    match mount(c"devtmpfs", c"/dev", NOSUID, c"mode=0755") {
        // The kernel did it itself.
        Ok(()) | Err(Errno(libc::EBUSY)) => Ok(()),
        Err(errno) => Err(devices(errno)),
    }
}

/// Everything that an application expects.
pub(crate) fn mount_all() -> Result<(), Failure> {
    for row in &TABLE {
        mount_row(row)?;
    }
    match fs::write(PORT_SETTING, "0") {
        // A kernel without IPv4 has no ports.
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::FileNotWritten {
            path: PORT_SETTING,
            errno: error.into(),
        }),
        _ => Ok(()),
    }
}

/// Makes the kernel's settings read-only. After the last one was made.
pub(crate) fn protect() -> Result<(), Failure> {
    for path in READ_ONLY {
        match rearrange(path, path, BIND) {
            // Not every kernel has all of them.
            Err(Errno(libc::ENOENT)) => continue,
            result => result.and_then(|()| rearrange(path, path, REMOUNT | BIND | RDONLY | DATA)),
        }
        .map_err(|errno| Failure::NotMounted {
            path: path.to_str().unwrap_or_default(),
            errno,
        })?;
    }
    Ok(())
}

fn mount_row(row: &Row) -> Result<(), Failure> {
    let path = row.path;
    if row.when == When::IfEmpty && is_kept(path) {
        return Ok(());
    }
    let target = CString::new(path).unwrap_or_default();
    // What is below a mount of ours is not made in a file system that has its directories itself.
    if !path.starts_with("/sys/") {
        mount_point(path).map_err(|errno| Failure::MountPoint { path, errno })?;
    }
    match mount(row.kind, &target, row.flags, row.data) {
        Err(errno) if row.when == When::IfKnown => {
            console::say(&format!("`{path}` is not mounted: {errno}"));
            Ok(())
        }
        result => result.map_err(|errno| Failure::NotMounted { path, errno }),
    }
}

/// Whether the image has something at `path` that a mount would hide: a file, a symlink, or a
/// directory with entries.
fn is_kept(path: &str) -> bool {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {
            fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some())
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

fn mount_point(path: &str) -> Result<(), Errno> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Errno(libc::ENOTDIR)),
        Err(_) => make_directory(path),
    }
}

/// Makes a directory with mode 0755, whatever the umask; one that is there is left alone.
fn make_directory(path: &str) -> Result<(), Errno> {
    match fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(fs::set_permissions(path, Permissions::from_mode(0o755))?),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_an_image_has_is_kept() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name).to_str().unwrap().to_owned();
        assert!(!is_kept(&at("missing")));
        fs::create_dir(at("empty")).unwrap();
        assert!(!is_kept(&at("empty")));
        fs::create_dir_all(at("full/lock")).unwrap();
        assert!(is_kept(&at("full")));
        symlink("empty", at("link")).unwrap();
        assert!(is_kept(&at("link")));
    }

    #[test]
    fn a_mount_point_is_made_and_a_symlink_is_none() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name).to_str().unwrap().to_owned();
        mount_point(&at("new")).unwrap();
        let mode = fs::metadata(at("new")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755);
        mount_point(&at("new")).unwrap();
        symlink("new", at("link")).unwrap();
        assert_eq!(mount_point(&at("link")), Err(Errno(libc::ENOTDIR)));
        fs::write(at("file"), "").unwrap();
        assert_eq!(mount_point(&at("file")), Err(Errno(libc::ENOTDIR)));
    }

    #[test]
    fn only_dev_may_have_devices_and_only_run_and_tmp_programs() {
        for row in &TABLE {
            let devices = row.flags & NODEV == 0;
            assert_eq!(
                devices,
                ["/dev", "/dev/pts"].contains(&row.path),
                "{}",
                row.path
            );
            let programs = row.flags & NOEXEC == 0;
            assert_eq!(
                programs,
                ["/run", "/tmp"].contains(&row.path),
                "{}",
                row.path
            );
            assert_ne!(row.flags & NOSUID, 0, "{}", row.path);
        }
    }
}
