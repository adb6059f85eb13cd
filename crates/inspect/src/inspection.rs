//! One pass over an image: measured, checked and looked into at the same time.

use std::io::{self, BufRead, Read, Seek};

use enclair_digest::Limits;
use enclair_eif::{
    Eif, Measure, Metadata, ScanError, Scanned, Section, SectionKind, SignatureSection,
    check_command_line, read_structure,
};
use enclair_finding::Findings;
use thiserror::Error;

use crate::findings::{
    KERNEL_ARCHITECTURE, KERNEL_TEXT_OFFSET, KERNEL_UNKNOWN, METADATA_UNREADABLE,
};
use crate::kernel::{KERNEL_HEAD, Kernel, parse_kernel};
use crate::ramdisk::{Listing, Ramdisk, RamdiskReader};

/// The text offset that the hypervisor wants in an arm64 kernel.
const TEXT_OFFSET: u64 = 0x20_0000;
/// A command line is shown up to this size; the kernel takes 2048 bytes on x86-64.
const MAX_COMMAND_LINE: u64 = 64 << 10;

/// An image that cannot be inspected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not a well-formed image.
    #[error(transparent)]
    Eif(#[from] enclair_eif::Error),
    /// A section cannot be read.
    #[error("section {index} ({kind}) at offset {offset:#x} cannot be read")]
    Section {
        /// Position in the file, from 0.
        index: usize,
        /// What it is.
        kind: SectionKind,
        /// Where its data begins.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// What the user can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Eif(error) => error.hint(),
            Self::Section { .. } => None,
        }
    }
}

/// Everything that an image's bytes say.
#[derive(Debug)]
pub struct Inspection {
    /// Header and sections.
    pub eif: Eif,
    /// Registers, section digests and CRC.
    pub scanned: Scanned,
    /// The kernel command line.
    pub command_line: Vec<u8>,
    /// The kernel, where the section holds one.
    pub kernel: Option<Kernel>,
    /// The metadata, where it can be read.
    pub metadata: Option<Metadata>,
    /// The signature section, parsed and not verified.
    pub signature: Option<SignatureSection>,
    /// The ramdisks, in order.
    pub ramdisks: Vec<Ramdisk>,
    /// What there is to know about them.
    pub findings: Findings,
}

/// What is gathered while sections pass by.
#[derive(Debug)]
struct Gathered {
    limits: Limits,
    ramdisk_reader: RamdiskReader,
    command_line: Vec<u8>,
    kernel: Option<Kernel>,
    metadata: Option<Metadata>,
    signature: Option<SignatureSection>,
    ramdisks: Vec<Ramdisk>,
    findings: Findings,
}

/// Reads the image in `source` once.
///
/// # Errors
///
/// Everything that makes a file no image of its format: structure, sizes, CRC, a malformed
/// signature section. What can be read and should be known is a finding instead.
pub fn inspect_eif<R: Read + Seek, M: Measure>(
    source: &mut R,
    measure: M,
    limits: Limits,
    listing: Listing,
) -> Result<Inspection, Error> {
    let eif = read_structure(source)?;
    let mut gathered = Gathered {
        limits,
        ramdisk_reader: RamdiskReader::new(limits, listing, eif.ramdisks().count()),
        command_line: Vec::new(),
        kernel: None,
        metadata: None,
        signature: None,
        ramdisks: Vec::new(),
        findings: eif.findings(),
    };
    let scanned = eif
        .scan(source, measure, |section, data| {
            gathered.visit(section, data)
        })
        .map_err(|error| match error {
            ScanError::File(error) => Error::Eif(error),
            ScanError::Visit { source, .. } => source,
        })?;
    gathered.check_kernel(&eif);
    let Gathered {
        command_line,
        kernel,
        metadata,
        signature,
        ramdisks,
        findings,
        ..
    } = gathered;
    Ok(Inspection {
        eif,
        scanned,
        command_line,
        kernel,
        metadata,
        signature,
        ramdisks,
        findings,
    })
}

/// Reads one ramdisk that lies in a file of its own.
pub fn inspect_ramdisk(
    data: &mut dyn BufRead,
    limits: Limits,
    listing: Listing,
) -> (Ramdisk, Findings) {
    let mut findings = Findings::new();
    let ramdisk = RamdiskReader::new(limits, listing, 1).read(0, data, &mut findings);
    (ramdisk, findings)
}

impl Gathered {
    fn visit(&mut self, section: &Section, data: &mut dyn BufRead) -> Result<(), Error> {
        let bytes = |limit, data: &mut dyn BufRead| {
            let mut bytes = Vec::new();
            data.take(limit)
                .read_to_end(&mut bytes)
                .map(|_| bytes)
                .map_err(|source| {
                    let Section {
                        index,
                        kind,
                        data_offset: offset,
                        ..
                    } = *section;
                    Error::Section {
                        index,
                        kind,
                        offset,
                        source,
                    }
                })
        };
        match section.kind {
            SectionKind::Kernel => {
                let head = bytes(u64::try_from(KERNEL_HEAD).unwrap_or(u64::MAX), data)?;
                match parse_kernel(&head) {
                    Ok(kernel) => self.kernel = Some(kernel),
                    Err(error) => self.findings.add(&KERNEL_UNKNOWN, error),
                }
            }
            SectionKind::CommandLine => {
                self.command_line = bytes(MAX_COMMAND_LINE, data)?;
                self.findings.merge(check_command_line(&self.command_line));
            }
            SectionKind::Metadata => {
                // One byte more than the limit, so that the parser can say what is wrong.
                let json = bytes(self.limits.document_bytes.saturating_add(1), data)?;
                match Metadata::parse(&json, &self.limits) {
                    Ok((metadata, findings)) => {
                        self.metadata = Some(metadata);
                        self.findings.merge(findings);
                    }
                    Err(error) => self.findings.add(&METADATA_UNREADABLE, error),
                }
            }
            SectionKind::Ramdisk => {
                let index = self.ramdisks.len();
                let ramdisk = self.ramdisk_reader.read(index, data, &mut self.findings);
                self.ramdisks.push(ramdisk);
            }
            SectionKind::Signature => {
                let signature = SignatureSection::parse(&bytes(section.size, data)?)?;
                self.signature = Some(signature);
            }
        }
        Ok(())
    }

    fn check_kernel(&mut self, eif: &Eif) {
        let Some(kernel) = &self.kernel else { return };
        if kernel.kind.arch() != eif.header().arch() {
            let subject = format!(
                "{} kernel, {} header",
                kernel.kind.arch(),
                eif.header().arch()
            );
            self.findings.add(&KERNEL_ARCHITECTURE, subject);
        }
        if let Some(offset) = kernel.text_offset.filter(|offset| *offset != TEXT_OFFSET) {
            self.findings
                .add(&KERNEL_TEXT_OFFSET, format_args!("{offset:#x}"));
        }
    }
}
