//! Whether KVM works here: a small machine is started under it and has to answer.
//!
//! That `/dev/kvm` can be opened, and makes virtual machines, says too little: where the machine is
//! itself an emulated one, such a virtual machine may never get anywhere. So the probe does what a
//! kernel does first (protected mode, paging, long mode), counts to 2^24, and says so on its serial
//! port. Two seconds are a hundred times what that takes where KVM works.
//!
//! `probe.bin` is `probe.s` assembled; `tests/boot/check-probe` compares the two.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::error::Error;
use crate::image::unnamed;
use crate::machine::{Accelerator, MachineKind, probe_arguments};
use crate::process::Child;
use crate::qemu::Qemu;

/// The program of the probe: the last bytes of a firmware.
const PROGRAM: &[u8; 256] = include_bytes!("probe.bin");
/// Size of a firmware; QEMU takes multiples of this.
const FIRMWARE: usize = 64 << 10;
/// What the program says.
const ANSWER: &[u8; 4] = b"!ok\n";
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What there is to say of KVM here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kvm {
    /// A small machine answers under it.
    Answers,
    /// It is there, and a small machine does not answer under it.
    Silent,
    /// The device is there, and the CPU shows no virtualisation: what makes the machines is a
    /// program, and those that are known run no firmware. It is not asked.
    Software,
    /// There is no `/dev/kvm`.
    Missing,
}

/// Finds out whether KVM works.
///
/// # Errors
///
/// When QEMU cannot be started, or has no machine for the probe: the answer is then not known.
pub fn ask(qemu: &Qemu) -> Result<Kvm, Error> {
    if !Path::new("/dev/kvm").exists() {
        return Ok(Kvm::Missing);
    }
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if !has_virtualisation(&cpus) {
        return Ok(Kvm::Software);
    }
    let answers = machine_answers(qemu, Accelerator::Kvm, PATIENCE)?;
    Ok(if answers { Kvm::Answers } else { Kvm::Silent })
}

/// Whether a CPU of `/proc/cpuinfo` has the flag of either maker.
fn has_virtualisation(cpus: &str) -> bool {
    let flags = cpus.lines().filter(|line| line.starts_with("flags"));
    flags
        .flat_map(str::split_whitespace)
        .any(|flag| flag == "vmx" || flag == "svm")
}

/// Whether a small machine answers under an accelerator before `patience` is over.
fn machine_answers(
    qemu: &Qemu,
    accelerator: Accelerator,
    patience: Duration,
) -> Result<bool, Error> {
    if !qemu.has(MachineKind::Microvm) {
        return Err(Error::NoMachine {
            program: qemu.program.clone(),
            version: qemu.version.clone(),
        });
    }
    let start = |source| Error::QemuStart {
        program: qemu.program.clone(),
        source,
    };
    let mut firmware = unnamed("firmware").map_err(start)?;
    firmware
        .write_all(&vec![0; FIRMWARE - PROGRAM.len()])
        .and_then(|()| firmware.write_all(PROGRAM))
        .map_err(start)?;
    let mut command = Command::new(&qemu.program);
    command.args(probe_arguments(accelerator, firmware.as_raw_fd()));
    let mut child = Child::spawn(command, &[firmware.as_fd()]).map_err(start)?;
    let output = child.take_output();
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        let mut found = [0; ANSWER.len()];
        let read = output.map(|(mut out, _)| out.read_exact(&mut found));
        // The asker may have lost patience.
        let _ = sender.send(matches!(read, Some(Ok(()))) && found == *ANSWER);
    });
    let answered = answer.recv_timeout(patience).unwrap_or(false);
    drop(child);
    Ok(answered)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Instant;

    use super::*;

    /// A shell script in QEMU's place.
    fn stub_qemu(directory: &Path, machine: &str) -> Qemu {
        let program = directory.join("stub-qemu");
        let script = format!(
            "#!/bin/sh\ncase $1 in --version) echo 'QEMU emulator version 9.0 (stub)' ;;\n\
             -M) printf 'Supported machines are:\\nmicrovm x\\n' ;;\n*) {machine} ;; esac\n"
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Qemu::probe(&program).unwrap()
    }

    #[test]
    fn only_the_right_answer_in_time_counts() {
        for (machine, expected) in [
            ("echo '!ok'; exec sleep 100", true),
            ("echo '!ok'", true),
            ("echo '!no'", false),
            ("printf '!ok'", false),
            ("exit 0", false),
            ("exec sleep 100", false),
            ("sleep 1; echo '!ok'", false),
        ] {
            let directory = tempfile::tempdir().unwrap();
            let qemu = stub_qemu(directory.path(), machine);
            let start = Instant::now();
            let patience = Duration::from_millis(500);
            let found = machine_answers(&qemu, Accelerator::Kvm, patience).unwrap();
            assert_eq!(found, expected, "{machine}");
            assert!(start.elapsed() < Duration::from_secs(10), "{machine}");
        }
    }

    #[test]
    fn virtualisation_is_a_flag_of_its_own() {
        assert!(has_virtualisation(
            "processor : 0\nflags\t\t: fpu vmx sse\n"
        ));
        assert!(has_virtualisation("flags : svm\n"));
        assert!(!has_virtualisation(
            "flags : fpu vmx_x svm_lock\nvmx flags : vnmi\nvmx\n"
        ));
        assert!(!has_virtualisation(""));
    }

    #[test]
    fn the_probe_fits_into_a_firmware() {
        assert_eq!(FIRMWARE % 0x1_0000, 0);
        // Where the CPU begins is a jump back into the probe.
        assert_eq!(PROGRAM[0xf0], 0xe9);
    }
}
