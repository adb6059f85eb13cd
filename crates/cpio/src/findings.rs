//! What the walker says about a ramdisk that can be read.

use enclair_finding::{Kind, Severity};

/// An archive where the kernel does not look for one.
pub const RAMDISK_MISALIGNED: Kind = Kind {
    id: "ramdisk-misaligned",
    severity: Severity::Error,
    title: "something in a ramdisk does not begin at a multiple of 4 bytes",
    why: "the kernel stops unpacking there, so what is listed behind this place is not unpacked",
    fix: "pad what stands before it with zeros to a multiple of 4 bytes",
};

/// An archive that just ends.
pub const RAMDISK_NO_TRAILER: Kind = Kind {
    id: "ramdisk-no-trailer",
    severity: Severity::Warning,
    title: "an archive ends without TRAILER!!!",
    why: "the kernel accepts it, but it joins hard links across what should be two archives, and \
          a truncated archive looks the same",
    fix: "make the archive again with a program that ends it",
};

/// An archive with the other magic.
pub const RAMDISK_CRC_ARCHIVE: Kind = Kind {
    id: "ramdisk-crc-archive",
    severity: Severity::Warning,
    title: "an entry has the magic 070702",
    why: "older kernels, 4.14 among them, refuse the whole ramdisk",
    fix: "make the archive with `cpio -H newc`",
};

/// An entry that will not be there.
pub const RAMDISK_ENTRY_SKIPPED: Kind = Kind {
    id: "ramdisk-entry-skipped",
    severity: Severity::Error,
    title: "the kernel passes over an entry without a word",
    why: "it is listed in the archive and will not exist at run time: it has a type that no \
          system has, a body that its type cannot have, or a symlink target that is empty or \
          longer than 4095 bytes",
    fix: "remove the entry or correct its header",
};

/// Every kind that this crate declares.
pub const KINDS: &[&Kind] = &[
    &RAMDISK_CRC_ARCHIVE,
    &RAMDISK_ENTRY_SKIPPED,
    &RAMDISK_MISALIGNED,
    &RAMDISK_NO_TRAILER,
];
