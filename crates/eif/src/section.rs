//! Sections: a 12-byte header (`u16` type, `u16` flags, `u64` size, big-endian), then the data.
//!
//! The size stands in the file twice, here and in the header's table; the reader demands that
//! both agree.

use std::fmt;

use serde::Serialize;

use crate::error::Place;

/// Slots of the header's section tables.
pub const MAX_SECTIONS: usize = 32;
/// Size of a section header in bytes.
pub const SECTION_HEADER_SIZE: u64 = 12;
/// Bytes that a signature section may have.
pub const MAX_SIGNATURE_SIZE: u64 = 32_768;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectionKind {
    /// The kernel: bzImage on `x86_64`, uncompressed `Image` on `aarch64`.
    Kernel,
    /// The kernel's command line: raw bytes, no NUL, no newline at the end.
    CommandLine,
    /// A part of the initramfs. The loader concatenates all of them in file order.
    Ramdisk,
    /// The signing certificate and a signature of PCR0. Not measured.
    Signature,
    /// A JSON description. Not measured.
    Metadata,
}

impl SectionKind {
    /// The kind that a section header names; `None` for 0 and anything from 6 on.
    pub const fn from_type(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Kernel),
            2 => Some(Self::CommandLine),
            3 => Some(Self::Ramdisk),
            4 => Some(Self::Signature),
            5 => Some(Self::Metadata),
            _ => None,
        }
    }

    /// The number in the section header.
    pub const fn to_type(self) -> u16 {
        match self {
            Self::Kernel => 1,
            Self::CommandLine => 2,
            Self::Ramdisk => 3,
            Self::Signature => 4,
            Self::Metadata => 5,
        }
    }

    /// Whether the data is part of PCR0.
    pub const fn is_measured(self) -> bool {
        matches!(self, Self::Kernel | Self::CommandLine | Self::Ramdisk)
    }
}

impl fmt::Display for SectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kernel => "kernel",
            Self::CommandLine => "command line",
            Self::Ramdisk => "ramdisk",
            Self::Signature => "signature",
            Self::Metadata => "metadata",
        })
    }
}

/// One section of a file: where it is and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it holds.
    pub kind: SectionKind,
    /// Its position among all sections, from 0.
    pub index: usize,
    /// Its position among the ramdisks, from 0; `None` for other kinds.
    pub ramdisk: Option<usize>,
    /// File offset of its 12-byte header.
    pub header_offset: u64,
    /// File offset of its data.
    pub data_offset: u64,
    /// Size of its data in bytes.
    pub size: u64,
    /// The flags of its header; expected to be 0.
    pub flags: u16,
}

impl Section {
    /// The 12 bytes in front of the data.
    pub(crate) fn encode_header(&self) -> [u8; 12] {
        let [t0, t1] = self.kind.to_type().to_be_bytes();
        let [f0, f1] = self.flags.to_be_bytes();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.size.to_be_bytes();
        [t0, t1, f0, f1, s0, s1, s2, s3, s4, s5, s6, s7]
    }

    /// How an error names this section.
    pub(crate) const fn place(&self) -> Place {
        Place {
            index: self.index,
            kind: Some(self.kind),
            offset: self.header_offset,
        }
    }
}

/// The three fields of a section header.
pub(crate) struct SectionHeader {
    pub(crate) number: u16,
    pub(crate) flags: u16,
    pub(crate) size: u64,
}

pub(crate) fn parse_section_header(bytes: [u8; 12]) -> SectionHeader {
    let [t0, t1, f0, f1, s0, s1, s2, s3, s4, s5, s6, s7] = bytes;
    SectionHeader {
        number: u16::from_be_bytes([t0, t1]),
        flags: u16::from_be_bytes([f0, f1]),
        size: u64::from_be_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
    }
}
