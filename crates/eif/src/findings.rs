//! What can be said about a file that is well formed.

use enclair_finding::{Findings, Kind, Severity};

use crate::header::{DEFAULT_CPUS, DEFAULT_MEM, FLAG_AARCH64, Header, VERSION};
use crate::{Eif, Section, SectionKind};

pub(crate) const HEADER_RESERVED: Kind = Kind {
    id: "eif-header-reserved",
    severity: Severity::Warning,
    title: "a reserved field of the header is not zero",
    why: "The header is not measured, and no builder in the field writes these fields. They can \
          carry a mark or hidden data without a change of any PCR.",
    fix: "build the image again; compare the file's digest and not the PCRs alone",
};

pub(crate) const HEADER_FLAGS: Kind = Kind {
    id: "eif-header-flags",
    severity: Severity::Warning,
    title: "the header has flags without a meaning",
    why: "Only bit 0, the architecture, is defined. The flags are not measured.",
    fix: "build the image again with a current builder",
};

pub(crate) const HEADER_DEFAULTS: Kind = Kind {
    id: "eif-header-defaults",
    severity: Severity::Note,
    title: "default memory or CPUs are not the values that every builder writes",
    why: "The hypervisor ignores both fields, and writing the file again resets them.",
    fix: "nothing, unless the same bytes are expected after the image is written again",
};

pub(crate) const OLD_VERSION: Kind = Kind {
    id: "eif-old-version",
    severity: Severity::Note,
    title: "the file has an old format version",
    why: "Versions before 4 have no metadata section, and those before 3 no signature. Written \
          again the file becomes version 4, with the same PCRs.",
    fix: "build the image again with a current builder",
};

pub(crate) const NEWER_SECTION: Kind = Kind {
    id: "eif-section-newer-than-version",
    severity: Severity::Warning,
    title: "a section that the file's format version does not have",
    why: "Signatures came with version 3 and metadata with version 4. Readers may treat the \
          section differently.",
    fix: "build the image again with a current builder",
};

pub(crate) const SECTION_FLAGS: Kind = Kind {
    id: "eif-section-flags",
    severity: Severity::Warning,
    title: "the flags of a section header are not zero",
    why: "Section headers are not measured, and no flag has a meaning.",
    fix: "build the image again with a current builder",
};

pub(crate) const SECTION_EMPTY: Kind = Kind {
    id: "eif-section-empty",
    severity: Severity::Warning,
    title: "a section has no data",
    why: "An empty kernel cannot boot, and an empty ramdisk moves the one after it to another \
          register: what was measured by PCR1 and PCR2 is no longer what the names say.",
    fix: "leave the section out, or find out why its input is empty",
};

pub(crate) const RAMDISK_UNALIGNED: Kind = Kind {
    id: "eif-ramdisk-unaligned",
    severity: Severity::Warning,
    title: "a ramdisk before another one has a size that is no multiple of 4",
    why: "The loader puts the ramdisks one behind the other, and the kernel looks for an \
          uncompressed archive at multiples of 4 only: it would miss the next one.",
    fix: "pad the ramdisk with zero bytes to a multiple of 4",
};

pub(crate) const METADATA_POSITION: Kind = Kind {
    id: "eif-metadata-position",
    severity: Severity::Note,
    title: "the metadata section is not the third",
    why: "Every builder in the field writes it behind the command line. The position is not \
          measured, and written again the file has it there.",
    fix: "nothing, unless the same bytes are expected after the image is written again",
};

pub(crate) const COMMAND_LINE_BYTES: Kind = Kind {
    id: "eif-command-line-bytes",
    severity: Severity::Warning,
    title: "the command line has a byte that is not printable ASCII",
    why: "A newline or NUL at the end, as an editor or a C program leaves it, changes PCR0 and \
          PCR1 and is hard to see. The kernel stops reading at a NUL.",
    fix: "give the command line without line ends, NUL and control characters",
};

pub(crate) const METADATA_UNKNOWN: Kind = Kind {
    id: "eif-metadata-unknown-key",
    severity: Severity::Note,
    title: "the metadata has a key that the format does not know",
    why: "It is not shown, and it is lost when the metadata is written again.",
    fix: "put your own values under CustomMetadata",
};

pub(crate) const METADATA_FORM: Kind = Kind {
    id: "eif-metadata-form",
    severity: Severity::Note,
    title: "the metadata is not the compact JSON in fixed order that builders write",
    why: "White space, another order of keys, or a key that is there twice. Metadata is not \
          measured; written again it has other bytes.",
    fix: "nothing, unless the same bytes are expected after the image is written again",
};

pub(crate) const SIGNATURE_FORM: Kind = Kind {
    id: "eif-signature-form",
    severity: Severity::Note,
    title: "the signature section is not encoded as builders encode it",
    why: "It says the same with other bytes: numbers longer than needed, another order of keys, \
          or a tagged COSE_Sign1. Some readers refuse it.",
    fix: "sign the image again",
};

pub(crate) const SIGNATURE_HEADERS: Kind = Kind {
    id: "eif-signature-headers",
    severity: Severity::Warning,
    title: "the COSE_Sign1 has headers besides the algorithm",
    why: "No reader of images gives them a meaning.",
    fix: "sign the image again",
};

pub(crate) const CERTIFICATE_EXTRA: Kind = Kind {
    id: "eif-certificate-extra-text",
    severity: Severity::Warning,
    title: "there is text around the signing certificate",
    why: "Only the first certificate counts. More of them, or any other text, is neither \
          measured nor checked.",
    fix: "sign with a file that has nothing but the signing certificate",
};

/// Every kind that this crate reports.
pub const KINDS: &[&Kind] = &[
    &CERTIFICATE_EXTRA,
    &COMMAND_LINE_BYTES,
    &HEADER_DEFAULTS,
    &HEADER_FLAGS,
    &HEADER_RESERVED,
    &METADATA_FORM,
    &METADATA_POSITION,
    &METADATA_UNKNOWN,
    &OLD_VERSION,
    &RAMDISK_UNALIGNED,
    &SECTION_EMPTY,
    &SECTION_FLAGS,
    &NEWER_SECTION,
    &SIGNATURE_FORM,
    &SIGNATURE_HEADERS,
];

pub(crate) fn check_header(header: &Header, findings: &mut Findings) {
    if header.reserved != 0 {
        let value = header.reserved;
        findings.add(&HEADER_RESERVED, format_args!("offset 24: {value:#06x}"));
    }
    if header.unused != 0 {
        let value = header.unused;
        findings.add(&HEADER_RESERVED, format_args!("offset 540: {value:#010x}"));
    }
    let unknown = header.flags & !FLAG_AARCH64;
    if unknown != 0 {
        findings.add(&HEADER_FLAGS, format_args!("offset 6: {unknown:#06x}"));
    }
    if (header.default_mem, header.default_cpus) != (DEFAULT_MEM, DEFAULT_CPUS) {
        let (mem, cpus) = (header.default_mem, header.default_cpus);
        findings.add(&HEADER_DEFAULTS, format_args!("{mem} bytes, {cpus} CPUs"));
    }
    if header.version < VERSION {
        findings.add(&OLD_VERSION, format_args!("version {}", header.version));
    }
}

pub(crate) fn check_sections(eif: &Eif, findings: &mut Findings) {
    for section in eif.sections() {
        let place = section.place();
        if section.flags != 0 {
            let flags = section.flags;
            findings.add(&SECTION_FLAGS, format_args!("{place}: {flags:#06x}"));
        }
        if section.size == 0 {
            findings.add(&SECTION_EMPTY, place);
        }
        if eif.header().version < first_version(section.kind) {
            findings.add(&NEWER_SECTION, place);
        }
        if section.kind == SectionKind::Metadata && section.index != 2 {
            findings.add(&METADATA_POSITION, place);
        }
    }
    let next = eif.ramdisks().skip(1);
    let before_another = eif.ramdisks().zip(next).map(|(ramdisk, _)| ramdisk);
    for ramdisk in before_another.filter(|ramdisk| !ramdisk.size.is_multiple_of(4)) {
        let size = ramdisk.size;
        let place = Section::place(ramdisk);
        findings.add(&RAMDISK_UNALIGNED, format_args!("{place}: {size} bytes"));
    }
}

const fn first_version(kind: SectionKind) -> u16 {
    match kind {
        SectionKind::Kernel | SectionKind::CommandLine | SectionKind::Ramdisk => 2,
        SectionKind::Signature => 3,
        SectionKind::Metadata => 4,
    }
}

/// What the data of a command line section shows.
pub fn check_command_line(data: &[u8]) -> Findings {
    let mut findings = Findings::new();
    let odd = |byte: &u8| !(b' '..=b'~').contains(byte);
    for (offset, byte) in data.iter().enumerate().filter(|(_, byte)| odd(byte)) {
        let text = std::ascii::escape_default(*byte);
        findings.add(
            &COMMAND_LINE_BYTES,
            format_args!("command line offset {offset}: `{text}`"),
        );
    }
    findings
}
