//! The clock inside: every question for the time of day stops the program that asks, and the tracer
//! answers. Clocks that count from some beginning go on as they are: programs wait by them.
//!
//! A program does not ask the kernel but code that the kernel maps into it (the vDSO). So that is
//! hidden from each program at its start: its entry in the auxiliary vector is made one that is
//! passed over, and C libraries then make the system call.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;

use libc::{pid_t, sock_filter};

use crate::sys::{registers, set_registers};

/// `AUDIT_ARCH_X86_64`, linux/audit.h.
const ARCH: u32 = 0xc000_003e;
const CLOCK_GETTIME: u32 = 228;
const GETTIMEOFDAY: u32 = 96;
const TIME: u32 = 201;
/// `CLOCK_REALTIME`, `CLOCK_REALTIME_COARSE`, `CLOCK_TAI`: those that know the date.
const DATES: [u64; 3] = [0, 5, 11];

/// Entries of the auxiliary vector, elf.h.
const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_SYSINFO_EHDR: u64 = 33;
/// Words at the top of a new program's stack that are looked through: arguments, environment and
/// auxiliary vector. Linux allows more, and no script has them.
const MOST_WORDS: u64 = 1 << 17;

/// The program of the filter: questions for the time stop, calls of another kind of machine fail, all
/// else passes.
pub(crate) fn filter() -> Vec<sock_filter> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const ALLOW: u32 = 0x7fff_0000;
    const TRACE: u32 = 0x7ff0_0000;
    /// `SECCOMP_RET_ERRNO` with `ENOSYS`.
    const UNKNOWN: u32 = 0x0005_0000 + 38;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        // struct seccomp_data: nr at 0, arch at 4.
        step(LOAD, 0, 0, 4),
        step(EQUAL, 1, 0, ARCH),
        step(RETURN, 0, 0, UNKNOWN),
        step(LOAD, 0, 0, 0),
        step(EQUAL, 3, 0, CLOCK_GETTIME),
        step(EQUAL, 2, 0, GETTIMEOFDAY),
        step(EQUAL, 1, 0, TIME),
        step(RETURN, 0, 0, ALLOW),
        step(RETURN, 0, 0, TRACE),
    ]
}

fn memory(pid: pid_t) -> io::Result<File> {
    let path = format!("/proc/{pid}/mem");
    OpenOptions::new().read(true).write(true).open(path)
}

/// Answers the question that stopped the process `pid`; others are left to the kernel.
pub(crate) fn answer(pid: pid_t, time: i64) -> io::Result<()> {
    let mut registers = registers(pid)?;
    let call = u32::try_from(registers.orig_rax).unwrap_or(u32::MAX);
    let mut answer = [0; 16];
    answer[..8].copy_from_slice(&time.to_ne_bytes());
    let (result, address, length) = match call {
        CLOCK_GETTIME if DATES.contains(&registers.rdi) => (0, registers.rsi, 16),
        GETTIMEOFDAY => (0, registers.rdi, 16),
        TIME => (time.cast_unsigned(), registers.rdi, 8),
        _ => return Ok(()),
    };
    if address != 0 {
        let bytes = answer.get(..length).unwrap_or_default();
        memory(pid)?.write_all_at(bytes, address)?;
    }
    // No call has the number -1, so none is made, and the result stays.
    registers.orig_rax = u64::MAX;
    registers.rax = result;
    set_registers(pid, &registers)
}

/// Hides the vDSO of a program that has just been started.
pub(crate) fn hide_vdso(pid: pid_t) -> io::Result<()> {
    let memory = memory(pid)?;
    let word = |at: u64| -> io::Result<u64> {
        let mut bytes = [0; 8];
        memory.read_exact_at(&mut bytes, at)?;
        Ok(u64::from_ne_bytes(bytes))
    };
    // The count of arguments, they, NULL, the environment, NULL, pairs of the vector.
    let mut at = registers(pid)?.rsp;
    let end = at.saturating_add(MOST_WORDS * 8);
    let arguments = word(at)?;
    at = at.saturating_add(arguments.saturating_add(2).saturating_mul(8));
    while at < end && word(at)? != 0 {
        at += 8;
    }
    at += 8;
    while at < end {
        match word(at)? {
            AT_NULL => return Ok(()),
            AT_SYSINFO_EHDR => return memory.write_all_at(&AT_IGNORE.to_ne_bytes(), at),
            _ => at += 16,
        }
    }
    Ok(())
}
