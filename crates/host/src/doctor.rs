//! What this machine can do for enclaves, one check a line, each with the way to mend it.
//!
//! A check looks and changes nothing, but for the small machine that is started under KVM to see
//! whether it answers.

use std::fs;
use std::path::Path;

use rustix::fs::statvfs;

use crate::image::unnamed;
use crate::kvm::{self, Kvm};
use crate::machine::MachineKind;
use crate::qemu::{Qemu, Search};

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    Ok,
    /// It is not, and nothing can be run without it.
    Missing,
    /// It is not; what there is will do, slower or with less.
    Without,
}

/// One check.
#[derive(Debug, Clone)]
pub struct Check {
    /// Which, in kebab-case.
    pub id: &'static str,
    /// What was found.
    pub found: Found,
    /// The same in words.
    pub text: String,
    /// What to do about it, unless it is fine.
    pub hint: Option<&'static str>,
}

impl Check {
    const fn ok(id: &'static str, text: String) -> Self {
        Self {
            id,
            found: Found::Ok,
            text,
            hint: None,
        }
    }

    const fn not(id: &'static str, found: Found, text: String, hint: &'static str) -> Self {
        Self {
            id,
            found,
            text,
            hint: Some(hint),
        }
    }
}

/// Bytes of disk below which a build of usual size may not end.
const LITTLE_DISK: u64 = 2 << 30;
/// MiB of memory below which an enclave of usual size may not start.
const LITTLE_MEMORY: u64 = 512;

/// Looks at everything. `spool` is where `build` would put its temporary file.
pub fn examine(search: &Search, spool: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    match search.find() {
        Ok(qemu) => {
            let program = qemu.program.display();
            let text = format!("QEMU {} at `{program}`", qemu.version);
            checks.push(Check::ok("qemu", text));
            checks.extend(machines(&qemu));
            checks.push(accelerator(&qemu));
        }
        Err(error) => {
            let hint = error.hint().unwrap_or("install QEMU 10 or later");
            let text = error.to_string();
            checks.push(Check::not("qemu", Found::Missing, text, hint));
        }
    }
    checks.push(shared_memory());
    checks.push(real_hardware(search));
    checks.push(disk(spool));
    checks.push(memory());
    checks
}

fn machines(qemu: &Qemu) -> [Check; 2] {
    let nitro = MachineKind::NitroEnclave;
    let small = MachineKind::Microvm;
    let without = if qemu.has(nitro) || qemu.has(small) {
        Found::Without
    } else {
        Found::Missing
    };
    [
        if qemu.has(nitro) {
            let text = "machine `nitro-enclave`: images are measured and have an NSM (emulated)";
            Check::ok("nitro-enclave", text.to_owned())
        } else {
            Check::not(
                "nitro-enclave",
                without,
                "no machine `nitro-enclave`: images run without an NSM".to_owned(),
                "`.ci/qemu` builds a QEMU that has it; packages are built without libcbor",
            )
        },
        if qemu.has(small) {
            let text = "machine `microvm`: images can be run from their parts";
            Check::ok("microvm", text.to_owned())
        } else {
            Check::not(
                "microvm",
                without,
                "no machine `microvm`".to_owned(),
                "install QEMU 5 or later for x86_64",
            )
        },
    ]
}

fn accelerator(qemu: &Qemu) -> Check {
    let text = match kvm::ask(qemu) {
        Ok(Kvm::Answers) => return Check::ok("kvm", "KVM: a small machine answers".to_owned()),
        Ok(Kvm::Silent) => "/dev/kvm is there, and a small machine does not answer under it",
        Ok(Kvm::Software) => "/dev/kvm is there, and the CPU has no virtualisation (vmx, svm)",
        Ok(Kvm::Missing) => "no /dev/kvm",
        Err(_) => "/dev/kvm is there, and QEMU has no machine to try it with",
    };
    let hint = "enclaves run under TCG, which is slower; on a machine with virtualisation, allow \
                this user to open /dev/kvm";
    Check::not("kvm", Found::Without, text.to_owned(), hint)
}

/// The vsock device needs memory that QEMU can share.
fn shared_memory() -> Check {
    match unnamed("doctor").and_then(|file| file.set_len(4096)) {
        Ok(()) => Check::ok("memfd", "memory can be shared with QEMU (memfd)".to_owned()),
        Err(error) => Check::not(
            "memfd",
            Found::Missing,
            format!("memory cannot be shared with QEMU: {error}"),
            "allow memfd_create, as a seccomp profile of a container may not",
        ),
    }
}

/// Whether this is an instance that could start a real enclave, or is one.
fn real_hardware(search: &Search) -> Check {
    let without = |text: &str, hint| Check::not("nitro", Found::Without, text.to_owned(), hint);
    if Path::new("/dev/nsm").exists() {
        let text = "/dev/nsm: this is the inside of an enclave";
        Check::ok("nitro", text.to_owned())
    } else if !Path::new("/dev/nitro_enclaves").exists() {
        without(
            "no /dev/nitro_enclaves: real enclaves cannot be started here",
            "on EC2, start the instance with enclaves enabled and load the module nitro_enclaves",
        )
    } else if search.on_path("nitro-cli").next().is_none() {
        without(
            "/dev/nitro_enclaves is there, and `nitro-cli` is not on PATH",
            "install the package aws-nitro-enclaves-cli",
        )
    } else {
        let text = "/dev/nitro_enclaves and `nitro-cli`: this instance can be a parent";
        Check::ok("nitro", text.to_owned())
    }
}

fn disk(spool: &Path) -> Check {
    let place = spool.display();
    let hint =
        "`build` unpacks an image beside its output (`-o DIR`); choose a place with more room";
    match statvfs(spool) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("{} MiB free in `{place}`", free >> 20);
            if free < LITTLE_DISK {
                Check::not("disk", Found::Without, text, hint)
            } else {
                Check::ok("disk", text)
            }
        }
        Err(error) => {
            let text = format!("the room in `{place}` is not known: {error}");
            Check::not("disk", Found::Without, text, hint)
        }
    }
}

fn memory() -> Check {
    let hint = "an enclave needs four times the size of its image; end other programs";
    let Some(free) = available_memory() else {
        let text = "how much memory there is cannot be read in /proc/meminfo".to_owned();
        return Check::not("memory", Found::Without, text, hint);
    };
    let text = format!("{free} MiB of memory available");
    if free < LITTLE_MEMORY {
        Check::not("memory", Found::Without, text, hint)
    } else {
        Check::ok("memory", text)
    }
}

/// MiB that programs can still have.
fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib >> 10)
}
