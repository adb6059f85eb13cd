//! Accepts the structure of a file, or says which rule it breaks and where.
//!
//! The hypervisor follows the header's table; other readers walk the file and ignore the table. A
//! file in which the two disagree is measured differently by each, so here both must say the
//! same, without gaps, overlaps or bytes that belong to nobody. Only the header and the section
//! headers are read: at most 932 bytes, whatever the sizes say.

use std::io::{Read, Seek, SeekFrom};

use enclair_finding::Findings;

use crate::findings::{check_header, check_sections};
use crate::header::{Arch, HEADER_SIZE, Header, OLDEST_VERSION, VERSION};
use crate::layout::Plan;
use crate::order::{MetadataPosition, MetadataPresence, check_count, check_kinds};
use crate::section::parse_section_header;
use crate::section::{SECTION_HEADER_SIZE, Section, SectionHeader, SectionKind};
use crate::{Error, Place};

/// A file whose structure keeps every rule. Its content is not checked: see [`Eif::scan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eif {
    header: Header,
    sections: Vec<Section>,
    file_size: u64,
    kernel: Section,
    command_line: Section,
}

/// Reads header and section headers of a file of version 2 to 4 that starts at offset 0.
///
/// # Errors
///
/// Every rule of the format has its own variant of [`Error`], which names section and offset.
/// Whatever a header declares is compared with the size of the file before it is used.
pub fn read_structure<R: Read + Seek>(source: &mut R) -> Result<Eif, Error> {
    let file_size = source.seek(SeekFrom::End(0)).map_err(|e| Error::io(0, e))?;
    let header = read_header(source, file_size)?;
    let mut plan = Plan::default();
    for slot in slots(&header) {
        read_section(source, &mut plan, slot, file_size)?;
    }
    if plan.end != file_size {
        return Err(Error::TrailingBytes {
            offset: plan.end,
            found: file_size.saturating_sub(plan.end),
        });
    }
    let presence = if header.version < VERSION {
        MetadataPresence::Optional
    } else {
        MetadataPresence::Required
    };
    check_kinds(&plan.sections, MetadataPosition::Anywhere, presence)?;
    Ok(Eif {
        kernel: find(&plan.sections, SectionKind::Kernel)?,
        command_line: find(&plan.sections, SectionKind::CommandLine)?,
        header,
        sections: plan.sections,
        file_size,
    })
}

fn find(sections: &[Section], kind: SectionKind) -> Result<Section, Error> {
    let found = sections.iter().find(|section| section.kind == kind);
    found.cloned().ok_or(Error::Missing { kind })
}

fn read_header<R: Read + Seek>(source: &mut R, file_size: u64) -> Result<Header, Error> {
    let mut bytes = [0; HEADER_SIZE];
    if file_size < crate::layout::FIRST_SECTION {
        return Err(Error::HeaderTruncated { found: file_size });
    }
    read_at(source, 0, &mut bytes)?;
    let header = Header::parse(&bytes)?;
    if !(OLDEST_VERSION..=VERSION).contains(&header.version) {
        let found = header.version;
        return Err(Error::Version { found });
    }
    check_count(header.num_sections.into())?;
    check_unused_slots(&header)?;
    Ok(header)
}

fn read_at<R: Read + Seek>(source: &mut R, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
    source
        .seek(SeekFrom::Start(offset))
        .and_then(|_| source.read_exact(bytes))
        .map_err(|e| Error::io(offset, e))
}

/// One line of the header's two tables.
#[derive(Clone, Copy)]
struct Slot {
    offset: u64,
    size: u64,
}

fn slots(header: &Header) -> impl Iterator<Item = Slot> {
    let both = header.section_offsets.iter().zip(&header.section_sizes);
    both.take(header.num_sections.into())
        .map(|(&offset, &size)| Slot { offset, size })
}

fn check_unused_slots(header: &Header) -> Result<(), Error> {
    let tables = [
        (0x1c_u64, &header.section_offsets),
        (0x11c, &header.section_sizes),
    ];
    for (table, slots) in tables {
        let file_offsets = (table..).step_by(8);
        let unused = slots.iter().zip(file_offsets).enumerate();
        let mut unused = unused.skip(header.num_sections.into());
        if let Some((index, (&found, offset))) = unused.find(|(_, (value, _))| **value != 0) {
            return Err(Error::UnusedSlot {
                index,
                offset,
                found,
            });
        }
    }
    Ok(())
}

/// Checks one section and puts it into the plan, whose end is where the section has to start.
fn read_section<R: Read + Seek>(
    source: &mut R,
    plan: &mut Plan,
    slot: Slot,
    file_size: u64,
) -> Result<(), Error> {
    let mut place = Place {
        index: plan.sections.len(),
        kind: None,
        offset: plan.end,
    };
    if slot.offset != place.offset {
        let found = slot.offset;
        return Err(Error::TableOffset { place, found });
    }
    let rest = file_size.saturating_sub(place.offset);
    let Some(room) = rest.checked_sub(SECTION_HEADER_SIZE) else {
        let found = rest;
        return Err(Error::SectionHeaderTruncated { place, found });
    };
    let mut bytes = [0; 12];
    read_at(source, place.offset, &mut bytes)?;
    let SectionHeader {
        number,
        flags,
        size,
    } = parse_section_header(bytes);
    let kind = SectionKind::from_type(number).ok_or(Error::SectionType {
        place,
        found: number,
    })?;
    place.kind = Some(kind);
    if size != slot.size {
        return Err(Error::TableSize {
            place,
            expected: slot.size,
            found: size,
        });
    }
    if size > room {
        return Err(Error::SectionTruncated {
            place,
            expected: size,
            found: room,
        });
    }
    plan.push(kind, size, flags)
}

impl Eif {
    /// The header as it is in the file.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// All sections in file order.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Size of the file in bytes.
    pub const fn file_size(&self) -> u64 {
        self.file_size
    }

    /// The architecture that the header names. It is not measured.
    pub const fn arch(&self) -> Arch {
        self.header.arch()
    }

    /// The kernel.
    pub const fn kernel(&self) -> &Section {
        &self.kernel
    }

    /// The command line.
    pub const fn command_line(&self) -> &Section {
        &self.command_line
    }

    /// The ramdisks in file order; there is at least one.
    pub fn ramdisks(&self) -> impl Iterator<Item = &Section> {
        self.sections
            .iter()
            .filter(|section| section.kind == SectionKind::Ramdisk)
    }

    /// The metadata section; `None` only in files older than version 4.
    pub fn metadata(&self) -> Option<&Section> {
        self.one(SectionKind::Metadata)
    }

    /// The signature section; `None` in a file that is not signed.
    pub fn signature(&self) -> Option<&Section> {
        self.one(SectionKind::Signature)
    }

    fn one(&self, kind: SectionKind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }

    /// What the structure shows that a reader of the image should know.
    pub fn findings(&self) -> Findings {
        let mut findings = Findings::new();
        check_header(&self.header, &mut findings);
        check_sections(self, &mut findings);
        findings
    }
}
