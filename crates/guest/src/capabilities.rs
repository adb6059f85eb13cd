//! Capabilities: none for an application, except those of user id 0 over its own files and users.
//!
//! `docs/decisions/0003-rights-of-the-application.md` has the reasons. In short: user id 0 of a
//! container expects to own files, to change users and to signal; none of that reaches init, the
//! security module, mounts or the kernel. The rest of what other runtimes allow is left out:
//! `MKNOD` would bring back every device, `NET_RAW` has no network to use it on.

use crate::sys::{Errno, privilege};

/// What user id 0 keeps: name for the documentation, number for the kernel.
pub(crate) const KEPT: [(&str, u32); 11] = [
    ("CHOWN", 0),
    ("DAC_OVERRIDE", 1),
    ("FOWNER", 3),
    ("FSETID", 4),
    ("KILL", 5),
    ("SETGID", 6),
    ("SETUID", 7),
    ("SETPCAP", 8),
    ("NET_BIND_SERVICE", 10),
    ("SYS_CHROOT", 18),
    ("SETFCAP", 31),
];

/// The set for a user id, one bit for each capability.
pub(crate) fn of(uid: u32) -> u64 {
    if uid != 0 {
        return 0;
    }
    KEPT.iter().fold(0, |set, (_, number)| set | 1 << number)
}

/// Limits what programs can ever get to `set`. While there is still the right to do so.
pub(crate) fn limit(set: u64) -> Result<(), Errno> {
    privilege::clear_ambient_set()?;
    privilege::limit_bounding_set(set)
}

/// Drops everything but `set`, and the way back.
pub(crate) fn drop_to(set: u64) -> Result<(), Errno> {
    privilege::set_capabilities(set)?;
    privilege::deny_new_privileges()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_user_0_keeps_any_and_none_that_reaches_the_machine() {
        assert_eq!(of(1), 0);
        assert_eq!(of(65534), 0);
        // DAC_READ_SEARCH, NET_ADMIN, NET_RAW, SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_PACCT,
        // SYS_ADMIN, SYS_BOOT, SYS_NICE, SYS_RESOURCE, SYS_TIME, MKNOD, MAC_ADMIN, SYSLOG,
        // PERFMON, BPF, CHECKPOINT_RESTORE
        for denied in [
            2, 12, 13, 16, 17, 19, 20, 21, 22, 23, 24, 25, 27, 33, 34, 38, 39, 40,
        ] {
            assert_eq!(of(0) >> denied & 1, 0, "{denied}");
        }
        assert_eq!(of(0).count_ones(), 11);
    }
}
