//! What this crate says about archives and trees that it could read or write.

use enclair_finding::{Kind, Severity};

/// An extended attribute that newc cannot carry.
pub const XATTR_DROPPED: Kind = Kind {
    id: "xattr-dropped",
    severity: Severity::Warning,
    title: "an extended attribute is not carried into the ramdisk",
    why: "the cpio format that the kernel unpacks has no place for extended attributes, so labels \
          and user attributes of the source image do not exist inside the enclave",
    fix: "nothing, if the application does not read it; otherwise set it when the application starts",
};

/// A file capability that newc cannot carry.
pub const CAPABILITY_DROPPED: Kind = Kind {
    id: "capability-dropped",
    severity: Severity::Error,
    title: "a program loses its file capabilities",
    why: "capabilities such as `cap_net_bind_service` are kept in the attribute \
          `security.capability`, which a ramdisk cannot carry; the program would fail, or run with \
          other rights than in a container",
    fix: "run the program as a user that needs no capability, or allow this finding if it is not \
          needed in an enclave",
};

/// Hard-linked symlinks, devices and pipes become separate entries.
pub const HARDLINK_SPLIT: Kind = Kind {
    id: "hardlink-split",
    severity: Severity::Warning,
    title: "names of one node that is not a regular file become separate nodes",
    why: "a ramdisk keeps hard links between regular files only; the names stay, and each is a \
          symlink, device or pipe of its own",
    fix: "nothing: no program is known to depend on it",
};

/// A directory that no layer has an entry for.
pub const IMPLIED_DIRECTORY: Kind = Kind {
    id: "implied-directory",
    severity: Severity::Note,
    title: "a directory without an entry of its own was made as 0755, owner 0:0, mtime 0",
    why: "an archive named something below it, or a whiteout hid it while the same layer fills it; \
          other tools choose other owners, modes or times here",
    fix: "add an entry for the directory to the layer",
};

/// A header field or PAX record that a tree has no place for.
pub const TAR_FIELD_DROPPED: Kind = Kind {
    id: "tar-field-dropped",
    severity: Severity::Warning,
    title: "a record of a tar entry is not carried",
    why: "the archive says something about a file that a tree does not keep, such as an access \
          control list or a creation time",
    fix: "nothing, if the application does not depend on it",
};

/// Hard links whose entries disagree.
pub const LINK_METADATA_IGNORED: Kind = Kind {
    id: "link-metadata-ignored",
    severity: Severity::Warning,
    title: "a hard link says another owner, mode or time than the file it links to",
    why: "all names of a file share them; the file's own entry counts, as in other tar readers",
    fix: "make the archive again with a tool that repeats the metadata, or give the file an entry \
          of its own",
};

/// Something follows the end of a tar archive.
pub const TAR_TRAILING_DATA: Kind = Kind {
    id: "tar-trailing-data",
    severity: Severity::Warning,
    title: "data follows the end of a tar archive",
    why: "it is covered by the digest of the layer and read by no tool, so it can hide anything; \
          none of it is carried",
    fix: "make the archive again",
};

/// A tar archive without its end blocks.
pub const TAR_NO_END: Kind = Kind {
    id: "tar-no-end",
    severity: Severity::Warning,
    title: "a tar archive ends without its two zero blocks",
    why: "it ends at the border of an entry, so nothing is known to be missing; an archive that was \
          cut off there looks the same",
    fix: "compare the archive with its source, or make it again",
};

/// A `.wh..wh.` name of the aufs file system.
pub const WHITEOUT_UNKNOWN: Kind = Kind {
    id: "whiteout-unknown",
    severity: Severity::Warning,
    title: "a layer has bookkeeping of another file system",
    why: "names that start with `.wh..wh.` are kept for whiteouts, and only `.wh..wh..opq` means \
          something; they are left out",
    fix: "nothing, or build the image with a current tool",
};

/// A ramdisk entry that the kernel cannot make.
pub const RAMDISK_ENTRY_MISPLACED: Kind = Kind {
    id: "ramdisk-entry-misplaced",
    severity: Severity::Error,
    title: "the kernel cannot make an entry of the ramdisk, and passes over it without a word",
    why: "its directory does not exist at that point, a directory that is not empty or a device \
          with other numbers stands in its place, or what it is a hard link to is gone; the entry \
          is measured and is not there at run time",
    fix: "put an entry for the directory before it, or rename it",
};

/// Every kind that this crate can find, in order of id.
pub const KINDS: &[&Kind] = &[
    &CAPABILITY_DROPPED,
    &HARDLINK_SPLIT,
    &IMPLIED_DIRECTORY,
    &LINK_METADATA_IGNORED,
    &RAMDISK_ENTRY_MISPLACED,
    &TAR_FIELD_DROPPED,
    &TAR_NO_END,
    &TAR_TRAILING_DATA,
    &WHITEOUT_UNKNOWN,
    &XATTR_DROPPED,
];
