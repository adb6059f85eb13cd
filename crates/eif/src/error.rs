//! Everything that can be wrong with a file, a plan or a section, one variant each.
//!
//! A location comes first: the section with its index, kind and the file offset of its header, or
//! the offset within the section for the contents of metadata and signature.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::section::{MAX_SECTIONS, MAX_SIGNATURE_SIZE, SectionKind};

/// Which section an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Position among all sections, from 0.
    pub index: usize,
    /// What it holds, as far as that is known.
    pub kind: Option<SectionKind>,
    /// File offset where its header is, or has to be.
    pub offset: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "section {}", self.index)?;
        if let Some(kind) = self.kind {
            write!(f, " ({kind})")?;
        }
        write!(f, " at offset {}", self.offset)
    }
}

/// Why a file was not accepted, or not written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The underlying reader or writer failed.
    #[error("offset {offset}: input or output failed")]
    Io {
        /// File offset of the operation.
        offset: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is too short for a header.
    #[error("header at offset 0: expected 548 bytes, found {found}")]
    HeaderTruncated {
        /// Size of the file in bytes.
        found: u64,
    },
    /// The file is something else.
    #[error("magic at offset 0: expected 2e656966 (`.eif`), found {:08x}", u32::from_be_bytes(*found))]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
    },
    /// A version that this crate does not know.
    #[error("version at offset 4: expected 2 to 4, found {found}")]
    Version {
        /// The version in the header.
        found: u16,
    },
    /// A number of sections that no file can have.
    #[error("number of sections at offset 26: expected 1 to {MAX_SECTIONS}, found {found}")]
    SectionCount {
        /// The number in the header or in the plan.
        found: usize,
    },
    /// A slot of a table beyond the last section is in use.
    #[error("table slot {index} at offset {offset}: expected 0 (unused), found {found}")]
    UnusedSlot {
        /// The slot.
        index: usize,
        /// File offset of the slot.
        offset: u64,
        /// What it holds.
        found: u64,
    },
    /// The table puts a section elsewhere than behind the one before it.
    #[error("{place}: expected that offset in the table of the header, found {found}")]
    TableOffset {
        /// The section; its offset is the one that the linear layout gives.
        place: Place,
        /// The offset in the table.
        found: u64,
    },
    /// The file ends within a section header.
    #[error("{place}: expected a section header of 12 bytes, found {found} bytes to the end")]
    SectionHeaderTruncated {
        /// The section.
        place: Place,
        /// Bytes from there to the end of the file.
        found: u64,
    },
    /// A section type without a meaning.
    #[error("{place}: expected a section type from 1 to 5, found {found}")]
    SectionType {
        /// The section.
        place: Place,
        /// The type in its header.
        found: u16,
    },
    /// The two places that hold a section's size disagree.
    #[error("{place}: expected size {expected} as in the table of the header, found {found}")]
    TableSize {
        /// The section.
        place: Place,
        /// The size in the table.
        expected: u64,
        /// The size in the section header.
        found: u64,
    },
    /// A section that is larger than what is left of the file.
    #[error("{place}: expected {expected} bytes of data, found {found} bytes to the end")]
    SectionTruncated {
        /// The section.
        place: Place,
        /// Its declared size.
        expected: u64,
        /// Bytes from its data to the end of the file.
        found: u64,
    },
    /// Bytes that belong to no section.
    #[error("offset {offset}: expected the end of the file, found {found} more bytes")]
    TrailingBytes {
        /// Where the last section ends.
        offset: u64,
        /// Bytes from there to the end of the file.
        found: u64,
    },
    /// A second section of a kind that a file has once.
    #[error("{place}: expected one section of this kind, found the first as section {first}")]
    Duplicate {
        /// The second section.
        place: Place,
        /// Index of the first.
        first: usize,
    },
    /// A section that every file has is not there.
    #[error("sections: expected a {kind} section, found none")]
    Missing {
        /// The kind.
        kind: SectionKind,
    },
    /// A section stands behind one that has to follow it.
    #[error("{place}: expected before section {other} ({other_kind}), found after it")]
    Order {
        /// The section that is late.
        place: Place,
        /// Index of the section that has to follow it.
        other: usize,
        /// Kind of that section.
        other_kind: SectionKind,
    },
    /// A signature section beyond what readers take.
    #[error("{place}: expected at most {MAX_SIGNATURE_SIZE} bytes, found {found}")]
    SignatureSize {
        /// The section.
        place: Place,
        /// Its size in bytes.
        found: u64,
    },
    /// The file is damaged or was changed without care.
    #[error("crc at offset 544: expected {expected:08x} as the content gives, found {found:08x}")]
    Crc {
        /// The CRC of the content.
        expected: u32,
        /// The CRC in the header.
        found: u32,
    },
    /// The file is no longer the one whose structure was read.
    #[error("offset {offset}: expected the bytes that were there before, found others")]
    Changed {
        /// File offset of the header that differs.
        offset: u64,
    },
    /// Planned sizes whose sum no file can have.
    #[error("{place}: expected a file of less than 2^64 bytes, found {size} bytes in this section")]
    Overflow {
        /// The section that does not fit.
        place: Place,
        /// Its planned size.
        size: u64,
    },
    /// A section got less data than planned.
    #[error("{place}: expected {expected} bytes of data, found {found} when it was closed")]
    SectionShort {
        /// The section.
        place: Place,
        /// Its planned size.
        expected: u64,
        /// Bytes that were written.
        found: u64,
    },
    /// A section got more data than planned.
    #[error("{place}: expected {expected} bytes of data, found at least {found}")]
    SectionOverrun {
        /// The section.
        place: Place,
        /// Its planned size.
        expected: u64,
        /// Bytes that were written, with those that were refused.
        found: u64,
    },
    /// Data without a section, or a section beyond the plan.
    #[error("section {index}: expected within the {planned} planned sections and started first")]
    NoSection {
        /// The section that would be next, from 0.
        index: usize,
        /// How many there are.
        planned: usize,
    },
    /// Not all planned sections were written.
    #[error("section {found}: expected {expected} sections in all, found the end")]
    SectionsMissing {
        /// How many are planned.
        expected: usize,
        /// How many were written.
        found: usize,
    },
    /// A metadata section beyond the limit.
    #[error("metadata: expected at most {limit} bytes, found {found}")]
    MetadataSize {
        /// The limit in bytes.
        limit: u64,
        /// The size in bytes.
        found: u64,
    },
    /// A metadata section that is not the JSON that readers in the field take.
    #[error("metadata offset {offset}: expected the JSON of an image description")]
    Metadata {
        /// Offset within the section in bytes.
        offset: usize,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A signature section that is not the CBOR that it has to be.
    #[error("signature offset {offset}: expected {expected}")]
    SignatureCbor {
        /// Offset within the section; for the parts of the `COSE_Sign1`, within it.
        offset: usize,
        /// What has to be there.
        expected: &'static str,
        /// What the CBOR reader said.
        #[source]
        source: minicbor::decode::Error,
    },
    /// A signature section that is CBOR, but not of this shape.
    #[error("signature offset {offset}: expected {expected}, found {found}")]
    SignatureShape {
        /// Offset within the section; for the parts of the `COSE_Sign1`, within it.
        offset: usize,
        /// What has to be there.
        expected: &'static str,
        /// A length or a number that is there instead.
        found: i128,
    },
    /// A signature section with an item that does not say how long it is.
    #[error("signature offset {offset}: expected {expected}, found an indefinite length")]
    SignatureIndefinite {
        /// As in [`Error::SignatureShape`].
        offset: usize,
        /// What has to be there.
        expected: &'static str,
    },
    /// A map in the signature section with a key that does not belong there.
    #[error("signature offset {offset}: expected {expected}, found another key")]
    SignatureKey {
        /// As in [`Error::SignatureShape`].
        offset: usize,
        /// The keys that have to be there.
        expected: &'static str,
    },
    /// A signing certificate that is not PEM text.
    #[error("signing certificate offset {offset}: expected {expected}")]
    Pem {
        /// Offset within the PEM text in bytes.
        offset: usize,
        /// What has to be there.
        expected: &'static str,
    },
    /// A signing certificate whose PEM body is not base64.
    #[error("signing certificate offset {offset}: expected base64")]
    PemBase64 {
        /// Offset of the body within the PEM text in bytes.
        offset: usize,
        /// What is wrong with it.
        #[source]
        source: base64::DecodeError,
    },
}

impl Error {
    /// What the user can do, where that is not plain from the message.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Magic { .. } => Some("this is not an enclave image; give the .eif file"),
            Self::Version { .. } => Some("the file is damaged, or made by a newer builder"),
            Self::TableOffset { .. } | Self::TableSize { .. } => Some(
                "readers that follow the table and readers that walk the file would measure \
                 different bytes; do not use this file, build or sign it again",
            ),
            Self::TrailingBytes { .. } => {
                Some("something was appended to the image; build it again or cut it there")
            }
            Self::HeaderTruncated { .. }
            | Self::SectionHeaderTruncated { .. }
            | Self::SectionTruncated { .. }
            | Self::Crc { .. } => Some("the file is incomplete or damaged; fetch it again"),
            Self::Changed { .. } => Some("something wrote to the file meanwhile; try again"),
            Self::SectionCount { .. } => {
                Some("an image has room for 29 ramdisks, 28 when it is signed; join some of them")
            }
            Self::SignatureSize { .. } => {
                Some("leave intermediate certificates out of the signing certificate's file")
            }
            Self::Io { .. }
            | Self::UnusedSlot { .. }
            | Self::SectionType { .. }
            | Self::Duplicate { .. }
            | Self::Missing { .. }
            | Self::Order { .. }
            | Self::Overflow { .. }
            | Self::SectionShort { .. }
            | Self::SectionOverrun { .. }
            | Self::NoSection { .. }
            | Self::SectionsMissing { .. }
            | Self::MetadataSize { .. }
            | Self::Metadata { .. }
            | Self::SignatureCbor { .. }
            | Self::SignatureShape { .. }
            | Self::SignatureIndefinite { .. }
            | Self::SignatureKey { .. }
            | Self::Pem { .. }
            | Self::PemBase64 { .. } => None,
        }
    }

    /// The error of this crate inside an I/O error, if that is what it is.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    }

    /// Wraps a failed operation at `offset`; takes our own error out of its wrapping.
    pub(crate) fn io(offset: u64, source: io::Error) -> Self {
        match source.downcast::<Self>() {
            Ok(own) => own,
            Err(source) => Self::Io { offset, source },
        }
    }
}

/// Why a scan stopped: the file, or whoever looked at its sections.
#[derive(Debug, Error)]
pub enum ScanError<X> {
    /// The file is not what it has to be.
    #[error(transparent)]
    File(#[from] Error),
    /// The visitor's own error, handed back.
    #[error("{place}: cannot be examined")]
    Visit {
        /// The section that was being visited.
        place: Place,
        /// What the visitor said.
        #[source]
        source: X,
    },
}
