//! QEMU's command line, as a value.
//!
//! | argument | why |
//! |---|---|
//! | `-M nitro-enclave,vsock=c,id=..` | the machine that reads an EIF, measures it and has an NSM; `c` is a character device |
//! | `-M microvm,acpi=off` | the machine below it, for a QEMU without the other; ACPI has to be off under TCG |
//! | `-cpu max` | the NSM needs random numbers of the CPU |
//! | `-chardev socket,id=c,fd=..` | the vsock device's other end, already connected: no name on disk |
//! | `-serial stdio` | the console, which we read |
//! | `-no-reboot` | an enclave that reboots has ended |
//! | `-append reboot=t` | and so that QEMU notices: see below |
//! | `-nodefaults -no-user-config -display none -monitor none` | nothing that nobody asked for |
//!
//! Files are given as `/proc/self/fd/N`: what was checked is what is booted, whatever happens to
//! their names.
//!
//! With the field's `reboot=k` a kernel waits for a keyboard controller that is not there and then
//! jumps to the firmware, which boots the same enclave again without QEMU noticing. The last word
//! wins, so `reboot=t` makes it end at once by a triple fault. The words that are added to an
//! image's command line, this one and those that describe QEMU's devices, are not measured.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::RawFd;

/// A machine of QEMU that can run an enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineKind {
    /// The emulated enclave, with an NSM whose documents nobody has signed.
    NitroEnclave,
    /// A small machine without an NSM.
    Microvm,
}

impl MachineKind {
    /// QEMU's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NitroEnclave => "nitro-enclave",
            Self::Microvm => "microvm",
        }
    }
}

impl fmt::Display for MachineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What runs the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// QEMU itself: slow, and works everywhere.
    Tcg,
    /// The kernel's virtual machines.
    Kvm,
}

impl Accelerator {
    /// The processor that a machine has. The emulator copies memory byte by byte where the guest
    /// believes that the instruction for it is fast: without that belief, bytes of connections pass
    /// at one and a half times the speed.
    const fn processor(self) -> &'static str {
        match self {
            Self::Tcg => "max,erms=off,fsrm=off",
            Self::Kvm => "max",
        }
    }

    /// QEMU's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcg => "tcg",
            Self::Kvm => "kvm",
        }
    }
}

impl fmt::Display for Accelerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is booted, by descriptors that QEMU inherits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Boot {
    /// An image, by the machine that can read one.
    Eif(RawFd),
    /// The parts of an image.
    Parts {
        kernel: RawFd,
        ramdisk: RawFd,
        command_line: OsString,
    },
}

/// A machine to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) boot: Boot,
    pub(crate) accelerator: Accelerator,
    pub(crate) memory_mib: u64,
    pub(crate) cpus: u32,
    /// The connected socket of the vsock device.
    pub(crate) vsock: RawFd,
}

/// What is added to the image's command line.
const REBOOT: &str = "reboot=t";

/// Arguments of every machine.
const ALWAYS: [&str; 9] = [
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-monitor",
    "none",
    "-serial",
    "stdio",
];

impl Machine {
    /// The arguments, without the program.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let (accelerator, memory) = (self.accelerator, self.memory_mib);
        let mut arguments: Vec<OsString> = ALWAYS.iter().map(OsString::from).collect();
        let mut add = |name: &str, value: &dyn AsRef<OsStr>| {
            arguments.push(name.into());
            arguments.push(value.as_ref().to_owned());
        };
        add("-cpu", &self.accelerator.processor());
        add("-smp", &self.cpus.to_string());
        add("-m", &format!("{memory}M"));
        add("-chardev", &format!("socket,id=c,fd={}", self.vsock));
        match &self.boot {
            Boot::Eif(eif) => {
                let machine = format!("nitro-enclave,accel={accelerator},vsock=c,id=enclair");
                add("-M", &machine);
                add("-kernel", &descriptor(*eif));
                add("-append", &REBOOT);
            }
            Boot::Parts {
                kernel,
                ramdisk,
                command_line,
            } => {
                // The device reads the rings itself, so the memory has to be shared.
                let backend = format!("memory-backend-memfd,id=m,size={memory}M,share=on");
                add("-object", &backend);
                let machine = format!("microvm,accel={accelerator},acpi=off,memory-backend=m");
                add("-M", &machine);
                add("-device", &"vhost-user-vsock-device,chardev=c");
                add("-kernel", &descriptor(*kernel));
                add("-initrd", &descriptor(*ramdisk));
                let mut words = command_line.clone();
                words.push(" ");
                words.push(REBOOT);
                add("-append", &words);
            }
        }
        arguments
    }
}

/// The arguments of the machine that probes an accelerator.
pub(crate) fn probe_arguments(accelerator: Accelerator, firmware: RawFd) -> Vec<OsString> {
    let machine = format!("microvm,accel={accelerator},acpi=off");
    let firmware = descriptor(firmware);
    let rest = [
        "-cpu", "max", "-m", "16M", "-M", &machine, "-bios", &firmware,
    ];
    ALWAYS.iter().chain(&rest).map(OsString::from).collect()
}

/// The name by which a process opens one of its own descriptors again.
pub(crate) fn descriptor(number: RawFd) -> String {
    format!("/proc/self/fd/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(machine: &Machine) -> String {
        let arguments = machine.arguments();
        let texts: Vec<&str> = arguments.iter().map(|a| a.to_str().unwrap()).collect();
        texts.join(" ")
    }

    const COMMON: &str = "-nodefaults -no-user-config -no-reboot -display none -monitor none \
        -serial stdio -cpu";

    #[test]
    fn the_nitro_machine_is_given_the_image() {
        let machine = Machine {
            boot: Boot::Eif(7),
            accelerator: Accelerator::Tcg,
            memory_mib: 256,
            cpus: 2,
            vsock: 9,
        };
        assert_eq!(
            line(&machine),
            format!(
                "{COMMON} max,erms=off,fsrm=off -smp 2 -m 256M -chardev socket,id=c,fd=9 \
                 -M nitro-enclave,accel=tcg,vsock=c,id=enclair -kernel /proc/self/fd/7 \
                 -append reboot=t"
            )
        );
    }

    #[test]
    fn the_small_machine_is_given_the_parts_and_shares_its_memory() {
        let machine = Machine {
            boot: Boot::Parts {
                kernel: 3,
                ramdisk: 4,
                command_line: "console=ttyS0 x,y=\"z\"".into(),
            },
            accelerator: Accelerator::Kvm,
            memory_mib: 64,
            cpus: 1,
            vsock: 5,
        };
        assert_eq!(
            line(&machine),
            format!(
                "{COMMON} max -smp 1 -m 64M -chardev socket,id=c,fd=5 \
                 -object memory-backend-memfd,id=m,size=64M,share=on \
                 -M microvm,accel=kvm,acpi=off,memory-backend=m \
                 -device vhost-user-vsock-device,chardev=c -kernel /proc/self/fd/3 \
                 -initrd /proc/self/fd/4 -append console=ttyS0 x,y=\"z\" reboot=t"
            )
        );
        // One argument, whatever is in it.
        assert_eq!(
            machine.arguments().last().unwrap(),
            "console=ttyS0 x,y=\"z\" reboot=t"
        );
    }
}
