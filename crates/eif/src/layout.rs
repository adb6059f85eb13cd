//! The plan of a file: every offset follows from kinds and sizes alone.
//!
//! That the sizes are known first is what lets the writer go forward only: the header with its
//! tables precedes all data.

use crc32fast::Hasher as Crc32;

use crate::header::{
    Arch, DEFAULT_CPUS, DEFAULT_MEM, FLAG_AARCH64, HEADER_SIZE, Header, VERSION, crc_covered,
};
use crate::order::{MetadataPosition, MetadataPresence, check_count, check_kinds};
use crate::section::{MAX_SECTIONS, SECTION_HEADER_SIZE, Section, SectionKind};
use crate::{Error, Place};

/// [`HEADER_SIZE`] as a file offset.
pub(crate) const FIRST_SECTION: u64 = 548;

/// A planned file of version 4 that keeps every rule of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    arch: Arch,
    sections: Vec<Section>,
    file_size: u64,
}

/// The CRC-32 of one section's data, without its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionCrc {
    /// CRC-32 of the data alone.
    pub crc32: u32,
    /// Size of the data in bytes.
    pub size: u64,
}

impl Layout {
    /// Plans a file with the sections in this order.
    ///
    /// # Errors
    ///
    /// A number of sections that the header has no room for, a kind that is missing or there
    /// twice, an order other than kernel, command line, metadata, ramdisks, signature, a signature
    /// that is too long, and sizes that add up to more than a file can have.
    pub fn new(arch: Arch, sections: &[(SectionKind, u64)]) -> Result<Self, Error> {
        check_count(sections.len())?;
        let mut plan = Plan::default();
        for &(kind, size) in sections {
            plan.push(kind, size, 0)?;
        }
        check_kinds(
            &plan.sections,
            MetadataPosition::Third,
            MetadataPresence::Required,
        )?;
        Ok(Self {
            arch,
            file_size: plan.end,
            sections: plan.sections,
        })
    }

    /// The architecture that the header will name.
    pub const fn arch(&self) -> Arch {
        self.arch
    }

    /// The sections in file order, with their offsets.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Size of the whole file in bytes.
    pub const fn file_size(&self) -> u64 {
        self.file_size
    }

    /// The header that the file will have.
    pub fn header(&self, crc32: u32) -> Header {
        let mut header = Header {
            version: VERSION,
            flags: match self.arch {
                Arch::X86_64 => 0,
                Arch::Aarch64 => FLAG_AARCH64,
            },
            default_mem: DEFAULT_MEM,
            default_cpus: DEFAULT_CPUS,
            reserved: 0,
            num_sections: u16::try_from(self.sections.len()).unwrap_or(u16::MAX),
            section_offsets: [0; MAX_SECTIONS],
            section_sizes: [0; MAX_SECTIONS],
            unused: 0,
            crc32,
        };
        let slots = header.section_offsets.iter_mut();
        for ((offset, size), section) in slots.zip(&mut header.section_sizes).zip(&self.sections) {
            *offset = section.header_offset;
            *size = section.size;
        }
        header
    }

    /// The header's bytes.
    pub(crate) fn encode_header(&self, crc32: u32) -> [u8; HEADER_SIZE] {
        self.header(crc32).encode()
    }

    /// The CRC-32 that the file will have, from those of its sections' data in file order.
    ///
    /// Nothing is read again: CRCs of parts combine. The parts have to be those that will be
    /// written, in number and size; if they are not, the result is another CRC, and
    /// [`Writer::finish`](crate::Writer::finish) refuses it.
    pub fn crc32_of_parts(&self, data: &[SectionCrc]) -> u32 {
        let mut crc = Crc32::new();
        crc.update(crc_covered(&self.encode_header(0)));
        for (section, part) in self.sections.iter().zip(data) {
            crc.update(&section.encode_header());
            crc.combine(&Crc32::new_with_initial_len(part.crc32, part.size));
        }
        crc.finalize()
    }
}

/// Sections put one behind the other, without gaps.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) sections: Vec<Section>,
    /// Where the next section header goes.
    pub(crate) end: u64,
    ramdisks: usize,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            sections: Vec::new(),
            end: FIRST_SECTION,
            ramdisks: 0,
        }
    }
}

impl Plan {
    /// Puts a section at the end.
    pub(crate) fn push(&mut self, kind: SectionKind, size: u64, flags: u16) -> Result<(), Error> {
        let (index, header_offset) = (self.sections.len(), self.end);
        let data_offset = header_offset.checked_add(SECTION_HEADER_SIZE);
        let end = data_offset.and_then(|offset| offset.checked_add(size));
        let (Some(data_offset), Some(end)) = (data_offset, end) else {
            let place = Place {
                index,
                kind: Some(kind),
                offset: header_offset,
            };
            return Err(Error::Overflow { place, size });
        };
        let ramdisk = (kind == SectionKind::Ramdisk).then_some(self.ramdisks);
        if ramdisk.is_some() {
            self.ramdisks = self.ramdisks.saturating_add(1);
        }
        self.sections.push(Section {
            kind,
            index,
            ramdisk,
            header_offset,
            data_offset,
            size,
            flags,
        });
        self.end = end;
        Ok(())
    }
}
