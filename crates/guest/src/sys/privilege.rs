//! Ids, capabilities and filters: what a process may do, and giving it up.
//!
//! Ids are set with the system calls themselves. The C library's functions of the same names
//! signal all threads first, for which there is no need here.

use std::ptr;

use super::{Errno, check};

/// Sets real, effective and saved group id.
pub(crate) fn set_gid(gid: u32) -> Result<(), Errno> {
    // SAFETY: the call takes no pointer.
    check(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).map(drop)
}

/// Sets real, effective and saved user id.
pub(crate) fn set_uid(uid: u32) -> Result<(), Errno> {
    // SAFETY: the call takes no pointer.
    check(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).map(drop)
}

/// Sets the supplementary groups.
pub(crate) fn set_groups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: length and pointer are of one slice, which the call only reads.
    check(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }).map(drop)
}

fn control(option: libc::c_int, argument: libc::c_ulong) -> Result<libc::c_int, Errno> {
    let zero: libc::c_ulong = 0;
    // SAFETY: the options used here take numbers only.
    check(unsafe { libc::prctl(option, argument, zero, zero, zero) })
}

/// Keeps permitted capabilities over a change of the user id.
pub(crate) fn keep_capabilities() -> Result<(), Errno> {
    control(libc::PR_SET_KEEPCAPS, 1).map(drop)
}

/// Keeps others with this user id from reading this process.
pub(crate) fn deny_reading() -> Result<(), Errno> {
    control(libc::PR_SET_DUMPABLE, 0).map(drop)
}

/// No program started from here on gains rights by its file: setuid, setgid, file capabilities.
pub(crate) fn deny_new_privileges() -> Result<(), Errno> {
    control(libc::PR_SET_NO_NEW_PRIVS, 1).map(drop)
}

/// Takes every capability that is not in `kept` out of the bounding set.
pub(crate) fn limit_bounding_set(kept: u64) -> Result<(), Errno> {
    for capability in 0..64 {
        // An error means that the kernel knows no capability of this number, nor a greater one.
        if control(libc::PR_CAPBSET_READ, capability).is_err() {
            return Ok(());
        }
        if kept >> capability & 1 == 0 {
            control(libc::PR_CAPBSET_DROP, capability)?;
        }
    }
    Ok(())
}

/// Empties the ambient set.
pub(crate) fn clear_ambient_set() -> Result<(), Errno> {
    let clear = libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong;
    control(libc::PR_CAP_AMBIENT, clear).map(drop)
}

/// `_LINUX_CAPABILITY_VERSION_3`: two words of 32 bits for each set.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    process: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const THIS_PROCESS: Header = Header {
    version: CAPABILITY_VERSION,
    process: 0,
};

/// The permitted set, one bit for each capability.
pub(crate) fn permitted() -> Result<u64, Errno> {
    let mut sets = [Sets::default(); 2];
    let header = THIS_PROCESS;
    // SAFETY: version 3 fills two elements, and the array has two.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) })?;
    let [low, high] = sets;
    Ok(u64::from(high.permitted) << 32 | u64::from(low.permitted))
}

/// Makes `kept` the permitted and the effective set, and empties the inheritable one.
#[allow(
    clippy::cast_possible_truncation,
    reason = "each half of the set is taken on purpose"
)]
pub(crate) fn set_capabilities(kept: u64) -> Result<(), Errno> {
    let half = |bits: u64| Sets {
        effective: bits as u32,
        permitted: bits as u32,
        inheritable: 0,
    };
    let sets = [half(kept), half(kept >> 32)];
    let header = THIS_PROCESS;
    // SAFETY: version 3 reads two elements, and the array has two.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) };
    check(result).map(drop)
}

/// Passes a capability that this process has on to the program that it becomes.
pub(crate) fn pass_capability(number: u32) -> Result<(), Errno> {
    let set = |word: u32| {
        let bits = if number / 32 == word {
            1 << (number % 32)
        } else {
            0
        };
        Sets {
            effective: bits,
            permitted: bits,
            inheritable: bits,
        }
    };
    let sets = [set(0), set(1)];
    let header = THIS_PROCESS;
    // SAFETY: version 3 reads two elements, and the array has two.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) })?;
    // SAFETY: the call takes numbers only.
    let result = unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong,
            libc::c_ulong::from(number),
            0,
            0,
        )
    };
    check(result).map(drop)
}

/// One instruction of a filter.
pub(crate) use libc::sock_filter as Instruction;

/// Installs a filter for this process and all that it starts.
pub(crate) fn install_filter(program: &[Instruction]) -> Result<(), Errno> {
    let program = libc::sock_fprog {
        // The kernel refuses more than 4096 instructions, and 0.
        len: u16::try_from(program.len()).unwrap_or(0),
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies the instructions, which live until the call returns.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const program,
            ptr::null::<libc::c_void>(),
        )
    };
    check(result).map(drop)
}
