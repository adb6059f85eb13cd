//! What an inspection can say. The ids are stable and listed by `enclair explain`.

use enclair_finding::{Kind, Severity};

/// A later ramdisk names a path of the first.
pub const RAMDISK_OVERRIDES_BOOT: Kind = Kind {
    id: "ramdisk-overrides-boot",
    severity: Severity::Error,
    title: "a later ramdisk replaces an entry of the boot ramdisk",
    why: "The kernel unpacks all ramdisks over one another, and the last entry of a name wins. \
          PCR1 measures the first ramdisk only: an application ramdisk that brings its own \
          `init` runs it while PCR1 still says that the boot environment is the known one.",
    fix: "build the application ramdisk with everything under `rootfs/`, and never trust PCR1 \
          without PCR0 or PCR2",
};

/// A ramdisk is not what the kernel unpacks.
pub const RAMDISK_UNREADABLE: Kind = Kind {
    id: "ramdisk-unreadable",
    severity: Severity::Error,
    title: "a ramdisk is not an archive that the kernel unpacks",
    why: "The kernel prints one line about it and starts `/init` on whatever it has unpacked until \
          then. The measurements are those of the bytes, readable or not.",
    fix: "build the ramdisk again; `enclair extract --section` gives its bytes",
};

/// The completeness marker does not count what is there.
pub const RAMDISK_MARKER_WRONG: Kind = Kind {
    id: "ramdisk-marker-wrong",
    severity: Severity::Error,
    title: "a ramdisk's completeness marker counts another number of entries",
    why: "A kernel that fails in the middle of a ramdisk goes on with a partial tree. The marker, a \
          last file with the number of entries before it, lets init notice. One that is wrong \
          would stop the enclave at start.",
    fix: "build the image again; the ramdisk was edited or cut",
};

/// Paths that cannot be followed.
pub const RAMDISK_PATH_UNRESOLVED: Kind = Kind {
    id: "ramdisk-path-unresolved",
    severity: Severity::Warning,
    title: "an entry's parents lead through too many symlinks",
    why: "The kernel skips such an entry without a word, and whether it replaces an entry of the \
          boot ramdisk cannot be said.",
    fix: "build the ramdisk from real directories",
};

/// The metadata section is not the JSON document that belongs there.
pub const METADATA_UNREADABLE: Kind = Kind {
    id: "metadata-unreadable",
    severity: Severity::Warning,
    title: "the metadata section is not the document that belongs there",
    why: "Metadata is not measured and decides nothing, but tools in the field refuse an image \
          whose metadata they cannot read.",
    fix: "assemble the image again with complete metadata",
};

/// The kernel section holds no kernel.
pub const KERNEL_UNKNOWN: Kind = Kind {
    id: "kernel-unknown",
    severity: Severity::Warning,
    title: "the kernel section holds no kernel that an enclave boots",
    why: "The hypervisor starts a bzImage on x86-64 and an uncompressed Image on aarch64.",
    fix: "assemble the image with such a kernel",
};

/// The kernel is for another architecture than the header says.
pub const KERNEL_ARCHITECTURE: Kind = Kind {
    id: "kernel-architecture",
    severity: Severity::Error,
    title: "the kernel is for another architecture than the header says",
    why: "The header is not measured. A kernel of the other architecture does not boot.",
    fix: "build with `--arch` set to the kernel's architecture",
};

/// aarch64 kernels must be loadable where the hypervisor loads them.
pub const KERNEL_TEXT_OFFSET: Kind = Kind {
    id: "kernel-text-offset",
    severity: Severity::Warning,
    title: "the arm64 kernel's text offset is not 0x200000",
    why: "The hypervisor boots only kernels whose header asks for this offset.",
    fix: "patch the header's text_offset before building, as the kernel kit does",
};

/// No vsock.
pub const KERNEL_LACKS_VSOCK: Kind = Kind {
    id: "kernel-lacks-vsock",
    severity: Severity::Warning,
    title: "the kernel has no built-in vsock",
    why: "vsock is the only way out of an enclave. Without it the enclave cannot say that it has \
          started, and the parent ends it.",
    fix: "use a kernel with CONFIG_VIRTIO_VSOCKETS=y, or put the modules into the boot ramdisk",
};

/// No NSM driver.
pub const KERNEL_LACKS_NSM: Kind = Kind {
    id: "kernel-lacks-nsm",
    severity: Severity::Warning,
    title: "the kernel has no built-in driver for the Nitro Secure Module",
    why: "Without the driver there is no `/dev/nsm`: no attestation document and no entropy from \
          the module. Kernels before 6.8 have none; the vendor's init loads a module.",
    fix: "use a kernel with CONFIG_NSM=y (6.8 or later), or give the module of the driver with `--nsm-module FILE`",
};

/// No devices by command line.
pub const KERNEL_LACKS_VIRTIO_MMIO: Kind = Kind {
    id: "kernel-lacks-virtio-mmio-cmdline",
    severity: Severity::Warning,
    title: "the kernel does not take virtio-mmio devices from its command line",
    why: "An enclave's devices are described nowhere else. A kernel without this option boots and \
          finds neither vsock nor NSM; the kernels of distributions are built that way.",
    fix: "use a kernel with CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y",
};

/// All kinds of this crate.
pub const KINDS: &[&Kind] = &[
    &RAMDISK_OVERRIDES_BOOT,
    &RAMDISK_UNREADABLE,
    &RAMDISK_MARKER_WRONG,
    &RAMDISK_PATH_UNRESOLVED,
    &METADATA_UNREADABLE,
    &KERNEL_UNKNOWN,
    &KERNEL_ARCHITECTURE,
    &KERNEL_TEXT_OFFSET,
    &KERNEL_LACKS_VSOCK,
    &KERNEL_LACKS_NSM,
    &KERNEL_LACKS_VIRTIO_MMIO,
];
