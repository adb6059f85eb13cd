//! The system call filter: what no capability guards, or guards for user id 0 only.
//!
//! | call | answer | why |
//! |---|---|---|
//! | of another architecture (i386 on x86_64) | the process is killed | its numbers mean other calls |
//! | x32 | `ENOSYS` | the same calls under other numbers |
//! | kexec, modules, `bpf`, `perf_event_open` | `EPERM` | the kernel itself; some are open to every user by default |
//! | `socket` of `AF_VSOCK` | `EPERM` | the parent is told things by init only |
//! | `io_uring_*` | `ENOSYS` | makes sockets without a system call that a filter sees |
//!
//! The last two stand unless the configuration allows vsock. A filter is inherited by everything
//! that the application starts, in every namespace, and cannot be taken off. The family of a socket
//! is an `int`: the kernel ignores the upper half of the register, and so does the filter.

use enclair_configuration::Access;

use crate::sys::privilege::Instruction;

/// This architecture as the kernel's audit calls it.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// `kexec_file_load`, which libc does not name everywhere.
#[cfg(target_arch = "x86_64")]
const KEXEC_FILE_LOAD: libc::c_long = 320;
#[cfg(target_arch = "aarch64")]
const KEXEC_FILE_LOAD: libc::c_long = 294;

/// Bit of the call's number that x32 sets.
const X32: u32 = 0x4000_0000;

/// Offsets in `struct seccomp_data`; of the first argument, its lower half.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const FAMILY: u32 = 16;

/// Classic BPF: load a word, jump if equal, jump if greater or equal, return.
const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

const ALLOW: u32 = 0x7fff_0000;
const KILL: u32 = 0x8000_0000;
const fn refuse(errno: i32) -> u32 {
    0x0005_0000 | errno.cast_unsigned()
}

/// Calls that reach the kernel itself.
const KERNEL: [libc::c_long; 7] = [
    libc::SYS_kexec_load,
    KEXEC_FILE_LOAD,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
];

const IO_URING: [libc::c_long; 3] = [
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

const SOCKETS: [libc::c_long; 2] = [libc::SYS_socket, libc::SYS_socketpair];

/// The filter.
pub(crate) fn program(vsock: Access) -> Vec<Instruction> {
    let mut program = vec![
        load(ARCH),
        jump(EQUAL, ARCHITECTURE, (1, 0)),
        end(KILL),
        load(NUMBER),
        jump(AT_LEAST, X32, (0, 1)),
        end(refuse(libc::ENOSYS)),
    ];
    for call in KERNEL {
        refuse_call(&mut program, call, libc::EPERM);
    }
    if vsock == Access::Denied {
        for call in IO_URING {
            refuse_call(&mut program, call, libc::ENOSYS);
        }
        for call in SOCKETS {
            refuse_family(&mut program, call);
        }
    }
    program.push(end(ALLOW));
    program
}

fn refuse_call(program: &mut Vec<Instruction>, call: libc::c_long, errno: i32) {
    program.extend([jump(EQUAL, number(call), (0, 1)), end(refuse(errno))]);
}

/// What follows in the program finds the call's number loaded only if it is not this call.
fn refuse_family(program: &mut Vec<Instruction>, call: libc::c_long) {
    program.extend([
        jump(EQUAL, number(call), (0, 4)),
        load(FAMILY),
        jump(EQUAL, libc::AF_VSOCK.cast_unsigned(), (0, 1)),
        end(refuse(libc::EPERM)),
        end(ALLOW),
    ]);
}

/// Numbers of calls are small; one that was not would be refused by nothing, which a test finds.
fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

const fn load(offset: u32) -> Instruction {
    instruction(LOAD, offset, (0, 0))
}

const fn jump(code: u16, value: u32, steps: (u8, u8)) -> Instruction {
    instruction(code, value, steps)
}

const fn end(value: u32) -> Instruction {
    instruction(RETURN, value, (0, 0))
}

const fn instruction(code: u16, k: u32, (jt, jf): (u8, u8)) -> Instruction {
    Instruction { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sys::Errno;
    use crate::sys::privilege::{deny_new_privileges, install_filter};
    use crate::sys::process::{Ended, Fork, end as end_process, fork, wait_for};
    use crate::sys::vsock::Stream;

    /// Runs the program on a call, as the kernel does.
    fn run(program: &[Instruction], arch: u32, call: u32, first: u32) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let instruction = program[at];
            let branch = |taken| {
                usize::from(if taken {
                    instruction.jt
                } else {
                    instruction.jf
                })
            };
            at += 1;
            match instruction.code {
                LOAD => {
                    loaded = match instruction.k {
                        NUMBER => call,
                        ARCH => arch,
                        FAMILY => first,
                        other => panic!("offset {other}"),
                    }
                }
                EQUAL => at += branch(loaded == instruction.k),
                AT_LEAST => at += branch(loaded >= instruction.k),
                RETURN => return instruction.k,
                other => panic!("code {other}"),
            }
        }
    }

    fn native(vsock: Access, call: libc::c_long, first: i32) -> u32 {
        let call = u32::try_from(call).unwrap();
        run(&program(vsock), ARCHITECTURE, call, first.cast_unsigned())
    }

    #[test]
    fn vsock_is_refused_and_every_other_family_is_not() {
        for call in SOCKETS {
            for family in 0..64 {
                let expected = if family == libc::AF_VSOCK {
                    refuse(libc::EPERM)
                } else {
                    ALLOW
                };
                assert_eq!(native(Access::Denied, call, family), expected, "{family}");
                assert_eq!(native(Access::Allowed, call, family), ALLOW, "{family}");
            }
        }
    }

    #[test]
    fn io_uring_goes_with_vsock() {
        for call in IO_URING {
            assert_eq!(native(Access::Denied, call, 0), refuse(libc::ENOSYS));
            assert_eq!(native(Access::Allowed, call, 0), ALLOW);
        }
    }

    #[test]
    fn the_kernel_is_out_of_reach_whatever_is_allowed() {
        for call in KERNEL {
            for vsock in [Access::Denied, Access::Allowed] {
                assert_eq!(native(vsock, call, libc::AF_VSOCK), refuse(libc::EPERM));
            }
        }
    }

    #[test]
    fn nothing_else_is_refused() {
        let named = [&KERNEL[..], &IO_URING, &SOCKETS].concat();
        for call in (0..1000).filter(|call| !named.contains(call)) {
            assert_eq!(
                native(Access::Denied, call, libc::AF_VSOCK),
                ALLOW,
                "{call}"
            );
        }
    }

    #[test]
    fn other_architectures_do_not_get_through() {
        let program = program(Access::Allowed);
        // i386, ARM, and none.
        for arch in [0x4000_0003, 0x4000_0028, 0] {
            for call in [0, 1, 359, 41] {
                assert_eq!(run(&program, arch, call, 0), KILL);
            }
        }
        // x32's `socket` and the least number of x32.
        for call in [X32, X32 + 41, u32::MAX] {
            assert_eq!(run(&program, ARCHITECTURE, call, 0), refuse(libc::ENOSYS));
        }
    }

    /// The kernel agrees with the interpreter above.
    #[test]
    fn a_process_under_the_filter_gets_no_vsock() {
        let program = program(Access::Denied);
        let child = match fork().unwrap() {
            Fork::Parent(child) => child,
            Fork::Child => {
                let installed = deny_new_privileges().and_then(|()| install_filter(&program));
                let vsock = Stream::connect(3, 1, Instant::now()).map(drop);
                let refused = installed.is_ok() && vsock == Err(Errno(libc::EPERM));
                end_process(i32::from(!refused))
            }
        };
        assert_eq!(wait_for(child).unwrap(), Ended::Exited(0));
    }
}
