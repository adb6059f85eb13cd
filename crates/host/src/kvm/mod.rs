//! Whether KVM works here: a small machine is started under it and has to answer.
//!
//! That `/dev/kvm` can be opened, and makes virtual machines, says too little: where the machine is
//! itself an emulated one, such a virtual machine may never get anywhere. So the probe does what a
//! kernel does first (protected mode, paging, long mode), counts to 2^24, and says so on its serial
//! port. Two seconds are a hundred times what that takes where KVM works.
//!
//! `probe.bin` is `probe.s` assembled; `tests/boot/check-probe` compares the two.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use std::os::fd::{AsFd as _, AsRawFd as _};

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

/// Whether a small machine answers under an accelerator.
///
/// # Errors
///
/// When QEMU cannot be started, or has no machine for the probe: the answer is then not known.
pub fn answers(qemu: &Qemu, accelerator: Accelerator) -> Result<bool, Error> {
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
    let answered = answer.recv_timeout(PATIENCE).unwrap_or(false);
    drop(child);
    Ok(answered)
}
