//! The 548 bytes at the start of the file.
//!
//! | offset | type | field |
//! |---|---|---|
//! | 0x000 | 4 bytes | magic `.eif` |
//! | 0x004 | u16 | version |
//! | 0x006 | u16 | flags; bit 0 is the architecture |
//! | 0x008 | u64 | default memory in bytes |
//! | 0x010 | u64 | default number of CPUs |
//! | 0x018 | u16 | reserved |
//! | 0x01a | u16 | number of sections |
//! | 0x01c | 32 x u64 | file offset of each section header |
//! | 0x11c | 32 x u64 | size of each section's data |
//! | 0x21c | u32 | unused |
//! | 0x220 | u32 | CRC-32 of everything but itself |
//!
//! All numbers are big-endian. Parsing here checks the magic only; whether the numbers agree with
//! the file is the reader's business. Nothing of the header is measured, so the architecture flag
//! can be changed without changing a PCR.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Error;
use crate::section::MAX_SECTIONS;

/// Size of the header in bytes.
pub const HEADER_SIZE: usize = 548;
/// File offset of the header's last field, the CRC.
pub const CRC_OFFSET: u64 = 0x220;
/// The version that is written.
pub const VERSION: u16 = 4;
/// The oldest version that is read: version 1 never left its makers.
pub(crate) const OLDEST_VERSION: u16 = 2;
/// What every builder in the field writes; the hypervisor ignores it.
pub(crate) const DEFAULT_MEM: u64 = 1 << 30;
/// What every builder in the field writes; the hypervisor ignores it.
pub(crate) const DEFAULT_CPUS: u64 = 2;
/// Set for aarch64.
pub(crate) const FLAG_AARCH64: u16 = 1;

const MAGIC: [u8; 4] = *b".eif";

/// The processor architecture of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit x86; the kernel is a bzImage.
    #[serde(rename = "x86_64")]
    X86_64,
    /// 64-bit Arm; the kernel is an uncompressed `Image`.
    Aarch64,
}

impl Arch {
    /// The name that the kernel, Rust and the field's tools use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is neither architecture's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("architecture `{found}`: expected `x86_64` or `aarch64`")]
pub struct ParseArchError {
    /// The name as it was given.
    pub found: String,
}

impl FromStr for Arch {
    type Err = ParseArchError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::X86_64, Self::Aarch64]
            .into_iter()
            .find(|arch| arch.as_str() == text)
            .ok_or_else(|| ParseArchError {
                found: text.to_owned(),
            })
    }
}

/// The header's fields as they are in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Format version.
    pub version: u16,
    /// Bit 0 is the architecture; the others have no meaning.
    pub flags: u16,
    /// Default enclave memory in bytes; unused by the hypervisor.
    pub default_mem: u64,
    /// Default number of CPUs; unused by the hypervisor.
    pub default_cpus: u64,
    /// Expected to be 0.
    pub reserved: u16,
    /// Number of slots of the two tables that are in use.
    pub num_sections: u16,
    /// File offset of each section *header*.
    pub section_offsets: [u64; MAX_SECTIONS],
    /// Size of each section's *data* in bytes.
    pub section_sizes: [u64; MAX_SECTIONS],
    /// Expected to be 0.
    pub unused: u32,
    /// CRC-32 of the file without this field.
    pub crc32: u32,
}

/// Takes big-endian numbers from the front of the header.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes. The header is long enough for all its fields; a short one would give
    /// zeros, and the size of the argument of [`Header::parse`] rules that out.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }

    fn table(&mut self) -> [u64; MAX_SECTIONS] {
        [(); MAX_SECTIONS].map(|()| u64::from_be_bytes(self.take()))
    }
}

impl Header {
    /// Takes the header apart.
    ///
    /// # Errors
    ///
    /// [`Error::Magic`] when the bytes are not the start of an EIF. No other field is judged.
    pub fn parse(bytes: &[u8; HEADER_SIZE]) -> Result<Self, Error> {
        let mut fields = Fields(bytes);
        let magic = fields.take();
        if magic != MAGIC {
            return Err(Error::Magic { found: magic });
        }
        Ok(Self {
            version: u16::from_be_bytes(fields.take()),
            flags: u16::from_be_bytes(fields.take()),
            default_mem: u64::from_be_bytes(fields.take()),
            default_cpus: u64::from_be_bytes(fields.take()),
            reserved: u16::from_be_bytes(fields.take()),
            num_sections: u16::from_be_bytes(fields.take()),
            section_offsets: fields.table(),
            section_sizes: fields.table(),
            unused: u32::from_be_bytes(fields.take()),
            crc32: u32::from_be_bytes(fields.take()),
        })
    }

    /// The header's bytes.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let mut fields = Vec::with_capacity(HEADER_SIZE);
        fields.extend_from_slice(&MAGIC);
        fields.extend_from_slice(&self.version.to_be_bytes());
        fields.extend_from_slice(&self.flags.to_be_bytes());
        fields.extend_from_slice(&self.default_mem.to_be_bytes());
        fields.extend_from_slice(&self.default_cpus.to_be_bytes());
        fields.extend_from_slice(&self.reserved.to_be_bytes());
        fields.extend_from_slice(&self.num_sections.to_be_bytes());
        for number in self.section_offsets.iter().chain(&self.section_sizes) {
            fields.extend_from_slice(&number.to_be_bytes());
        }
        fields.extend_from_slice(&self.unused.to_be_bytes());
        fields.extend_from_slice(&self.crc32.to_be_bytes());
        for (byte, field) in bytes.iter_mut().zip(fields) {
            *byte = field;
        }
        bytes
    }

    /// The architecture that bit 0 of the flags names.
    pub const fn arch(&self) -> Arch {
        if self.flags & FLAG_AARCH64 == 0 {
            Arch::X86_64
        } else {
            Arch::Aarch64
        }
    }
}

/// The part of an encoded header that the CRC covers: all of it but its own field.
pub(crate) fn crc_covered(header: &[u8; HEADER_SIZE]) -> &[u8] {
    header.split_last_chunk::<4>().map_or(&[], |(rest, _)| rest)
}
